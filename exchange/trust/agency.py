"""What partners know of an agency besides its keys: where it publishes, and for whom to encrypt.

It travels as the TUF target ``agency.json``, which the offline keys sign, and in the agency's card.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from exchange.bundle.statement import Code, Name
from exchange.errors import Step, refusal
from exchange.jsontext import canonical, parse_strict
from exchange.limits import DEFAULT_LIMITS, Limits, Readable
from schemas.text import Text

AGENCY_TARGET = "agency.json"
TYPE = "urn:hefu:agency:1"

Recipient = Annotated[str, StringConstraints(pattern=r"^age1[02-9ac-hj-np-z]{58}$")]
"""An age X25519 recipient (C2SP age, section "The X25519 recipient type")."""


class AgencyFacts(BaseModel):
    """An agency as it describes itself. ``code``: unified social credit code (GB 32100)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    name: Name
    division_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    repository: Annotated[str, StringConstraints(max_length=2000)] = ""
    """Where it publishes (exchange.repository.settings); empty: told in another way."""
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=16)] = ()
    """What bundles for this agency are encrypted to."""
    sealed_recipients: Annotated[tuple[Recipient, ...], Field(max_length=16)] = ()
    """What discipline leads for this agency's one receiver are sealed to."""

    def as_dict(self) -> dict[str, Any]:
        return {"_type": TYPE, **self.model_dump(mode="json")}

    def to_bytes(self) -> bytes:
        """The RFC 8785 form, with ``_type``."""
        return canonical(self.as_dict())


class _Typed(AgencyFacts):
    type_: Literal["urn:hefu:agency:1"] = Field(alias="_type")


def parse_agency(
    data: Readable, *, limits: Limits = DEFAULT_LIMITS, step: Step = "trust"
) -> AgencyFacts:
    """What ``to_bytes`` wrote. Raises ``VerificationError`` for anything else."""
    return agency_of(
        parse_strict(data, step, AGENCY_TARGET, limits), entry=AGENCY_TARGET, step=step
    )


def agency_of(value: Any, *, entry: str, step: Step = "trust") -> AgencyFacts:
    """The facts that a parsed JSON object says. Raises ``VerificationError``."""
    try:
        typed = _Typed.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise refusal(
            step,
            Text(en="this does not describe an agency", zh="内容不是机构信息"),
            expected=f"an object of type {TYPE}",
            found=first["type"],
            entry=entry,
            field=".".join(map(str, first["loc"])),
        ) from None
    return AgencyFacts.model_validate(typed.model_dump(exclude={"type_"}))
