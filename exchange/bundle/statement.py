"""What a bundle says of itself: an in-toto Statement v1 with our predicate.

Its subjects are every other entry of the bundle. Its canonical form (RFC 8785) is the
payload that is signed; the SHA-256 of that payload is the statement's digest, which the
next statement of the stream repeats. So the head of the chain fixes all that came before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationError,
)

from exchange.bundle.container import STATEMENT_ENTRY
from exchange.errors import refusal
from exchange.jsontext import canonical, parse_strict, sha256_hex
from exchange.limits import Limits
from schemas.text import Text

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:hefu:bundle:1"
SENSITIVITY_ORDER = ("public", "internal", "personal", "sensitive")

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def format_time(when: datetime) -> str:
    """UTC with six decimals, the only spelling: ``2026-11-22T01:02:03.000000Z``."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(value: object) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("time without a zone")
        return value.astimezone(UTC)
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("not a UTC time with six decimals")
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


Time = Annotated[datetime, PlainValidator(parse_time), PlainSerializer(format_time)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$")]
RecordType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
StreamId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,199}$")]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Party(_Model):
    """An agency: its code (unified social credit code, GB 32100) and name."""

    code: Code
    name: Name


class AgreementReference(_Model):
    """The agreement under which the bundle was made; ``digest`` as ``Agreement.digest()``."""

    id: Name
    version: Annotated[int, Field(ge=1)]
    digest: Sha256


class ContractReference(_Model):
    """The contract of one table; ``sha256`` of its file in the bundle."""

    version: Name
    sha256: Sha256


class Period(_Model):
    """The time that the rows cover, as the publisher counts it; both ends belong to it."""

    start: Time
    end: Time


class Head(_Model):
    """The last bundle of a stream that the bundle's publisher knows of: one that it took in, or
    its own. Partners who compare what they were told find out who says different things."""

    publisher: Code
    stream: StreamId
    sequence: Annotated[int, Field(ge=1, le=99_999_999)]
    statement_sha256: Sha256


class Predicate(_Model):
    """``urn:hefu:bundle:1``. Every field is defined in ``exchange/FORMAT.md``."""

    bundle_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    publisher: Party
    recipients: Annotated[list[Party], Field(min_length=1, max_length=16)]
    agreement: AgreementReference
    purpose: Name
    legal_basis: Name
    stream: StreamId
    sequence: Annotated[int, Field(ge=1, le=99_999_999)]
    previous_statement_sha256: Sha256 | None
    period: Period | None
    lake_versions: dict[RecordType, Count]
    counts: dict[RecordType, Count]
    contracts: dict[RecordType, ContractReference]
    heads: Annotated[list[Head], Field(max_length=1024)]
    rule_pack_version: Name
    verdict_sha256: Sha256
    created_time: Time
    sensitivity_class: Literal["public", "internal", "personal", "sensitive"]


class _Digest(_Model):
    sha256: Sha256


class _Annotations(_Model):
    size: Count


class Subject(_Model):
    """One entry of the bundle: its name, SHA-256 and size in bytes."""

    name: Name
    digest: _Digest
    annotations: _Annotations

    @classmethod
    def of(cls, name: str, sha256: str, size: int) -> Subject:
        return cls(name=name, digest=_Digest(sha256=sha256), annotations=_Annotations(size=size))


class Statement(_Model):
    """An in-toto Statement v1."""

    type_: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: list[Subject]
    predicate_type: Annotated[Literal["urn:hefu:bundle:1"], Field(alias="predicateType")]
    predicate: Predicate

    def payload(self) -> bytes:
        """The canonical bytes that are signed."""
        return canonical(self.model_dump(by_alias=True, mode="json"))


def make_statement(facts: Mapping[str, Any], subjects: Sequence[Subject]) -> Statement:
    """A statement of all predicate fields but ``bundle_id``, which follows from them."""
    plain = {
        "_type": STATEMENT_TYPE,
        "subject": sorted(subjects, key=lambda s: s.name.encode()),
        "predicateType": PREDICATE_TYPE,
        "predicate": {"bundle_id": "0" * 32, **facts},
    }
    draft = Statement.model_validate(plain).model_dump(by_alias=True, mode="json")
    draft["predicate"]["bundle_id"] = bundle_id_of(draft)
    return Statement.model_validate(draft)


def bundle_id_of(statement: Mapping[str, Any]) -> str:
    """First 32 hex digits of the SHA-256 of the canonical statement without its bundle id."""
    predicate = {k: v for k, v in statement["predicate"].items() if k != "bundle_id"}
    return sha256_hex(canonical({**statement, "predicate": predicate}))[:32]


def read_statement(payload: bytes, limits: Limits) -> Statement:
    """The typed statement. Raises ``VerificationError`` (step ``statement``)."""
    value = parse_strict(payload, "statement", STATEMENT_ENTRY, limits)
    try:
        statement = Statement.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise refusal(
            "statement",
            Text(en="the statement is not as the format says", zh="声明内容不符合格式规定"),
            expected=first["msg"],
            found="another value",
            entry=STATEMENT_ENTRY,
            field=".".join(str(part) for part in first["loc"])[:200],
        ) from None
    _check_consistent(statement, value)
    return statement


def _check_consistent(statement: Statement, value: Mapping[str, Any]) -> None:
    predicate = statement.predicate
    facts: list[tuple[str, object, object]] = [
        ("bundle_id", bundle_id_of(value), predicate.bundle_id),
        ("counts", sorted(predicate.contracts), sorted(predicate.counts)),
        ("lake_versions", sorted(predicate.contracts), sorted(predicate.lake_versions)),
        (
            "previous_statement_sha256",
            "null at sequence 1 and only there",
            "null at sequence 1 and only there"
            if (predicate.sequence == 1) == (predicate.previous_statement_sha256 is None)
            else f"otherwise at sequence {predicate.sequence}",
        ),
    ]
    if predicate.period and predicate.period.start > predicate.period.end:
        facts.append(("period", "start not after end", "start after end"))
    facts += _heads_facts(predicate)
    for field, expected, found in facts:
        if expected != found:
            raise refusal(
                "statement",
                Text(en="the statement contradicts itself", zh="声明内容自相矛盾"),
                expected=expected,
                found=found,
                entry=STATEMENT_ENTRY,
                field=f"predicate.{field}",
            )


def _heads_facts(predicate: Predicate) -> Iterator[tuple[str, object, object]]:
    """Heads are sorted and each stream is there once; what is said of the bundle's own stream
    is no later than the bundle, and the same as its link to the one before."""
    names = [(head.publisher, head.stream) for head in predicate.heads]
    if names != sorted(set(names)):
        yield "heads", "each stream once, by publisher and stream", "a doubled one, or unsorted"
    before = predicate.sequence - 1
    for head in predicate.heads:
        if (head.publisher, head.stream) != (predicate.publisher.code, predicate.stream):
            continue
        if head.sequence > before:
            yield "heads", f"at most sequence {before} of its own stream", head.sequence
        elif head.sequence == before:
            yield "heads", predicate.previous_statement_sha256, head.statement_sha256
