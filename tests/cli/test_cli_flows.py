"""``sync``, ``backfill``, ``publish`` and ``receive`` through Prefect, quietly.

One process runs the whole story of two nodes, as an operator would; the tests look at its parts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_world import AGREEMENT, CITY, COUNTY, HEADER, ROOT, ROWS, Ran, add_source, make_node

from hefu.node import Node

Story = dict[str, Ran]


def tell(node: Node, city: Node, tmp: Path) -> dict[str, list[str]]:
    """The commands in their order, by what they are about."""
    at, there = ("--node", str(node.root)), ("--node", str(city.root))
    stream = node.place("repository") / "targets/streams" / "*" / "*.00000001.hefu"
    break_it = f"cp {stream} {tmp}/good.hefu; chmod u+w {stream}; printf x >> $(echo {stream})"
    return {
        "gate fails": ["sync", *at],
        "again": ["sync", "casework", "--json", *at],
        "dry backfill": [
            "backfill", "casework/results", "--since", "2026-10-01", "--until", "2026-10-31",
            "--dry-run", "--json", *at,
        ],
        "window backwards": [
            "backfill", "casework/results", "--since", "2026-10-02", "--until", "2026-10-01", *at,
        ],
        "unknown source": ["sync", "nothing/here", *at],
        "away": ["sync", "--json", *there],
        "gate closed": ["publish", *at],
        "would publish": ["publish", "--dry-run", "--override-gate", "looked at it", *at],
        "unknown partner": ["publish", CITY.code[::-1], *at],
        "published": ["publish", "--json", "--override-gate", "looked at it", *at],
        "nothing new": ["publish", "--override-gate", "looked at it", *at],
        "broken": ["!", "sh", "-c", break_it],
        "refused": ["receive", *there],
        "mended": ["!", "sh", "-c", f"cp {tmp}/good.hefu $(echo {stream})"],
        "taken in": ["receive", COUNTY.code, "--json", *there],
        "no new bundle": ["receive", *there],
        "status": ["status", "--json", *there],
    }  # fmt: skip


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    tmp = tmp_path_factory.mktemp("story")
    node, city = make_node(tmp / "county"), make_node(tmp / "city", CITY)
    add_source(node, *ROWS, share=0.2)
    export = add_source(city)
    export.unlink()
    export.parent.rmdir()
    for one in (node, city):
        (one.root / "agreements" / "a.toml").write_text(AGREEMENT, encoding="utf-8")
    card = str(tmp / "county.card.json")
    commands = tell(node, city, tmp)
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("call_commands.py")],
        input=json.dumps(
            [
                ["partner", "card", "--out", card, "--node", str(node.root)],
                ["partner", "add", card, "--node", str(city.root)],
                *commands.values(),
            ]
        ),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HEFU_LANG": "en", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "Prefect's temporary server must be silent, also at exit"
    results = [Ran(*result) for result in json.loads(done.stdout)[2:]]
    return dict(zip(commands, results, strict=True))


def test_a_run_that_fails_its_gate_is_done_but_needs_a_person(story: Story) -> None:
    ran = story["gate fails"]
    assert ran.code == 1
    assert "FAILED" in ran.out
    assert "gate: " in ran.err
    assert "Traceback" not in ran.err


def test_running_again_changes_nothing(story: Story) -> None:
    (run,) = json.loads(story["again"].out)["runs"]
    assert run["accepted"] == 0


def test_a_dry_backfill_counts_and_stores_nothing(story: Story) -> None:
    ran = story["dry backfill"]
    (run,) = json.loads(ran.out)["runs"]
    assert run["mode"] == "window"
    assert (run["accepted"], run["unchanged"]) == (0, 1)
    assert "dry run" in ran.err


@pytest.mark.parametrize("case", ["window backwards", "unknown source", "unknown partner"])
def test_wrong_use_is_exit_code_2(story: Story, case: str) -> None:
    ran = story[case]
    assert (ran.code, ran.out) == (2, "")
    assert "hint: " in ran.err


def test_a_source_that_is_away_is_exit_code_3(story: Story) -> None:
    ran = story["away"]
    told = json.loads(ran.out)
    assert (ran.code, told["runs"]) == (3, [])
    assert [error["subject"] for error in told["errors"]] == ["casework/results"]


def test_a_closed_gate_holds_records_back_until_a_person_overrides_it(story: Story) -> None:
    assert story["gate closed"].code == 1
    assert "--override-gate" in story["gate closed"].err
    assert story["would publish"].code == 0
    assert "would be published" in story["would publish"].out
    (published,) = json.loads(story["published"].out)["published"]
    assert (published["status"], published["sequence"]) == ("published", 1)
    assert published["counts"] == {"case_result": 1}
    assert "nothing new" in story["nothing new"].out


def test_a_refused_bundle_needs_a_person_and_the_right_one_is_taken_in_after_it(
    story: Story,
) -> None:
    refused = story["refused"]
    assert refused.code == 1
    assert "step:     trust" in refused.err
    (taken,) = json.loads(story["taken in"].out)["taken_in"]
    assert taken["counts"]["case_result"]["accepted"] == 1
    assert (story["no new bundle"].code, story["no new bundle"].out) == (0, "")
    (status,) = json.loads(story["status"].out)["taken_in"]
    assert (status["partner"], status["sequence"], status["rows"]) == (COUNTY.code, 1, 1)


def test_nothing_personal_is_said_on_the_way(story: Story) -> None:
    everything: list[Any] = [ran.out + ran.err for ran in story.values()]
    names = [row.split(",")[6] for row in ROWS]
    assert HEADER.split(",")[6] == "当事人"
    assert [name for name in names if any(name in text for text in everything)] == []
