"""Rule packs: where each row comes from, when it holds, what a wrong file is told."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import duckdb
import pytest
from schemas_samples import value

from schemas.codes import canonical
from schemas.errors import ConfigError
from schemas.law.jurisdiction import choice, packs_for, parameter
from schemas.rule_entries import (
    Entry,
    Exemption,
    HearingCondition,
    Parameter,
    PenaltyRange,
)
from schemas.rulepack import (
    RulePack,
    load_rule_pack,
    packs_of,
    parse_rule_pack,
    rule_packs,
    rule_set_version,
)
from schemas.sql import connect

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 10, 8)
ROWS = [(pack, row) for pack in rule_packs() for row in pack.entries(Entry)]

SMALL = """\
name = "xx"
version = "xx-1"
jurisdiction = "某市"
jurisdiction_en = "some city"
divisions = ["9901"]

[[parameter]]
name = "some_days"
value = 5
unit = "days"
unit_zh = "日"
article = "某市条例第一条"
text = "摘要：五日内"
source = "read"
verified = true
valid_from = 2020-01-01
"""


def small(text: str = SMALL) -> RulePack:
    return parse_rule_pack(text, Path("schemas/rules/xx.toml"))


def another(**changes: str) -> str:
    """SMALL with a second row, which differs from the first in ``changes``."""
    row = SMALL[SMALL.index("[[") :]
    for key, new in changes.items():
        lines = [ln for ln in row.splitlines() if not ln.startswith(f"{key} =")]
        row = "\n".join([*lines, f"{key} = {new}"]) + "\n"
    return f"{SMALL}\n{row}"


def test_there_is_a_pack_for_each_jurisdiction_that_the_sources_speak_of() -> None:
    assert [(p.name, p.divisions) for p in rule_packs()] == [
        ("cn", ()), ("ha", ("41",)), ("sh", ("31",)), ("zj", ("33",)),
    ]  # fmt: skip


@pytest.mark.parametrize(("pack", "row"), ROWS, ids=lambda x: x.name)
def test_every_row_says_where_it_stands_and_how_we_know(pack: RulePack, row: Entry) -> None:
    assert row.article.strip()
    assert row.text.strip()
    assert row.source in {"read", "excerpt", "memory"}
    assert not (row.verified and row.source != "read")
    assert row.valid_from >= date(1990, 1, 1)
    assert pack.version.startswith(f"{pack.name}-")


def test_what_was_only_seen_in_excerpts_or_remembered_is_not_called_verified() -> None:
    doubtful = {row.name for _, row in ROWS if not row.verified}
    assert {"overload_fine", "limit_train_6", "hearing_fine_org_cny"} <= doubtful
    assert {"summary_fine_limit_person_cny", "vehicle_modified"}.isdisjoint(doubtful)
    remembered = {row.name for _, row in ROWS if row.source == "memory"}
    assert {"max_height_m", "max_width_m", "max_length_m", "single_tyre_reduction_kg"} <= remembered


def test_codes_that_rows_name_are_in_their_lists() -> None:
    causes = {c.code for c in canonical("case_cause")}
    kinds = {c.code for c in canonical("penalty_category")}
    bases = {c.code for c in canonical("non_penalty_basis")}
    decisions = {c.code for c in canonical("decision_type")}
    for pack in rule_packs():
        assert {c for r in pack.entries(PenaltyRange) for c in r.causes} <= causes
        assert {k for r in pack.entries(HearingCondition) for k in r.kinds} <= kinds
        assert {r.ground for r in pack.entries(Exemption)} <= bases
        assert {r.decision_type for r in pack.entries(Exemption)} <= decisions


@pytest.mark.parametrize(
    ("division", "version"),
    [
        ("330523", "cn-2026.11+zj-2026.11"),
        ("310101", "cn-2026.11+sh-2026.11"),
        ("410100", "cn-2026.11+ha-2026.11"),
        ("341882", "cn-2026.11"),
        ("", "cn-2026.11"),
    ],
)
def test_a_record_carries_the_versions_of_all_packs_of_its_place(
    division: str, version: str
) -> None:
    assert rule_set_version(division) == version


def test_the_most_specific_pack_comes_first_and_the_national_one_last() -> None:
    city = small().model_copy(update={"divisions": ("3305",)})
    names = [p.name for p in packs_of("330523", [*rule_packs(), city])]
    assert names == ["xx", "zj", "cn"]
    assert [p.name for p in packs_of("330100", [*rule_packs(), city])] == ["zj", "cn"]


def test_a_pack_applies_from_its_first_row_on() -> None:
    assert [p.name for p in packs_for("330523", date(2020, 9, 30))] == ["cn"]
    assert [p.name for p in packs_for("330523", date(2020, 10, 1))] == ["zj", "cn"]
    assert packs_for("330523", date(1990, 1, 1)) == ()


def test_a_more_specific_number_prevails_where_and_when_it_holds() -> None:
    city = small(SMALL.replace("some_days", "decision_days").replace("9901", "3305"))
    packs = [*rule_packs(), city]
    assert parameter("decision_days", "330523", DAY, packs).entry.value == 5
    assert parameter("decision_days", "330523", DAY, packs).basis.article == "某市条例第一条"
    assert parameter("decision_days", "330100", DAY, packs).entry.value == 90


def test_a_number_that_is_not_in_force_is_an_error_and_no_guess() -> None:
    parameter("decision_days", "330523", date(2021, 7, 15))
    with pytest.raises(ConfigError, match="2021-07-14"):
        parameter("decision_days", "330523", date(2021, 7, 14))
    assert choice("accumulation_base_date", "", DAY).entry.value == "violation"
    with pytest.raises(ConfigError):
        choice("no_such_question", "", DAY)


@pytest.mark.parametrize(
    ("pack", "name", "day", "expected"),
    [
        ("cn", "summary_fine_limit_person_cny", "2021-07-14", None),
        ("cn", "summary_fine_limit_person_cny", "2021-07-15", 200),
        ("cn", "max_total_weight_limit_kg", "2016-09-20", None),
        ("cn", "max_total_weight_limit_kg", "2016-09-21", 49000),
        ("cn", "transfer_hours", "2020-08-06", None),
        ("cn", "transfer_hours", "2020-08-07", 24),
        ("ha", "accumulation_operator_revocation_ratio", "2026-10-08", 0.3),
    ],
)
def test_a_number_as_sql_holds_from_its_day(
    pack: str, name: str, day: str, expected: float | None
) -> None:
    got = value(connect(), load_rule_pack(pack).sql(name, f"DATE '{day}'"))
    assert (None if got is None else float(got)) == expected


@pytest.mark.parametrize(
    "row", [r for _, r in ROWS if isinstance(r, Parameter)], ids=lambda r: r.name
)
def test_every_number_is_in_force_from_its_first_day_until_before_its_last(row: Parameter) -> None:
    assert row.in_force(row.valid_from)
    assert not row.in_force(date.fromordinal(row.valid_from.toordinal() - 1))
    assert row.valid_to is None or not row.in_force(row.valid_to)


def test_rows_that_follow_each_other_are_one_history() -> None:
    text = another(value="7", valid_from="2024-01-01").replace(
        "valid_from = 2020-01-01", "valid_from = 2020-01-01\nvalid_to = 2024-01-01", 1
    )
    pack = small(text)
    con: duckdb.DuckDBPyConnection = connect()
    assert value(con, pack.sql("some_days", "DATE '2023-12-31'")) == 5
    assert value(con, pack.sql("some_days", "DATE '2024-01-01'")) == 7


def test_two_rows_in_force_on_one_day_are_refused_with_their_line() -> None:
    with pytest.raises(ConfigError) as caught:
        small(another(valid_from="2024-01-01"))
    assert "two rows of parameter for some_days" in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.row == 18
    assert "同时有效" in caught.value.message.zh


def test_a_row_found_wrong_stays_to_be_read_and_counts_for_nothing() -> None:
    text = SMALL + "withdrawn = 2026-11-22\n" + another(value="7")[len(SMALL) :]
    pack = small(text)
    assert len(pack.parameters) == 2
    assert [p.value for p in pack.entries(Parameter, on=DAY)] == [7]
    assert value(connect(), pack.sql("some_days", "DATE '2021-01-01'")) == 7


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("value = 5", 'value = "five"', 9, "decimal"),
        ("value = 5", "valeu = 5", 9, "unknown key 'valeu'"),
        ("verified = true\n", "", 7, "missing"),
        ('source = "read"', 'source = "memory"', 7, "only a text that was read can be verified"),
        ("2020-01-01", "2020-01-01\nvalid_to = 2020-01-01", 7, "later than valid_from"),
        ('divisions = ["9901"]', 'divisions = ["浙"]', 5, "divisions"),
        ('name = "xx"', 'name = "yy"', None, "must be named yy.toml"),
        ("name = ", "name == ", None, "not valid TOML"),
    ],
)
def test_a_wrong_file_is_told_with_file_line_and_key(
    old: str, new: str, line: int | None, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        small(SMALL.replace(old, new, 1))
    assert caught.value.where is not None
    assert caught.value.where.file == "schemas/rules/xx.toml"
    assert caught.value.where.row == line


def test_a_pack_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="no rule pack nowhere"):
        load_rule_pack("nowhere")
    with pytest.raises(ConfigError, match="no parameter nothing"):
        load_rule_pack("cn").sql("nothing", "d")


def test_no_number_of_the_packs_stands_in_python() -> None:
    """schemas/law computes with rows of law; units of measure have a file of their own."""
    legal = {
        float(number)
        for _, row in ROWS
        for number in _numbers(row.content())
        if number not in (0, 1)
    }
    assert {200.0, 3000.0, 49000.0, 500.0, 0.2, 30000.0, 90.0} <= legal
    found = [
        f"{path.name}:{node.lineno}: {node.value}"
        for path in sorted((ROOT / "schemas" / "law").glob("*.py"))
        if path.name != "units.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
        and float(node.value) in legal
    ]
    assert found == []


def _numbers(content: object) -> list[float]:
    from decimal import Decimal

    if isinstance(content, dict):
        return [n for part in content.values() for n in _numbers(part)]
    if isinstance(content, list | tuple):
        return [n for part in content for n in _numbers(part)]
    if isinstance(content, int | Decimal) and not isinstance(content, bool):
        return [float(content)]
    return []
