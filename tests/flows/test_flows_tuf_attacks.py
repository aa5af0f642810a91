"""Every attack that the TUF specification names, against a node that takes in.

They are those of ``tests/exchange/test_exchange_tuf_attacks.py``, on a disk that was carried to B.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flows_world import NOW, World, case
from tuf_attacks import Attack, attacks
from tuf_scene import ENDLESS_BYTES, Endless, Files, Scene

from exchange.repository.local import refresh
from flows.answering import MissingBundleError
from flows.incoming import incoming_of, take_in
from flows.publishers import publisher_of
from lake.store import Lake
from schemas.errors import HefuError, VerificationError

HOUR = timedelta(hours=1)
READ = NOW + 2 * HOUR
#: One of each kind, outcome and reach; the client's tests have them all.
CHOSEN = tuple(
    {(a.kind, a.says, a.leaves, a.knows_now, a.is_by_thief): a for a in attacks()}.values()
)


@dataclass(frozen=True)
class Prepared:
    """A has published twice; B has taken in the first."""

    scene: Scene
    world: World


def files_of(repository: Path) -> dict[str, bytes]:
    return {
        path.relative_to(repository).as_posix(): path.read_bytes()
        for path in sorted(repository.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def prepared(new_world: Callable[[], World]) -> Prepared:
    world = new_world()
    repository = world.a.place("repository")
    world.drop("1.csv", [case(1)])
    world.sync()
    world.publish()
    seen = files_of(repository)
    world.receive(now=NOW)
    world.drop("2.csv", [case(2)])
    world.sync(now=NOW + HOUR)
    world.publish(now=NOW + HOUR)
    scene = Scene(seen, files_of(repository), world.stream, world.a.signers().online)
    return Prepared(scene, world)


def lay_out(files: Files | Mapping[str, bytes], disk: Path) -> Path:
    for name, data in files.items():
        path = disk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, Endless):
            path.write_bytes(data.start)
            with path.open("r+b") as file:
                file.truncate(ENDLESS_BYTES)
        else:
            path.write_bytes(data)
    disk.mkdir(exist_ok=True)
    return disk


def state(world: World) -> dict[str, Any]:
    """What must be as it was: what is taken in, its rows and its evidence. Receipts may be added,
    they tell the sender of a refusal."""
    node = world.b
    tables = node.place("lake") / "case_result"
    return {
        "ledger": list(Lake(node.place("lake")).ledger.entries()),
        "rows": sorted((p.name, p.stat().st_size) for p in tables.rglob("*") if p.is_file()),
        "evidence": sorted(p for p in node.place("inbox").rglob("*") if p.is_file()),
    }


@contextmanager
def remembered(world: World) -> Iterator[Callable[[], set[str]]]:
    """What changed in B's memory of A; at the end it is as it was, for the next attack."""
    (incoming,) = incoming_of(world.b)
    folder = incoming.partner.trusted_folder
    before = files_of(folder)

    def changed() -> set[str]:
        after = files_of(folder)
        return {n for n in {*after, *before} if after.get(n) != before.get(n)}

    try:
        yield changed
    finally:
        for name in changed():
            if name in before:
                (folder / name).write_bytes(before[name])
            else:
                (folder / name).unlink()


@pytest.mark.parametrize("attack", CHOSEN, ids=str)
def test_the_attack_takes_nothing_in_and_changes_nothing(
    prepared: Prepared, tmp_path: Path, attack: Attack
) -> None:
    node = prepared.world.b
    (incoming,) = incoming_of(node)
    disk = lay_out(attack.does(prepared.scene), tmp_path / "disk")
    before = state(prepared.world)
    with remembered(prepared.world):
        if attack.knows_now:
            publisher_of(node, incoming.partner, READ)
        with remembered(prepared.world) as changed:
            with pytest.raises((attack.error, MissingBundleError), match=attack.says) as caught:
                take_in(node, incoming, READ + attack.after, place=str(disk))
            assert attack.leaves != "nothing" or changed() == set()
    assert isinstance(caught.value, HefuError)
    if isinstance(caught.value, VerificationError):
        assert caught.value.step == attack.step
    assert state(prepared.world) == before


@pytest.fixture
def copied(prepared: Prepared, tmp_path: Path) -> World:
    shutil.copytree(prepared.world.root, tmp_path / "w")
    return World(tmp_path / "w")


def test_after_a_mirrors_attack_the_honest_repository_is_taken_in(
    prepared: Prepared, copied: World, tmp_path: Path
) -> None:
    """B remembers the lists, which were in order, and refused the file that was not."""
    attack = next(a for a in CHOSEN if a.leaves == "segment" and not a.is_by_thief)
    disk = lay_out(attack.does(prepared.scene), tmp_path / "disk")
    (incoming,) = incoming_of(copied.b)
    with pytest.raises(attack.error):
        take_in(copied.b, incoming, READ, place=str(disk))
    assert [taken.sequence for taken in copied.receive(now=READ)] == [2]


def test_frozen_lists_are_thawed_by_the_nightly_signature(copied: World) -> None:
    """Nothing new for a month, and a timestamp every night: that is no freeze."""
    copied.receive(now=READ)
    later = READ + timedelta(days=31)
    with pytest.raises(VerificationError, match="too old"):
        copied.receive(now=later)
    node = copied.a
    refresh(node.place("repository"), node.signers(), node.periods(), later)
    assert copied.receive(now=later) == []
