"""A node's own rows of code lists: ``<node>/codes/<list>.csv`` over the lists of this package.

A node may say how its own systems write a code (rows of schemes), not what the codes are (no
canonical rows: a code that only one agency knows is no code between agencies), and it may not
contradict a row that is there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

from schemas.codes import CANONICAL, COLUMNS, CodeRow, all_codes, read_row
from schemas.errors import ConfigError, Where
from schemas.text import Text

SUFFIX = ".csv"


def load_codes(folder: Path | str) -> Mapping[str, tuple[CodeRow, ...]]:
    """The package's lists with the rows of the CSV files in ``folder`` after them, by list.

    Columns as in the package's own files, in any order, UTF-8. Without the folder the package's
    lists alone. A row that a list has already (same scheme, raw and code) is left out.

    Raises :class:`ConfigError` that names file and line: a file of a list that does not exist,
    a column that is missing or unknown, an empty or canonical scheme, an empty raw, a code that
    the list does not have, a date that is none, a period that ends before it begins, or a row
    whose scheme and raw another row has for an overlapping time.
    """
    lists = dict(all_codes())
    for path in sorted(Path(folder).glob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        if name not in lists:
            raise _unknown_list(path, name, lists)
        lists[name] = (*lists[name], *_added(path, name, lists[name]))
    return lists


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    row: CodeRow


def _added(path: Path, name: str, there: tuple[CodeRow, ...]) -> Iterator[CodeRow]:
    known: dict[tuple[str, str], list[CodeRow]] = {}
    for row in there:
        known.setdefault((row.scheme, row.raw), []).append(row)
    own: dict[tuple[str, str], list[_Line]] = {}
    codes = {row.code for row in there if row.scheme == CANONICAL}
    for line in _lines(path):
        _check(path, name, line, codes)
        key = (line.row.scheme, line.row.raw)
        for other in own.setdefault(key, []):
            if _overlap(line.row, other.row):
                raise _error(
                    path,
                    line.number,
                    Text(
                        en=f"scheme and raw are those of line {other.number}, for the same time",
                        zh=f"与第 {other.number} 行的 scheme、raw 相同，且有效期重叠",
                    ),
                    _DATES,
                )
        own[key].append(line)
        same_time = [r for r in known.get(key, ()) if _overlap(line.row, r)]
        if any(r.code != line.row.code for r in same_time):
            raise _error(
                path,
                line.number,
                Text(
                    en=f"list {name} already has another code for this scheme and raw "
                    "at the same time",
                    zh=f"代码表 {name} 对同一 scheme、raw 在同一时期已有不同的代码",
                ),
                Text(
                    en="give your system a scheme of its own, or dates that do not overlap",
                    zh="请为本单位系统另起 scheme，或者填写不重叠的有效期",
                ),
            )
        if not same_time:
            yield line.row


def _lines(path: Path) -> Iterator[_Line]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Text(en="the code list can't be read", zh="无法读取代码表"),
            where=Where(str(path)),
            hint=Text(en="save it as CSV in UTF-8", zh="请另存为 UTF-8 编码的 CSV"),
        ) from error
    reader = csv.DictReader(StringIO(text, newline=""), restkey="", restval=None, strict=True)
    try:
        _check_columns(path, reader.fieldnames or ())
        for cells in reader:
            if "" in cells or None in cells.values():
                raise _error(
                    path,
                    reader.line_num,
                    Text(
                        en="the row has more or fewer cells than the header",
                        zh="该行的列数与表头不一致",
                    ),
                    Text(
                        en="put double quotes around a text with commas",
                        zh="含逗号的文本请加双引号",
                    ),
                )
            yield _Line(reader.line_num, _read(path, reader.line_num, cells))
    except csv.Error as error:
        raise _error(
            path, reader.reader.line_num, Text(en="this is not CSV", zh="不是合法的 CSV")
        ) from error


def _read(path: Path, number: int, cells: dict[str, str]) -> CodeRow:
    stripped = {name: cell.strip() for name, cell in cells.items()}
    for name in ("valid_from", "valid_to"):
        if stripped[name] and not _is_date(stripped[name]):
            raise _error(
                path,
                number,
                Text(en=f"{name} is no date", zh=f"{name} 不是日期"),
                Text(en="write YYYY-MM-DD, or nothing", zh="请写成 YYYY-MM-DD，或者留空"),
            )
    if stripped["verified"] not in ("true", "false", ""):
        raise _error(
            path,
            number,
            Text(en="verified is neither true nor false", zh="verified 只能是 true 或 false"),
        )
    return read_row(stripped)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_columns(path: Path, found: Iterable[str]) -> None:
    names = list(found)
    if sorted(names) != sorted(COLUMNS):
        missing = [c for c in COLUMNS if c not in names]
        wrong = [c for c in names if c not in COLUMNS or names.count(c) > 1]
        raise _error(
            path,
            1,
            Text(
                en=f"the header is not that of a code list: missing {', '.join(missing) or '–'}; "
                f"unknown or twice {', '.join(wrong) or '–'}",
                zh=f"表头不符：缺少 {'、'.join(missing) or '（无）'}；"
                f"未知或重复 {'、'.join(wrong) or '（无）'}",
            ),
            Text(en=f"the header is {','.join(COLUMNS)}", zh=f"表头应为 {','.join(COLUMNS)}"),
        )


def _check(path: Path, name: str, line: _Line, codes: set[str]) -> None:
    row = line.row
    if row.scheme == CANONICAL:
        raise _error(
            path,
            line.number,
            Text(
                en="a node can't add canonical codes: its partners would not know them",
                zh="节点不得增加规范代码（canonical）：合作单位无法识别",
            ),
            Text(
                en="translate to a code that the list has; a missing one is added to Hefu itself",
                zh="请对照到代码表已有的代码；确需新增的，应补入本系统自带的代码表",
            ),
        )
    if not (row.scheme and row.raw and (row.scheme + row.raw).isprintable()):
        raise _error(
            path,
            line.number,
            Text(
                en="scheme or raw is empty or holds control characters",
                zh="scheme 或 raw 为空，或者含有控制字符",
            ),
        )
    if row.code not in codes:
        raise _error(
            path,
            line.number,
            Text(
                en=f"list {name} has no code {row.code!r}",
                zh=f"代码表 {name} 没有代码 {row.code!r}",
            ),
            Text(
                en="its codes are in the data dictionary",
                zh="可用的代码见数据字典",
            ),
        )
    if row.valid_from and row.valid_to and row.valid_from >= row.valid_to:
        raise _error(
            path,
            line.number,
            Text(
                en="the period ends before it begins",
                zh="有效期的止期不晚于起期",
            ),
            _DATES,
        )


_DATES = Text(
    en="a row holds from valid_from on and before valid_to; empty is open",
    zh="有效期含 valid_from 当日，不含 valid_to 当日；留空表示不限",
)


def _overlap(one: CodeRow, other: CodeRow) -> bool:
    starts = max(one.valid_from or date.min, other.valid_from or date.min)
    return starts < min(one.valid_to or date.max, other.valid_to or date.max)


def _unknown_list(path: Path, name: str, lists: Mapping[str, object]) -> ConfigError:
    from schemas.contract import did_you_mean

    return ConfigError(
        Text(en=f"there is no code list {name}", zh=f"没有代码表 {name}"),
        where=Where(str(path)),
        hint=did_you_mean(name, lists)
        or Text(
            en="the file's name is that of a list in the data dictionary",
            zh="文件名应为数据字典中的代码表名",
        ),
    )


def _error(path: Path, number: int, message: Text, hint: Text | None = None) -> ConfigError:
    return ConfigError(message, where=Where(str(path), row=number), hint=hint)
