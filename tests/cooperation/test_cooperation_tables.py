"""The tables: every state is reached and left, every name is known, every number is dated."""

from __future__ import annotations

import copy
import tomllib
from importlib.resources import files
from typing import Any

import pytest
from cooperation_acts import A, B, act, walk, way_to
from pydantic import ValidationError

from cooperation.procedures.__main__ import main
from cooperation.procedures.fold import fold, refused
from cooperation.procedures.guards import GUARDS
from cooperation.procedures.pages import page
from cooperation.procedures.table import START, Procedure, procedure, procedures
from schemas.codes import canonical
from schemas.contract import load_contract
from schemas.errors import ConfigError
from schemas.rule_entries import Parameter
from schemas.rulepack import load_rule_pack

TABLES = sorted(procedures())
tables = pytest.mark.parametrize("name", TABLES)


def test_the_code_lists_are_the_tables() -> None:
    acts = {code for table in procedures().values() for code in table.acts()}
    assert {row.code for row in canonical("act_code")} == acts
    assert {row.code for row in canonical("procedure")} == set(TABLES)


def test_an_act_read_without_its_procedure_still_says_what_it_is() -> None:
    rows = canonical("act_code")
    for labels in ([row.label_zh for row in rows], [row.label_en for row in rows]):
        assert sorted({n for n in labels if labels.count(n) > 1}) == []


def test_prefixes_tell_procedures_apart() -> None:
    prefixes = [table.prefix for table in procedures().values()]
    assert len(set(prefixes)) == len(prefixes)


@tables
def test_every_open_state_says_what_is_next_and_somebody_has_to_do_it(name: str) -> None:
    table = procedure(name)
    for state in table.states:
        if state.phase == "open":
            assert state.next_zh, state.name
            assert state.next_en, state.name
            assert table.next_roles(state.name), state.name


@tables
def test_every_guard_exists_and_every_needed_field_is_one_of_the_contract(name: str) -> None:
    table, known = procedure(name), set(load_contract("procedure_act").names())
    for row in table.rows:
        assert set(row.guards) <= set(GUARDS), row.act
        assert {"material_kinds" if n == "materials" else n for n in row.needs} <= known, row.act


@tables
def test_the_length_of_every_clock_is_a_parameter_in_the_unit_that_the_table_says(
    name: str,
) -> None:
    units = {e.name: e.unit for e in load_rule_pack("cn").entries(Parameter)}
    for clock in procedure(name).clocks:
        word = clock.unit.replace("_", " ")
        assert units[clock.parameter].startswith(word), clock.name


@tables
def test_a_clock_runs_only_while_the_matter_is_open(name: str) -> None:
    table = procedure(name)
    for clock in table.clocks:
        for state in clock.states:
            assert table.state(state).phase == "open", (clock.name, state)


@tables
def test_every_state_is_reached_by_acts_and_has_a_way_to_an_end(name: str) -> None:
    table = procedure(name)
    for state in table.states:
        matter = fold(*_of(table, state.name))
        assert matter.state_name == state.name
        assert matter.overtaken == ()


def _of(table: Procedure, state: str) -> tuple[Any, ...]:
    made = walk(table, way_to(table, state))
    return made[0].matter, table.name, made


@tables
def test_nobody_else_may_do_what_a_row_gives_to_a_role(name: str) -> None:
    table = procedure(name)
    orgs = {role.name: f"{number:018d}" for number, role in enumerate(table.roles)}
    for row in table.rows:
        for state in row.from_states:
            for role, org in orgs.items():
                one = act(row.act, 1, org, to_org=B, procedure=name)
                said = refused(table, state, orgs, one)
                assert (said is None) == (role in row.by), (row.act, role)
                forged = act(row.act, 1, org, to_org=B, procedure=name, source_org="9" * 18)
                assert refused(table, state, orgs, forged) is not None


def _raw(name: str = "referral") -> dict[str, Any]:
    folder = files("cooperation.procedures").joinpath("tables")
    return tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _island(raw: dict[str, Any]) -> None:
    raw["state"].append({"name": "island", "label_zh": "孤立", "label_en": "island"})
    raw["row"].append(raw["row"][0] | {"from": ["island"], "to": "closed", "act": "leave"})


def _trap(raw: dict[str, Any]) -> None:
    raw["state"].append({"name": "trap", "label_zh": "陷阱", "label_en": "trap"})
    raw["row"].append(raw["row"][0] | {"from": ["sent"], "to": "trap", "act": "enter"})


def _twice(raw: dict[str, Any]) -> None:
    raw["row"].append(copy.deepcopy(raw["row"][0]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_island, "no act leads to state island"),
        (_trap, "no act leads from state trap to an end"),
        (_twice, "two rows for act"),
        (lambda raw: raw["row"][0].update(needs=["colour"]), "needs the unknown field colour"),
        (lambda raw: raw["row"][0].update(by=["nobody"]), "unknown role nobody"),
        (lambda raw: raw["row"][0].update(to="nowhere"), "unknown state nowhere"),
        (lambda raw: raw["clock"][0].update(states=["nowhere"]), "unknown state nowhere"),
        (lambda raw: raw["clock"][0].update(who="nobody"), "unknown role nobody"),
        (lambda raw: raw["clock"][0].update(since_act="never"), "unknown act never"),
        (lambda raw: raw["state"].append(raw["state"][0]), "is declared twice"),
    ],
)
def test_a_table_that_does_not_hold_together_is_refused(change: Any, said: str) -> None:
    raw = _raw()
    Procedure.model_validate(copy.deepcopy(raw))
    change(raw)
    with pytest.raises(ValidationError, match=said):
        Procedure.model_validate(raw)


def test_a_procedure_that_there_is_none_of_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError) as error:
        procedure("tea")
    assert error.value.hint is not None
    assert all(name in error.value.hint.en for name in TABLES)


@tables
def test_only_who_opens_may_open(name: str) -> None:
    table = procedure(name)
    for row in table.possible(START):
        assert row.by == ("origin",), row.act
        assert refused(table, START, {"origin": A}, act(row.act, 1, B, to_org=A)) is not None


def test_the_pages_are_those_of_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, "run: python -m cooperation.procedures"
    assert capsys.readouterr().out == ""


def test_a_page_shows_every_act_state_and_period() -> None:
    for language in ("en", "zh"):
        text = page(language)  # type: ignore[arg-type]
        for table in procedures().values():
            assert all(f"`{name.replace('_', '-')}`" in text for name in table.acts())
            assert all(f"`{state.name}`" in text for state in table.states)
            assert all(f"`{clock.parameter}`" in text for clock in table.clocks)
