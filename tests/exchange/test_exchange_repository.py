"""Our own repository: whole files, one after another, whatever happens meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from repository_world import (
    DAY,
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
    make_bundle,
    read,
    signer,
)

from exchange.repository.local import (
    head,
    published,
    published_streams,
    refresh,
    replace,
    sent_path,
)
from exchange.repository.tree import read_tree
from exchange.trust.roles import Signers
from schemas.errors import ConfigError, RetryableError, VerificationError


@pytest.fixture
def world(tmp_path: Path) -> World:
    return founded(tmp_path)


# what was published


def test_the_head_is_read_from_the_published_lists(world: World) -> None:
    assert head(world.repository, world.sent, STREAM) is None
    assert published_streams(world.repository) == ()
    made = world.publish_more(3)
    last = head(world.repository, world.sent, STREAM)
    assert last is not None
    assert (last.sequence, last.statement_sha256) == (3, made[-1].statement_sha256)
    assert last.statement.lake_versions == {"note": 3}
    assert published_streams(world.repository) == (STREAM,)
    listed = published(world.repository, STREAM, 2)
    assert listed is not None
    assert (world.repository / listed.file).read_bytes() == made[1].data
    assert published(world.repository, STREAM, 4) is None


def test_a_partner_reads_what_was_published(world: World) -> None:
    made = world.publish_more(2)
    publisher = read(world)
    assert publisher.last(STREAM) == 2
    assert [downloaded(world, publisher, n) for n in (1, 2)] == [one.data for one in made]


def test_a_node_that_never_published_has_no_head(tmp_path: Path) -> None:
    assert head(tmp_path / "repository", tmp_path / "sent", STREAM) is None
    assert published_streams(tmp_path / "repository") == ()


def test_a_repository_that_is_gone_is_told(world: World) -> None:
    world.publish(FIRST)
    world.repository.rename(world.root / "lost")
    with pytest.raises(ConfigError, match="no repository"):
        head(world.repository, world.sent, STREAM)
    with pytest.raises(ConfigError, match="no repository"):
        world.publish(SECOND)


@pytest.mark.parametrize("harm", ["gone", "other", "damaged"])
def test_a_statement_that_is_not_at_hand_is_told_with_where_it_is(world: World, harm: str) -> None:
    world.publish(FIRST)
    world.publish(SECOND)
    path = sent_path(world.sent, STREAM, 2)
    whole = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(FIRST.envelope if harm == "other" else b"{")
    with pytest.raises(VerificationError, match="not at hand") as caught:
        head(world.repository, world.sent, STREAM)
    assert caught.value.expected == SECOND.statement_sha256
    assert caught.value.hint is not None
    assert "inbox" in caught.value.hint.en
    path.write_bytes(whole)
    assert head(world.repository, world.sent, STREAM) is not None


@pytest.mark.parametrize("name", ["2.snapshot.json", "2.bundles.json", f"1.{STREAM}.000000.json"])
@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_damaged_repository_is_not_published_on(world: World, name: str, harm: str) -> None:
    world.publish(FIRST)
    path = world.repository / "metadata" / name
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(data.replace(b"1", b"2", 1))
    with pytest.raises(VerificationError, match="repository is damaged"):
        world.publish(SECOND)
    path.write_bytes(data)
    world.publish(SECOND)


# what may be published


def test_publishing_again_changes_nothing(world: World) -> None:
    path = world.publish(FIRST)
    before = (world.repository / "metadata/timestamp.json").read_bytes()
    assert world.publish(FIRST, NOW + DAY) == path
    assert (world.repository / "metadata/timestamp.json").read_bytes() == before


def test_a_number_is_never_given_twice(world: World) -> None:
    world.publish(FIRST)
    with pytest.raises(RetryableError, match="meanwhile"):
        world.publish(OTHER_FIRST)
    assert downloaded(world, read(world), 1) == FIRST.data


@pytest.mark.parametrize(
    ("sequence", "bundle"),
    [
        (2, SECOND),
        (1, SECOND),
        (2, FIRST),
        (1, make_bundle(1, None, stream="another.stream")),
        (1, Bundle(1, b"data", b"no envelope", "")),
    ],
)
def test_what_does_not_continue_the_chain_is_not_published(
    world: World, sequence: int, bundle: Bundle
) -> None:
    before = sorted(world.repository.rglob("*"))
    with pytest.raises(VerificationError):
        world.publish(
            Bundle(sequence, bundle.data, bundle.envelope, bundle.statement_sha256),
        )
    assert sorted(path for path in world.repository.rglob("*") if path.name != ".lock") == [
        path for path in before if path.name != ".lock"
    ]


def test_another_history_is_not_continued(world: World) -> None:
    made = world.publish_more(1)
    with pytest.raises(VerificationError) as caught:
        world.publish(make_bundle(2, "0" * 64))
    assert caught.value.step == "stream"
    assert made[0].statement_sha256 in caught.value.expected


@pytest.mark.parametrize("stream", ["", "..", "../x", "a/b", "A", "x" * 201, ".hidden", "a\x00"])
def test_a_stream_cannot_leave_the_repository(world: World, stream: str) -> None:
    with pytest.raises(ValueError, match="not a stream name"):
        world.publish(FIRST, stream=stream)


def test_too_few_signers_publish_nothing(world: World) -> None:
    stranger = World(world.root, Signers((signer("stranger"),)))
    before = set(world.root.rglob("*"))
    with pytest.raises(ConfigError, match=r"needs 1 signature\(s\), 0 at hand"):
        stranger.publish(FIRST)
    left = {p.relative_to(world.root).as_posix() for p in set(world.root.rglob("*")) - before}
    assert left <= {"1.partial", "repository/.lock"}
    assert head(world.repository, world.sent, STREAM) is None
    world.publish(FIRST)


def test_streams_of_like_names_do_not_mix(world: World) -> None:
    for stream in ("a", "a.000000", "a.b"):
        world.publish_more(2, stream)
    assert published_streams(world.repository) == ("a", "a.000000", "a.b")
    for stream in ("a", "a.000000", "a.b"):
        last = head(world.repository, world.sent, stream)
        assert last is not None
        assert (last.sequence, last.statement.stream) == (2, stream)


def test_a_full_segment_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.trust.roles.SEGMENT_SIZE", 3)
    made = world.publish_more(7)
    tree = read_tree(world.repository)
    assert tree.segments(STREAM) == [f"{STREAM}.00000{n}" for n in range(3)]
    assert [tree.meta[role].version for role in tree.segments()] == [3, 3, 1]
    assert tree.meta["bundles"].version == 4, "once, and once for each segment"
    last = head(world.repository, world.sent, STREAM)
    assert last is not None
    assert last.statement_sha256 == made[-1].statement_sha256


@pytest.mark.parametrize("earlier", [1, 40])
def test_one_more_bundle_writes_what_is_new(world: World, earlier: int) -> None:
    made = world.publish_more(earlier)
    before = set(world.root.rglob("*"))
    stamps = {path: path.stat().st_mtime_ns for path in before if path.is_file()}
    world.publish(make_bundle(earlier + 1, made[-1].statement_sha256))
    after = {path for path in world.root.rglob("*") if path.is_file()}
    written = {p.name for p in after if stamps.get(p) != p.stat().st_mtime_ns}
    number = f"{earlier + 1:08d}"
    assert {name for name in written if number not in name and name != ".lock"} == {
        f"{earlier + 1}.{STREAM}.000000.json",
        f"{earlier + 2}.snapshot.json",
        "timestamp.json",
        f"{earlier + 1}.partial",
    }


def test_old_versions_go_when_many_are_newer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.repository.commit._KEPT_VERSIONS", 4)
    world.publish_more(9)
    names = {path.name for path in (world.repository / "metadata").iterdir()}
    assert {name for name in names if name.endswith(".snapshot.json")} == {
        f"{n}.snapshot.json" for n in (7, 8, 9, 10)
    }
    assert {"1.root.json", "1.targets.json", "2.bundles.json"} <= names
    assert read(world).last(STREAM) == 9


# signed anew


def test_a_night_without_news_signs_the_timestamp_alone(world: World) -> None:
    world.publish(FIRST)
    before = {p.name: p.read_bytes() for p in (world.repository / "metadata").iterdir()}
    refresh(world.repository, SIGNERS, PERIODS, NOW + DAY)
    after = {p.name: p.read_bytes() for p in (world.repository / "metadata").iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"timestamp.json"}
    assert read(world).freshness.published_time == NOW + DAY


def test_what_nears_its_end_is_signed_anew(world: World) -> None:
    world.publish_more(2)
    refresh(world.repository, SIGNERS, PERIODS, NOW + 10 * DAY)
    tree = read_tree(world.repository)
    assert tree.snapshot.expires == NOW + 24 * DAY
    assert tree.meta["bundles"].version == 2
    later = NOW + 300 * DAY
    refresh(world.repository, SIGNERS, PERIODS, later)
    tree = read_tree(world.repository)
    assert tree.bundles.expires == later + PERIODS.bundles
    assert tree.segment(f"{STREAM}.000000").expires == later + PERIODS.bundles
    last = head(world.repository, world.sent, STREAM)
    assert last is not None
    assert last.sequence == 2


def test_a_publication_signs_a_neighbour_anew_that_nears_its_end(world: World) -> None:
    world.publish_more(1, "quiet")
    later = NOW + 300 * DAY
    world.publish(FIRST, later)
    refresh(world.repository, SIGNERS, PERIODS, later)
    assert read_tree(world.repository).segment("quiet.000000").expires == later + PERIODS.bundles


def test_a_bundle_is_replaced_by_one_that_says_the_same(world: World) -> None:
    world.publish(FIRST)
    world.publish(SECOND)
    file = world.root / "again"
    file.write_bytes(b"age-encryption.org/v1\nfor other keys")

    def put(bundle: Bundle) -> Path:
        return replace(
            world.repository,
            world.sent,
            STREAM,
            1,
            file,
            bundle.envelope,
            SIGNERS,
            PERIODS,
            NOW,
        )

    with pytest.raises(VerificationError, match="only the same statement"):
        put(SECOND)
    assert put(FIRST).name.endswith(".00000001.hefu.age")
    publisher = read(world)
    listed = publisher.find(STREAM, 1)
    assert listed is not None
    assert listed.is_encrypted
    assert downloaded(world, publisher, 1) == file.read_bytes()
    assert publisher.last(STREAM) == 2


def test_what_was_never_published_is_not_replaced(world: World) -> None:
    world.publish(FIRST)
    with pytest.raises(VerificationError, match="only the same statement"):
        replace(
            world.repository,
            world.sent,
            STREAM,
            2,
            sent_path(world.sent, STREAM, 1),
            SECOND.envelope,
            SIGNERS,
            PERIODS,
            NOW,
        )
