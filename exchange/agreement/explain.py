"""An agreement in plain words: what leaves for whom and why, and what does not.

For the people who sign it. Everything here follows from the file and the contracts; how many
records that is at a node is counted elsewhere (``flows.coverage``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.agreement.cooperation_told import cooperation_sentences
from exchange.agreement.encryption import above_internal, is_encrypted
from exchange.agreement.model import Agreement, Grant, RowFilter
from exchange.agreement.rows import UNFILTERED, row_tests
from exchange.bundle.statement import SENSITIVITY_ORDER
from schemas.codes import canonical
from schemas.text import Text

if TYPE_CHECKING:
    from schemas.contract import Contract, Field

CLASSES: Mapping[str, Text] = {
    "public": Text(en="public", zh="公开"),
    "internal": Text(en="internal", zh="内部"),
    "personal": Text(en="personal information", zh="个人信息"),
    "sensitive": Text(en="sensitive personal information", zh="敏感个人信息"),
}
_PERSONAL = ("personal", "sensitive")

ANSWER_FIELDS = frozenset(
    {"receipt_no", "receipt_grade", "refers_to_bundle_digest", "receipt_time"}
)
"""Without these fields a receipt says nothing of a bundle."""


@dataclass(frozen=True, slots=True)
class FieldExplained:
    """One field. ``classification``: public, internal, personal or sensitive."""

    name: str
    label: Text
    classification: str

    @property
    def is_personal(self) -> bool:
        return self.classification in _PERSONAL


@dataclass(frozen=True, slots=True)
class TypeExplained:
    """One granted record type.

    ``going``: the granted fields. ``technical``: those that go along unasked (who, when, which).
    ``staying``: the fields of this type that do not go. ``to_come``: granted fields that our
    contract does not have yet. ``ended``: nothing goes any more, what was sent is taken back.
    ``filtered``: the row filter counts for it; ``unchecked``: columns that the filter tests and
    that the receiver does not get, so that only the sender can test them.
    """

    record_type: str
    label: Text
    going: tuple[FieldExplained, ...]
    technical: tuple[FieldExplained, ...]
    staying: tuple[FieldExplained, ...]
    to_come: tuple[str, ...]
    ended: bool
    filtered: bool
    unchecked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Direction:
    """One grant: from one agency to another, for one purpose."""

    stream: str
    from_org: str
    from_name: str
    to_org: str
    to_name: str
    is_ours: bool
    purpose: str
    legal_basis: str
    records: tuple[TypeExplained, ...]
    not_granted: tuple[tuple[str, Text], ...]
    rows: tuple[Text, ...]
    encrypted: bool
    encryption: Text
    retention_days: int | None
    receipt_within_working_days: int
    receipts_come_back: bool
    at_least_every_days: int | None


@dataclass(frozen=True, slots=True)
class Explained:
    """A whole agreement; the directions in the order of the file."""

    agreement: Agreement
    digest: str
    directions: tuple[Direction, ...]
    cooperation: tuple[Text, ...]
    """What is referred without being asked, and periods that the parties fixed: a sentence each."""


def explain(
    agreement: Agreement, node_code: str | None, contracts: Mapping[str, Contract]
) -> Explained:
    """What the agreement says; ``node_code``: whose directions are ``is_ours``, None at no node."""
    return Explained(
        agreement,
        agreement.digest(),
        tuple(_direction(agreement, g, node_code, contracts) for g in agreement.grants),
        tuple(cooperation_sentences(agreement)),
    )


def _direction(
    agreement: Agreement, grant: Grant, node_code: str | None, contracts: Mapping[str, Contract]
) -> Direction:
    back = (g for g in agreement.grants if (g.from_org, g.to_org) == (grant.to_org, grant.from_org))
    return Direction(
        stream=agreement.stream_id(grant),
        from_org=grant.from_org,
        from_name=agreement.party(grant.from_org).name,
        to_org=grant.to_org,
        to_name=agreement.party(grant.to_org).name,
        is_ours=grant.from_org == node_code,
        purpose=grant.purpose,
        legal_basis=grant.legal_basis,
        records=tuple(_type(grant, contracts[name]) for name in grant.records),
        not_granted=tuple(
            (name, contract.label)
            for name, contract in contracts.items()
            if name not in grant.records
        ),
        rows=tuple(_row_sentences(grant.rows)),
        encrypted=is_encrypted(grant, contracts),
        encryption=_why_encrypted(grant, contracts),
        retention_days=grant.retention_days,
        receipt_within_working_days=grant.delivery.receipt_within_working_days,
        receipts_come_back=any(set(g.records.get("receipt", ())) >= ANSWER_FIELDS for g in back),
        at_least_every_days=grant.delivery.at_least_every_days,
    )


def _type(grant: Grant, contract: Contract) -> TypeExplained:
    listed = grant.records[contract.record_type]
    columns = set(grant.columns(contract))
    filtered = contract.record_type not in UNFILTERED and bool(listed)
    return TypeExplained(
        record_type=contract.record_type,
        label=contract.label,
        going=tuple(_field(f) for f in contract.fields if f.name in listed),
        technical=tuple(_field(f) for f in contract.fields if f.technical and f.name not in listed),
        staying=tuple(_field(f) for f in contract.fields if f.name not in columns),
        to_come=tuple(name for name in listed if name not in contract.names()),
        ended=not listed,
        filtered=filtered,
        unchecked=tuple(t.column for t in row_tests(grant.rows) if t.column not in columns)
        if filtered
        else (),
    )


def _field(field: Field) -> FieldExplained:
    return FieldExplained(
        field.name, Text(en=field.label_en, zh=field.label_zh), field.classification
    )


def _row_sentences(rows: RowFilter) -> Iterator[Text]:
    """Each condition of the filter as a sentence; a record has to meet all of them."""
    if rows.divisions:
        yield Text(
            en=f"the record belongs to {_places(rows.divisions).en} (division_code)",
            zh=f"记录所属行政区划为{_places(rows.divisions).zh}（division_code）",
        )
    if rows.domains:
        labels = {r.code: Text(en=r.label_en, zh=r.label_zh) for r in canonical("business_domain")}
        named = [(d, labels.get(d, Text(en=d, zh=d))) for d in rows.domains]
        yield Text(
            en="its business domain is "
            + " or ".join(f"{label.en} ({code})" for code, label in named)
            + " (business_domain)",
            zh="业务门类为"
            + "或".join(f"{label.zh}（{code}）" for code, label in named)
            + "（business_domain）",
        )
    if rows.registration_divisions:
        places = _places(rows.registration_divisions)
        yield Text(
            en=f"its vehicle is registered in {places.en} (vehicle_registration_division)",
            zh=f"车辆登记地为{places.zh}（vehicle_registration_division）",
        )
    if rows.since and rows.until:
        yield Text(
            en=f"it occurred from {rows.since} to the end of {rows.until}, Beijing time "
            "(occurred_time)",
            zh=f"发生时间在 {rows.since} 至 {rows.until} 之间，首尾两日均包含在内"
            "（北京时间，occurred_time）",
        )
    elif rows.since:
        yield Text(
            en=f"it occurred on or after {rows.since}, Beijing time (occurred_time)",
            zh=f"发生时间在 {rows.since} 当日及以后（北京时间，occurred_time）",
        )
    elif rows.until:
        yield Text(
            en=f"it occurred on or before {rows.until}, Beijing time (occurred_time)",
            zh=f"发生时间在 {rows.until} 当日及以前（北京时间，occurred_time）",
        )


def _places(beginnings: tuple[str, ...]) -> Text:
    labels = {r.code: Text(en=r.label_en, zh=r.label_zh) for r in canonical("division")}
    named = [(b, labels.get(b.ljust(6, "0"))) for b in beginnings]
    return Text(
        en=" or ".join(f"{label.en} ({b}…)" if label else f"{b}…" for b, label in named),
        zh="或".join(f"{label.zh}（{b} 开头）" if label else f" {b} 开头者" for b, label in named),
    )


def _why_encrypted(grant: Grant, contracts: Mapping[str, Contract]) -> Text:
    if grant.encryption == "always":
        return Text(
            en="the agreement says that every bundle is encrypted",
            zh="协议约定所有数据包一律加密",
        )
    above = above_internal(grant, contracts)
    if above:
        worst = max((f.classification for f in above), key=SENSITIVITY_ORDER.index)
        return Text(
            en=f"{len(above)} granted fields are above internal, up to {CLASSES[worst].en}",
            zh=f"授权字段中有 {len(above)} 个高于“内部”级别，最高为“{CLASSES[worst].zh}”",
        )
    if is_encrypted(grant, contracts):
        return Text(
            en="it grants a field that our contracts do not have yet, so its class is not known",
            zh="授权了本方数据标准中尚不存在的字段，其敏感级别未知",
        )
    return Text(
        en="no granted field is above internal; whoever gets hold of a bundle can read it",
        zh="授权字段均不高于“内部”级别；取得数据包的人即可阅读其内容",
    )
