"""The macros, by the examples of docs/mapping*.md and at the edges."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemas_samples import text, value

from schemas.sql import ident, literal, macros, seal

EXAMPLE = re.compile(r"\| `(?P<call>[a-z_0-9]+\(.*\))` \| `(?P<gives>[^`]*)` \|")


def examples(page: str) -> list[tuple[str | Any, ...]]:
    lines = Path("docs", page).read_text("utf-8").splitlines()
    return [match.group("call", "gives") for match in map(EXAMPLE.match, lines) if match]


EXAMPLES = examples("mapping.md")
MACROS = re.findall(r"CREATE OR REPLACE MACRO ([a-z_0-9]+)\(x", macros())
NOT_FOR_MAPPINGS = {
    *("bare", "half_width", "nfc_text", "plate_ok", "ts_text", "ts_at", "zoned_text", "day_of"),
    *(
        "nfc_whole",
        "yuan_from_wan_raw",
        "kg_from_t_raw",
        "ascii_upper",
        "plate_kind_of",
        "plate_province",
    ),
    *("gb32100_value", "gb11714_value", "gb16735_value", "gb11643_of_15"),
}


@pytest.mark.parametrize(("call", "gives"), EXAMPLES)
def test_the_examples_of_the_document_hold(
    shared_con: duckdb.DuckDBPyConnection, call: str, gives: str
) -> None:
    found = value(shared_con, f"CAST({call} AS VARCHAR)")
    assert ("NULL" if found is None else found) == gives


def test_both_languages_show_the_same_examples_in_the_same_order() -> None:
    assert examples("mapping.zh-CN.md") == EXAMPLES


def test_both_languages_show_the_same_statements_rows_and_commands() -> None:
    def blocks(page: str) -> list[tuple[str | Any, ...]]:
        text = Path("docs", page).read_text("utf-8")
        in_no_language = re.sub(r"^ *--.*\n|(?<= --by )\S+", "", text, flags=re.M)
        return re.findall(r"^```(sql|csv|json|sh)\n(.*?)^```", in_no_language, re.M | re.S)

    assert blocks("mapping.zh-CN.md") == blocks("mapping.md")
    assert {kind for kind, _ in blocks("mapping.md")} == {"sql", "csv", "json", "sh"}


def test_every_macro_for_mappings_has_an_example() -> None:
    shown = {call.split("(")[0] for call, _ in EXAMPLES}
    wanted = {m for m in MACROS if m not in NOT_FOR_MAPPINGS and not m.startswith("number_text")}
    assert wanted <= shown
    assert {"code", "code_on", "codes"} <= shown


@pytest.mark.parametrize(
    "macro",
    [
        "txt({})",
        "plate({})",
        "credit_code({})",
        "id_no({})",
        "date_ymd({})",
        "date_mdy({})",
        "ts_cn({})",
        "ts_utc({})",
        "ts_in({}, 'Asia/Tokyo')",
        "epoch_ms({})",
        "yuan({})",
        "yuan_from_wan({})",
        "kg({})",
        "kg_from_t({})",
        "yes_no({})",
    ],
)
@pytest.mark.parametrize("given", ["不详", "x2026-13-45", "1e308", "--", "NaN", "1.2.3"])
def test_what_cannot_be_read_comes_back(
    shared_con: duckdb.DuckDBPyConnection, macro: str, given: str
) -> None:
    unread = macro.startswith("plate") and given == "--"
    assert value(shared_con, macro.format(text(given))) == (None if unread else given)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=100))
def test_no_text_makes_a_macro_fail(
    shared_con: duckdb.DuckDBPyConnection, given: list[str]
) -> None:
    names = [
        *("txt", "plate", "plate_unread", "credit_code", "credit_code_ok", "id_no", "id_no_ok"),
        *("date_ymd", "date_mdy", "ts_cn", "ts_utc", "epoch_ms", "yuan", "yuan_from_wan"),
        *("kg", "kg_from_t", "yes_no", "plate_ok"),
    ]
    calls = ", ".join(f"{name}(x)" for name in names)
    others = "code('id_type', 'zh', x), split_list(x, '、'), ts_in(x, 'Asia/Shanghai')"
    rows = shared_con.execute(f"SELECT {calls}, {others} FROM unnest($x) t(x)", {"x": given})
    assert len(rows.fetchall()) == len(given)


def test_every_character_that_nfc_changes_is_normalised(
    shared_con: duckdb.DuckDBPyConnection,
) -> None:
    points = [
        p
        for p in range(0x80, sys.maxunicode + 1)
        if not 0xD800 <= p <= 0xDFFF
        and (unicodedata.normalize("NFC", chr(p)) != chr(p) or unicodedata.combining(chr(p)))
    ]
    shared_con.execute(
        "CREATE OR REPLACE TEMP TABLE points AS SELECT unnest($p) AS p", {"p": points}
    )
    shared_con.execute(
        "CREATE OR REPLACE TEMP TABLE words AS SELECT 'e' || chr(p) || 'e' AS w FROM points"
    )
    [[missed]] = shared_con.execute(
        "SELECT count(*) FROM words "
        "WHERE txt(w) <> nfc_normalize(w) OR nfc_text(w) <> nfc_normalize(w)"
    ).fetchall()
    assert missed == 0


@pytest.mark.parametrize(
    ("plate", "ok"),
    [
        ("皖P00000", True),
        ("沪AD00000", True),
        ("浙A00000D", True),
        ("浙A0000警", True),
        ("粤Z0000港", True),
        ("粤Z0000澳", True),
        ("皖P000挂", False),
        ("皖P0000挂", True),
        ("皖I00000", False),
        ("皖PO0000", False),
        ("使000000", True),
        ("WJ皖0000X", True),
        ("皖P0000", False),
        ("皖P000000", False),
        ("VAD7274", False),
    ],
)
def test_plates_of_ga_36(shared_con: duckdb.DuckDBPyConnection, plate: str, ok: bool) -> None:
    assert value(shared_con, f"plate_ok({text(plate)})") is ok


@pytest.mark.parametrize(
    "given", ["未识别", "无牌", "车牌", "无法识别", "默A00000", "????", "000000", "－", "*"]
)
def test_unread_plates_are_no_vehicle(shared_con: duckdb.DuckDBPyConnection, given: str) -> None:
    assert value(shared_con, f"plate({text(given)})") is None
    assert value(shared_con, f"plate_unread({text(given)})") is True


def test_code_one_is_blue_or_yellow_by_its_scheme(shared_con: duckdb.DuckDBPyConnection) -> None:
    colours = {
        scheme: value(shared_con, f"code('plate_color', '{scheme}', '1')")
        for scheme in ("toll", "jt697", "operator", "parking")
    }
    assert colours == {"toll": "yellow", "jt697": "blue", "operator": "blue", "parking": "blue"}


def test_macros_and_codes_work_after_sealing_and_on_a_cursor(
    con: duckdb.DuckDBPyConnection,
) -> None:
    seal(con)
    assert value(con.cursor(), "code('plate_color', 'zh', ' 蓝牌 ')") == "blue"
    with pytest.raises(duckdb.Error):
        con.execute("SELECT * FROM read_text('pyproject.toml')")
    with pytest.raises(duckdb.Error):
        con.execute("SET enable_external_access = true")


def test_day_cn_does_not_depend_on_the_session(con: duckdb.DuckDBPyConnection) -> None:
    expression = "CAST(day_cn(TIMESTAMPTZ '2026-10-07 16:00:00+00') AS VARCHAR)"
    assert value(con, expression) == "2026-10-08"
    con.execute("SET TimeZone = 'America/Chicago'")
    assert value(con, expression) == "2026-10-08"


def test_identifiers_and_literals_are_quoted(con: duckdb.DuckDBPyConnection) -> None:
    odd, given = 'a"b', "'; --"
    cursor = con.execute(f"SELECT {literal(given)} AS {ident(odd)}")
    assert [d[0] for d in cursor.description or ()] == [odd]
    assert cursor.fetchall() == [(given,)]
