"""Every attack that the TUF specification names, against the client of a repository.

The same attacks meet a node in ``tests/flows/test_flows_tuf_attacks.py``.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundles import KEY_A, KEY_B
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publisher_world import NOW, SEGMENT, STREAM, CountingCarrier, Reader, edition, file
from repositories import ONLINE, ROOT_1, ROOT_2, ROOT_3, ROOT_4, RootOf, resigned, signed_file
from tuf_attacks import Attack, attacks, never_ending
from tuf_scene import ENDLESS_BYTES, Endless, Files, Scene, republished

from exchange.bundle.policy import ChainHead
from schemas.errors import HefuError, VerificationError

HEAD = ChainHead(1, file(1).statement_sha256)


def today(number: int, **changes: object) -> dict[str, bytes]:
    """The online key signs the bundles, too, as in a node with one key."""
    return edition(number, **{"bundle_keys": (ONLINE,)} | changes).write()


SCENE = Scene(today(1), today(2), STREAM, ONLINE.signer)


class AttackersCarrier(CountingCarrier):
    """Also brings files that do not end, and counts what was taken of them."""

    def __init__(self, files: Files):
        super().__init__(dict.fromkeys(files, b""))
        self._attack = files
        self.given = 0

    def read(self, path: str) -> Iterator[bytes] | None:
        found = super().read(path)
        if found is None:
            return None
        data = self._attack[path]
        return self._counted(
            never_ending(data.start) if isinstance(data, Endless) else iter((data,))
        )

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.given += len(piece)
            yield piece


def take(reader: Reader, files: object, now: object, to: Path) -> int:
    """What a node does: open, hold against what was taken in, then the next bundle."""
    seen = reader.open(files, now)
    seen.check_continues(STREAM, HEAD)
    listed = seen.find(STREAM, HEAD.sequence + 1)
    if listed is None:
        return HEAD.sequence
    seen.download(listed, to)
    return listed.sequence


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Has seen the first edition."""
    reader = Reader(tmp_path / "trusted", SCENE.seen["metadata/1.root.json"])
    reader.open(SCENE.seen).check_continues(STREAM, HEAD)
    return reader


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return {"segment" if name == f"{SEGMENT}.json" else name for name in names}


ALL = tuple(attacks())
LISTS = {"timestamp.json", "snapshot.json", "targets.json", "bundles.json"}
MAY_STAY = {"nothing": set[str](), "lists": LISTS, "segment": {*LISTS, "segment"}}


@pytest.mark.parametrize("attack", ALL, ids=str)
def test_the_attack_is_refused_and_leaves_what_was_remembered(
    reader: Reader, tmp_path: Path, attack: Attack
) -> None:
    if attack.knows_now:
        reader.open(SCENE.now)
    before = reader.memory()
    carrier = AttackersCarrier(attack.does(SCENE))
    with pytest.raises(attack.error, match=attack.says) as caught:
        take(reader, carrier, NOW + attack.after, tmp_path / "came")
    error = caught.value
    assert (error.step if isinstance(error, VerificationError) else None) == attack.step
    assert isinstance(error, HefuError)
    assert error.hint is not None, "a person is told what to do"
    assert changed(before, reader.memory()) <= MAY_STAY[attack.leaves]
    assert not (tmp_path / "came").exists()
    assert carrier.given < ENDLESS_BYTES / 4


@pytest.mark.parametrize("attack", [a for a in ALL if not a.is_by_thief], ids=str)
def test_after_it_the_honest_repository_is_read_as_if_nothing_had_been(
    reader: Reader, tmp_path: Path, attack: Attack
) -> None:
    if attack.knows_now:
        reader.open(SCENE.now)
    with pytest.raises(attack.error):
        take(reader, AttackersCarrier(attack.does(SCENE)), NOW + attack.after, tmp_path / "x")
    assert take(reader, SCENE.now, NOW, tmp_path / "came") == 2


def test_every_kind_that_the_specification_names_is_here() -> None:
    """Fast-forward has tests of its own below; slow retrieval is the web carrier's to notice."""
    assert {attack.kind for attack in ALL} == {
        "arbitrary installation",
        "endless data",
        "extraneous dependencies",
        "indefinite freeze",
        "malicious mirrors",
        "mix-and-match",
        "rollback",
        "key compromise",
        "wrong installation",
    }


def test_files_that_no_list_names_are_never_asked_for(reader: Reader, tmp_path: Path) -> None:
    """Extraneous dependencies: what else lies there may lie there."""
    stuffed = dict(SCENE.now) | {
        "targets/setup.exe": b"MZ",
        "metadata/9.programs.json": b"{}",
        "streams/x/00000001.hefu": b"PK",
    }
    carrier = CountingCarrier(stuffed)
    assert take(reader, carrier, NOW, tmp_path / "came") == 2
    assert set(carrier.asked) - set(SCENE.now) == {"metadata/2.root.json"}


# fast-forward


def test_a_fast_forward_is_recovered_from_by_a_new_online_key(
    reader: Reader, tmp_path: Path
) -> None:
    """Specification 5.3.11 and 1.5.2: versions of a stolen key must not bind for ever.

    The thief signs the highest versions there are. He has the key, so that is believed; then the
    publisher's own lists are older, until its root names another online key.
    """
    step = 2**31
    far = republished(SCENE, {SCENE.segment: lambda signed: None}, step=step)
    assert reader.open(far).last(STREAM) == 2
    with pytest.raises(VerificationError, match="older or another state"):
        reader.open(SCENE.now)

    rotated = RootOf(online=(KEY_B,))
    versions = {"targets": 2, "bundles": 2, SEGMENT: step + 3, "timestamp": 3, "snapshot": 3}
    recovered = today(2, roots=(RootOf(), rotated), bundle_keys=(KEY_B,), versions=versions)
    assert take(reader, recovered, NOW, tmp_path / "came") == 2
    with pytest.raises(VerificationError):
        reader.open(far)
    with pytest.raises(VerificationError):
        reader.open(SCENE.now)


def test_after_a_new_online_key_not_even_a_segments_version_binds(reader: Reader) -> None:
    """The snapshot of the stolen key goes with it, and so do the versions it named."""
    far = republished(SCENE, {SCENE.segment: lambda signed: None}, step=2**31)
    reader.open(far)
    versions = {"targets": 2, "bundles": 2, SEGMENT: 3, "timestamp": 3, "snapshot": 3}
    recovered = today(
        2, roots=(RootOf(), RootOf(online=(KEY_B,))), bundle_keys=(KEY_B,), versions=versions
    )
    assert reader.open(recovered).last(STREAM) == 2


# key compromise


def test_one_of_two_cosigners_lists_nothing_alone(reader: Reader) -> None:
    reader.bootstrap = edition(1).write()["metadata/1.root.json"]
    both = {"bundle_keys": (KEY_A, KEY_B), "bundle_threshold": 2}
    files = edition(2, **both, signers={"bundles": (KEY_A,)}).write()
    with pytest.raises(VerificationError, match="not signed by the keys"):
        Reader(reader.folder / "other").open(files).last(STREAM)
    twice = edition(2, **both).write()
    path = f"metadata/2.{SEGMENT}.json"
    signed = json.loads(twice[path])["signed"]
    twice[path] = signed_file(signed, (KEY_A, KEY_A), (KEY_A.public.key_id, KEY_B.public.key_id))
    with pytest.raises(VerificationError):
        Reader(reader.folder / "again").open(twice).last(STREAM)


@pytest.mark.parametrize(
    ("signers", "is_good"),
    [
        ((ROOT_1, ROOT_2), True),
        ((ROOT_2, ROOT_3), True),
        ((ROOT_1,), False),
        ((ONLINE, ROOT_1), False),
        ((ROOT_4, ROOT_1), False),
    ],
)
def test_a_root_takes_the_threshold_of_the_root_before(
    reader: Reader, signers: tuple[object, ...], is_good: bool
) -> None:
    files = today(2, roots=(RootOf(), RootOf(signers=signers)))
    if is_good:
        assert reader.open(files).root_version == 2
        return
    before = reader.memory()
    with pytest.raises(VerificationError, match="not signed by the keys"):
        reader.open(files)
    assert reader.memory() == before


def test_a_revoked_online_key_signs_nothing_any_more(reader: Reader) -> None:
    rotated = {"roots": (RootOf(), RootOf(online=(KEY_B,))), "bundle_keys": (KEY_B,)}
    versions = {"targets": 2, "bundles": 2, SEGMENT: 3, "timestamp": 3, "snapshot": 3}
    honest = today(2, **rotated, versions=versions)
    reader.open(honest)
    scene = replace(SCENE, now=honest)
    for role in ("timestamp", "snapshot", "bundles", SEGMENT):
        files = republished(scene, {role: lambda signed: None})
        with pytest.raises(VerificationError, match="not signed by the keys"):
            reader.open(files).last(STREAM)
    assert reader.open(honest).last(STREAM) == 2


# two stories


def test_two_states_under_one_number_are_told_apart(reader: Reader) -> None:
    reader.open(SCENE.now)
    other = today(2, story="b")
    before = reader.memory()
    with pytest.raises(VerificationError, match="two different states under one number"):
        reader.open(other)
    assert reader.memory() == before


def test_the_same_state_signed_once_more_is_the_same_state(reader: Reader) -> None:
    reader.open(SCENE.now)
    again = dict(SCENE.now)
    resigned(again, "metadata/timestamp.json", lambda signed: None, ONLINE)
    assert reader.open(again).last(STREAM) == 2


def test_another_story_under_a_number_that_was_taken_in_is_refused(
    reader: Reader, tmp_path: Path
) -> None:
    """New versions, all signed: the lists are in order, what they say is not."""
    with pytest.raises(VerificationError, match="no longer lists") as caught:
        take(reader, today(3, story="b"), NOW, tmp_path / "came")
    assert HEAD.statement_sha256 is not None
    assert HEAD.statement_sha256 in caught.value.expected


# lists of any content, signed by the key that may sign them

_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2**70) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Every place in a JSON value, as keys and indices."""
    yield path
    items: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield from places(inner, (*path, key))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_a_thief_signs_is_read_or_refused_by_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    role = data.draw(st.sampled_from(["timestamp", "snapshot", "bundles", SEGMENT]))
    where = data.draw(st.sampled_from(list(places(SCENE.signed(SCENE.path(role))))[1:]))
    what = data.draw(_ANY_JSON)

    def put(signed: Any) -> None:
        for key in where[:-1]:
            signed = signed[key]
        signed[where[-1]] = what

    folder = tmp_path_factory.mktemp("any")
    reader = Reader(folder / "trusted", SCENE.seen["metadata/1.root.json"])
    try:
        files = republished(SCENE, {role: put})
    except (TypeError, KeyError):  # no list can be made of it
        return
    with contextlib.suppress(HefuError):
        take(reader, files, NOW, folder / "came")
    memory = reader.memory()
    if "timestamp.json" in memory:
        assert {"snapshot.json", "targets.json", "bundles.json"} <= set(memory)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_stands_in_a_next_root_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    signed = json.loads(SCENE.now["metadata/1.root.json"])["signed"] | {"version": 2}
    where = data.draw(st.sampled_from(list(places(signed))[1:]))
    target = signed
    for key in where[:-1]:
        target = target[key]
    target[where[-1]] = data.draw(_ANY_JSON)
    reader = Reader(tmp_path_factory.mktemp("root") / "trusted", SCENE.seen["metadata/1.root.json"])
    next_root = signed_file(signed, (ROOT_1, ROOT_2))
    with contextlib.suppress(HefuError):
        reader.open({**SCENE.now, "metadata/2.root.json": next_root})
    assert "root_history/3.root.json" not in reader.memory()
