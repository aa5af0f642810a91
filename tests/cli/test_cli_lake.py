"""``hefu status`` and ``hefu quarantine`` over what real runs left in a lake."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_world import AGREEMENT, ROWS, Hefu, add_source, make_node

from hefu.node import Node, load_node

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


def sync(node: Node, now: datetime = NOW) -> None:
    """A run as the flow does it, without Prefect around it."""
    from connectors.pull import PullRequest
    from flows.ingest import ingest

    (source,) = node.sources()
    ingest(node, source, PullRequest("cursor", None, None, None, now), now)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node after one run: one row accepted, one in quarantine, the gate failed."""
    node = make_node(tmp_path_factory.mktemp("template") / "county")
    add_source(node, *ROWS, share=0.2)
    sync(node)
    return node.root


@pytest.fixture
def synced(template: Path, tmp_path: Path) -> Node:
    shutil.copytree(template, tmp_path / "synced")
    return load_node(tmp_path / "synced")


def test_status_of_a_new_node_is_empty_and_well(hefu: Hefu, node: Node) -> None:
    ran = hefu("status", "--json", "--node", node.root)
    told = json.loads(ran.out)
    assert ran.code == 0
    assert (told["sources"], told["published"], told["taken_in"]) == ([], [], [])


def test_status_before_the_first_run(hefu: Hefu, node: Node) -> None:
    add_source(node, *ROWS)
    ran = hefu("status", "--node", node.root)
    assert ran.code == 0
    assert "never" in ran.out


def test_status_tells_counts_that_balance_and_a_failed_gate(hefu: Hefu, synced: Node) -> None:
    ran = hefu("status", "--json", "--node", synced.root)
    (source,) = json.loads(ran.out)["sources"]
    run, in_all = source["last_run"], source["in_all"]
    assert ran.code == 1
    assert run["gate_passed"] is False
    for counts in (run, in_all):
        fates = ("accepted", "unchanged", "duplicate", "quarantined")
        assert counts["received"] == 2 == sum(counts[fate] for fate in fates)
    assert "range:fine_amount_cny" in run["reasons"]
    spoken = hefu("status", "--node", synced.root)
    assert spoken.code == 1
    assert "casework/results" in spoken.out
    assert "FAILED" in spoken.out
    assert "2026-11-22 09:30" in spoken.out
    assert "gate: " in spoken.err


def test_a_backfill_opens_no_gate_in_the_status(hefu: Hefu, synced: Node) -> None:
    from connectors.pull import PullRequest
    from flows.ingest import ingest
    from lake.store import Lake

    (source,) = synced.sources()
    later = NOW + timedelta(hours=1)
    last = Lake(synced.place("lake")).last_run(source.stream_id, source.config.record_type)
    assert last is not None
    ingest(synced, source, PullRequest("window", None, None, None, later), later, again=last)
    ran = hefu("status", "--json", "--node", synced.root)
    (told,) = json.loads(ran.out)["sources"]
    assert (ran.code, told["gate_passed"]) == (1, False)
    assert told["last_run"]["gate_passed"] is True
    assert "FAILED" in hefu("status", "--node", synced.root).out


def test_status_lists_what_an_agreement_would_send(hefu: Hefu, synced: Node) -> None:
    (synced.root / "agreements" / "a.toml").write_text(AGREEMENT, encoding="utf-8")
    told = json.loads(hefu("status", "--json", "--node", synced.root).out)
    (sent,) = told["published"]
    assert (sent["sequence"], sent["time"]) == (0, None)


def test_quarantine_lists_places_and_reasons_and_no_values(hefu: Hefu, synced: Node) -> None:
    ran = hefu("quarantine", "list", "--node", synced.root)
    assert ran.code == 0, ran.err
    assert "range:fine_amount_cny" in ran.out
    assert "戊" not in ran.out + ran.err
    (row,) = json.loads(hefu("quarantine", "list", "--json", "--node", synced.root).out)
    assert (row["stream"], row["row"]) == ("casework/results", 2)
    assert row["id"] in ran.out


def test_quarantine_can_be_narrowed_to_a_source_and_a_reason(hefu: Hefu, synced: Node) -> None:
    at = ("--json", "--node", synced.root)
    listed = lambda *words: json.loads(hefu("quarantine", "list", *words, *at).out)  # noqa: E731
    assert len(listed("casework", "--reason", "type:decision_date")) == 1
    assert listed("casework/results", "--reason", "required:case_no") == []
    assert hefu("quarantine", "list", "elsewhere", *at).code == 2
    assert hefu("quarantine", "list", "--limit", "0", *at).code == 2


def test_quarantine_shows_a_row_masked_with_its_rules(hefu: Hefu, synced: Node) -> None:
    (row,) = json.loads(hefu("quarantine", "list", "--json", "--node", synced.root).out)
    ran = hefu("quarantine", "show", row["id"], "--node", synced.root)
    assert ran.code == 0
    assert "戊" not in ran.out + ran.err
    assert "复核" not in ran.out  # a column that no field uses may hold anything
    assert "2026-02-30" in ran.out
    assert "  hint: " in ran.out
    assert "masked" in ran.err


def test_revealing_says_so_on_stderr(hefu: Hefu, synced: Node) -> None:
    (row,) = json.loads(hefu("quarantine", "list", "--json", "--node", synced.root).out)
    ran = hefu("quarantine", "show", row["id"][:4], "--reveal", "--json", "--node", synced.root)
    told = json.loads(ran.out)
    assert told["values"]["当事人"] == "示例戊己庚辛"
    assert told["masked"] is False
    assert "type:decision_date" in told["rules"]
    assert "personal data" in ran.err


def test_an_unknown_row_is_wrong_use(hefu: Hefu, synced: Node) -> None:
    ran = hefu("quarantine", "show", "zzzz", "--node", synced.root)
    assert (ran.code, ran.out) == (2, "")
    assert "no open row" in ran.err


def test_a_row_that_was_never_readable_is_masked_too(hefu: Hefu, node: Node) -> None:
    add_source(node, ROWS[0], "示例壬癸子丑,short")
    sync(node)
    (row,) = json.loads(hefu("quarantine", "list", "--json", "--node", node.root).out)
    assert row["reasons"] == ["read:columns"]
    ran = hefu("quarantine", "show", row["id"], "--node", node.root)
    assert ran.code == 0
    assert "壬癸" not in ran.out + ran.err
    assert "hint: an unquoted comma" in ran.out


def test_a_corrected_row_is_no_longer_open(hefu: Hefu, synced: Node) -> None:
    add_source(synced, ROWS[0], ROWS[1].replace("2026-02-30,-1", "2026-10-09,100"))
    sync(synced, NOW + timedelta(days=1))
    ran = hefu("quarantine", "list", "--node", synced.root)
    assert (ran.code, ran.out) == (0, "")
    assert "nothing is in quarantine" in ran.err
    assert hefu("status", "--node", synced.root).code == 0
