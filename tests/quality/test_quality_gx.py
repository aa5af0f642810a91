"""Great Expectations counts what the marks count, and a crash is never a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from quality_samples import RULES, good, rule

from quality.check import CONFLICT, create_checked, rule_counts
from quality.gx import ValidationCrashError, validate
from quality.verdict import Verdict, verdict_json
from schemas.errors import AccountingError
from schemas.sql import seal

BAD = ("b", "2026-10-01", None, "green", "-1", "2026-02-30")
SOFT = ("c", "2026-10-01", "50%", None, "3", None)


def test_both_counts_agree(con: Any, load: Any, contract: Any) -> None:
    rows = [good("a"), good("a", name="yi"), BAD, SOFT]
    create_checked(con, load(rows), RULES)
    verdict = validate(con, "checked", contract, RULES)
    verdict.agree_with(rule_counts(con))
    assert verdict.unexpected == {
        "required:party_name": 1,
        "code:colour": 1,
        "range:fine_amount_cny": 1,
        "type:decision_date": 1,
        "pattern:party_name": 1,
        "thing.round_fine": 2,
        CONFLICT: 2,
    }
    assert (verdict.success, verdict.rows) == (False, 4)


def test_broken_soft_rules_do_not_fail_a_verdict(con: Any, load: Any, contract: Any) -> None:
    create_checked(con, load([good("a"), SOFT]), RULES)
    verdict = validate(con, "checked", contract, RULES)
    assert verdict.success
    assert verdict.unexpected["pattern:party_name"] == 1


def test_it_says_nothing_on_the_terminal(
    con: Any, load: Any, contract: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    create_checked(con, load([good("a"), BAD]), RULES)
    validate(con, "checked", contract, RULES)
    assert capfd.readouterr() == ("", "")


def test_check_digits_are_asked_once_per_value(con: Any, load: Any, contract: Any) -> None:
    # invented codes of a region that does not exist; the second has a wrong check character
    code = (
        "CASE colour WHEN 'x:{1}' THEN NOT credit_code_ok(party_name) "
        "WHEN 'n' THEN party_name IS NULL END"
    )
    check = rule("thing.code", "sql", ["party_name", "colour"], code)
    right, wrong = "91999900MA000000X0", "91999900MA000000XC"
    values = [
        (right, "x:{1}"),
        (wrong, "x:{1}"),
        (wrong, "x:{1}"),
        (wrong, "y"),
        (None, "n"),
        (None, "x:{1}"),
    ]
    rows = [(f"k{i}", None, name, colour, None, None) for i, (name, colour) in enumerate(values)]
    create_checked(con, load(rows), [*RULES[2:], check])
    verdict = validate(con, "checked", contract, [*RULES[2:], check])
    verdict.agree_with(rule_counts(con))
    assert verdict.unexpected["thing.code"] == 3
    assert con.execute("SELECT count(*) FROM checked WHERE _marks_0 & 16 <> 0").fetchone() == (3,)


def test_a_rule_that_crashes_is_our_error(con: Any, load: Any, contract: Any) -> None:
    create_checked(con, load([good("a")]), RULES)
    crash = rule("thing.crash", "sql", ["party_name"], "error('boom') IS NULL")
    with pytest.raises(ValidationCrashError) as caught:
        validate(con, "checked", contract, [*RULES, crash])
    assert "boom" not in str(caught.value.hint)


def test_the_receiver_checks_the_fields_it_was_given(con: Any, load: Any, contract: Any) -> None:
    con.execute(f"CREATE VIEW shared AS SELECT record_id, colour FROM ({load([good('a'), BAD])})")
    rules = [r for r in RULES if set(r.fields) <= {"record_id", "colour"}]
    verdict = validate(con, "shared", contract, rules)
    assert verdict.unexpected == {"code:colour": 1}


def test_no_rows_need_no_engine(con: Any, load: Any, contract: Any) -> None:
    create_checked(con, load([]), RULES)
    verdict = validate(con, "checked", contract, RULES)
    verdict.agree_with(rule_counts(con))
    assert verdict.success


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_a_rule_sees_the_same_day_in_both_counts(
    con: Any, load: Any, contract: Any, zone: str
) -> None:
    # NOW is 01:30 in UTC: the day before in New York. The machine has one of the two zones at most.
    day = rule("day", "sql", ["received_time"], "received_time::DATE = DATE '2026-10-08'")
    candidates = load([good("a")])
    con.execute(f"SET TimeZone = '{zone}'")
    seal(con)
    create_checked(con, candidates, [day])
    verdict = validate(con, "checked", contract, [day])
    verdict.agree_with(rule_counts(con))
    assert verdict.unexpected["day"] == (1 if zone == "Asia/Shanghai" else 0)


def test_the_callers_transaction_is_left_alone(con: Any, load: Any, contract: Any) -> None:
    create_checked(con, load([good("a"), BAD]), RULES)
    con.execute("BEGIN")
    con.execute("CREATE TABLE mine AS SELECT 1 AS n")
    validate(con, "checked", contract, RULES)
    con.execute("COMMIT")
    assert con.execute("SELECT n FROM mine").fetchone() == (1,)


@pytest.mark.parametrize("counts", [{"a": 1}, {"a": 2, "b": 0}, {}])
def test_counts_that_differ_fail_the_run(counts: dict[str, int]) -> None:
    with pytest.raises(AccountingError, match="differ"):
        Verdict(True, {"a": 2}, 5, "engine").agree_with(counts)


def test_a_verdict_travels_as_the_same_bytes(con: Any, load: Any, contract: Any) -> None:
    create_checked(con, load([good("a"), BAD]), RULES)
    verdict = validate(con, "checked", contract, RULES)
    first = verdict_json([(contract, RULES, verdict)])
    again = replace(verdict, unexpected=dict(reversed(verdict.unexpected.items())))
    assert verdict_json([(contract, tuple(reversed(RULES)), again)]) == first
    assert b'"broken": 1' in first
    assert first.endswith(b"}\n")
