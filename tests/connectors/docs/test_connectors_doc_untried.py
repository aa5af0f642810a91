"""docs/connectors/oracle*.md and sqlserver*.md: no server of theirs can be had for a test.

Their examples load, the SQL for the example's columns is built and parsed, the mapping reads the
columns that the example's table has, and the pages say that they were not tried.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from connectors.config import SourceConfig, load_source
from connectors.database.oracle_dialect import OracleDialect
from connectors.database.session import Column, ColumnKind, Dialect
from connectors.database.settings import DatabaseReader
from connectors.database.sqlserver_dialect import SqlServerDialect, base_type
from connectors.database.statements import ALIAS, Asked, or_null, window_bounds
from schemas.contract import load_contract
from schemas.mapping import parse_mapping
from schemas.sql import connect

DOCS = Path(__file__).parents[3] / "docs/connectors"
PAGES = [f"{kind}{language}.md" for kind in ("oracle", "sqlserver") for language in ("", ".zh-CN")]
LANGUAGES = {"oracle": ("plsql", "oracle"), "sqlserver": ("tsql", "tsql")}
NOW_DAY = date(2026, 5, 7)
KINDS: dict[str, ColumnKind] = {
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "DATETIMEOFFSET": "timestamptz",
    "NUMBER": "numeric",
    "DECIMAL": "numeric",
}


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def source_of(page: str, folder: Path) -> SourceConfig:
    (toml,) = blocks(page, "toml")
    (folder / "source.toml").write_text(toml, encoding="utf-8")
    return load_source(folder)


def columns_of(page: str) -> list[Column]:
    """Those of the example's CREATE TABLE."""
    kind = page.partition(".")[0]
    fence, dialect = LANGUAGES[kind]
    _, table = blocks(page, fence)
    created = next(
        tree
        for tree in sqlglot.parse(table, dialect=dialect)
        if isinstance(tree, exp.Create) and tree.find(exp.ColumnDef)
    )
    found = []
    for column in created.find_all(exp.ColumnDef):
        lines = [line for line in table.splitlines() if line.split()[:1] == [column.name]]
        word = re.sub(r"\s", "", re.findall(r"^\s*\w+\s+(\w+(?:\([^)]*\))?)", lines[0])[0])
        of_kind = KINDS.get(base_type(word).upper(), "text")
        if kind == "oracle":
            name, of_kind = column.name.upper(), "timestamp" if of_kind == "date" else of_kind
        else:
            name = column.name
        found.append(Column(name, of_kind, word, not_null="NOT NULL" in lines[0]))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_sql(page: str, tmp_path: Path) -> None:
    source = source_of(page, tmp_path)
    assert isinstance(source.reader, DatabaseReader)
    assert source.reader.table is not None
    assert source.cursor is not None
    assert source.window is not None
    kind = page.partition(".")[0]
    assert source.reader.kind == kind
    dialect: Dialect = OracleDialect() if kind == "oracle" else SqlServerDialect()
    columns = columns_of(page)
    by_name = {c.name.lower(): c for c in columns}
    clock, day = by_name[source.cursor.field], by_name[source.window.field or ""]
    asked = Asked(dialect, dialect.relation(source.reader.table), tuple(columns))
    value = "2026-05-07 10:00:00.123456" + ("+08:00" if clock.kind == "timestamptz" else "")
    since = f"{dialect.ident(clock.name)} >= {dialect.bound(clock, value)}"
    days = (NOW_DAY, NOW_DAY)
    window = window_bounds(dialect, day, source.window, days, source.zone)
    assert window is not None
    made = [
        asked.where(or_null(dialect, clock, since)).rows(),
        asked.where(window).rows(),
        asked.count(),
        asked.extreme("max", clock),
        dialect.first_rows(asked.rows(), 100),
    ]
    for sql in made:
        (tree,) = sqlglot.parse(sql, dialect=LANGUAGES[kind][1])
        assert isinstance(tree, exp.Select)
        (table,) = tree.find_all(exp.Table)
        assert (table.db.lower(), table.name.lower()) == ("casework", "decided")
    first = sqlglot.parse_one(made[0], dialect=LANGUAGES[kind][1])
    assert [e.alias for e in first.expressions] == [c.name for c in columns]
    assert ALIAS in made[0]


@pytest.mark.parametrize("page", PAGES)
def test_the_mapping_reads_columns_of_the_table(page: str) -> None:
    (mapping,) = blocks(page, "sql")
    con = connect(threads=1)
    names = ", ".join(f'"{c.name}" VARCHAR' for c in columns_of(page))
    con.execute(f"CREATE TABLE raw ({names}, _object INTEGER, _row BIGINT)")
    parsed = parse_mapping(con, mapping, page, load_contract("case_result"))
    con.close()
    assert {c.name.lower() for c in columns_of(page)} == set(parsed.used_columns)


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_say_that_they_were_not_tried(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert ("未在真实服务器上试过" if "zh" in page else "Not tried against a real server") in text


def test_both_languages_show_the_same_example() -> None:
    for kind, (fence, _) in LANGUAGES.items():
        english, chinese = f"{kind}.md", f"{kind}.zh-CN.md"
        for language in ("toml", "sql"):
            assert blocks(english, language) == blocks(chinese, language)
        assert blocks(english, fence)[1] == blocks(chinese, fence)[1]
