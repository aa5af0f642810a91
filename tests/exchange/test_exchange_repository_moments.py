"""Our own repository at any moment: while it is written, after a kill, by two at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repository_world import (
    FIRST,
    NOW,
    OTHER_FIRST,
    PERIODS,
    SECOND,
    SIGNERS,
    STREAM,
    Bundle,
    World,
    downloaded,
    founded,
    has_ended,
    killed_at,
    leftovers,
    make_bundle,
    read,
    started,
)

from exchange.repository.local import (
    head,
    publish,
    refresh,
)
from exchange.repository.tree import read_tree
from schemas.errors import RetryableError


@pytest.fixture
def world(tmp_path: Path) -> World:
    return founded(tmp_path)


def test_killed_at_any_step_readers_see_a_whole_repository(world: World) -> None:
    world.publish(FIRST)
    file = world.root / "second"
    file.write_bytes(SECOND.data)

    def publish_second() -> None:
        arguments = (STREAM, 2, file, SECOND.envelope, SIGNERS, PERIODS, NOW)
        publish(world.repository, world.sent, *arguments)

    seen = []
    for event in range(1, 100):
        was_killed = killed_at(event, publish_second)
        publisher = read(world)
        seen.append(publisher.last(STREAM))
        last = head(world.repository, world.sent, STREAM)
        assert last is not None
        assert last.sequence == seen[-1]
        assert downloaded(world, publisher, seen[-1])
        if not was_killed:
            break
    assert seen == sorted(seen), "what was seen is never taken back"
    assert {1, 2} == set(seen)
    publish_second()
    world.publish(make_bundle(3, SECOND.statement_sha256))
    assert read(world).last(STREAM) == 3
    assert leftovers(world) == []


def test_killed_in_the_first_publication_nothing_was_sent(tmp_path: Path) -> None:
    world = founded(tmp_path)
    file = tmp_path / "first"
    file.write_bytes(FIRST.data)

    def publish_first() -> None:
        arguments = (STREAM, 1, file, FIRST.envelope, SIGNERS, PERIODS, NOW)
        publish(world.repository, world.sent, *arguments)

    event = 1
    while killed_at(event, publish_first):
        last = head(world.repository, world.sent, STREAM)
        assert (last.sequence if last else 0) == read(world).last(STREAM)
        event += 1
    assert event > 8
    assert leftovers(world) == []


def test_a_reader_that_polls_never_sees_a_half(world: World) -> None:
    """A real client reads as fast as it can while another process publishes."""
    world.publish(FIRST)

    def publish_many() -> None:
        previous = FIRST.statement_sha256
        for sequence in range(2, 32):
            bundle = make_bundle(sequence, previous)
            world.publish(bundle)
            previous = bundle.statement_sha256

    publishing = started(publish_many)
    seen = [1]
    while not has_ended(publishing) or seen[-1] < 31:
        publisher = read(world)
        seen.append(publisher.last(STREAM))
        assert b"bundle %d of" % seen[-1] in downloaded(world, publisher, seen[-1])
    assert seen == sorted(seen)
    assert len(set(seen)) > 2, "it polled while something happened"


def test_of_publishers_at_once_one_wins_whole(world: World) -> None:
    files = {}
    for name, bundle in (("first", FIRST), ("other", OTHER_FIRST)):
        files[name] = world.root / name
        files[name].write_bytes(bundle.data)

    def attempt(name: str) -> str:
        arguments = (STREAM, 1, files[name], FIRST.envelope, SIGNERS, PERIODS, NOW)
        try:
            publish(world.repository, world.sent, *arguments)
        except RetryableError:
            return "again"
        return "done"

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(attempt, ["first", "other"] * 6))
    winner = downloaded(world, read(world), 1)
    assert winner in (FIRST.data, OTHER_FIRST.data)
    names = ["first", "other"] * 6
    assert ends == ["done" if files[n].read_bytes() == winner else "again" for n in names]
    assert read_tree(world.repository).segment(f"{STREAM}.000000").version == 1


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "refresh", "again", "killed"]), max_size=8))
def test_whatever_was_done_the_chain_is_what_was_published(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    world = founded(tmp_path_factory.mktemp("world"))
    made: dict[str, list[Bundle]] = {"a": [], "b": []}
    for n, step in enumerate(steps):
        now = NOW + n * timedelta(hours=1)
        if step == "refresh":
            refresh(world.repository, SIGNERS, PERIODS, now)
            continue
        chain = made.get(step, made["a"])
        if step == "again":
            if chain:
                world.publish(chain[-1], now, "a")
            continue
        stream = step if step in made else "a"
        previous = chain[-1].statement_sha256 if chain else None
        bundle = make_bundle(len(chain) + 1, previous, stream=stream)
        if step == "killed":
            killed_at(7, lambda b=bundle, t=now: world.publish(b, t, "a"))  # type: ignore[misc]
        world.publish(bundle, now, stream)
        chain.append(bundle)
    publisher = read(world)
    for stream, chain in made.items():
        assert publisher.last(stream) == len(chain)
        for bundle in chain:
            listed = publisher.find(stream, bundle.sequence)
            assert listed is not None
            assert listed.statement_sha256 == bundle.statement_sha256
