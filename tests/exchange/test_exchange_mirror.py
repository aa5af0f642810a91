"""Copies of our repository: only what is missing, at one moment, and never over a newer one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repository_world import (
    DAY,
    NOW,
    PERIODS,
    SIGNERS,
    STREAM,
    World,
    founded,
    has_ended,
    killed_at,
    make_bundle,
    started,
)

from exchange.repository.carrier import Carrier
from exchange.repository.folder import FolderCarrier
from exchange.repository.local import publish, refresh
from exchange.repository.memory import MemoryCarrier
from exchange.repository.mirror import Mirrored, mirror
from exchange.trust.client import Publisher, open_publisher
from schemas.errors import ConfigError, RefusedError, RetryableError
from schemas.text import Text

_LOST = Text(en="the line is cut", zh="线路中断")


@dataclass
class Watched(MemoryCarrier):
    """Memory that notes what was done to it, and loses the connection when it is told to."""

    fail_after: int | None = None
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def read(self, path: str) -> Iterator[bytes] | None:
        self._note(f"read {path}")
        return super().read(path)

    def put(self, path: str, source: Path) -> None:
        self._note(f"put {path}")
        super().put(path, source)

    def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        self._note(f"swap {path}")
        super().swap(path, data, expected)

    def list_paths(self, folder: str) -> list[str]:
        self._note(f"list {folder}")
        return super().list_paths(folder)

    def _note(self, what: str) -> None:
        if self.fail_after is not None and len(self.done) >= self.fail_after:
            raise RetryableError(_LOST)
        self.done.append(what)

    def puts(self) -> list[str]:
        return [what.removeprefix("put ") for what in self.done if what.startswith("put ")]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return founded(tmp_path)


def read(world: World, carrier: Carrier, name: str = "reader") -> Publisher:
    root = (world.repository / "metadata/1.root.json").read_bytes()
    return open_publisher(carrier, world.root / name, root, NOW + DAY)


def published_files(world: World) -> dict[str, bytes]:
    files = (p for p in world.repository.rglob("*") if p.is_file() and p.name[0] != ".")
    return {str(p.relative_to(world.repository)): p.read_bytes() for p in files}


# what is sent


def test_a_copy_is_read_like_the_original(world: World) -> None:
    made = world.publish_more(3)
    place = MemoryCarrier()
    mirror(world.repository, place)
    publisher = read(world, place)
    assert publisher.last(STREAM) == 3
    listed = publisher.find(STREAM, 3)
    assert listed is not None
    publisher.download(listed, world.root / "third")
    assert (world.root / "third").read_bytes() == made[2].data
    assert {path: published_files(world)[path] for path in place.files} == place.files


def test_only_what_is_new_is_sent(world: World) -> None:
    made = world.publish_more(20)
    place = Watched()
    first = mirror(world.repository, place)
    assert first.files == len(place.puts()) == 20 + 6
    assert first.bytes == sum(map(len, place.files.values()))
    place.done.clear()
    assert mirror(world.repository, place) == Mirrored(0, 0)
    assert place.done == ["read metadata/timestamp.json", "read metadata/1.root.json"]
    world.publish(make_bundle(21, made[-1].statement_sha256))
    place.done.clear()
    sent = mirror(world.repository, place)
    assert [path.rpartition("/")[0] for path in place.puts()] == [
        f"targets/streams/{STREAM}",
        "metadata",
        "metadata",
    ]
    assert sent.files == 3
    assert not any(what.startswith("list") for what in place.done)
    assert place.done[-1] == "swap metadata/timestamp.json"


def test_a_night_without_news_sends_the_timestamp_alone(world: World) -> None:
    world.publish_more(1)
    place = Watched()
    mirror(world.repository, place)
    refresh(world.repository, SIGNERS, PERIODS, NOW + DAY)
    place.done.clear()
    assert mirror(world.repository, place).files == 0
    assert place.puts() == []
    assert read(world, place).freshness.published_time == NOW + DAY


def test_bundles_go_first_and_the_timestamp_last(world: World) -> None:
    world.publish_more(2)
    place = Watched()
    mirror(world.repository, place)
    kinds = [path.partition("/")[0] for path in place.puts()]
    assert kinds == sorted(kinds, reverse=True)
    assert place.puts()[-1] == "metadata/1.root.json"
    assert place.done[-1] == "swap metadata/timestamp.json"


def test_what_went_away_there_is_brought_back_by_a_thorough_copy(world: World) -> None:
    world.publish_more(20)
    place = MemoryCarrier()
    mirror(world.repository, place)
    whole = dict(place.files)
    for path in list(place.files):
        if path.startswith("targets/") or "targets.json" in path:
            del place.files[path]
    assert mirror(world.repository, place) == Mirrored(0, 0)
    mirror(world.repository, place, thorough=True)
    assert place.files == whole


def test_a_root_that_came_after_its_timestamp_is_brought(world: World) -> None:
    """A change of trust puts the root last, and a copy may be made just before."""
    place = MemoryCarrier()
    mirror(world.repository, place)
    root = place.files.pop("metadata/1.root.json")
    assert mirror(world.repository, place).files == 1
    assert place.files["metadata/1.root.json"] == root


# at any moment


@pytest.mark.parametrize("new", [1, 20])
def test_a_copy_that_is_cut_short_goes_on(world: World, new: int) -> None:
    """The line is cut after each step, one after another."""
    made = world.publish_more(2)
    place = Watched()
    mirror(world.repository, place)
    world.publish_more(new, "more")
    world.publish(make_bundle(3, made[-1].statement_sha256))
    puts: list[str] = []
    for steps in range(200):
        place.done.clear()
        place.fail_after = steps
        try:
            mirror(world.repository, place)
        except RetryableError:
            puts += place.puts()
            place.fail_after = None
            publisher = read(world, place)
            assert (publisher.last(STREAM), publisher.last("more")) == (2, 0)
            continue
        break
    place.fail_after = None
    assert (read(world, place).last(STREAM), read(world, place).last("more")) == (3, new)
    bundles = [path for path in puts + place.puts() if path.startswith("targets/")]
    assert len(bundles) == len(set(bundles)) == new + 1, "no bundle was sent twice"


def test_killed_at_any_step_a_folder_is_whole(world: World) -> None:
    made = world.publish_more(2)
    (world.root / "disk").mkdir()
    place = FolderCarrier(world.root / "disk")
    mirror(world.repository, place)
    world.publish(make_bundle(3, made[-1].statement_sha256))
    event, seen = 1, [2]
    while killed_at(event, lambda: mirror(world.repository, place)):
        publisher = read(world, place)
        seen.append(publisher.last(STREAM))
        assert publisher.find(STREAM, seen[-1]) is not None
        event += 1
    assert event > 5
    assert seen == sorted(seen)
    assert read(world, place).last(STREAM) == 3
    assert list((world.root / "disk").rglob(".partial-*")) == []


def test_a_reader_of_a_copy_never_sees_a_half(world: World) -> None:
    first = world.publish_more(1)[0]
    (world.root / "disk").mkdir()
    place = FolderCarrier(world.root / "disk")
    mirror(world.repository, place)

    def publish_many() -> None:
        previous = first.statement_sha256
        for sequence in range(2, 22):
            bundle = make_bundle(sequence, previous)
            world.publish(bundle)
            previous = bundle.statement_sha256
            mirror(world.repository, place)

    publishing = started(publish_many)
    seen = [1]
    while not has_ended(publishing) or seen[-1] < 21:
        publisher = read(world, place)
        seen.append(publisher.last(STREAM))
        listed = publisher.find(STREAM, seen[-1])
        assert listed is not None
        publisher.download(listed, world.root / "downloaded")
        (world.root / "downloaded").unlink()
    assert seen == sorted(seen)


# one history


def test_a_newer_copy_is_not_written_over(world: World) -> None:
    """A node that came back from an old backup."""
    made = world.publish_more(2)
    shutil.copytree(world.root, world.root / "backup")
    world.publish(make_bundle(3, made[-1].statement_sha256))
    place = MemoryCarrier()
    mirror(world.repository, place)
    before = dict(place.files)
    restored = World(world.root / "backup")
    with pytest.raises(RefusedError, match="newer than our own") as caught:
        mirror(restored.repository, place)
    assert caught.value.hint is not None
    assert "backup" in caught.value.hint.en
    restored.publish(make_bundle(3, made[-1].statement_sha256, data=b"other"))
    for day in range(3):
        refresh(restored.repository, SIGNERS, PERIODS, NOW + day * DAY)
    mirror(restored.repository, place)  # the same statements, and newer lists
    assert before.keys() <= place.files.keys()


def test_another_history_is_not_written_over(world: World) -> None:
    made = world.publish_more(1)
    shutil.copytree(world.root, world.root / "backup")
    world.publish(make_bundle(2, made[-1].statement_sha256))
    place = MemoryCarrier()
    mirror(world.repository, place)
    before = dict(place.files)
    restored = World(world.root / "backup")
    restored.publish(make_bundle(2, made[-1].statement_sha256, counts=7))
    for day in range(4):
        with pytest.raises(RefusedError, match="of another history"):
            mirror(restored.repository, place)
        refresh(restored.repository, SIGNERS, PERIODS, NOW + day * DAY)
    assert place.files == before


def test_another_publisher_is_not_written_over(world: World, tmp_path: Path) -> None:
    place = MemoryCarrier()
    mirror(world.repository, place)
    stranger = founded(tmp_path / "stranger")
    refresh(stranger.repository, SIGNERS, PERIODS, NOW + DAY)
    (stranger.repository / "metadata/1.root.json").write_bytes(b"{}")
    with pytest.raises(RefusedError, match="of another history"):
        mirror(stranger.repository, place)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("metadata/timestamp.json", b"<html>"),
        ("metadata/timestamp.json", b"{" * (17 << 20)),
        ("metadata/1.snapshot.json", b"{}"),
        ("metadata/1.snapshot.json", None),
    ],
)
def test_what_is_no_repository_of_ours_is_not_written_over(
    world: World, path: str, data: bytes | None
) -> None:
    place = MemoryCarrier()
    mirror(world.repository, place)
    if data is None:
        del place.files[path]
    else:
        place.files[path] = data
    before = dict(place.files)
    world.publish_more(1)
    with pytest.raises(RefusedError, match="no whole repository of ours"):
        mirror(world.repository, place)
    assert place.files == before
    del place.files["metadata/timestamp.json"]
    mirror(world.repository, place)
    assert read(world, place).last(STREAM) == 1


def test_another_machine_that_was_quicker_is_told(world: World) -> None:
    """Its timestamp comes between our look and our swap."""
    world.publish_more(1)

    class Raced(MemoryCarrier):
        def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
            self.files[path] = b"another one"
            super().swap(path, data, expected)

    with pytest.raises(RetryableError, match="another process has published here"):
        mirror(world.repository, Raced())


def test_a_node_without_a_repository_copies_nothing(tmp_path: Path) -> None:
    place = MemoryCarrier()
    with pytest.raises(ConfigError, match="no repository yet"):
        mirror(tmp_path / "repository", place)
    assert place.files == {}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["publish", "refresh", "mirror", "cut"]), max_size=10))
def test_a_copy_is_always_something_that_was_published(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    world = founded(tmp_path_factory.mktemp("world"))
    place = Watched()
    mirror(world.repository, place)
    previous, count, copied = None, 0, 0
    for n, step in enumerate(steps):
        if step == "publish":
            count += 1
            bundle = make_bundle(count, previous)
            previous = bundle.statement_sha256
            world.publish(bundle)
        elif step == "refresh":
            refresh(world.repository, SIGNERS, PERIODS, NOW + n * DAY / 24)
        else:
            place.done.clear()
            place.fail_after = 3 if step == "cut" else None
            try:
                mirror(world.repository, place)
                copied = count
            except RetryableError:
                assert step == "cut"
            place.fail_after = None
        assert read(world, place).last(STREAM) == copied


def test_publishing_goes_on_while_a_copy_is_made(world: World) -> None:
    """A bundle that is published while the copy is under way comes with the next one."""
    made = world.publish_more(1)
    second = make_bundle(2, made[-1].statement_sha256)
    (world.root / "second").write_bytes(second.data)

    class Slow(MemoryCarrier):
        def put(self, path: str, source: Path) -> None:
            super().put(path, source)
            arguments = (STREAM, 2, world.root / "second", second.envelope)
            publish(world.repository, world.sent, *arguments, SIGNERS, PERIODS, NOW)

    place = Slow()
    mirror(world.repository, place)
    assert read(world, place).last(STREAM) == 1
    mirror(world.repository, place)
    assert read(world, place).last(STREAM) == 2
