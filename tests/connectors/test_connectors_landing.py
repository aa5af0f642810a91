"""Bytes rest as received, once, whole, and a crash leaves nothing half."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import pytest
from connectors_world import NOW
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.landing import Landing
from connectors.pull import PullRequest, replay
from schemas.errors import DataError

STREAM = "cases/decisions"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


def objects(root: Path) -> list[str]:
    return sorted(p.name for p in (root / "objects").rglob("*") if p.is_file())


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(deliveries=st.lists(st.lists(st.binary(max_size=20), max_size=3), max_size=6))
def test_landing_is_idempotent(tmp_path_factory, deliveries):
    root = tmp_path_factory.mktemp("landing")
    landing = Landing(root)
    for _ in range(2):
        for chunks in deliveries:
            landed = landing.store(STREAM, chunks, "a.csv", NOW, once=True)
            data = b"".join(chunks)
            assert landed.path.read_bytes() == data
            assert (landed.digest, landed.size) == (hashlib.sha256(data).hexdigest(), len(data))
    distinct = {b"".join(c) for c in deliveries}
    # Bytes that come back after others are a delivery of their own; the same again are not.
    told = [data for data, _ in groupby(b"".join(c) for c in deliveries * 2)]
    assert len(landing.events(STREAM)) == len(told)
    if distinct:
        assert objects(root) == sorted(hashlib.sha256(d).hexdigest() for d in distinct)


def test_a_fetch_is_always_an_event_but_the_bytes_are_stored_once(landing, tmp_path):
    landing.store(STREAM, [b"x"], "http://h/p", NOW, 1)
    landing.store(STREAM, [b"x"], "http://h/p", NOW + timedelta(1), 2)
    assert [(e.fetched_at, e.page) for e in landing.events(STREAM)] == [
        (NOW, 1),
        (NOW + timedelta(1), 2),
    ]
    assert len(objects(tmp_path)) == 1


def test_an_error_while_receiving_leaves_nothing(landing, tmp_path):
    def chunks():
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        landing.store(STREAM, chunks(), "a.csv", NOW)
    assert landing.events(STREAM) == []
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.stat().st_size]


@pytest.mark.parametrize("torn", [b"{", b'{"digest":"ab', b"x" * 200_000])
def test_a_torn_last_line_is_dropped_and_repaired(landing, tmp_path, torn):
    first = landing.store(STREAM, [b"1"], "a", NOW)
    index = tmp_path / "streams" / "cases" / "decisions.jsonl"
    with index.open("ab") as handle:
        handle.write(torn)
    assert landing.events(STREAM) == [first]
    second = landing.store(STREAM, [b"2"], "b", NOW)
    assert landing.events(STREAM) == [first, second]
    assert torn not in index.read_bytes() or torn == b"{"
    assert index.read_bytes().count(b"\n") == 2


def test_an_index_that_is_only_a_torn_line(landing, tmp_path):
    index = tmp_path / "streams" / "cases" / "decisions.jsonl"
    index.parent.mkdir(parents=True)
    index.write_bytes(b'{"dig')
    landed = landing.store(STREAM, [b"1"], "a", NOW)
    assert landing.events(STREAM) == [landed]


def test_an_object_of_the_wrong_size_is_replaced(landing):
    landed = landing.store(STREAM, [b"whole"], "a", NOW)
    landed.path.chmod(0o640)
    landed.path.write_bytes(b"wh")
    assert landing.store(STREAM, [b"whole"], "a", NOW).path.read_bytes() == b"whole"


def test_an_object_whose_bytes_changed_on_the_disk_is_replaced_by_what_comes_again(landing):
    landed = landing.store(STREAM, [b"whole"], "a", NOW)
    landed.path.chmod(0o640)
    landed.path.write_bytes(b"wh0le")
    with pytest.raises(DataError, match="its bytes changed on the disk"):
        landing.whole(landed.digest)
    assert landing.store(STREAM, [b"whole"], "a", NOW).path.read_bytes() == b"whole"
    assert landing.whole(landed.digest) == landed.path


def test_an_object_whose_bytes_changed_is_not_replayed(files):
    source = files("csv")
    source.put("a.csv", b"x,y\n1,2\n")
    (landed,) = source.pull().objects
    request = PullRequest("window", None, None, None, NOW)
    assert replay(source.config, request, source.landing, (landed.key,)).objects == (landed,)
    landed.path.chmod(0o640)
    landed.path.write_bytes(b"x,y\n1,3\n")
    with pytest.raises(DataError, match="its bytes changed on the disk"):
        replay(source.config, request, source.landing, (landed.key,))


@pytest.mark.parametrize("line", [b"\0\0\0", b"[]", b'{"digest": 1}', b"\xff{}"])
def test_a_damaged_line_of_the_log_is_told_and_left_as_it_is(landing, tmp_path, line):
    """What was lost with it nobody knows: going on would read everything anew, or nothing."""
    landing.store(STREAM, [b"1"], "a", NOW)
    index = tmp_path / "streams" / f"{STREAM}.jsonl"
    index.write_bytes(line + b"\n" + index.read_bytes())
    before = index.read_bytes()
    for again in (Landing(tmp_path), landing):
        with pytest.raises(DataError, match="a line of this landing log is damaged"):
            again.events(STREAM)
    with pytest.raises(DataError, match="a line of this landing log is damaged"):
        Landing(tmp_path).store(STREAM, [b"2"], "a", NOW, once=True)
    assert index.read_bytes() == before


def test_what_is_received_is_for_the_node_alone(tmp_path):
    root = tmp_path / "landing"
    landed = Landing(root).store(STREAM, [b"1"], "a", NOW)
    assert root.stat().st_mode & 0o777 == 0o700
    assert landed.path.stat().st_mode & 0o777 == 0o440


@pytest.mark.parametrize("name", ["cases", "../x/y", "a/b/c", "A/b", ""])
def test_stream_ids_are_no_paths(landing, name):
    with pytest.raises(ValueError, match="not a stream id"):
        landing.store(name, [b""], "a", NOW)


KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from connectors.landing import Landing

def chunks():
    yield b"first half"
    os.kill(os.getpid(), signal.SIGKILL)

now = datetime(2026, 5, 20, tzinfo=UTC)
Landing(Path(sys.argv[1])).store("cases/decisions", chunks(), "a.csv", now)
"""


def test_kill_9_while_receiving_leaves_nothing_after_the_next_store(landing, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert landing.events(STREAM) == []
    landed = landing.store(STREAM, [b"whole"], "a.csv", NOW, once=True)
    assert landing.events(STREAM) == [landed]
    assert not [p for p in (tmp_path / "tmp").rglob("*") if p.is_file()]
