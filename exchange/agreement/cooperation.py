"""What two agencies agree on beyond the exchange itself: what is referred, to whom, how quickly.

[cooperation.clocks]                      # only periods that no law fixes
referral_sign_working_days = 2

[[cooperation.routes]]                    # what a node refers by itself
from = "..."
to = "..."
kind = "copy_notice"                      # schemas/codes/lead_type.csv
record_type = "case_result"               # or lead, accumulation_snapshot
causes = ["overload"]                     # common cause codes; none: every cause
by = "registration_place"                 # or act_place, addressee
divisions = ["3418"]                      # the receiver's territory: beginnings of GB/T 2260

[cooperation]
copy_transfers_to_procuratorate = true
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from exchange.bundle.statement import Code, Name

Beginning = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")]
ClockName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Route(_Model):
    """What one agency refers to another without being asked, because a rule says so.

    ``by``: which place decides that it is the receiver's: where the vehicle is registered, where
    the act was done, or ``addressee``: the record itself names the receiver.
    """

    from_org: Annotated[Code, Field(alias="from")]
    to_org: Annotated[Code, Field(alias="to")]
    kind: Literal["copy_notice", "transfer", "assist"] = "copy_notice"
    record_type: Literal["case_result", "lead", "accumulation_snapshot"]
    causes: tuple[Name, ...] = ()
    by: Literal["registration_place", "act_place", "addressee"]
    divisions: tuple[Beginning, ...] = ()
    since: date | None = None
    """Records before this day (closing, discovery or date of the accumulation, in UTC+8) are not
    referred; without it those before the agreement's ``valid_from`` aren't."""
    feedback_required: bool = True

    def names_place(self) -> bool:
        return self.by != "addressee"


class Cooperation(_Model):
    """The table ``[cooperation]``. Absent, it is no part of the agreement or its digest."""

    clocks: dict[ClockName, Annotated[int, Field(ge=1, le=366)]] = Field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    copy_transfers_to_procuratorate: bool = False
