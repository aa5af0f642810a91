"""A row that a person decided on, in the node's own file of a code list."""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from hefu.code_work.lists import labels, rows_of
from schemas.codes import CANONICAL, COLUMNS, CodeRow, load_codes
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node

_CHINA = timezone(timedelta(hours=8))
_SCHEME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_PUBLIC = 0o644
_HALF_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says: by ``scheme`` of ``code_list``, ``raw`` means ``code``.

    It holds from ``valid_from`` on and before ``valid_to``. ``role``: the person's function, not
    a name.
    """

    code_list: str
    scheme: str
    raw: str
    code: str
    role: str
    valid_from: date | None = None
    valid_to: date | None = None


def accept(node: Node, decision: Decision, now: datetime) -> Path:
    """Append the row to ``<node>/codes/<list>.csv`` and return the file.

    Raises :class:`ConfigError`, and writes nothing, for a list or code that does not exist, the
    canonical scheme, a scheme that is no plain word, an empty text or role, a row that is there
    already, and what :func:`schemas.codes.load_codes` refuses: a period that ends before it
    begins or overlaps another of the same text.
    """
    codes = node.codes()
    row = _row(decision, now)
    _check(row, decision, rows_of(codes, decision.code_list))
    folder = node.root / "codes"
    path = folder / f"{decision.code_list}.csv"
    content = _appended(path, row)
    _check_file(content, path)
    folder.mkdir(exist_ok=True)
    _write(path, content)
    return path


def _row(decision: Decision, now: datetime) -> CodeRow:
    day = now.astimezone(_CHINA).date().isoformat()
    return CodeRow(
        scheme=decision.scheme.strip(),
        raw=decision.raw.strip(),
        code=decision.code.strip(),
        label_zh="",
        label_en="",
        valid_from=decision.valid_from,
        valid_to=decision.valid_to,
        source=f"本单位确认（{decision.role.strip()}，{day}）",
        verified=True,
    )


def _check(row: CodeRow, decision: Decision, rows: Sequence[CodeRow]) -> None:
    from schemas.contract import did_you_mean

    name = decision.code_list
    if row.scheme == CANONICAL or not _SCHEME.fullmatch(row.scheme):
        raise ConfigError(
            Text(
                en=f"{row.scheme!r} can't be a scheme of a node's own rows",
                zh=f"本单位的对照行不能使用编码体系 {row.scheme!r}",
            ),
            hint=Text(
                en="use the scheme that your mapping names in code(), or a new word in lower case",
                zh="请用映射中 code() 所写的编码体系，或另起一个小写英文名",
            ),
        )
    if not row.raw or not decision.role.strip():
        raise ConfigError(
            Text(en="the text or the role is empty", zh="原文或确认人岗位为空"),
            hint=Text(
                en="give the source's text as hefu codes unmapped shows it, and --by the function "
                "of who decides",
                zh="原文照 hefu codes unmapped 所列填写，--by 填写确认人的岗位",
            ),
        )
    known = labels(rows)
    if row.code not in known:
        raise ConfigError(
            Text(
                en=f"list {name} has no code {row.code!r}",
                zh=f"代码表 {name} 没有代码 {row.code!r}",
            ),
            hint=did_you_mean(row.code, known)
            or Text(
                en=f"its codes: hefu codes show {name} --scheme canonical",
                zh=f"可用的代码：hefu codes show {name} --scheme canonical",
            ),
        )
    _check_period(row, known[row.code])
    _check_others(row, name, rows)


def _check_period(row: CodeRow, target: CodeRow) -> None:
    if row.valid_from and row.valid_to and row.valid_from >= row.valid_to:
        raise ConfigError(
            Text(en="the period ends before it begins", zh="有效期的止期不晚于起期"), hint=_DATES
        )
    starts = max(row.valid_from or date.min, target.valid_from or date.min)
    if starts >= min(row.valid_to or date.max, target.valid_to or date.max):
        raise ConfigError(
            Text(
                en=f"code {row.code} is not in force at any time of that period",
                zh=f"代码 {row.code} 在该有效期内均不在用",
            ),
            hint=_DATES,
        )


def _check_others(row: CodeRow, name: str, rows: Sequence[CodeRow]) -> None:
    for other in rows:
        if other.scheme != row.scheme or not _overlap(other, row):
            continue
        # The macros read a text as it is and in this form: both must mean the same.
        if _form(other.raw) != _form(row.raw):
            continue
        if other.code == row.code:
            raise ConfigError(
                Text(
                    en=f"list {name} has this row already, for {_period(other).en}",
                    zh=f"代码表 {name} 已有此行，有效期{_period(other).zh}",
                ),
                hint=Text(
                    en="the records are mapped by it when they are normalised again",
                    zh="重新规范化后，记录即按该行对照",
                ),
            )
        raise ConfigError(
            Text(
                en=f"list {name} already reads this text of scheme {row.scheme} as {other.code}, "
                f"for {_period(other).en}",
                zh=f"代码表 {name} 中，编码体系 {row.scheme} 的这一写法已对照为 {other.code}，"
                f"有效期{_period(other).zh}",
            ),
            hint=Text(
                en="if your system means something else by it, give it a scheme of its own and "
                "name that in the mapping; if the meaning changed, give --from and --until",
                zh="如本单位系统另有所指，请另起编码体系并在映射中写明；"
                "如含义有过变化，请写 --from、--until",
            ),
        )


def _form(text: str) -> str:
    """Trimmed, NFC and half width, as ``code()`` looks a text up the second time."""
    return unicodedata.normalize("NFC", text).strip().translate(_HALF_WIDTH)


def _overlap(one: CodeRow, other: CodeRow) -> bool:
    starts = max(one.valid_from or date.min, other.valid_from or date.min)
    return starts < min(one.valid_to or date.max, other.valid_to or date.max)


def _period(row: CodeRow) -> Text:
    if row.valid_from is None and row.valid_to is None:
        return Text(en="any time", zh="不限")
    start, end = row.valid_from or "…", row.valid_to or "…"
    return Text(en=f"{start} to {end}", zh=f"{start} 至 {end}")


_DATES = Text(
    en="a row holds from its first day on and before its last; leave out what is open",
    zh="有效期含起日，不含止日；不限的不写",
)


def _appended(path: Path, row: CodeRow) -> str:
    try:
        before = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Text(en="the code list can't be read", zh="无法读取代码表"),
            where=Where(str(path)),
            hint=Text(en="save it as CSV in UTF-8", zh="请另存为 UTF-8 编码的 CSV"),
        ) from error
    columns = next(csv.reader(before.splitlines()[:1]), list(COLUMNS))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="", extrasaction="ignore")
    if not before:
        writer.writeheader()
    elif not before.endswith("\n"):
        text.write("\n")
    writer.writerow(
        {
            "scheme": row.scheme,
            "raw": row.raw,
            "code": row.code,
            "label_zh": row.label_zh,
            "label_en": row.label_en,
            "valid_from": row.valid_from.isoformat() if row.valid_from else "",
            "valid_to": row.valid_to.isoformat() if row.valid_to else "",
            "source": row.source,
            "verified": "true" if row.verified else "false",
        }
    )
    return before + text.getvalue()


def _check_file(content: str, path: Path) -> None:
    """Read what would be written by the rules that every run reads it by."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path.name).write_text(content, encoding="utf-8")
        try:
            load_codes(folder)
        except ConfigError as error:
            row = error.where.row if error.where else None
            raise ConfigError(
                error.message, where=Where(str(path), row=row), hint=error.hint
            ) from None


def _write(path: Path, content: str) -> None:
    """The whole new file or the old one, never a part."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(_PUBLIC)
    temporary.replace(path)
