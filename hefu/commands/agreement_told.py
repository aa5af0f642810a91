"""How ``hefu agreement explain`` says an agreement, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from exchange.agreement.explain import CLASSES
from hefu.terminal import show_count, tr
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.explain import Direction, Explained, FieldExplained, TypeExplained
    from flows.counting import Counted

Counts = Mapping[str, Mapping[str, "Counted"]]

#: Why records are held back (``flows.counting``), in words.
HELD = {
    "not_ours": Text(en="not this agency's own", zh="不是本单位的记录"),
    "not_shared": Text(en="marked as not to be shared", zh="标注为不予共享"),
    "discipline": Text(
        en="leads on an official's conduct, which only go sealed",
        zh="涉及公职人员的问题线索，只能密封移送",
    ),
    "other_addressee": Text(en="addressed to another agency", zh="收件单位为其他机关"),
    "no_such_bundle": Text(en="receipts for another agency", zh="应回给其他机关的回执"),
    "outside": Text(en="outside the row filter", zh="不在行范围之内"),
    "ended": Text(en="of a record type that is granted no more", zh="该记录类型已终止授权"),
    "gone": Text(en="gone at the source", zh="来源已删除"),
    "breaks_rule": Text(
        en="break a rule that was added after they were accepted",
        zh="违反入湖之后新增的强制规则",
    ),
}


def told(explained: Explained, counts: Counts) -> Iterator[str]:
    """The lines; ``counts`` by stream and record type, empty where there is no node."""
    a = explained.agreement
    yield tr(
        f"Agreement {a.id}, version {a.version}, from {a.valid_from} to the end of "
        f"{a.valid_until}, Beijing time",
        f"协议 {a.id} 第 {a.version} 版，有效期自 {a.valid_from} 至 {a.valid_until}"
        "（含当日，北京时间）",
    )
    yield tr("Parties: ", "参与单位：") + tr(", ", "、").join(
        tr(f"{p.name} ({p.code})", f"{p.name}（{p.code}）") for p in a.parties
    )
    yield tr(f"Digest: {explained.digest}", f"协议摘要：{explained.digest}")
    yield tr(
        "Both parties must get the same digest from their files.",
        "双方由各自文件得出的摘要必须一致。",
    )
    for number, direction in enumerate(explained.directions, 1):
        yield ""
        yield from _direction(number, direction, counts.get(direction.stream, {}))
    if explained.cooperation:
        yield ""
        yield tr("What the agencies do with it", "双方据此办理的事项")
        yield from (f"   - {sentence}" for sentence in explained.cooperation)


def _direction(number: int, d: Direction, counts: Mapping[str, Counted]) -> Iterator[str]:
    yield tr(
        f"{number}. From {d.from_name} to {d.to_name}",
        f"{number}．{d.from_name} 提供给 {d.to_name}",
    ) + (tr(" (we send)", "（本单位发送）") if d.is_ours else "")
    yield tr(f"   Purpose: {d.purpose}", f"   用途：{d.purpose}")
    yield tr(f"   Legal basis: {d.legal_basis}", f"   法律依据：{d.legal_basis}")
    yield ""
    yield tr("   What leaves", "   提供的内容")
    for granted in d.records:
        yield from _type(granted, counts.get(granted.record_type))
    yield from _rows(d)
    yield tr("   Encryption: ", "   加密：") + _encryption(d)
    yield tr("   Kept by the receiver: ", "   接收方保存期限：") + (
        tr(f"at most {d.retention_days} days", f"最长 {d.retention_days} 天")
        if d.retention_days is not None
        else tr("as the receiver's own law says", "按接收方适用的法律规定")
    )
    yield tr("   Receipt: ", "   回执：") + _receipt(d)
    if d.at_least_every_days is not None:
        yield tr(
            f"   Rhythm: the receiver is told when the newest thing it has read is older than "
            f"{d.at_least_every_days} days",
            f"   频次：接收方读到的最新内容超过 {d.at_least_every_days} 天时予以提示",
        )
    yield ""
    yield tr("   What does not leave", "   不提供的内容")
    for granted in d.records:
        if not granted.ended:
            yield from _staying(granted)
    if d.not_granted:
        yield tr("   - no record at all of: ", "   - 以下记录类型一条也不提供：") + _listed(
            tr(f"{x.en} ({n})", f"{x.zh}（{n}）") for n, x in d.not_granted
        )
    yield tr(
        "   - records marked as not to be shared, addressed to another agency, or received from "
        "others; leads on an official's conduct",
        "   - 标注为不予共享的、收件单位为其他机关的、由其他单位提供的记录，"
        "以及涉及公职人员的问题线索",
    )
    if d.rows:
        yield tr(
            "   - records outside the row filter, or without a value that it asks for",
            "   - 行范围以外的记录，以及缺少筛选所依据数值的记录",
        )
    yield tr(
        "   A record that was sent and may no longer be is taken back: it goes once more, marked "
        "as removed, with nothing that did not go before.",
        "   已提供的记录如不得再提供，将予收回：以“已删除”状态再发送一次，不含新的内容。",
    )


def _type(granted: TypeExplained, counted: Counted | None) -> Iterator[str]:
    name = tr(
        f"{granted.label.en} ({granted.record_type})",
        f"{granted.label.zh}（{granted.record_type}）",
    )
    if granted.ended:
        yield tr(
            f"   - {name}: granted no more; what was sent is taken back",
            f"   - {name}：已终止授权，先前提供的记录予以收回",
        )
    else:
        yield f"   - {name}"
        for kind in ("sensitive", "personal", "internal", "public"):
            fields = [f for f in granted.going if f.classification == kind]
            if fields:
                mark = " (!)" if kind in ("sensitive", "personal") else ""
                yield f"       {CLASSES[kind]}{mark}{tr(': ', '：')}" + _fields(fields)
        if granted.to_come:
            yield tr(
                "       of a contract that this installation does not have yet: ",
                "       本方数据标准中尚不存在：",
            ) + _listed(granted.to_come)
        yield tr("       always with them: ", "       固定附带：") + _fields(granted.technical)
    if counted is not None:
        yield from _counted(counted)


def _counted(counted: Counted) -> Iterator[str]:
    yield tr(
        f"       at this node now: {show_count(counted.current)} records, of which "
        f"{show_count(counted.going)} may go",
        f"       本节点现有 {show_count(counted.current)} 条，可提供 "
        f"{show_count(counted.going)} 条",
    )
    for reason, count in counted.held.items():
        yield tr(
            f"         held back {show_count(count)}: {HELD[reason].en}",
            f"         不提供 {show_count(count)} 条：{HELD[reason].zh}",
        )


def _rows(d: Direction) -> Iterator[str]:
    if not d.rows:
        yield tr(
            "   Which records: all that may be shared (no row filter)",
            "   记录范围：可共享的全部记录（未设行范围）",
        )
        return
    yield tr("   Which records: only where", "   记录范围：须同时满足")
    for sentence in d.rows:
        yield f"     · {sentence}"
    free = [t for t in d.records if not t.filtered and not t.ended]
    if free:
        yield tr("     not asked of: ", "     不适用于：") + _listed(
            tr(t.label.en, t.label.zh) for t in free
        )
    unchecked = sorted({column for t in d.records for column in t.unchecked})
    if unchecked:
        yield tr(
            f"     the receiver can't check {', '.join(unchecked)}: not among the granted fields",
            f"     接收方无法复核 {'、'.join(unchecked)}：该字段不在授权之列",
        )


def _encryption(d: Direction) -> str:
    if d.encrypted:
        return tr(
            f"yes, only the receiver can open a bundle: {d.encryption.en}",
            f"是，仅接收方可以打开：{d.encryption.zh}",
        )
    return tr(f"no: {d.encryption.en}", f"否：{d.encryption.zh}")


def _receipt(d: Direction) -> str:
    days = d.receipt_within_working_days
    if all(t.record_type == "receipt" for t in d.records):
        return tr("none is owed for receipts", "回执本身无需再回执")
    if not d.receipts_come_back:
        return tr(
            f"expected within {days} working days, but no grant lets one come back",
            f"应在 {days} 个工作日内作出，但协议未授权对方回传回执",
        )
    return tr(
        f"expected within {days} working days of a bundle's publication; after that the sender "
        "notes that there is none",
        f"应在数据包发布后 {days} 个工作日内作出；逾期由发送方记为未回执",
    )


def _staying(granted: TypeExplained) -> Iterator[str]:
    name = tr(granted.label.en, granted.label.zh)
    personal = [f for f in granted.staying if f.is_personal]
    others = [f for f in granted.staying if not f.is_personal]
    if personal:
        yield tr(f"   - of {name}, personal fields: ", f"   - {name}中的个人信息字段：") + _fields(
            personal
        )
    if others:
        yield tr(f"   - of {name}, other fields: ", f"   - {name}中的其他字段：") + _fields(others)


def _fields(fields: Iterable[FieldExplained]) -> str:
    return _listed(tr(f"{f.label.en} ({f.name})", f"{f.label.zh}（{f.name}）") for f in fields)


def _listed(parts: Iterable[str]) -> str:
    return tr(", ", "、").join(parts)


def as_json(explained: Explained, counts: Counts) -> dict[str, Any]:
    """The same for another program; labels in both languages."""
    a = explained.agreement
    return {
        "id": a.id,
        "version": a.version,
        "digest": explained.digest,
        "valid_from": a.valid_from.isoformat(),
        "valid_until": a.valid_until.isoformat(),
        "parties": [{"code": p.code, "name": p.name} for p in a.parties],
        "directions": [_direction_json(d, counts.get(d.stream, {})) for d in explained.directions],
        "cooperation": [_text_json(sentence) for sentence in explained.cooperation],
    }


def _direction_json(d: Direction, counts: Mapping[str, Counted]) -> dict[str, Any]:
    return {
        "stream": d.stream,
        "from": {"code": d.from_org, "name": d.from_name},
        "to": {"code": d.to_org, "name": d.to_name},
        "we_send": d.is_ours,
        "purpose": d.purpose,
        "legal_basis": d.legal_basis,
        "records": [_type_json(t, counts.get(t.record_type)) for t in d.records],
        "rows": [_text_json(sentence) for sentence in d.rows],
        "encrypted": d.encrypted,
        "encryption_reason": _text_json(d.encryption),
        "retention_days": d.retention_days,
        "receipt_within_working_days": d.receipt_within_working_days,
        "receipts_come_back": d.receipts_come_back,
        "at_least_every_days": d.at_least_every_days,
        "not_granted": [{"record_type": n, "label": _text_json(x)} for n, x in d.not_granted],
    }


def _type_json(t: TypeExplained, counted: Counted | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "record_type": t.record_type,
        "label": _text_json(t.label),
        "ended": t.ended,
        "filtered": t.filtered,
        "unchecked_by_receiver": list(t.unchecked),
        "fields": [_field_json(f) for f in t.going],
        "technical": [_field_json(f) for f in t.technical],
        "not_granted": [_field_json(f) for f in t.staying],
        "to_come": list(t.to_come),
    }
    if counted is not None:
        found["at_this_node"] = {
            "current": counted.current,
            "going": counted.going,
            "held_back": dict(counted.held),
        }
    return found


def _field_json(f: FieldExplained) -> dict[str, Any]:
    return {
        "name": f.name,
        "label": _text_json(f.label),
        "classification": f.classification,
        "personal": f.is_personal,
    }


def _text_json(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}
