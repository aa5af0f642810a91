"""The row filter as SQL, encryption, versions and notes: pure, each against what the words say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.agreement.encryption import fits, is_encrypted, may_be_plain
from exchange.agreement.model import (
    LEGAL_TIME,
    Agreement,
    Delivery,
    Grant,
    RowFilter,
    load_agreement,
)
from exchange.agreement.notes import notes
from exchange.agreement.problems import line_of
from exchange.agreement.recheck import agreed_rules
from exchange.agreement.rows import row_filter_sql
from exchange.agreement.versions import in_force, succeeded_by
from exchange.bundle.contracts import INSTALLED
from schemas.contract import load_contract
from schemas.errors import ConfigError
from schemas.sql import connect, literal

CASES, LEADS = load_contract("case_result"), load_contract("lead")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
A, B = "11999900AGREEMTA12", "11999901AGREEMTB2L"


def granted(rows: RowFilter | None = None, **more: Any) -> Grant:
    values: dict[str, Any] = {
        "from": A,
        "to": B,
        "purpose": "test",
        "legal_basis": "本测试",
        "records": {"case_result": ("case_no",)},
        "rows": rows or RowFilter(),
        "delivery": Delivery(),
    }
    return Grant.model_validate(values | more)


def agreed(version: int = 1, *grants: Grant, since: str = "2026-01-01", until: str = "2026-12-31"):
    parties = [{"code": A, "name": "甲"}, {"code": B, "name": "乙"}]
    return Agreement.model_validate(
        {
            "id": "a-b",
            "version": version,
            "valid_from": since,
            "valid_until": until,
            "parties": parties,
            "grants": grants or (granted(),),
        }
    )


# ---- rows --------------------------------------------------------------------------------------

beginnings = st.lists(st.sampled_from(["33", "3305", "330523", "99"]), unique=True, max_size=2)
days = st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 4))
places = st.none() | st.sampled_from(["330523", "330500", "341882", "999900"])
START = datetime(2025, 12, 31, 12, tzinfo=UTC)
moments = st.none() | st.integers(0, 5 * 86400).map(lambda s: START + timedelta(seconds=s))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.builds(
        RowFilter,
        divisions=beginnings.map(tuple),
        domains=st.lists(st.sampled_from(["01", "02"]), unique=True, max_size=2).map(tuple),
        registration_divisions=beginnings.map(tuple),
        since=days,
        until=days,
    ),
    row=st.tuples(places, st.none() | st.sampled_from(["01", "03"]), places, moments),
)
def test_the_filter_says_in_sql_what_it_says_in_words(
    rows: RowFilter, row: tuple[str | None, str | None, str | None, datetime | None]
) -> None:
    division, domain, registered, when = row
    day = when.astimezone(LEGAL_TIME).date() if when else None

    def begins(value: str | None, with_any: tuple[str, ...]) -> bool:
        return not with_any or (value is not None and value.startswith(with_any))

    expected = (
        begins(division, rows.divisions)
        and (not rows.domains or domain in rows.domains)
        and begins(registered, rows.registration_divisions)
        and (rows.since is None or (day is not None and day >= rows.since))
        and (rows.until is None or (day is not None and day <= rows.until))
    )
    assert asked(row_filter_sql(granted(rows), CASES), row) == expected
    # a receiver that has not got the field leaves its test out, and only that one
    left_out = rows.model_copy(update={"registration_divisions": (), "since": None, "until": None})
    names = {"division_code", "business_domain"}
    assert row_filter_sql(granted(rows), CASES, names) == row_filter_sql(granted(left_out), CASES)


@cache
def connection() -> duckdb.DuckDBPyConnection:
    return connect(threads=1)


def asked(sql: str, row: tuple[Any, ...]) -> Any:
    texts = [f"{'NULL' if v is None else literal(str(v))}" for v in row]
    columns = (
        f"{texts[0]}::VARCHAR AS division_code, {texts[1]}::VARCHAR AS business_domain, "
        f"{texts[2]}::VARCHAR AS vehicle_registration_division, "
        f"{texts[3]}::TIMESTAMPTZ AS occurred_time"
    )
    found = connection().execute(f"SELECT {sql} FROM (SELECT {columns})").fetchone()
    return found[0] if found else None


def test_a_record_type_without_a_tested_field_is_not_covered_and_receipts_always_are() -> None:
    grant = granted(
        RowFilter(registration_divisions=("33",)),
        records={"correction": ("correction_no",), "receipt": ("receipt_no",)},
    )
    assert row_filter_sql(grant, load_contract("correction")) == "false"
    assert row_filter_sql(grant, load_contract("receipt")) == "true"
    assert agreed_rules(grant, load_contract("receipt"), {"division_code"}) == ()


def test_a_receiver_tests_what_it_has_and_takes_removed_versions() -> None:
    grant = granted(RowFilter(divisions=("33",), since=date(2026, 1, 1)))
    (rule,) = agreed_rules(grant, CASES, {"division_code", "data_status"})
    assert (rule.rule_id, rule.severity) == ("agreement:rows:division_code", "hard")
    row = "(SELECT '999900' AS division_code, '{}' AS data_status)"
    for status, broken in (("valid", True), ("removed", False)):
        found = (
            connection()
            .execute(f"SELECT {rule.violation_sql} FROM {row.format(status)}")
            .fetchone()
        )
        assert found == (broken,)
    ended = granted(records={"case_result": ()})
    (rule,) = agreed_rules(ended, CASES, {"data_status"})
    assert rule.rule_id == "agreement:ended"


# ---- encryption --------------------------------------------------------------------------------


def test_what_is_encrypted_follows_from_the_fields() -> None:
    plain, personal = granted(), granted(records={"case_result": ("party_name",)})
    always, unknown = granted(encryption="always"), granted(records={"case_result": ("to_come",)})
    assert [is_encrypted(g, INSTALLED) for g in (plain, personal, always)] == [False, True, True]
    assert [may_be_plain(g, INSTALLED) for g in (plain, personal, always)] == [True, False, False]
    # of a field that we don't know the class: the sender encrypts, the receiver takes either
    assert (is_encrypted(unknown, INSTALLED), may_be_plain(unknown, INSTALLED)) == (True, True)
    # which tables a bundle happens to have makes no difference
    assert not is_encrypted(plain, {"lead": LEADS})
    assert fits([plain, always], INSTALLED, True)
    assert fits([plain, always], INSTALLED, False)
    assert not fits([always], INSTALLED, False)
    assert not fits([plain], INSTALLED, True)


# ---- versions ----------------------------------------------------------------------------------


def test_of_the_versions_that_run_the_newest_holds() -> None:
    one, two = agreed(1), agreed(2, since="2026-11-01", until="2026-11-30")
    three = agreed(3, since="2027-01-01", until="2027-12-31")
    held = [
        in_force((three, one, two), datetime(2026, month, 15, tzinfo=UTC))[0].version
        for month in (10, 11, 12)
    ]
    assert held == [1, 2, 1]
    assert in_force((one, two), datetime(2030, 1, 1, tzinfo=UTC)) == (two,)
    assert succeeded_by((one, three), one, datetime(2027, 6, 1, tzinfo=UTC))
    assert not succeeded_by((one, three), three, datetime(2026, 6, 1, tzinfo=UTC))
    assert in_force((), NOW) == ()


def test_notes_tell_what_deserves_a_second_look() -> None:
    wide = granted(
        RowFilter(since=date(2026, 1, 1)),
        records={"case_result": ("case_no",), "lead": ("lead_no",)},
    )
    one = agreed(1, wide)
    two = agreed(2, granted(), since="2027-01-05", until="2027-12-31")
    said = " | ".join(note.en for note in notes(one, [two], INSTALLED, NOW))
    assert "no grant lets receipts go back (with receipt_grade, " in said
    assert "case_result.occurred_time is tested by the row filter but not granted" in said
    assert "version 2 begins on 2027-01-05" in said
    said = " | ".join(note.en for note in notes(two, [one], INSTALLED, NOW))
    assert "lead was granted by version 1 and is not named any more" in said
    assert "it begins on 2027-01-05" in said
    said = " | ".join(note.en for note in notes(one, [], INSTALLED, NOW + timedelta(days=60)))
    assert "it ended on 2026-12-31" in said


# ---- contradictions ----------------------------------------------------------------------------

TEXT = f"""\
id = "a-b"
version = 2
valid_from = 2026-01-01
valid_until = 2026-12-31
parties = [{{code = "{A}", name = "甲"}}, {{code = "{B}", name = "乙"}}]

[[grants]]
from = "{A}"
to = "{B}"
purpose = "one"
legal_basis = "本测试"
[grants.records]
case_result = ["case_no"]

[[grants]]
from = "{A}"
to = "{B}"
purpose = "two"
legal_basis = "本测试"
[grants.records]
correction = [
    "correction_no",
    "effective_time",
]
[grants.rows]
ROWS
"""


@pytest.mark.parametrize(
    ("rows", "said", "line", "key"),
    [
        ("since = 2026-02-01\nuntil = 2026-01-01", "lies before rows.since", 27, "until"),
        ("since = 2027-02-01", "lies after valid_until", 26, "since"),
        ('domains = ["01", "公路路政"]', "no business domain '公路路政'", 26, "domains"),
        ('domains = ["01", "01"]', "'01' is listed twice", 26, "domains"),
        ('divisions = ["330"]', "is not the beginning of a division", 26, "divisions"),
        ('registration_divisions = ["33"]', "has no vehicle_registration_division", 26,
         "registration_divisions"),
    ],
)  # fmt: skip
def test_a_filter_that_contradicts_itself_is_named_with_its_line(
    tmp_path: Path, rows: str, said: str, line: int, key: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_text(TEXT.replace("ROWS", rows), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_agreement(path)
    assert said in caught.value.message.en
    assert caught.value.where is not None
    assert caught.value.where.row == line
    assert caught.value.where.field == f"grants.1.rows.{key}"


def test_other_contradictions_and_lines_in_other_writings(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(TEXT.replace('"two"', '"one"').replace("ROWS", ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="same from, to and purpose") as caught:
        load_agreement(path)
    assert caught.value.where is not None
    assert caught.value.where.row == 18
    place = ("grants", 1, "records", "correction")
    assert line_of(TEXT, (*place, "effective_time")) == 23
    assert line_of(TEXT, place) == 21
    assert line_of("a = 1\n", place) is None
    text = TEXT.replace("ROWS", "")
    path.write_text(text.replace('"two"', '"two"\nretention_days = 0'), encoding="utf-8")
    with pytest.raises(ConfigError, match="greater than or equal to 1"):
        load_agreement(path)
    # an empty list ends a record type, in a later version than the first
    path.write_text(text.replace('["case_no"]', "[]"), encoding="utf-8")
    assert load_agreement(path).grants[0].records == {"case_result": ()}
