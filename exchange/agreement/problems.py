"""What contradicts itself in an agreement: each with the table and key where it stands.

The forms of the values (dates, codes, numbers) are the model's; here is what several values
together can't mean.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from exchange.agreement.cooperation_problems import cooperation_problems
from exchange.agreement.problem import Problem
from exchange.agreement.rows import UNFILTERED, row_tests
from schemas.codes import canonical
from schemas.compatibility.changes import parse_version
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement, Grant
    from schemas.contract import Contract

_DIVISION_LENGTHS = (2, 4, 6)


def problems(agreement: Agreement, contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """Everything that is wrong, in the order of the file."""
    if agreement.valid_from > agreement.valid_until:
        yield Problem(
            Text(en="valid_until lies before valid_from", zh="valid_until 早于 valid_from"),
            ("valid_until",),
        )
    codes = [p.code for p in agreement.parties]
    seen = Counter(c.lower() for c in codes)
    for index, code in enumerate(codes):
        if seen[code.lower()] > 1:
            yield Problem(
                Text(en="two parties have the same code", zh="两个参与单位的代码相同"),
                ("parties", index, "code"),
            )
    streams = [agreement.stream_id(grant) for grant in agreement.grants]
    for index, grant in enumerate(agreement.grants):
        yield from _of_parties(agreement, grant, index, codes)
        if streams.index(streams[index]) != index:
            yield Problem(
                Text(
                    en="two grants have the same from, to and purpose",
                    zh="两个授权条目的双方与用途完全相同",
                ),
                ("grants", index, "purpose"),
                Text(
                    en="put their records into one grant, or name another purpose",
                    zh="请合并为一个授权条目，或写明不同用途",
                ),
            )
        yield from _of_fields(agreement, grant, index, contracts)
        yield from _of_rows(agreement, grant, index, contracts)
    yield from cooperation_problems(agreement)


def _of_parties(
    agreement: Agreement, grant: Grant, index: int, codes: list[str]
) -> Iterator[Problem]:
    for key, code in (("from", grant.from_org), ("to", grant.to_org)):
        if code not in codes:
            yield Problem(
                Text(
                    en=f"a grant names {code!r}, which is not a party",
                    zh=f"授权条目中的 {code!r} 不是协议参与单位",
                ),
                ("grants", index, key),
                Text(en=f"parties: {', '.join(codes)}", zh=f"参与单位：{'、'.join(codes)}"),
            )
    if grant.from_org == grant.to_org:
        yield Problem(
            Text(en="a grant is from a party to itself", zh="授权的双方是同一单位"),
            ("grants", index, "to"),
        )


def _of_fields(
    agreement: Agreement, grant: Grant, index: int, contracts: Mapping[str, Contract]
) -> Iterator[Problem]:
    for record_type, fields in grant.records.items():
        place = ("grants", index, "records", record_type)
        if record_type not in contracts:
            yield _unknown("record type", "记录类型", record_type, list(contracts), place)
            continue
        if not fields and agreement.version == 1:
            yield Problem(
                Text(
                    en=f"{record_type!r} has no field: in version 1 there is nothing to take back",
                    zh=f"{record_type!r} 没有列出字段：第 1 版没有可收回的内容",
                ),
                place,
                Text(
                    en="list the fields, or leave the record type out; an empty list ends in a "
                    "later version what an earlier one granted",
                    zh="请列出字段，或删去该记录类型；空列表只用于在后续版本中终止先前的授权",
                ),
            )
        twice = next((name for name, times in Counter(fields).items() if times > 1), None)
        if twice is not None:
            yield Problem(
                Text(
                    en=f"a field of {record_type!r} is listed twice: {twice}",
                    zh=f"{record_type!r} 的字段 {twice} 重复列出",
                ),
                place,
            )
        ours = contracts[record_type]
        if not is_to_come(agreement.contracts.get(record_type), ours.version):
            known = [f.name for f in ours.fields]
            for name in fields:
                if name not in known:
                    yield _unknown("field", "字段", name, known, (*place, name))


def _of_rows(
    agreement: Agreement, grant: Grant, index: int, contracts: Mapping[str, Contract]
) -> Iterator[Problem]:
    rows = grant.rows
    if rows.since and rows.until and rows.since > rows.until:
        yield Problem(
            Text(
                en=f"rows.until ({rows.until}) lies before rows.since ({rows.since}): "
                "no record could go",
                zh=f"rows.until（{rows.until}）早于 rows.since（{rows.since}）：没有记录可以发送",
            ),
            ("grants", index, "rows", "until"),
        )
    if rows.since and rows.since > agreement.valid_until:
        yield Problem(
            Text(
                en=f"rows.since ({rows.since}) lies after valid_until ({agreement.valid_until}): "
                "no record could go",
                zh=f"rows.since（{rows.since}）晚于 valid_until（{agreement.valid_until}）："
                "没有记录可以发送",
            ),
            ("grants", index, "rows", "since"),
        )
    listed: tuple[tuple[str, Sequence[str]], ...] = (
        ("divisions", rows.divisions),
        ("domains", rows.domains),
        ("registration_divisions", rows.registration_divisions),
    )
    for key, values in listed:
        place = ("grants", index, "rows", key)
        twice = next((value for value, times in Counter(values).items() if times > 1), None)
        if twice is not None:
            yield Problem(Text(en=f"{twice!r} is listed twice", zh=f"{twice!r} 重复列出"), place)
        for value in values:
            if key == "domains":
                yield from _of_domain(value, place)
            elif len(value) not in _DIVISION_LENGTHS:
                yield Problem(
                    Text(
                        en=f"{value!r} is not the beginning of a division: 2 digits are a "
                        "province, 4 a prefecture, 6 a county",
                        zh=f"{value!r} 不是区划代码的完整层级：2 位为省级，4 位为地级，6 位为县级",
                    ),
                    place,
                )
    for record_type in grant.records:
        yield from _of_missing_columns(agreement, grant, index, record_type, contracts)


def _of_domain(value: str, place: tuple[str | int, ...]) -> Iterator[Problem]:
    known = {row.code: row.label_zh for row in canonical("business_domain")}
    if value in known:
        return
    by_label = next((code for code, label in known.items() if label == value), None)
    shown = [f"{code} {label}" for code, label in known.items()]
    yield Problem(
        Text(en=f"there is no business domain {value!r}", zh=f"没有名为 {value!r} 的业务门类"),
        place,
        Text(en=f"did you mean {by_label!r}?", zh=f"是否应为 {by_label!r}？")
        if by_label
        else Text(en=f"known: {', '.join(shown)}", zh=f"现有：{'、'.join(shown)}"),
    )


def _of_missing_columns(
    agreement: Agreement,
    grant: Grant,
    index: int,
    record_type: str,
    contracts: Mapping[str, Contract],
) -> Iterator[Problem]:
    if record_type not in contracts or record_type in UNFILTERED:
        return
    ours = contracts[record_type]
    if is_to_come(agreement.contracts.get(record_type), ours.version):
        return
    for test in row_tests(grant.rows):
        if test.column not in ours.names():
            key = test.key.split(",")[0]
            yield Problem(
                Text(
                    en=f"{record_type!r} has no {test.column}, which rows.{test.key} tests: none "
                    "of its records could go",
                    zh=f"{record_type!r} 没有 rows.{test.key} 所依据的字段 {test.column}，"
                    "该类记录一条也不能发送",
                ),
                ("grants", index, "rows", key),
                Text(
                    en="grant it in a [[grants]] of its own, with another purpose and without "
                    "this filter",
                    zh="请为该记录类型另立一个 [[grants]]，写明不同用途，且不设该筛选条件",
                ),
            )


def is_to_come(version: str | None, ours: str) -> bool:
    """Whether the agreement is written for a later contract that we can read."""
    if version is None:
        return False
    named, here = parse_version(version), parse_version(ours)
    return named > here and named[0] == here[0]


def _unknown(
    kind: str, kind_zh: str, name: str, known: list[str], place: tuple[str | int, ...]
) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    hint = (
        Text(en=f"did you mean {near[0]!r}?", zh=f"是否应为 {near[0]!r}？")
        if near
        else Text(
            en=f"known: {', '.join(sorted(known)[:40])}",
            zh=f"现有：{'、'.join(sorted(known)[:40])}",
        )
    )
    return Problem(
        Text(en=f"there is no {kind} {name!r}", zh=f"没有名为 {name!r} 的{kind_zh}"), place, hint
    )


def line_of(text: str, place: Sequence[str | int]) -> int | None:
    """The line (from 1) of ``place`` in the file's text; of the nearest key around it if the
    file is written in another way than usual; None if even that is not found.
    """
    lines = text.splitlines()
    start, end = 0, len(lines)
    found: int | None = None
    path: list[str] = []
    for part in place:
        if isinstance(part, int):
            found, start, end = _nth_table(lines, ".".join(path), part, found, (start, end))
            continue
        path.append(part)
        header = _find(lines, rf"\s*\[\s*{_dotted(path)}\s*\]", start, end)
        row = header if header is not None else _key_row(lines, part, start, end)
        if row is None:
            continue
        found = row
        start = row + 1 if header is not None else row
        if header is not None:
            end = _find(lines, r"\s*\[", start, end) or end
    return None if found is None else found + 1


def _nth_table(
    lines: list[str], name: str, nth: int, found: int | None, within: tuple[int, int]
) -> tuple[int | None, int, int]:
    header = rf"\s*\[\[\s*{re.escape(name)}\s*\]\]"
    rows = [i for i, line in enumerate(lines) if re.match(header, line)]
    if nth >= len(rows):
        return found, *within
    end = rows[nth + 1] if nth + 1 < len(rows) else within[1]
    other = _find(lines, rf"\s*\[(?!\s*{re.escape(name)}\s*\.)", rows[nth] + 1, end)
    return rows[nth], rows[nth] + 1, end if other is None else other


def _key_row(lines: list[str], key: str, start: int, end: int) -> int | None:
    """A key of its own, else a value in quotes: a field in a list of many lines."""
    row = _find(lines, rf'\s*"?{re.escape(key)}"?\s*=', start, end)
    return row if row is not None else _find(lines, rf'.*"{re.escape(key)}"', start, end)


def _dotted(path: Sequence[str]) -> str:
    return r"\s*\.\s*".join(re.escape(part) for part in path)


def _find(lines: list[str], pattern: str, start: int, end: int) -> int | None:
    return next((i for i in range(start, end) if re.match(pattern, lines[i])), None)
