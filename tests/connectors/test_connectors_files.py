"""A folder in which files appear: what is new, what is the same, what must be refused."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from connectors_world import NOW

from connectors.files.local import LocalFolder
from connectors.files.patterns import Pattern
from connectors.files.place import CHUNK_BYTES
from connectors.pull import probe, replay
from schemas.errors import ConfigError, DataError, RefusedError, RetryableError

DATA = b"a,b\n1,2\n"


def names(delivery):
    return [o.origin for o in delivery.objects]


@pytest.fixture
def source(files):
    return files("csv", 'pattern = "*.csv"')


def test_only_new_and_changed_files_are_delivered(source):
    source.put("a.csv", DATA)
    source.put("b.csv", b"a,b\n3,4\n")
    source.put("notes.txt", b"not ours")
    source.put(".b.csv.part", b"half")
    first = source.pull({})
    assert names(first) == ["a.csv", "b.csv"]
    assert names(source.pull(first.cursor)) == []
    source.put("b.csv", b"a,b\n3,5\n5,6\n")
    source.put("c.csv", DATA)
    second = source.pull(first.cursor)
    assert names(second) == ["b.csv", "c.csv"]
    assert set(second.cursor) == {"a.csv", "b.csv", "c.csv"}


def test_a_touched_file_is_not_delivered_again(source):
    path = source.put("a.csv", DATA)
    first = source.pull({})
    os.utime(path, ns=(1, 1))
    second = source.pull(first.cursor)
    assert names(second) == []
    assert second.cursor["a.csv"]["mtime_ns"] == 1


def test_a_file_read_again_is_the_same_delivery(source):
    source.put("a.csv", DATA)
    first = source.pull({})
    again = source.pull({}, now=NOW + timedelta(days=1))
    assert again.objects == first.objects
    assert len(source.landing.events("cases/decisions")) == 1


def test_a_file_that_left_is_forgotten_and_new_when_it_comes_back(source):
    path = source.put("a.csv", DATA)
    first = source.pull({})
    path.unlink()
    gone = source.pull(first.cursor)
    assert gone.cursor == {}
    source.put("a.csv", DATA)
    assert names(source.pull(gone.cursor)) == ["a.csv"]


def test_folders_below(files):
    source = files("csv", 'pattern = "**/*.csv"')
    source.put("2026/05/a.csv", DATA)
    source.put("b.csv", DATA)
    assert names(source.pull({})) == ["2026/05/a.csv", "b.csv"]


def test_a_fresh_file_waits_until_it_is_quiet(files):
    source = files("csv", "quiet_seconds = 60")
    path = source.put("a.csv", DATA)
    fresh = (NOW - timedelta(seconds=59)).timestamp()
    os.utime(path, (fresh, fresh))
    waiting = source.pull({})
    assert (names(waiting), waiting.cursor) == ([], {})
    later = source.pull(waiting.cursor, now=NOW + timedelta(seconds=2))
    assert names(later) == ["a.csv"]


def test_a_share_whose_clock_runs_ahead_hides_nothing(files):
    source = files("csv", "quiet_seconds = 60")
    path = source.put("a.csv", DATA)
    ahead = (NOW + timedelta(days=3)).timestamp()
    os.utime(path, (ahead, ahead))
    assert names(source.pull({})) == ["a.csv"]


@pytest.mark.parametrize("change", ["grows", "is rewritten"])
def test_a_file_that_changes_while_it_is_read_is_not_taken(source, monkeypatch, change):
    path = source.put("a.csv", DATA)
    real = source.landing.store

    def store(stream_id, chunks, *args, **kwargs):
        def writing():
            for chunk in chunks:
                yield chunk
                path.write_bytes(DATA + b"5,6\n" if change == "grows" else DATA)

        return real(stream_id, writing(), *args, **kwargs)

    monkeypatch.setattr(source.landing, "store", store)
    os.utime(path, ns=(1, 1))
    with pytest.raises(RetryableError, match="changed while it was read"):
        source.pull({})
    assert source.landing.events("cases/decisions") == []


def test_links_that_lead_out_are_refused(source, tmp_path):
    (tmp_path / "secret.csv").write_bytes(DATA)
    source.put("a.csv", DATA)
    (source.drop / "b.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(RefusedError, match="leads out") as caught:
        source.pull({})
    assert caught.value.where.file == "b.csv"


def test_links_inside_are_followed(source):
    source.put("a.csv", DATA)
    (source.drop / "b.csv").symlink_to(source.drop / "a.csv")
    assert names(source.pull({})) == ["a.csv", "b.csv"]


def test_a_pipe_is_no_file(source):
    source.drop.mkdir(exist_ok=True)
    os.mkfifo(source.drop / "a.csv")
    with pytest.raises(RefusedError, match="no plain file"):
        source.pull({})


def test_a_dangling_link_is_tried_again_later(source):
    source.drop.mkdir(exist_ok=True)
    (source.drop / "a.csv").symlink_to(source.drop / "nowhere")
    with pytest.raises(RetryableError, match="can't be read"):
        source.pull({})


def test_missing_folder(files):
    source = files("csv")
    source.drop.rmdir()
    with pytest.raises(RefusedError, match="folder is not there"):
        source.pull({})


def test_folder_from_the_environment(make_source, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.csv").write_bytes(DATA)
    source = make_source('[reader]\nkind = "files"\npath = "env:DROP"\nformat = "csv"\n')
    assert names(source.pull({}, token=str(tmp_path / "elsewhere"))) == ["a.csv"]


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*", "a/../../b"])
def test_a_pattern_stays_inside(files, pattern):
    with pytest.raises(ConfigError, match="stays inside"):
        files("csv", f'pattern = "{pattern}"')


# ---- windows ---------------------------------------------------------------------------------

WINDOW = (date(2026, 5, 2), date(2026, 5, 3))


def test_window_by_the_date_in_the_name(files):
    source = files("csv", tables='[window]\nfile_date = "%Y%m%d"')
    for day in ("20260501", "20260502", "20260503", "20260504", "20269999"):
        source.put(f"cases_{day}.csv", DATA)
    source.put("other.csv", DATA)
    delivery = source.pull({"x": 1}, window=WINDOW)
    assert names(delivery) == [
        "cases_20260502.csv",
        "cases_20260503.csv",
        "cases_20269999.csv",
        "other.csv",
    ]
    assert delivery.cursor is None


DATES = {
    "2026-05-01": False,
    "2026-05-02": True,
    "2026/5/2": True,
    "20260503": True,
    "2026年5月3日": True,
    "2026-05-03 23:59:59": True,
    "2026-05-04 00:00:00": False,
    "2026-05-01T16:00:00Z": True,
    "2026-05-03T16:00:00Z": False,
    "2026-05-04T01:00:00+14:00": True,
    "2026-02-30": True,
    "": True,
    "unknown": True,
}


def test_rows_outside_the_window_are_not_counted_and_unread_dates_stay(files):
    source = files("csv", tables='[window]\nfield = "DAY"')
    text = "day,no\n" + "".join(f"{d},{i}\n" for i, d in enumerate(DATES)) + "broken\n"
    source.put("a.csv", text.encode())
    found = source.read(source.pull(window=WINDOW))
    assert [r["day"] for r in found.rows] == [d for d, stays in DATES.items() if stays]
    assert found.batch.outside_window == sum(not stays for stays in DATES.values())
    assert found.batch.received == len(found.rows) + 1
    assert found.rules == ["read:columns"]


@pytest.mark.parametrize(
    ("window", "kept"),
    [((None, date(2026, 5, 1)), ["1"]), ((date(2026, 5, 2), None), ["2", "3"])],
)
def test_open_windows_and_other_date_formats(files, window, kept):
    source = files("csv", tables='[window]\nfield = "d"\nfield_format = "%m/%d/%Y"')
    source.put("a.csv", b"d,n\n05/01/2026,1\n05/02/2026,2\n2026-05-01,3\n")
    found = source.read(source.pull(window=window))
    expected = kept if "3" in kept else [*kept, "3"]  # a date that can't be read stays
    assert [r["n"] for r in found.rows] == expected


def test_window_column_that_is_not_there(files):
    source = files("csv", tables='[window]\nfield = "day"')
    source.put("a.csv", DATA)
    with pytest.raises(DataError, match="no column 'day'"):
        source.read(source.pull(window=WINDOW))


# ---- trying out and replaying ----------------------------------------------------------------


def test_probe_takes_the_newest_file(source):
    for name, at in (("a.csv", 1), ("b.csv", 3), ("c.csv", 2)):
        os.utime(source.put(name, DATA), (at, at))
    delivery = probe(source.config, source.folder, source.landing, secrets=str, now=NOW)
    assert (names(delivery), delivery.cursor) == (["b.csv"], None)


def test_probe_of_an_empty_folder(files):
    source = files("csv", 'optional_columns = ["paid_on"]')
    delivery = probe(source.config, source.folder, source.landing, secrets=str, now=NOW)
    assert source.read(delivery).batch.columns == ()


def test_replay_needs_no_source(source):
    from connectors.pull import PullRequest

    path = source.put("a.csv", DATA)
    first = source.pull({})
    path.unlink()
    request = PullRequest("window", None, None, None, NOW)
    digests = tuple(o.digest for o in first.objects)
    again = replay(source.config, request, source.landing, digests)
    assert again.objects == first.objects
    first.objects[0].path.unlink()
    with pytest.raises(DataError, match="not in the landing area"):
        replay(source.config, request, source.landing, digests)


# ---- what size and time don't tell, and what a file system refuses ----------------------------


def replace(path, data, like):
    """Put another file in a file's place with its size and time of change."""
    other = path.with_name(".new")
    other.write_bytes(data)
    os.utime(other, ns=(like.st_mtime_ns, like.st_mtime_ns))
    other.replace(path)


def test_another_file_of_the_same_size_and_time_is_read(source):
    path = source.put("a.csv", DATA)
    first = source.pull({})
    replace(path, b"a,b\n1,9\n", path.stat())
    second = source.pull(first.cursor)
    assert [o.path.read_bytes() for o in second.objects] == [b"a,b\n1,9\n"]


def test_a_file_read_as_it_was_written_is_looked_at_once_more(source):
    """A file system's clock ticks in milliseconds: two changes may bear the same time."""
    path = source.put("a.csv", DATA)
    changed = datetime.fromtimestamp(path.stat().st_ctime, UTC)
    first = source.pull({}, now=changed + timedelta(seconds=1))
    assert first.cursor["a.csv"]["settled"] is False
    second = source.pull(first.cursor, now=changed + timedelta(seconds=9))
    assert names(second) == []
    assert "settled" not in second.cursor["a.csv"]


def test_cursors_of_older_nodes_stay_valid(source):
    path = source.put("a.csv", DATA)
    first = source.pull({})
    entry = first.cursor["a.csv"]
    old = {"a.csv": {key: entry[key] for key in ("sha256", "size", "mtime_ns")}}
    second = source.pull(old)
    assert (names(second), second.cursor) == ([], first.cursor)
    replace(path, b"a,b\n1,9\n", path.stat())
    assert names(source.pull(second.cursor)) == ["a.csv"]


def test_a_file_replaced_while_it_is_read_is_not_taken(source):
    path = source.put("a.csv", DATA)
    place = LocalFolder(source.drop)
    (seen,) = place.list_files(Pattern.of(["*"]))
    with place.open(seen) as reading:
        assert next(reading.chunks) == DATA
        replace(path, b"a,b\n1,9\n", path.stat())
        with pytest.raises(RetryableError, match="changed while it was read"):
            next(reading.chunks)


def test_a_file_that_is_moved_away_while_it_is_read_is_whole(source):
    path = source.put("a.csv", DATA)
    place = LocalFolder(source.drop)
    (seen,) = place.list_files(Pattern.of(["*"]))
    with place.open(seen) as reading:
        path.rename(source.folder / "done.csv")
        assert b"".join(reading.chunks) == DATA


def test_a_large_file_is_never_held_whole(source):
    with source.put("a.csv", b"").open("r+b") as handle:
        handle.truncate(20 * CHUNK_BYTES + 1)
    place = LocalFolder(source.drop)
    (seen,) = place.list_files(Pattern.of(["*"]))
    with place.open(seen) as reading:
        sizes = [len(chunk) for chunk in reading.chunks]
    assert (max(sizes), sum(sizes)) == (CHUNK_BYTES, 20 * CHUNK_BYTES + 1)


@contextmanager
def as_nobody():
    """Without root's right to read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("a.csv", "no permission to read this file"),
        ("sub", "no permission to list this folder"),
        (".", "no permission to list this folder"),
    ],
)
def test_no_permission(what, message):
    """A folder that can't be listed is no empty one."""
    # Not below tmp_path, whose parents let nobody through.
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "sub").mkdir()
        for path in (root / "a.csv", root / "sub" / "b.csv"):
            path.write_bytes(DATA)
        (root / what).chmod(0)
        with as_nobody(), pytest.raises(RefusedError, match=message):
            read_all(LocalFolder(root))
        (root / what).chmod(0o755)


def read_all(place):
    for seen in place.list_files(Pattern.of(["**/*.csv"])):
        with place.open(seen) as reading:
            b"".join(reading.chunks)


FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from connectors.config import load_source
from connectors.delivery import PullRequest
from connectors.landing import Landing
from connectors.pull import pull
from schemas.errors import RetryableError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder, landing = Path(sys.argv[1]), Landing(Path(sys.argv[2]))
now = datetime(2026, 5, 20, tzinfo=UTC)
try:
    request = PullRequest("cursor", {}, None, None, now)
    pull(load_source(folder), folder, request, landing, secrets=str)
except RetryableError as error:
    print(error)
"""


def test_a_disk_that_is_full_while_landing(source, tmp_path):
    source.put("a.csv", bytes(1_000_000))
    landing = tmp_path / "landing"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(source.folder), str(landing)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HEFU_LANG": "en"},
    )
    assert "is full" in done.stdout
    assert not [p for p in landing.rglob("*") if p.is_file() and p.suffix != ".jsonl"]
    assert source.landing.events("cases/decisions") == []
    assert names(source.pull({})) == ["a.csv"]
