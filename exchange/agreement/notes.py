"""What two agencies should know before they sign: no mistake, and yet worth a second look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from exchange.agreement.encryption import is_encrypted, may_be_plain
from exchange.agreement.explain import ANSWER_FIELDS, explain
from exchange.agreement.model import LEGAL_TIME, Agreement
from exchange.agreement.versions import grant_of, versions_of
from schemas.text import Text

if TYPE_CHECKING:
    from schemas.contract import Contract

_SOON = timedelta(days=60)


def notes(
    agreement: Agreement,
    others: Iterable[Agreement],
    contracts: Mapping[str, Contract],
    now: datetime,
) -> Iterator[Text]:
    """Remarks on ``agreement`` beside the other files of ``agreements/``."""
    versions = versions_of((*others, agreement), agreement)
    yield from _on_time(agreement, versions, now)
    for newer, older in pairwise(versions):
        if newer == agreement:
            yield from _on_change(older, newer)
    for direction in explain(agreement, None, contracts).directions:
        needed, needed_zh = (sep.join(sorted(ANSWER_FIELDS)) for sep in (", ", "、"))
        at = f"{direction.from_name} → {direction.to_name}, {direction.purpose}"
        if not direction.receipts_come_back and any(
            t.record_type != "receipt" for t in direction.records
        ):
            yield Text(
                en=f"{at}: no grant lets receipts go back (with {needed}), so nothing is "
                "awaited and it is not known here whether a bundle was taken in",
                zh=f"{at}：没有授权对方回传回执（至少含 {needed_zh}）；本方不会等待答复，"
                "也无从得知数据包是否已入库",
            )
        for granted in direction.records:
            for column in granted.unchecked:
                yield Text(
                    en=f"{at}: {granted.record_type}.{column} is tested by the row filter but not "
                    "granted, so the receiver can't test it again",
                    zh=f"{at}：行范围依据 {granted.record_type}.{column}，但该字段未授权，"
                    "接收方无法复核",
                )
    for grant in agreement.grants:
        if is_encrypted(grant, contracts) and may_be_plain(grant, contracts):
            yield Text(
                en=f"{agreement.stream_id(grant)}: whether bundles are encrypted depends on "
                'fields that our contracts do not have yet; encryption = "always" says it outright',
                zh=f"{agreement.stream_id(grant)}：是否加密取决于本方数据标准中尚不存在的字段；"
                '可写明 encryption = "always"',
            )


def _on_time(
    agreement: Agreement, versions: tuple[Agreement, ...], now: datetime
) -> Iterator[Text]:
    today = now.astimezone(LEGAL_TIME).date()
    later = [a for a in versions if a.version > agreement.version]
    follows = [a for a in later if a.valid_from <= agreement.valid_until + timedelta(days=1)]
    if agreement.valid_until < today:
        yield Text(
            en=f"it ended on {agreement.valid_until}: nothing is sent or taken in under it",
            zh=f"已于 {agreement.valid_until} 到期，不再据此发送和接收",
        )
    elif agreement.valid_from > today:
        yield Text(
            en=f"it begins on {agreement.valid_from}: until then nothing is sent under it",
            zh=f"自 {agreement.valid_from} 起生效，此前不据此发送",
        )
    elif agreement.valid_until - today < _SOON and not follows:
        yield Text(
            en=f"it ends on {agreement.valid_until} and no later version follows on it",
            zh=f"将于 {agreement.valid_until} 到期，且没有后续版本衔接",
        )
    running = [a for a in later if a.is_running(now)]
    if running and agreement.is_running(now):
        yield Text(
            en=f"version {running[0].version} holds in its place",
            zh=f"现行有效的是第 {running[0].version} 版",
        )
    elif later and not follows:
        first = min(later, key=lambda a: a.version)
        yield Text(
            en=f"version {first.version} begins on {first.valid_from}, more than a day after "
            f"this one ends: in between nothing goes",
            zh=f"第 {first.version} 版自 {first.valid_from} 起生效，与本版到期日不衔接，"
            "其间不能发送和接收",
        )


def _on_change(older: Agreement, newer: Agreement) -> Iterator[Text]:
    for grant in older.grants:
        stream = older.stream_id(grant)
        now = grant_of(newer, stream)
        dropped = [
            name
            for name, fields in grant.records.items()
            if fields and (now is None or name not in now.records)
        ]
        for name in dropped:
            yield Text(
                en=f"{stream}: {name} was granted by version {older.version} and is not named any "
                "more, so what was sent stays with the partner; to take it back, keep the grant "
                f"and write {name} = []",
                zh=f"{stream}：第 {older.version} 版授权的 {name} 在本版中未列出，已发送的记录"
                f"将留在对方；如需收回，请保留该授权并写 {name} = []",
            )
