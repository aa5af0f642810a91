"""What holds for files wherever they are dropped: a folder, an SFTP server, a bucket."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from connectors_places import DATA, LATER, LocalWorld, S3World, SftpWorld, World, names

from schemas.errors import ConfigError, RefusedError, RetryableError


@pytest.fixture(params=["local", "sftp", "s3"])
def world(request, make_source) -> World:
    if request.param == "local":
        return LocalWorld(make_source)
    if request.param == "sftp":
        return SftpWorld(make_source, request.getfixturevalue("sftp_server"))
    return S3World.new(make_source, request.getfixturevalue("s3_server"))


def test_new_changed_and_gone_files(world):
    source = world.source('pattern = "*.csv"')
    world.put("b.csv", b"a,b\n3,4\n")
    world.put("a.csv", DATA)
    world.put("notes.txt", b"not ours")
    world.put("deeper/c.csv", DATA)
    first = source.pull({})
    assert names(first) == ["a.csv", "b.csv"]  # by name, so that the later one wins
    assert source.bytes_of(first) == [DATA, b"a,b\n3,4\n"]
    assert names(source.pull(first.cursor)) == []
    world.put("b.csv", b"a,b\n3,5\n5,6\n")
    world.remove("a.csv")
    second = source.pull(first.cursor)
    assert names(second) == ["b.csv"]
    assert set(second.cursor) == {"b.csv"}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("**/*.csv", ["2026/05/b.csv", "2026/a.csv", "案件 1.csv"]),
        ("2026/*.csv", ["2026/a.csv"]),
        ("*/0[5-6]/?.csv", ["2026/05/b.csv"]),
        ("案件*", ["案件 1.csv"]),
        ("none/**/*.csv", []),
    ],
)
def test_patterns(world, pattern, expected):
    for name in ("案件 1.csv", "2026/a.csv", "2026/05/b.csv", "2026/05/.hidden.csv", "2026/x.txt"):
        world.put(name, DATA)
    assert names(world.source(f'pattern = "{pattern}"').pull({})) == expected


def test_a_large_and_an_empty_file_come_whole(world):
    large = bytes(range(256)) * 36_000 + b"end"
    world.put("large.csv", large)
    world.put("empty.csv", b"")
    source = world.source()
    assert source.bytes_of(source.pull({})) == [b"", large]


def test_a_file_rewritten_with_the_same_size_is_read_again(world):
    source = world.source()
    world.put("a.csv", DATA, changed=1_700_000_000)
    first = source.pull({})
    world.put("a.csv", b"a,b\n1,3\n", changed=1_700_000_001)
    assert source.bytes_of(source.pull(first.cursor)) == [b"a,b\n1,3\n"]


def test_everything_again(world):
    source = world.source()
    world.put("a.csv", DATA)
    world.put("b.csv", b"a,b\n3,4\n")
    first = source.pull({})
    again = source.pull(first.cursor, full=True)
    assert names(again) == ["a.csv", "b.csv"]
    assert (again.cursor, again.complete) == (first.cursor, False)


def test_a_file_replaced_while_it_is_read_is_never_a_mix(world):
    """The pull goes on with the new one, or says that it can't; it never takes of both."""
    old, new = b"old,\n" * 2_000_000, b"new,\n" * 2_000_000
    source = world.source()
    world.put("a.csv", old, changed=1_700_000_000)
    with world.while_reading(lambda: world.put("a.csv", new, changed=1_700_000_100)):
        if isinstance(world, LocalWorld):  # tried again by the flow, as before
            with pytest.raises(RetryableError, match="changed while it was read"):
                source.pull({})
            first = source.pull({})
        else:
            first = source.pull({})
    assert source.bytes_of(first) == [new]
    assert len(source.events) == 1
    assert names(source.pull(first.cursor)) == []


def test_a_file_waits_for_its_mark(world):
    source = world.source('pattern = "*.csv"\ndone_suffix = ".ok"')
    world.put("a.csv", DATA, changed=1_700_000_000)
    world.put("b.csv", DATA, changed=1_700_000_000)
    world.put("b.csv.ok", b"", changed=1_700_000_000)
    world.put("c.csv.ok", b"", changed=1_700_000_000)
    first = source.pull({})
    assert names(first) == ["b.csv"]
    assert set(first.cursor) == {"b.csv"}
    world.put("a.csv.ok", b"", changed=1_700_000_001)
    world.remove("b.csv.ok")  # cleaned up: the file stays known
    second = source.pull(first.cursor)
    assert names(second) == ["a.csv"]
    assert set(second.cursor) == {"a.csv", "b.csv"}
    window = source.pull(window=(date(2026, 1, 1), None))
    assert names(window) == ["a.csv"]


def test_a_fresh_file_waits_until_it_is_quiet(world):
    source = world.source("quiet_seconds = 60")
    world.put("a.csv", DATA)
    known = source.pull({}).cursor["a.csv"]
    changed = LATER.fromtimestamp(known["mtime_ns"] / 1e9, LATER.tzinfo)
    assert names(source.pull({}, now=changed + timedelta(seconds=59))) == []
    assert names(source.pull({}, now=changed + timedelta(seconds=61))) == ["a.csv"]


# ---- full copies -----------------------------------------------------------------------------

SNAPSHOT = 'mode = "snapshot"\n\n'
BY_DATE = SNAPSHOT + '[window]\nfile_date = "%Y%m%d"\n'


def test_the_newest_copy_by_the_date_in_its_name(world):
    source = world.source('pattern = "*.csv"', BY_DATE)
    world.put("all_20260502_2.csv", b"a,b\n2,2\n")
    world.put("all_20260502_1.csv", b"a,b\n2,1\n")
    world.put("all_20260501.csv", DATA)  # written last, and yet older
    first = source.pull({})
    assert (names(first), first.complete) == (["all_20260502_1.csv", "all_20260502_2.csv"], True)
    same = source.pull(first.cursor)
    assert (names(same), same.complete, same.cursor) == ([], False, first.cursor)
    world.put("all_20260503.csv", b"a,b\n2,1\n2,2\n")
    third = source.pull(first.cursor)
    assert (names(third), third.complete) == (["all_20260503.csv"], True)
    full = source.pull(third.cursor, full=True)
    assert (names(full), full.complete) == (["all_20260503.csv"], True)


def test_an_older_copy_never_comes_after_a_newer_one(world):
    source = world.source('pattern = "*.csv"', BY_DATE)
    world.put("all_20260501.csv", DATA)
    world.put("all_20260502.csv", b"a,b\n3,4\n")
    first = source.pull({})
    world.remove("all_20260502.csv")
    gone = source.pull(first.cursor)
    assert (names(gone), gone.complete, gone.cursor) == ([], False, first.cursor)
    assert names(source.pull(first.cursor, full=True)) == ["all_20260501.csv"]


def test_a_copy_waits_for_all_its_parts(world):
    source = world.source('pattern = "*.csv"\ndone_suffix = ".fin"', BY_DATE)
    for name in ("all_20260501.csv", "all_20260502_1.csv", "all_20260502_2.csv"):
        world.put(name, name.encode(), changed=1_700_000_000)
    for name in ("all_20260501.csv.fin", "all_20260502_1.csv.fin"):
        world.put(name, b"", changed=1_700_000_001)
    first = source.pull({})
    assert (names(first), first.complete) == (["all_20260501.csv"], True)
    world.put("all_20260502_2.csv.fin", b"", changed=1_700_000_001)
    second = source.pull(first.cursor)
    assert names(second) == ["all_20260502_1.csv", "all_20260502_2.csv"]


def test_parts_that_are_moved_away_say_nothing(world):
    source = world.source('pattern = "*.csv"', BY_DATE)
    for part in ("1", "2"):
        world.put(f"all_20260502_{part}.csv", part.encode())
    first = source.pull({})
    world.remove("all_20260502_1.csv")
    rest = source.pull(first.cursor)
    assert (names(rest), rest.complete, rest.cursor) == ([], False, first.cursor)
    # Under another day's name the same part is another copy, without the rows of the first.
    world.remove("all_20260502_2.csv")
    world.put("all_20260503_2.csv", b"2")
    second = source.pull(rest.cursor)
    assert (names(second), second.complete) == (["all_20260503_2.csv"], True)


def test_the_copy_that_is_written_over_itself(world):
    source = world.source(tables=SNAPSHOT)
    world.put("all.csv", DATA, changed=1_700_000_000)
    first = source.pull({})
    assert (names(first), first.complete) == (["all.csv"], True)
    assert source.pull(first.cursor).complete is False
    # Put back from a backup: an older time, and yet what the source has now.
    world.put("all.csv", b"a,b\n1,3\n5,6\n", changed=1_600_000_000)
    second = source.pull(first.cursor)
    assert (source.bytes_of(second), second.complete) == ([b"a,b\n1,3\n5,6\n"], True)


def test_the_same_copy_under_a_new_name_says_nothing_new(world):
    source = world.source('pattern = "*.csv"', BY_DATE)
    world.put("all_20260501.csv", DATA)
    first = source.pull({})
    world.put("all_20260502.csv", DATA)
    second = source.pull(first.cursor)
    assert (names(second), second.complete) == ([], False)
    assert set(second.cursor) == {"all_20260502.csv"}


def test_no_copy_at_all(world):
    source = world.source(tables=SNAPSHOT)
    nothing = source.pull({})
    assert (names(nothing), nothing.complete) == ([], False)


def test_a_copy_without_a_date_is_not_guessed(world):
    source = world.source('pattern = "*.csv"', BY_DATE)
    world.put("all_20260501.csv", DATA)
    world.put("all_new.csv", DATA)
    with pytest.raises(RefusedError, match="shows no date") as caught:
        source.pull({})
    assert caught.value.where.file == "all_new.csv"


@pytest.mark.parametrize("suffix", ["*.ok", "a/b", " .ok"])
def test_a_mark_is_a_plain_ending(make_source, suffix):
    with pytest.raises(ConfigError):
        LocalWorld(make_source).source(f'done_suffix = "{suffix}"')
