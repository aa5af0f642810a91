"""The page of the code lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schemas.codes import CANONICAL, CodeRow, all_codes
from schemas.contract import load_contract, record_types
from schemas.dictionary.entries import by_scheme
from schemas.dictionary.markdown import LISTS, head, table
from schemas.dictionary.words import yes_no
from schemas.text import Language, Text

# A longer list is read in its file: a page of thousands of lines helps nobody.
_MOST_CODES, _MOST_RAW = 150, 60


def list_page(language: Language) -> Iterator[str]:
    """Every code list: its codes, who uses it, and what each scheme writes."""
    yield from head(Text("Code lists", "代码表").in_language(language), LISTS, language)
    yield Text(
        "Each list is a file of `schemas/codes`. Its canonical codes are what a record holds; "
        "`code('list', 'scheme', value)` in a mapping translates what a scheme writes. "
        "Labels are read by scheme `zh`.",
        "每个代码表是 `schemas/codes` 中的一个文件。记录中存放规范代码；映射中用 "
        "`code('代码表', '体系', 值)` 把某一体系的写法转换为规范代码。中文名称按体系 `zh` 读取。",
    ).in_language(language)
    yield ""
    users = _users()
    for name, rows in all_codes().items():
        yield from _list(name, rows, users.get(name, ()), language)


def _users() -> Mapping[str, tuple[str, ...]]:
    """The fields that use each list, with the record type where only one has them."""
    found: dict[str, dict[str, None]] = {}
    for contract in map(load_contract, record_types()):
        for field in contract.fields:
            if field.code_list:
                found.setdefault(field.code_list, {})[field.name] = None
    return {name: tuple(fields) for name, fields in found.items()}


def _list(
    name: str, rows: Sequence[CodeRow], users: Sequence[str], language: Language
) -> Iterator[str]:
    canonical = [row for row in rows if row.scheme == CANONICAL]
    yield f'## <a id="{name}"></a>`{name}`'
    yield ""
    used = ", ".join(f"`{u}`" for u in users) or "–"
    yield Text(
        f"{len(canonical)} codes. Fields: {used}.", f"共 {len(canonical)} 个代码。字段：{used}。"
    ).in_language(language)
    yield ""
    if len(canonical) > _MOST_CODES:
        file = f"../../schemas/codes/{name}.csv"
        yield Text(
            f"The codes stand in [the file]({file}).", f"代码见[文件]({file})。"
        ).in_language(language)
        yield ""
    else:
        yield from _codes(canonical, language)
    for scheme, written in by_scheme(rows).items():
        yield f"- `{scheme}`: {_written(written, language)}"
    yield ""


def _written(rows: Sequence[CodeRow], language: Language) -> str:
    shown = ", ".join(f"{row.raw} → `{row.code}`" for row in rows[:_MOST_RAW])
    left = len(rows) - _MOST_RAW
    if left <= 0:
        return shown
    return shown + Text(f", and {left} more", f"，等共 {len(rows)} 个").in_language(language)


def _codes(rows: Sequence[CodeRow], language: Language) -> Iterator[str]:
    heads = (
        Text("Code", "代码"),
        Text("中文", "中文"),
        Text("English", "英文"),
        Text("From", "起"),
        Text("Until", "止"),
        Text("Source", "来源"),
        Text("Checked", "已核对"),
    )
    cells = [
        [
            f"`{r.code}`",
            r.label_zh,
            r.label_en,
            r.valid_from.isoformat() if r.valid_from else "",
            r.valid_to.isoformat() if r.valid_to else "",
            r.source,
            yes_no(r.verified).in_language(language),
        ]
        for r in rows
    ]
    yield from table(heads, language, cells)
