"""What a reader remembers of a publisher, and that it never goes back."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundles import KEY_B
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publisher_world import DAY, NOW, SEGMENT, STREAM, Reader, edition, file
from repositories import ROOT_1, ROOT_2, RootOf

from exchange.bundle.policy import ChainHead
from exchange.trust import state
from schemas.errors import ConfigError, HefuError, VerificationError


def test_a_stream_goes_on_from_what_was_taken_in(reader: Reader) -> None:
    seen = reader.open(edition(3).write())
    seen.check_continues(STREAM, ChainHead.start())
    seen.check_continues(STREAM, ChainHead(2, file(2).statement_sha256))
    for head, found in [
        (ChainHead(4, file(4).statement_sha256), "nothing above number 3"),
        (ChainHead(3, file(3, "b").statement_sha256), file(3).statement_sha256),
        (ChainHead(300, file(300).statement_sha256), "nothing above number 3"),
    ]:
        with pytest.raises(VerificationError, match="no longer lists") as caught:
            seen.check_continues(STREAM, head)
        assert found in caught.value.found


def test_a_memory_that_came_back_from_a_backup_is_noticed_by_what_was_taken_in(
    reader: Reader,
) -> None:
    """Trusted folder and repository both of yesterday fit each other; the lake knows better."""
    yesterday = edition(1).write()
    reader.open(yesterday)
    old = reader.memory()
    head = reader.open(edition(2).write()).find(STREAM, 2)
    assert head is not None
    for name, data in old.items():
        (reader.folder / name).write_bytes(data)
    seen = reader.open(yesterday)
    with pytest.raises(VerificationError, match="no longer lists"):
        seen.check_continues(STREAM, ChainHead(2, head.statement_sha256))


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "root_history/2.root.json"])
def test_a_damaged_memory_is_not_passed_over(reader: Reader, name: str) -> None:
    files = replace(edition(2), roots=(RootOf(), RootOf())).write()
    reader.open(files)
    (reader.folder / name).write_bytes(reader.memory()[name][:100])
    with pytest.raises(ConfigError, match="damaged") as caught:
        reader.open(files)
    assert caught.value.where is not None
    assert str(caught.value.where.file).endswith(name)
    (reader.folder / name).unlink()
    assert reader.open(files).last(STREAM) == 2


class _Killed(BaseException):
    """Nothing after it runs but what the kernel does."""


def _kill_at(monkeypatch: pytest.MonkeyPatch, moment: int) -> Callable[[], None]:
    """Before the ``moment``-th step of writing: each fsync, each replace."""
    done = 0

    def step(real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            nonlocal done
            done += 1
            if done == moment:
                raise _Killed
            return real(*args)

        return run

    monkeypatch.setattr(state.os, "fsync", step(os.fsync))
    monkeypatch.setattr(Path, "replace", step(Path.replace))
    return monkeypatch.undo


def test_a_kill_at_any_moment_leaves_a_memory_that_works_and_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = edition(1).write()
    new = replace(edition(2), roots=(RootOf(), RootOf((ROOT_1, ROOT_2), 2, (KEY_B,)))).write()
    moment, was_killed = 0, True
    while was_killed:
        moment, was_killed = moment + 1, False
        reader = Reader(tmp_path / str(moment))
        reader.open(old).find(STREAM, 1)
        undo = _kill_at(monkeypatch, moment)
        try:
            reader.open(new).find(STREAM, 2)
        except _Killed:
            was_killed = True
        finally:
            undo()
        if reader.memory().get("timestamp.json") == new["metadata/timestamp.json"]:
            with pytest.raises(VerificationError):
                reader.open(old)
        assert reader.open(new).last(STREAM) == 2
        assert not list(reader.folder.glob(".partial-*"))
        with pytest.raises(VerificationError):
            reader.open(old)
    assert moment > 15, "root, timestamp, snapshot, bundles, segment: three steps each"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(days=st.lists(st.integers(1, 5), min_size=1, max_size=7))
def test_in_whatever_order_copies_come_versions_never_go_back(
    days: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    reader = Reader(tmp_path_factory.mktemp("order") / "trusted")
    newest = 0
    for number in days:
        before = reader.memory()
        try:
            seen = reader.open(_WRITTEN[number], NOW + 4 * DAY)
        except VerificationError:
            assert number < newest
            assert reader.memory() == before
        else:
            assert (seen.last(STREAM), number >= newest) == (number, True)
            newest = number


_WRITTEN = {number: edition(number).write() for number in range(1, 6)}


@pytest.mark.parametrize(
    "path", sorted(p for p in _WRITTEN[1] if p.startswith("metadata/") and "root" not in p)
)
def test_a_changed_byte_of_any_list_is_refused_and_leaves_no_trace(
    reader: Reader, path: str
) -> None:
    """One byte in each 37th place here; every byte of a bundle is another test's."""
    for at in range(0, len(_WRITTEN[1][path]), 37):
        data = bytearray(_WRITTEN[1][path])
        data[at] ^= 1
        with pytest.raises(HefuError) as caught:
            reader.open(_WRITTEN[1] | {path: bytes(data)}).find(STREAM, 1)
        assert isinstance(caught.value, VerificationError)
        if SEGMENT not in path:
            assert reader.memory() == {}


def test_of_readers_at_once_none_takes_the_memory_back(reader: Reader) -> None:
    """Four look at four editions at the same time: each is told the truth, the newest stays."""

    def look(number: int) -> int:
        try:
            return reader.open(_WRITTEN[number], NOW).last(STREAM)
        except VerificationError:
            return 0

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(look, [4, 2, 3, 5, 1, 5, 2]))
    assert seen[3] == seen[5] == 5
    assert all(one in (0, number) for one, number in zip(seen, [4, 2, 3, 5, 1, 5, 2], strict=True))
    assert reader.memory()["timestamp.json"] == _WRITTEN[5]["metadata/timestamp.json"]
