"""``hefu jurisdiction``: the tree, raising, advice, and a designation entered from its paper."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from cli_world import AGREEMENT, CITY, COUNTY, Hefu

from flows.own_records import append_own
from hefu.node import Node

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
NO = "示交案〔2026〕15号"
SUPERIOR = "11100000000000000X"
CASE = {
    "source_record_id": NO,
    "case_no": NO,
    "source_updated_time": "2026-10-07T08:00:00+08:00",
    "filing_time": "2026-10-02T10:00:00+08:00",
    "violation_division_code": COUNTY.division_code,
    "violation_type": "违法超限运输",
    "decision_type": "penalty",
    "decision_date": "2026-10-06",
    "party_name": "某某物流有限公司",
    "vehicle_plate_no": "皖P00001",
}


def with_case(node: Node) -> None:
    (node.root / "agreements/city.toml").write_text(AGREEMENT, encoding="utf-8")
    run = append_own(node, "case_result", f"SELECT {', '.join(CASE)} FROM raw", [CASE], NOW)
    assert run is not None
    assert not run.quarantined


def test_the_superior_of_codes(hefu: Hefu) -> None:
    ran = hefu("jurisdiction", "superior", "341882", "341881", "--json")
    assert ran.code == 0
    told = json.loads(ran.out)
    assert (told["division_code"], told["level"]) == ("341800", "city")
    changed = hefu("jurisdiction", "superior", "342502", "330523", "--on", "2026-11-22")
    assert changed.out.strip() == "Ministry of Transport"
    assert "342502 is 341881" in changed.err
    assert hefu("jurisdiction", "superior", "3418", "330523").code == 2
    assert hefu("jurisdiction", "superior", "341882", "330523", "--on", "today").code == 2


def test_from_raising_to_a_designation(hefu: Hefu, node: Node) -> None:
    with_case(node)
    at = ("--node", node.root)
    none = hefu("jurisdiction", "proposals", *at)
    assert (none.code, none.err.strip()) == (0, "none")
    raised = hefu("jurisdiction", "raise", NO, "--with", CITY.code, "--json", *at)
    assert raised.code == 0, raised.err
    number = str(json.loads(raised.out)["number"])
    again = hefu("jurisdiction", "raise", NO, "--with", CITY.code, *at)
    assert again.code == 2
    assert number in again.err

    advice = hefu("jurisdiction", "advise", number[-6:], *at)
    assert advice.code == 0, advice.err
    for said in (COUNTY.name, "第二十二条", "Ministry of Transport", NO):
        assert said in advice.out
    told = json.loads(hefu("jurisdiction", "advise", number, "--json", *at).out)
    assert (told["competent"], told["superior"]["level"]) == (COUNTY.code, "nation")
    assert "某某" not in advice.out + advice.err + json.dumps(told, ensure_ascii=False)

    early = hefu("jurisdiction", "agree", number, "--competent", COUNTY.code, "--name", "某甲", *at)
    assert early.code == 2
    assert "possible now" in early.err
    letter = ("--document-no", "示交请〔2026〕1号", "--to", SUPERIOR, "--to-name", "交通运输部")
    assert hefu("jurisdiction", "escalate", number, *letter, *at).code == 0
    designated = hefu(
        "jurisdiction", "designate", number, "--competent", COUNTY.code,
        "--document-no", "交函〔2026〕9号", *at,
    )  # fmt: skip
    assert designated.code == 0, designated.err
    shown = hefu("jurisdiction", "show", number, *at)
    assert "designated" in shown.out + shown.err
    closed = hefu("jurisdiction", "close", number, "--reason-text", "对方没有案卷", *at)
    assert closed.code == 0, closed.err
