"""Current records of the lake in a format that others want: ``hefu export``.

Every current record is exported or counted among those left out, by reason; a row that ought
to go and can't is listed beside the file with what it lacks. Nothing is cut or rounded to fit.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from schemas.codes import REMOVED, UNMAPPED, canonical
from schemas.contract import load_contract
from schemas.errors import AccountingError, ConfigError, Where
from schemas.exports import ExportColumn, ExportFormat, load_export
from schemas.masking import mask, mask_text, masked
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

    from hefu.node import Node
    from schemas.contract import Field

Encoding = Literal["utf-8-sig", "utf-8", "gb18030"]
HeaderKind = Literal["code", "label"]
_BATCH = 10_000
_XLSX_ROWS = 1_048_575
#: What a spreadsheet would run when it opens a CSV (OWASP, "CSV Injection").
_FORMULA = r"^[=+\-@\t\r]"
_LEAST_NAME = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records, and how they are written. Both dates of the decision belong to the span."""

    since: date | None = None
    until: date | None = None
    own_only: bool = True
    statuses: tuple[str, ...] = ("valid",)
    public: bool = False
    header: HeaderKind = "code"
    encoding: Encoding = "utf-8-sig"


@dataclass(frozen=True, slots=True)
class Exported:
    """``current`` = ``exported`` + the sum of ``left_out``. ``listed``: those of them that are
    in ``list_path``, each with what it lacks; the others were not asked for.
    """

    out: Path
    current: int
    exported: int
    listed: int
    left_out: Mapping[str, int]
    list_path: Path | None
    problems: Mapping[str, int]


def export_records(node: Node, name: str, out: Path, wanted: Wanted) -> Exported:
    """Write the node's current records in format ``name`` to ``out`` (``.csv`` or ``.xlsx``).

    The file and the list beside it are the owner's alone (0600) and appear complete or not at
    all. Raises :class:`ConfigError` for an unknown format or suffix, a file that is there, more
    rows than a sheet holds; :class:`AccountingError` if the counts do not balance.
    """
    from flows.workspace import workspace
    from lake.store import Lake

    form = load_export(name)
    _check(out, form, wanted)
    with workspace(node) as (con, _):
        Lake(node.place("lake")).attach(con, form.about.record_type)
        _judge(con, form, node.agency.code, out, wanted)
        return _write(con, form, out, wanted)


def _check(out: Path, form: ExportFormat, wanted: Wanted) -> None:
    if out.suffix.lower() not in (".csv", ".xlsx"):
        raise ConfigError(
            Text(en="the file must end in .csv or .xlsx", zh="文件名应以 .csv 或 .xlsx 结尾"),
            where=Where(str(out)),
        )
    for path in (out, _list_path(out)):
        if path.exists():
            raise ConfigError(
                Text(en="the file exists already", zh="文件已存在"),
                where=Where(str(path)),
                hint=Text(en="name a new file with --out", zh="请用 --out 指定新的文件名"),
            )
    known = [row.code for row in canonical("data_status") if row.code != REMOVED]
    if REMOVED in wanted.statuses:
        raise ConfigError(
            Text(
                en="records that are gone at their source are not exported",
                zh="来源已删除的记录不导出",
            ),
            where=Where("--status"),
            hint=Text(
                en="they are counted among those left out",
                zh="这些记录计入未导出的数量",
            ),
        )
    for status in wanted.statuses:
        if status not in known:
            raise ConfigError(
                Text(en=f"there is no data status {status!r}", zh=f"没有数据状态 {status!r}"),
                where=Where("--status"),
                hint=Text(en=f"one of {', '.join(known)}", zh=f"可用：{'、'.join(known)}"),
            )


def _list_path(out: Path) -> Path:
    return out.with_name(f"{out.stem}.left-out.csv")


# ---- which rows --------------------------------------------------------------------------------


def _judge(
    con: duckdb.DuckDBPyConnection, form: ExportFormat, own: str, out: Path, wanted: Wanted
) -> None:
    """Tables ``asked`` (the current records, with ``_scope``: why one was not asked for, else
    NULL) and ``judged`` (the format's columns of those asked for, with ``_problems``).
    """
    contract = load_contract(form.about.record_type)
    for name in form.about.code_lists:
        con.execute(_label_macro(name))
    mine = f"WHERE source_org_code = {literal(own)} AND _bundle_id IS NULL"
    con.execute(
        f"CREATE TABLE asked AS SELECT *, row_number() OVER () AS _key, {_scope(wanted)} AS _scope "
        f"FROM {ident(contract.record_type + '_current')} {mine if wanted.own_only else ''}"
    )
    con.execute("CREATE VIEW records AS SELECT * FROM asked WHERE _scope IS NULL")
    con.execute(f"CREATE TABLE written AS {form.sql}")
    problems = [
        *_row_problems(form, in_csv=out.suffix.lower() == ".csv"),
        *(_unmapped(contract.field(name)) for name in form.about.code_fields),
    ]
    con.execute(
        "CREATE TABLE judged AS SELECT w.*, r.record_id AS _record, "
        "r.source_record_id AS _source_record, r.source_org_code AS _org, "
        f"list_filter([{', '.join(problems)}], lambda p: p IS NOT NULL) AS _problems "
        "FROM written w JOIN records r USING (_key)"
    )


def _label_macro(name: str) -> str:
    pairs = ", ".join(f"{literal(r.code)}: {literal(r.label_zh)}" for r in canonical(name))
    return f"CREATE MACRO {ident('label_' + name)}(x) AS MAP {{{pairs}}}[x]"


def _scope(wanted: Wanted) -> str:
    """Why a record was not asked for. The span is of the decision's date."""
    statuses = ", ".join(literal(status) for status in wanted.statuses)
    outside = ["FALSE"]
    if wanted.since is not None:
        outside.append(f"decision_date < DATE {literal(wanted.since.isoformat())}")
    if wanted.until is not None:
        outside.append(f"decision_date > DATE {literal(wanted.until.isoformat())}")
    if len(outside) > 1:
        outside.append("decision_date IS NULL")
    return (
        # What nobody could translate may be a penalty: it is listed, not passed over.
        f"CASE WHEN decision_type NOT IN ('penalty', {literal(UNMAPPED)}) THEN 'not_a_penalty' "
        f"WHEN data_status NOT IN ({statuses}) THEN "
        f"CASE WHEN data_status = {literal(REMOVED)} THEN 'removed' ELSE 'status' END "
        f"WHEN {' OR '.join(outside)} THEN 'outside_dates' END"
    )


def _row_problems(form: ExportFormat, *, in_csv: bool) -> Iterator[str]:
    for column in form.about.columns:
        value = f"w.{ident(column.code)}"
        if column.required is not None:
            need = f"({column.required}) AND coalesce({value}, '') = ''"
            yield f"CASE WHEN {need} THEN {literal('missing:' + column.code)} END"
        if column.max_length is not None:
            long = f"length({value}) > {column.max_length}"
            yield f"CASE WHEN {long} THEN {literal('length:' + column.code)} END"
        if in_csv:
            runs = f"regexp_matches({value}, {literal(_FORMULA)})"
            yield f"CASE WHEN {runs} THEN {literal('formula:' + column.code)} END"


def _unmapped(coded: Field) -> str:
    value = f"r.{ident(coded.name)}"
    is_list = coded.logical_type == "array"
    code = literal(UNMAPPED)
    test = f"list_contains({value}, {code})" if is_list else f"{value} = {code}"
    return f"CASE WHEN {test} THEN {literal('unmapped:' + coded.name)} END"


# ---- writing -----------------------------------------------------------------------------------


def _write(
    con: duckdb.DuckDBPyConnection, form: ExportFormat, out: Path, wanted: Wanted
) -> Exported:
    left: Counter[str] = Counter(
        dict(con.execute("SELECT _scope, count(*) FROM asked GROUP BY 1").fetchall())
    )
    in_scope = left.pop(None, 0)  # type: ignore[call-overload] # NULL: asked for
    current = _count(con, "asked")
    good = _count(con, "judged WHERE len(_problems) = 0")
    listed = _count(con, "judged WHERE len(_problems) > 0")
    problems = dict(
        con.execute(
            "SELECT p, count(*) FROM (SELECT unnest(_problems) AS p FROM judged) "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
    )
    if in_scope != good + listed or current != in_scope + left.total():
        raise AccountingError(
            Text(en="the counts of an export do not balance", zh="导出计数不平"),
            where=Where(form.name),
        )
    if listed:
        left["listed"] = listed
    if out.suffix.lower() == ".xlsx" and good > _XLSX_ROWS:
        raise ConfigError(
            Text(
                en=f"{good} rows do not fit one sheet of {_XLSX_ROWS}",
                zh=f"{good} 行超出一个工作表的上限 {_XLSX_ROWS} 行",
            ),
            hint=Text(
                en="write .csv, or a shorter span with --since and --until",
                zh="请导出 .csv，或用 --since 与 --until 缩短时间段",
            ),
        )
    with _private_file(out) as path:
        write = _write_xlsx if out.suffix.lower() == ".xlsx" else _write_csv
        written = write(path, _header(form, wanted), _rows(con, form, wanted), wanted)
    if written != good:
        raise AccountingError(
            Text(en="fewer rows were written than counted", zh="写出的行数与计数不符"),
            where=Where(str(out)),
        )
    return Exported(
        out=out,
        current=current,
        exported=good,
        listed=listed,
        left_out=dict(left),
        list_path=_write_list(con, _list_path(out), wanted) if listed else None,
        problems=problems,
    )


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(row[0]) if row else 0


def _header(form: ExportFormat, wanted: Wanted) -> list[str]:
    return [c.code if wanted.header == "code" else c.label for c in form.about.columns]


def _rows(
    con: duckdb.DuckDBPyConnection, form: ExportFormat, wanted: Wanted
) -> Iterator[Sequence[str]]:
    """The good rows in a fixed order, as they may be read by those they are for."""
    columns = form.about.columns
    names = ", ".join(ident(c.code) for c in columns)
    found = con.execute(
        f"SELECT _person, _private, {names} FROM judged WHERE len(_problems) = 0 "
        "ORDER BY _org, _source_record, _record"
    )
    while batch := found.fetchmany(_BATCH):
        for person, private, *values in batch:
            texts = [value or "" for value in values]
            if wanted.public:
                hide = _hidden_parts(private)
                texts = [
                    _published(column, text, hide, is_person=bool(person))
                    for column, text in zip(columns, texts, strict=True)
                ]
            yield texts


def _hidden_parts(private: Sequence[str | None]) -> list[str]:
    """What to look for in texts; the longest first, so that no part of one stays readable."""
    return sorted({p for p in private if p and len(p) >= _LEAST_NAME}, key=len, reverse=True)


def _published(column: ExportColumn, text: str, hide: Sequence[str], *, is_person: bool) -> str:
    if column.published == "hidden" or (column.published == "number" and is_person):
        return masked(text, "sensitive") or ""
    if column.published == "name":
        return mask(text) if is_person or text in hide else text
    if column.published == "text":
        for part in hide:
            text = text.replace(part, mask(part))
        return mask_text(text)
    return text


def _write_csv(path: Path, header: list[str], rows: Iterator[Sequence[str]], wanted: Wanted) -> int:
    count = 0
    with path.open("w", encoding=wanted.encoding, newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(header)
        for count, row in enumerate(rows, 1):  # noqa: B007 (the count of rows is what is asked)
            writer.writerow(row)
    return count


def _write_xlsx(
    path: Path, header: list[str], rows: Iterator[Sequence[str]], wanted: Wanted
) -> int:
    """All cells are texts: a number's cell is a double, and a code loses its zeros in one."""
    del wanted
    import xlsxwriter

    count = 0
    options = {"constant_memory": True, "tmpdir": str(path.parent)}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001 (xlsx has no zones)
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(header):
            sheet.write_string(0, column, name)
        for count, row in enumerate(rows, 1):
            for column, text in enumerate(row):
                if text:
                    sheet.write_string(count, column, text)
    return count


def _write_list(con: duckdb.DuckDBPyConnection, path: Path, wanted: Wanted) -> Path:
    """The records that ought to go and can't: no names, no numbers, only where to look.

    A source's number that a spreadsheet would run gets an apostrophe before it, as OWASP advises.
    """
    runs = f"regexp_matches(_source_record, {literal(_FORMULA)})"
    found = con.execute(
        f"SELECT _org, _record, CASE WHEN {runs} THEN chr(39) ELSE '' END || _source_record, "
        "array_to_string(_problems, ' ') FROM judged "
        "WHERE len(_problems) > 0 ORDER BY 1, 3, 2"
    )
    with _private_file(path) as partial, partial.open("w", encoding=wanted.encoding) as file:
        writer = csv.writer(file)
        writer.writerow(["source_org_code", "record_id", "source_record_id", "problems"])
        while batch := found.fetchmany(_BATCH):
            writer.writerows(batch)
    return path


@contextmanager
def _private_file(path: Path) -> Iterator[Path]:
    """A file of the owner's alone beside ``path`` that takes its name when all went well."""
    try:
        # mkstemp makes the file with mode 0600.
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the file can't be written ({error.strerror})",
                zh=f"无法写入文件（{error.strerror}）",
            ),
            where=Where(str(path)),
        ) from error
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
