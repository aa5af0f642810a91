"""Before a fine is decided: what other agencies filed, decided or fined, and what is not known."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from flows_cases import KEY, make_office, own, person, received, token
from flows_world import NOW, A, B, C

from exchange.keys.pairs import write_pair_key
from flows.acting import do, opening
from hefu.cli import run
from hefu.node import Node

PLATE = "皖Z{0}{0}{0}{0}{0}"
GRANT = """
[[grants]]
from = "{sender}"
to = "{receiver}"
purpose = "cases"
legal_basis = "行政处罚法第二十五条、第二十九条"
[grants.records]
case_result = ["case_no"]
"""


def act(number: int, **more: str | None) -> dict[str, str | None]:
    """An act of its own vehicle, filed here at nine."""
    return {
        "occurred_time": "2026-10-01T08:00:00+08:00",
        "vehicle_plate_no": PLATE.format(number),
        "vehicle_plate_color": "yellow",
        "common_cause_code": "overload_road",
        "violation_division_code": "999900",
        "total_weight_kg": "62300",
        "filing_time": "2026-10-01T09:00:00+08:00",
    } | more


def theirs(number: int, **more: str | None) -> dict[str, str | None]:
    """The same act as the partner has it: half an hour later, filed before us."""
    told: dict[str, str | None] = {
        "occurred_time": "2026-10-01T08:30:00+08:00",
        "filing_time": "2026-10-01T08:40:00+08:00",
        "violation_division_code": "999901",
    }
    return act(number, **(told | {"no": f"乙{number}"} | more))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    root = tmp_path_factory.mktemp("check")
    node = make_office(root / "a")
    write_pair_key(node.pair_key_path(B.code), KEY)
    text = 'id = "cases"\nversion = 1\nvalid_from = 2020-01-01\nvalid_until = 2999-12-31\n'
    for agency in (A, B, C):
        text += f'[[parties]]\ncode = "{agency.code}"\nname = "{agency.name}"\n'
    for sender in (B, C):
        text += GRANT.format(sender=sender.code, receiver=A.code)
    (root / "a/agreements/cases.toml").write_text(text, encoding="utf-8")
    own(node, "case_result", [act(n, no=f"甲{n}") for n in range(1, 8)])
    met = {
        "party_name": "某甲（虚构）",
        "party_id_token": token(8),
        "vehicle_plate_no": None,
        "vehicle_plate_color": None,
    }
    rows = [
        theirs(1, fine_amount_cny="3000"),
        theirs(2, filing_time="2026-10-01T10:00:00+08:00"),
        theirs(3, vehicle_plate_color=None),
        theirs(4, decision_type="not_established"),
        theirs(5, review_status="revoked"),
        theirs(8, occurred_time="2026-10-01T08:05:00+08:00", **met),
    ]
    received(node, root / "b", "case_result", rows)
    crime = opening(node, "transfer", "suspect", NOW, subject_nos=("甲7",))
    do(node, crime, NOW)
    return node


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HEFU_LANG", request.param)
    return str(request.param)


def ask(node: Node, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run(["--node", str(node.root), "check-case", *arguments])
    return code, capsys.readouterr().out


def asked(node: Node, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out = ask(node, capsys, *arguments, "--json")
    answer: dict[str, Any] = json.loads(out)
    assert code == (0 if answer["verdict"] == "clear" else 1)
    return answer


@pytest.mark.parametrize(
    ("number", "verdict", "conflicts", "related"),
    [
        ("甲1", "stop", {"乙1": "fined"}, set()),
        ("甲2", "stop", {"乙2": "fined"}, set()),
        ("甲3", "look", {"乙3": "fined"}, set()),
        ("甲4", "clear", {}, {"乙4"}),
        ("甲5", "clear", {}, {"乙5"}),
        ("甲6", "clear", {}, set()),
        ("甲7", "stop", {}, set()),
    ],
)
def test_what_stands_against_a_fine(
    node: Node,
    capsys: pytest.CaptureFixture[str],
    number: str,
    verdict: str,
    conflicts: dict[str, str],
    related: set[str],
) -> None:
    answer = asked(node, capsys, number)
    assert answer["verdict"] == verdict
    assert {one["no"]: one["reason"] for one in answer["conflicts"]} == conflicts
    assert {one["no"] for one in answer["related"]} == related
    assert answer["next"]
    assert answer["law"]


def test_who_filed_first_is_told(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    first = {n: asked(node, capsys, f"甲{n}")["conflicts"][0]["we_filed_first"] for n in (1, 2)}
    assert first == {1: False, 2: True}
    assert "hefu jurisdiction raise" in asked(node, capsys, "甲2")["next"][0]["en"]


def test_a_running_transfer_holds_the_fine_up(
    node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = asked(node, capsys, "甲7")
    (matter,) = answer["frozen_by"]
    assert (matter["procedure"], matter["certain"]) == ("transfer", True)
    assert "310" in answer["law"][0]["en"]


def test_a_party_is_found_by_its_token_and_never_shown(
    node: Node, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = ["--time", "2026-10-01 08:00", "--cause", "overload_road", "--weight", "62300"]
    monkeypatch.setattr("sys.stdin", io.StringIO(person(8) + "\n"))
    answer = asked(node, capsys, "--party", "-", *facts)
    assert answer["verdict"] == "look"
    assert [one["no"] for one in answer["conflicts"]] == ["乙8"]
    monkeypatch.setattr("sys.stdin", io.StringIO(person(8) + "\n"))
    _, out = ask(node, capsys, "--party", "-", *facts)
    assert person(8) not in out
    assert "hs256" not in out


def test_facts_find_both_sides(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    plate = PLATE.format(1)
    answer = asked(
        node, capsys, "--plate", plate, "--color", "黄", "--time", "2026-10-01 08:10",
        "--cause", "overload_road", "--weight", "62000", "--division", "999900",
    )  # fmt: skip
    assert {one["no"] for one in answer["conflicts"]} == {"甲1", "乙1"}
    assert plate not in json.dumps(answer, ensure_ascii=False)


def test_coverage_names_who_answered_and_who_never_did(
    node: Node, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    code, out = ask(node, capsys, "甲6")
    assert code == 0
    assert B.name in out
    assert C.name in out
    assert "2026-10-09 01:30" in out
    by_name = {one["name"]: one for one in asked(node, capsys, "甲6")["coverage"]}
    assert by_name[C.name]["as_of"] is None
    assert by_name[B.name]["records"] == 6
    # Whoever reads it must not take it for “no offence”.
    assert "no offence" not in out.lower()


@pytest.mark.parametrize(
    "arguments",
    [
        ["没有的案号"],
        [],
        ["甲1", "--plate", "皖Z00001"],
        ["--plate", "皖Z00001"],
        ["--plate", "皖Z00001", "--time", "昨天"],
        ["--time", "2026-10-01 08:00"],
        ["--party", "12345", "--time", "2026-10-01 08:00"],
        ["--plate", "皖Z00001", "--color", "紫", "--time", "2026-10-01 08:00"],
    ],
)
def test_wrong_use_is_told(
    node: Node, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert ask(node, capsys, *arguments)[0] == 2


def test_an_empty_node_says_that_only_own_records_were_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = make_office(tmp_path / "alone")
    facts = ["--plate", "皖Z00001", "--color", "黄", "--time", "2026-10-01 08:00"]
    code, out = ask(node, capsys, *facts)
    assert code == 0
    assert A.name not in out
    assert asked(node, capsys, *facts)["coverage"] == []
