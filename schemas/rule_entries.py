"""What a rule pack may hold: numbers, choices between readings, and tables, each with its law.

Every row says where it stands (``article``), in which words (``text``), how we know
(``source``), whether a person has compared it with the promulgated text (``verified``), and
when it holds: from ``valid_from`` until before ``valid_to``. A row is never edited once it was
in force: a changed or corrected number is a new row with a date of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.text import Text

#: How we know of a row. Only what was read in full may be ``verified``.
SOURCES: dict[str, Text] = {
    "read": Text("read in full in a public copy of the text", "已通读公开文本"),
    "excerpt": Text("seen as an excerpt or second-hand", "仅见摘录或者转引"),
    "memory": Text("from memory, no text at hand", "凭记忆，手头没有文本"),
}

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Ratio = Annotated[Decimal, Field(ge=0, decimal_places=4)]
Yuan = Annotated[Decimal, Field(ge=0, decimal_places=2)]

_PROVENANCE = (
    "name", "article", "text", "source", "verified", "date_verified", "valid_from", "valid_to",
    "withdrawn", "note",
)  # fmt: skip


class Entry(BaseModel):
    """One dated row of law."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    TABLE: ClassVar[str]

    name: Name
    article: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]
    source: Literal["read", "excerpt", "memory"]
    verified: bool
    valid_from: date
    valid_to: date | None = None
    #: False: the number was read, but not the day from which it holds.
    date_verified: bool = True
    #: The day on which the row was found wrong: it is kept to be read and counts for nothing.
    withdrawn: date | None = None
    note: str = ""

    @model_validator(mode="after")
    def _is_honest(self) -> Self:
        if self.verified and self.source != "read":
            raise ValueError("only a text that was read can be verified")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be later than valid_from")
        return self

    def keys(self) -> Iterator[tuple[Any, ...]]:
        """What no two rows of one table may share on one day."""
        yield (self.name,)

    def in_force(self, day: date) -> bool:
        """Whether the row holds on ``day``."""
        if self.withdrawn is not None:
            return False
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def content(self) -> dict[str, Any]:
        """The row without its provenance: what the law says, by field."""
        return {k: v for k, v in self.model_dump().items() if k not in _PROVENANCE}


class Parameter(Entry):
    """A number."""

    TABLE: ClassVar[str] = "parameter"
    value: Decimal
    unit: str
    unit_zh: str


class Choice(Entry):
    """A question that the law leaves open, the readings there are, and the one that we take."""

    TABLE: ClassVar[str] = "choice"
    value: str
    options: tuple[str, ...]

    @model_validator(mode="after")
    def _is_an_option(self) -> Self:
        if self.value not in self.options:
            raise ValueError("value must be one of options")
        return self


class WeightLimit(Entry):
    """The greatest mass of vehicle and load in kg, by axles and configuration."""

    TABLE: ClassVar[str] = "weight_limit"
    axles: Annotated[int, Field(ge=2)]
    #: Also for more axles than these.
    or_more: bool = False
    configuration: Literal["truck", "train"]
    #: ``single_axle``: a train whose tractor has one driving axle.
    drive: Literal["any", "single_axle"] = "any"
    limit_kg: Annotated[int, Field(gt=0)]

    def keys(self) -> Iterator[tuple[Any, ...]]:
        yield from super().keys()
        yield (self.axles, self.configuration, self.drive)


class Band(BaseModel):
    """From more than ``over_ratio`` of the limit: what each further tonne costs."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    over_ratio: Ratio
    yuan_per_tonne: Yuan
    may_be_exempt: bool = False


class OverloadFine(Entry):
    """How a fine for excess mass is computed. ``method``:

    - ``per_step``: up to and including ``free_kg`` of excess a warning; beyond, ``yuan_per_step``
      for each ``step_kg``. What begins a step (``rounding``) and from where steps are counted
      (``counted_from``: the limit, or ``free``: limit + free_kg) is a reading, not the law's word.
    - ``marginal``: each tonne costs what its ``band`` says, as with income tax.
    """

    TABLE: ClassVar[str] = "overload_fine"
    method: Literal["per_step", "marginal"]
    cap_cny: Yuan
    free_kg: Annotated[int, Field(ge=0)] = 0
    step_kg: Annotated[int, Field(gt=0)] | None = None
    yuan_per_step: Yuan | None = None
    rounding: Literal["floor", "ceil"] = "floor"
    counted_from: Literal["limit", "free"] = "limit"
    bands: tuple[Band, ...] = Field(default=(), alias="band")

    def keys(self) -> Iterator[tuple[Any, ...]]:
        yield ("overload_fine",)  # a jurisdiction has one tariff at a time

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.method == "per_step":
            if self.step_kg is None or self.yuan_per_step is None or self.bands:
                raise ValueError("per_step needs step_kg and yuan_per_step, and no bands")
        elif not self.bands or self.step_kg is not None or self.yuan_per_step is not None:
            raise ValueError("marginal needs bands, and no step_kg or yuan_per_step")
        ratios = [b.over_ratio for b in self.bands]
        if self.bands and (ratios != sorted(set(ratios)) or ratios[0] != 0):
            raise ValueError("bands begin at 0 and rise")
        return self


class SizeFine(Entry):
    """A range of fines for a load that is too high, wide or long; None: without bound."""

    TABLE: ClassVar[str] = "size_fine"
    max_height_m: Decimal | None = None
    max_width_m: Decimal | None = None
    max_length_m: Decimal | None = None
    min_cny: Yuan = Decimal(0)
    max_cny: Yuan
    may: bool = False


class PenaltyRange(Entry):
    """Least and greatest fine for a cause (``schemas/codes/case_cause.csv``).

    Where illegal gains are over ``gains_over_cny``, the fine goes by ``gains_times_min`` to
    ``gains_times_max`` times the gains instead. Several rows may serve one cause (grave cases).
    """

    TABLE: ClassVar[str] = "penalty_range"
    causes: tuple[str, ...]
    min_cny: Yuan = Decimal(0)
    max_cny: Yuan
    gains_over_cny: Yuan | None = None
    gains_times_min: Decimal | None = None
    gains_times_max: Decimal | None = None
    #: ``may``: the law leaves it to the agency whether to fine at all.
    may: bool = False


class HearingCondition(Entry):
    """Kinds of penalty before which a hearing is to be offered.

    With ``larger_amount`` only from an amount on: the parameters ``hearing_fine_person_cny`` and
    ``hearing_fine_org_cny`` of the jurisdiction.
    """

    TABLE: ClassVar[str] = "hearing_condition"
    item: str
    kinds: tuple[str, ...] = ()
    larger_amount: bool = False
    fact: str | None = None


class Condition(Entry):
    """One of several facts, each of which is enough for ``duty``."""

    TABLE: ClassVar[str] = "condition"
    duty: Literal["legal_review", "collective_discussion", "on_the_spot_collection"]
    item: str
    fact: Name
    label_en: str


class Exemption(Entry):
    """A ground not to punish. All ``needs`` must be there; ``consequence`` is shall or may."""

    TABLE: ClassVar[str] = "exemption"
    #: Code of ``schemas/codes/non_penalty_basis.csv``.
    ground: str
    consequence: Literal["shall_not_punish", "may_not_punish"]
    needs: tuple[Name, ...]
    decision_type: str
    label_en: str


class ExemptionItem(Entry):
    """One item of a jurisdiction's published list of offences that are let off or eased."""

    TABLE: ClassVar[str] = "exemption_item"
    #: 首违免罚, 轻微免罚, 承诺轻罚.
    list: Literal["first_offence", "minor", "promise"]
    item: str
    causes: tuple[str, ...]
    conditions: tuple[str, ...]
    #: Remind the agency after so many natural days to look whether the promise was kept.
    follow_up_days: Annotated[int, Field(gt=0)] | None = None


class DiscretionTier(Entry):
    """One tier of a jurisdiction's discretion standard for a cause."""

    TABLE: ClassVar[str] = "discretion_tier"
    cause: str
    grade: str
    circumstances: str
    min_cny: Yuan = Decimal(0)
    max_cny: Yuan


class CriminalSign(Entry):
    """What makes a case look like a crime, so that a person has to look at it.

    ``causes``: common codes. With ``field`` and ``over`` only cases whose field is greater.
    """

    TABLE: ClassVar[str] = "criminal_sign"
    causes: Annotated[tuple[str, ...], Field(min_length=1)]
    offence: Annotated[str, Field(min_length=1)]
    offence_en: Annotated[str, Field(min_length=1)]
    field: (
        Literal[
            "overlimit_rate",
            "overlimit_weight_kg",
            "total_weight_kg",
            "fine_amount_cny",
            "confiscated_amount_cny",
        ]
        | None
    ) = None
    over: Decimal | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.field is None) != (self.over is None):
            raise ValueError("field and over go together")
        return self


class Provision(Entry):
    """A duty without a number that people and other rooms refer to by name."""

    TABLE: ClassVar[str] = "provision"
    label_en: str


ENTRY_KINDS: tuple[type[Entry], ...] = (
    Parameter, Choice, WeightLimit, OverloadFine, SizeFine, PenaltyRange, HearingCondition,
    Condition, Exemption, ExemptionItem, DiscretionTier, CriminalSign, Provision,
)  # fmt: skip
