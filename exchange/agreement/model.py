"""Who may have which fields of whose records, for what: the agreement between agencies.

Both parties hold the same file and compare its digest. It is the only reason for which a
field leaves a node: what it does not list does not exist for the partner.

    id = "anji-guangde-overload"
    version = 1
    valid_from = 2026-01-01
    valid_until = 2027-12-31

    [[parties]]
    code = "..."          # unified social credit code
    name = "..."

    [[grants]]
    from = "..."          # a party's code
    to = "..."
    purpose = "overload_accumulation"
    legal_basis = "..."
    [grants.records]
    case_result = ["penalty_decision_no", "decision_date", ...]

    [contracts]           # only if a field is of a newer contract than one of the parties has
    case_result = "1.1.0"
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from exchange.agreement.cooperation import Cooperation
from exchange.agreement.problems import line_of, problems
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.statement import AgreementReference, Code, Name, RecordType
from exchange.jsontext import canonical, sha256_hex
from schemas.errors import ConfigError, Where
from schemas.text import Text
from schemas.toml import load_toml

if TYPE_CHECKING:
    from schemas.contract import Contract

Version = Annotated[
    str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){2}$")
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
LEGAL_TIME = ZoneInfo("Asia/Shanghai")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AgreementParty(_Model):
    code: Code
    name: Name


class RowFilter(_Model):
    """Which rows of the granted record types may go. Every test that is given must hold.

    A row without a value in a tested column does not go: what is not known to be covered isn't.
    """

    divisions: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")], ...] = ()
    """Beginnings of ``division_code`` (GB/T 2260): 3305 means all of Huzhou."""
    domains: tuple[Name, ...] = ()
    """Values of ``business_domain``."""
    registration_divisions: tuple[
        Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")], ...
    ] = ()
    """Beginnings of ``vehicle_registration_division``."""
    since: date | None = None
    """First day of ``occurred_time``, in UTC+8."""
    until: date | None = None
    """Last day of ``occurred_time``."""


class Delivery(_Model):
    """What the two agencies expect of each other about a bundle's way."""

    receipt_within_working_days: Annotated[int, Field(ge=1, le=60)] = 2
    """After so many working days without a receipt the sender notes that there is none."""
    at_least_every_days: Annotated[int, Field(ge=1, le=366)] | None = None
    """The receiver is told when the newest thing it has read is older than this."""


class Grant(_Model):
    """One direction of one purpose: the fields of each record type that may go over.

    A contract's technical fields always go along and are not listed.
    """

    from_org: Annotated[Code, Field(alias="from")]
    to_org: Annotated[Code, Field(alias="to")]
    purpose: Slug
    legal_basis: Name
    records: Annotated[dict[RecordType, tuple[Name, ...]], Field(min_length=1)]
    """The fields of each record type. No field at all ends what an earlier version granted:
    nothing of this record type goes any more, and what was sent is taken back."""
    rows: RowFilter = RowFilter()
    encryption: Literal["when_personal", "always"] = "when_personal"
    """Which bundles are encrypted to the receiver: those with fields above ``internal``, or all."""
    retention_days: Annotated[int, Field(ge=1)] | None = None
    """How long the receiver may keep what it was given; None: as its own law says."""
    delivery: Delivery = Delivery()

    def columns(self, contract: Contract) -> tuple[str, ...]:
        """The columns of a bundle's table, in the contract's order: technical and granted."""
        granted = set(self.records[contract.record_type])
        return tuple(f.name for f in contract.fields if f.technical or f.name in granted)


class Agreement(_Model):
    """A signed agreement's machine-readable part. Dates are of Chinese legal time, inclusive."""

    id: Slug
    version: Annotated[int, Field(ge=1)]
    valid_from: date
    valid_until: date
    parties: Annotated[tuple[AgreementParty, ...], Field(min_length=2)]
    grants: Annotated[tuple[Grant, ...], Field(min_length=1)]
    cooperation: Cooperation | None = None
    """Routes and periods; left out of the canonical form where there is none."""
    #: The contract versions that the fields are of. A help for who has an older one to tell a
    #: field to come from a slip of the pen; not part of what is agreed, nor of the digest.
    contracts: dict[RecordType, Version] = Field(default_factory=dict)

    def party(self, code: str) -> AgreementParty:
        return next(p for p in self.parties if p.code == code)

    def grants_from(self, code: str) -> tuple[Grant, ...]:
        return tuple(g for g in self.grants if g.from_org == code)

    def stream_id(self, grant: Grant) -> str:
        """The name of the grant's hash chain; safe as a folder name, unlike for unlike grants."""
        parts = (self.id, grant.from_org, grant.to_org, grant.purpose)
        return ".".join(parts).lower()

    def is_running(self, when: datetime) -> bool:
        return self.valid_from <= when.astimezone(LEGAL_TIME).date() <= self.valid_until

    def check_running(self, when: datetime) -> None:
        """Raises ``ConfigError`` if the agreement does not run at ``when``: nothing is sent."""
        if not self.is_running(when):
            day = when.astimezone(LEGAL_TIME).date()
            raise ConfigError(
                Text(
                    en=f"agreement {self.id!r} runs from {self.valid_from} to "
                    f"{self.valid_until}, not on {day}",
                    zh=f"协议 {self.id!r} 的有效期为 {self.valid_from} 至 {self.valid_until}，"
                    f"{day} 不在有效期内",
                ),
                hint=Text(
                    en="agree on a new version with the partner and put its file in agreements/",
                    zh="请与合作单位续签，并将新版协议文件放入 agreements/",
                ),
            )

    def digest(self) -> str:
        """SHA-256 of the canonical form: layout and comments of the file do not matter."""
        return sha256_hex(self.canonical())

    def canonical(self) -> bytes:
        """What is agreed, in the one spelling that the digest is of (RFC 8785)."""
        silent = {"contracts"} | ({"cooperation"} if self.cooperation is None else set())
        return canonical(self.model_dump(mode="json", by_alias=True, exclude=silent))

    def reference(self) -> AgreementReference:
        return AgreementReference(id=self.id, version=self.version, digest=self.digest())


def load_agreement(path: Path, contracts: Mapping[str, Contract] | None = None) -> Agreement:
    """Read an agreement and hold it against the contracts (those installed, if not given).

    Raises ``ConfigError`` naming file, line and key.
    """
    agreement = load_toml(path, Agreement)
    text = path.read_text(encoding="utf-8")
    for problem in problems(agreement, INSTALLED if contracts is None else contracts):
        where = Where(str(path), line_of(text, problem.place), problem.field)
        raise ConfigError(problem.message, where=where, hint=problem.hint)
    return agreement
