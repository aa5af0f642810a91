"""``hefu landing``: sizes and days of what was received, never content; pruning; where it is."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_world import ROWS, Hefu, add_source, make_node

from hefu.node import Node, load_node

# Old on any day on which this is run: the command looks at the clock.
LONG_AGO = datetime(2021, 1, 2, 1, 30, tzinfo=UTC)
ROW = ROWS[0].replace("2026-10-08", "2020-10-08")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from connectors.pull import PullRequest
    from flows.ingest import ingest

    node = make_node(tmp_path_factory.mktemp("template") / "county")
    add_source(node, ROW)
    (source,) = node.sources()
    for night in range(2):
        now = LONG_AGO + timedelta(night)
        ingest(node, source, PullRequest("cursor", None, None, None, now), now)
        add_source(node, ROW, ROW.replace("000001", "000003"))
    return node.root


@pytest.fixture
def synced(template: Path, tmp_path: Path) -> Node:
    shutil.copytree(template, tmp_path / "synced")
    return load_node(tmp_path / "synced")


def test_a_new_node_has_received_nothing(hefu: Hefu, node: Node) -> None:
    ran = hefu("landing", "--node", node.root)
    assert (ran.code, ran.out) == (0, "")
    assert "nothing was received yet" in ran.err
    assert "no retention rule: everything is kept" in ran.err


@pytest.mark.parametrize("words", [(), ("list",), ("casework",), ("casework/results",)])
def test_the_report(hefu: Hefu, synced: Node, words: tuple[str, ...]) -> None:
    ran = hefu("landing", *words, "--node", synced.root)
    assert ran.code == 0
    (line,) = (line for line in ran.out.splitlines() if "casework/results" in line)
    assert line.split()[1:2] == ["2"]
    assert "2021-01-02" in line
    assert "2021-01-03" in line
    assert "示例甲乙丙丁" not in ran.out + ran.err


def test_the_report_as_json(hefu: Hefu, synced: Node) -> None:
    told = json.loads(hefu("landing", "--json", "--node", synced.root).out)
    (stream,) = told["streams"]
    assert (stream["stream"], stream["objects"], told["objects"]) == ("casework/results", 2, 2)
    assert stream["bytes"] == told["bytes"] > 0
    assert stream["first"].startswith("2021-01-02T09:30")
    assert (told["keep_days"], stream["too_old"]["objects"]) == (None, 0)


def test_an_unknown_source(hefu: Hefu, synced: Node) -> None:
    ran = hefu("landing", "nothing", "--node", synced.root)
    assert ran.code == 2
    assert "casework/results" in ran.err


def test_prune_and_what_is_left_to_tell(hefu: Hefu, synced: Node) -> None:
    would = hefu("landing", "prune", "--older-than", "P400D", "--dry-run", "--node", synced.root)
    assert "nothing was deleted" in would.err
    use = json.loads(hefu("landing", "--json", "--node", synced.root).out)
    assert use["objects"] == 2
    done = json.loads(
        hefu("landing", "prune", "--older-than", "P400D", "--json", "--node", synced.root).out
    )
    assert (done["objects"], done["bytes"]) == (2, use["bytes"])
    assert done["streams"][0]["too_old"]["objects"] == 2
    assert "2" in hefu("landing", "--node", synced.root).out.splitlines()[-1].split()[-1]
    ran = hefu("landing", "prune", "--node", synced.root)
    assert "freed 0 B: 0 objects" in ran.err


@pytest.mark.parametrize("text", ["400", "P1M", "PT1H", "forty"])
def test_a_span_of_less_than_a_day_or_of_no_days(hefu: Hefu, synced: Node, text: str) -> None:
    ran = hefu("landing", "prune", "--older-than", text, "--node", synced.root)
    assert ran.code == 2
    assert "P400D" in ran.err
    assert len(list((synced.place("landing") / "objects").glob("??/*"))) == 2


def test_from_a_record_in_the_lake_to_the_bytes(hefu: Hefu, synced: Node) -> None:
    from lake.store import Lake
    from schemas.sql import connect

    con = connect()
    try:
        Lake(synced.place("lake")).attach(con, "case_result")
        found = con.execute(
            "SELECT _object_digest FROM case_result_current WHERE case_no LIKE '%000003%'"
        ).fetchone()
    finally:
        con.close()
    assert found
    ran = hefu("landing", "find", found[0], "--node", synced.root)
    assert (ran.code, "cases.csv" in ran.out) == (0, True)
    (told,) = json.loads(
        hefu("landing", "find", found[0][:8] + "!/x", "--json", "--node", synced.root).out
    )
    assert "000003" in Path(told["path"]).read_text(encoding="utf-8")
    assert told["source"] == "casework/results"
    hefu("landing", "prune", "--older-than", "P1D", "--node", synced.root)
    assert "by the retention rule" in hefu("landing", "find", found[0], "--node", synced.root).out


def test_an_object_that_nobody_knows(hefu: Hefu, synced: Node) -> None:
    ran = hefu("landing", "find", "00000000000", "--node", synced.root)
    assert (ran.code, "no object begins with" in ran.err) == (2, True)
