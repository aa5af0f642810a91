"""Killed at any moment and run again, everything is as if the run had not been killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from flows_hotline import Hotline, serving
from flows_killer import WORKS
from flows_world import NIGHT, NOW, TOKEN, URL_VARIABLE, World, case, history, opened, order

from flows.heads import heads_of
from hefu.quarantined import open_rows
from lake.store import Lake

KILLER = Path(__file__).with_name("flows_killer.py")
REPOSITORY = KILLER.parents[2]
RECORD_TYPES = ("case_result", "lead", "receipt")


@dataclass(frozen=True)
class Place:
    """A call in a run, before or after which the process dies."""

    module: str
    name: str
    when: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.when} {self.module}.{self.name} {self.nth}"


def before(module: str, name: str, nth: int = 1) -> Place:
    return Place(module, name, "before", nth)


def after(module: str, name: str, nth: int = 1) -> Place:
    return Place(module, name, "after", nth)


# Each list is one unlucky run: killed at every place in turn, then left to finish.
UNLUCKY: dict[str, list[Place]] = {
    "sync": [
        before("connectors.landing", "_write_all"),
        after("connectors.landing", "_write_all"),
        before("connectors.landing_log", "Log.append"),
        after("connectors.landing", "Landing.store", 2),
        after("flows.ingest", "load_raw"),
        after("quality.quarantine", "_write"),
        after("lake.delta", "ensure_table"),
    ],
    "sync, committed": [after("lake.delta", "write_deltalake")],
    "sync_leads": [
        after("connectors.landing", "Landing.store", 2),
        before("lake.delta", "write_deltalake"),
    ],
    "sync_leads, committed": [after("lake.delta", "write_deltalake")],
    "publish": [
        after("flows.sending", "write_bundle"),
        after("exchange.keys.encryption", "encrypt_file"),
        before("flows.sending", "publish"),
        before("exchange.repository.commit", "Commit._sign"),
        before("exchange.repository.commit", "Commit._write_snapshot"),
        before("exchange.repository.commit", "Commit._write_timestamp"),
    ],
    "publish, published": [after("exchange.repository.commit", "Commit._write_timestamp")],
    "receive": [
        after("exchange.trust.client", "Publisher.download"),
        after("exchange.keys.encryption", "decrypt_file"),
        after("flows.opening", "verify_bundle"),
        before("flows.incoming", "keep"),
        before("exchange.trust.evidence", "_put_bundle"),
        after("flows.incoming", "keep"),
        after("lake.delta", "write_deltalake"),
        after("lake.delta", "write_deltalake", 2),
    ],
    "receive, before the ledger": [before("lake.ledger", "Ledger.add")],
    "receive, before the receipt": [
        after("lake.ledger", "Ledger.add"),
        # the first bundle's receipt is written by now; die over the second bundle
        after("lake.ledger", "Ledger.add"),
    ],
}


@pytest.fixture(scope="module")
def killer() -> Iterator[Callable[[World, str, Place], int]]:
    """Does a work in another process and kills it at a place; gives its exit code."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    with subprocess.Popen(
        [sys.executable, str(KILLER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        send, answers = process.stdin, process.stdout

        def kill(world: World, work: str, place: Place) -> int:
            order = asdict(place) | {"world": str(world.root), "work": work}
            send.write(json.dumps(order) + "\n")
            send.flush()
            return int(answers.readline())

        yield kill
        send.close()


@dataclass(frozen=True)
class Stage:
    """A world just before a work, and how it looks after the work was done unkilled."""

    before: Path
    after: dict[str, Any]


def state(world: World) -> dict[str, Any]:
    """All that a person or a partner can see of both nodes.

    Of the runs only what they did: a run killed after its commit is followed by one that finds
    nothing new.
    """
    seen: dict[str, Any] = {}
    for name, node in (("a", world.a), ("b", world.b)):
        lake = Lake(node.place("lake"))
        for record_type in RECORD_TYPES:
            seen[f"{name} {record_type}"] = history(node, record_type)
            runs = lake.runs(record_type)
            seen[f"{name} {record_type} accepted"] = sum(run.accepted for run in runs)
            seen[f"{name} {record_type} cursors"] = {
                r.stream_id: _portable(r.cursor) for r in runs[::-1]
            }
        seen[f"{name} ledger"] = [entry.to_json() for entry in lake.ledger.entries()]
        seen[f"{name} quarantine"] = open_rows(node)
        files = sorted((node.root / "inbox").glob("**/*.hefu"))
        seen[f"{name} inbox"] = {f.name: f.read_bytes() for f in files}
        # age files are never the same twice; what is in them is
        seen[f"{name} repository"] = {
            (h.stream, h.sequence): [opened(node, h.stream, n + 1) for n in range(h.sequence)]
            for h in heads_of(node)
            if h.publisher == node.agency.code
        }
    return seen


def _portable(cursor: Mapping[str, Any] | None) -> dict[str, Any]:
    """A cursor without what a copied world has of its own: its files' inodes and ctimes."""
    own = ("inode", "ctime_ns")
    return {
        name: {k: v for k, v in entry.items() if k not in own} if isinstance(entry, dict) else entry
        for name, entry in (cursor or {}).items()
    }


@pytest.fixture(scope="module")
def stages(new_world: Callable[[], World]) -> Iterator[dict[str, Stage]]:
    """One world lived through, copied before each work."""
    world = new_world()
    hotline = Hotline(TOKEN, [order(i, day=1 + i) for i in range(3)])
    world.drop("1.csv", [case(1), case(2), case(4, fine="-1")])
    world.drop("2.csv", [case(1, day=4, fine="300"), case(3)])
    with serving(hotline) as up, pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL_VARIABLE, up.url)
        found = {}
        for name, work in WORKS.items():
            if name == "receive":
                world.drop("3.csv", [case(3, day=5)])
                world.sync(now=NOW + NIGHT)
                world.publish(now=NOW + NIGHT)
            copy = world.root.with_name(f"before {name}")
            shutil.copytree(world.root, copy)
            work(world)
            found[name] = Stage(copy, state(world))
        yield found


@pytest.mark.parametrize("unlucky", UNLUCKY)
def test_a_killed_run_leaves_no_trace_when_it_is_run_again(
    unlucky: str,
    stages: dict[str, Stage],
    killer: Callable[[World, str, Place], int],
    tmp_path: Path,
) -> None:
    work = unlucky.partition(",")[0]
    world = World(Path(shutil.copytree(stages[work].before, tmp_path / "w")))
    for place in UNLUCKY[unlucky]:
        assert killer(world, work, place) == -signal.SIGKILL, str(place)
    WORKS[work](world)
    assert state(world) == stages[work].after


def test_what_a_killed_run_spilled_goes_with_the_next(
    stages: dict[str, Stage], killer: Callable[[World, str, Place], int], tmp_path: Path
) -> None:
    """Copies of raw rows hold personal data: none stays behind in ``tmp``."""
    world = World(Path(shutil.copytree(stages["sync"].before, tmp_path / "w")))
    killer(world, "sync", after("flows.ingest", "load_raw"))
    runs = world.a.place("tmp") / "runs"
    assert len(list(runs.iterdir())) == 1
    WORKS["sync"](world)
    assert list(runs.iterdir()) == []
    assert list((world.root / "a/quarantine").glob("**/.writing-*")) == []
