"""``hefu withdraw`` and ``hefu erase`` on one node; two nodes are in tests/flows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_world import Hefu, make_node

from flows.own_records import append_own
from hefu.node import Node

MAPPING = """
SELECT no AS source_record_id, no AS inspection_no, seen AS inspection_time,
    seen AS source_updated_time, name AS party_name
FROM raw
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Node:
    node = make_node(tmp_path_factory.mktemp("withdraw") / "county")
    now = datetime.now(UTC)
    seen = (now - timedelta(days=9)).isoformat()
    rows = [{"no": f"检{n}", "seen": seen, "name": f"钱独一无二{n}"} for n in (1, 2)]
    append_own(node, "inspection", MAPPING, rows, now)
    return node


def test_a_correction_is_recorded_once_and_says_what_is_missing(hefu: Hefu, office: Node) -> None:
    words = ("withdraw", "record", "检1", "--type", "decision_revoked", "--effective", "2026-01-05")
    ran = hefu("--node", office.root, *words)
    assert ran.code == 2
    assert "--document-no" in ran.err
    more = ("--document-no", "示复撤〔2026〕1号", "--reason", "事实不清")
    ran = hefu("--node", office.root, *words, *more)
    assert ran.code == 0, ran.err
    assert "the record is revoked from now on" in ran.err
    assert "nobody has to be told" in ran.err
    ran = hefu("--node", office.root, *words, *more, "--json")
    said = json.loads(ran.out)
    assert (said["data_status"], said["matters"]) == ("revoked", [])
    # three working days from Monday, 5 January 2026
    assert said["due"].startswith("2026-01-09")
    assert hefu("--node", office.root, "withdraw", "list").code == 0
    assert hefu("--node", office.root, "withdraw", "proposals", "--json").out.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("withdraw", "record", "检9", "--type", "void", "--effective", "2026-01-05"), "no record"),
        (("withdraw", "record", "检2", "--type", "no", "--effective", "2026-01-05"), "--type"),
        (
            (
                "withdraw",
                "record",
                "检2",
                "--type",
                "retention_deleted",
                "--effective",
                "2026-01-05",
            ),
            "hefu erase",
        ),
        (("erase",), "--retention"),
        (("erase", "--record", "检2"), "ground"),
    ],
)
def test_wrong_use_is_told(hefu: Hefu, office: Node, words: tuple[str, ...], said: str) -> None:
    ran = hefu("--node", office.root, *words)
    assert ran.code == 2
    assert said in ran.err


def test_erasing_is_looked_at_confirmed_and_logged(
    hefu: Hefu, office: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--node", office.root, "erase", "--record", "检2")
    looked = json.loads(hefu(*words, "--dry-run", "--json").out)
    assert next((p["place"], p["gone"]) for p in looked[0]["places"]) == ("lake", 1)
    assert "nothing was erased" in hefu(*words, "--dry-run").err
    ground = ("--basis", "个人信息保护法 第四十七条")
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "no")
    ran = hefu(*words, *ground)
    assert ran.code == 2
    assert "type erase" in ran.err
    assert _holds(office.root, "钱独一无二2")
    ran = hefu(*words, *ground, "--yes")
    assert ran.code == 0, ran.err
    assert "done" in ran.err
    assert not _holds(office.root, "钱独一无二2")
    assert _holds(office.root, "钱独一无二1")
    (logged,) = json.loads(hefu("--node", office.root, "erase", "--list", "--json").out)
    assert (logged["records"], logged["basis"], logged["found"]["lake"]) == (1, ground[1], 1)
    assert logged["finished"]
    assert "钱" not in hefu("--node", office.root, "erase", "--list").out
    assert "nothing is to be erased" in hefu("--node", office.root, "erase", "--retention").err


def _holds(root: Path, text: str) -> bool:
    return any(text.encode() in p.read_bytes() for p in root.rglob("*") if p.is_file())
