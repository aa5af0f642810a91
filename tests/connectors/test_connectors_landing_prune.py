"""Objects are let go for good: noted first, deleted after, and never one that is still held."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from connectors_world import NOW
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.landing import Landing
from schemas.errors import DataError, RetryableError

A, B = "cases/decisions", "cases/appeals"
ROOT = Path(__file__).parents[2]
LATER = NOW + timedelta(400)


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


def here(landing: Landing) -> set[str]:
    return {resting.digest for resting in landing.resting()}


def test_what_is_let_go_is_deleted_and_the_log_says_when(landing):
    landed = landing.store(A, [b"x"], "a.csv", NOW)
    kept = landing.store(A, [b"y"], "b.csv", NOW)
    assert landing.note_pruned(A, {landed.digest}, LATER) == 1
    assert here(landing) == {landed.digest, kept.digest}  # only noted yet
    assert [r.digest for r in landing.sweep(())] == [landed.digest]
    assert here(landing) == {kept.digest}
    (event,) = (e for e in landing.events(A) if e.digest == landed.digest)
    assert (event.pruned_at, event.origin, event.fetched_at) == (LATER, "a.csv", NOW)
    with pytest.raises(DataError, match="pruned on 2027-06-24 by the retention rule"):
        landing.find(landed.digest, event)
    assert landing.note_pruned(A, {landed.digest}, LATER) == 0
    assert landing.sweep(()) == []


def test_content_that_another_stream_holds_stays(landing):
    digest = landing.store(A, [b"x"], "a", NOW).digest
    landing.store(B, [b"x"], "b", NOW)
    landing.note_pruned(A, {digest}, LATER)
    assert landing.sweep(()) == []
    assert landing.find(digest, landing.latest(A)[digest]).read_bytes() == b"x"
    landing.note_pruned(B, {digest}, LATER)
    assert [r.digest for r in landing.sweep(())] == [digest]


@pytest.mark.parametrize("swept", [False, True])
def test_what_comes_again_after_it_was_let_go_is_a_delivery_of_its_own(landing, swept):
    first = landing.store(A, [b"x"], "a", NOW, once=True)
    landing.note_pruned(A, {first.digest}, LATER)
    if swept:
        landing.sweep(())
    again = landing.store(A, [b"x"], "a", LATER, once=True)
    assert (again.fetched_at, again.pruned_at) == (LATER, None)
    assert landing.sweep(()) == []
    assert again.path.read_bytes() == b"x"


def test_the_log_keeps_one_line_for_each_object_that_went(landing, tmp_path):
    for night in range(50):
        landing.store(A, [b"same"], "http://h/p", NOW + timedelta(night), 1)
    other = landing.store(A, [b"other"], "http://h/p", NOW, 2)
    index = tmp_path / "streams" / f"{A}.jsonl"
    assert index.read_bytes().count(b"\n") == 51
    landing.note_pruned(A, {e.digest for e in landing.events(A)} - {other.digest}, LATER)
    assert index.read_bytes().count(b"\n") == 2
    assert [e.pruned_at for e in landing.events(A)] == [LATER, None]
    assert landing.events(A)[0].fetched_at == NOW + timedelta(49)


def test_another_process_goes_on_with_a_log_that_was_rewritten(tmp_path):
    one, other = Landing(tmp_path), Landing(tmp_path)
    first = one.store(A, [b"1"], "a", NOW, once=True)
    other.store(A, [b"1"], "a", NOW, once=True)  # knows the log as it was
    one.note_pruned(A, {first.digest}, LATER)
    assert other.store(A, [b"1"], "a", LATER, once=True).fetched_at == LATER
    assert len(one.events(A)) == 2


def test_a_writer_that_waited_while_the_log_was_rewritten_writes_to_the_new_one(tmp_path):
    program = (
        "import sys\nfrom datetime import datetime, UTC\nfrom pathlib import Path\n"
        "from connectors.landing import Landing\n"
        "print('here', flush=True)\n"
        f"Landing(Path(sys.argv[1])).store({A!r}, [b'2'], 'b', datetime(2026, 5, 21, tzinfo=UTC))\n"
    )
    landing = Landing(tmp_path)
    first = landing.store(A, [b"1"], "a", NOW)
    log = landing._log(A)
    with log.writing():
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        log.rewrite(
            [
                {
                    "digest": first.digest,
                    "size": 1,
                    "origin": "a",
                    "page": None,
                    "fetched_at": NOW.isoformat(),
                    "pruned_at": LATER.isoformat(),
                }
            ]
        )
    assert child.wait() == 0
    child.stdout.close()
    assert [e.origin for e in landing.events(A)] == ["a", "b"]


def test_objects_that_no_log_knows_go_only_when_named(landing, tmp_path):
    landed = landing.store(A, [b"x"], "a", NOW)
    (tmp_path / "streams" / f"{A}.jsonl").write_bytes(b"")
    assert landing.sweep(()) == []
    assert [r.digest for r in landing.sweep({landed.digest})] == [landed.digest]


KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from connectors import landing as module
from connectors.landing import Landing

place, root = sys.argv[1], Path(sys.argv[2])
landing = Landing(root)
digests = {e.digest for e in landing.events("cases/decisions")}
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if place == "before the log is renamed":
    Path.replace = die
if place == "before the first object goes":
    Path.unlink = die
if place == "after the first object went":
    real = Path.unlink
    def unlink(self, *more, **words):
        real(self, *more, **words)
        die()
    Path.unlink = unlink
landing.note_pruned("cases/decisions", digests, datetime(2027, 6, 24, tzinfo=UTC))
landing.sweep(())
"""


@pytest.mark.parametrize(
    ("place", "noted"),
    [
        ("before the log is renamed", False),
        ("before the first object goes", True),
        ("after the first object went", True),
    ],
)
def test_kill_9_while_letting_go_never_loses_what_the_log_does_not_tell(
    landing, tmp_path, place, noted
):
    for n in range(3):
        landing.store(A, [b"%d" % n], f"{n}.csv", NOW)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, place, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    fresh = Landing(tmp_path)
    events = fresh.events(A)
    assert [e.pruned_at is not None for e in events] == [noted] * 3
    assert all(e.path.exists() or e.pruned_at for e in events)
    fresh.note_pruned(A, {e.digest for e in events}, LATER)
    fresh.sweep(())
    assert here(fresh) == set()
    assert len(fresh.events(A)) == 3


# ---- a full disk -----------------------------------------------------------------------------

FULL = """
import resource, sys
from datetime import datetime, UTC
from pathlib import Path
from connectors.landing import Landing
from schemas.errors import RetryableError

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
chunks = (b"x" * 10_000 for _ in range(10))
try:
    Landing(Path(sys.argv[1])).store(
        "cases/decisions", chunks, "a.csv", datetime(2026, 5, 20, tzinfo=UTC))
except RetryableError as error:
    print(error.message.en, "|", error.where)
"""


def test_a_disk_that_is_full_while_landing_is_told_and_nothing_half_is_left(landing, tmp_path):
    root = tmp_path / "landing"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(root), "65536"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "HEFU_LANG": "en"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"the disk of landing/ is full | {root}\n"
    assert [p for p in root.rglob("*") if p.is_file() and p.stat().st_size] == []
    assert Landing(root).events(A) == []


def test_a_disk_that_is_full_when_the_log_is_written_leaves_the_log_as_it_was(tmp_path):
    landing = Landing(tmp_path)
    first = landing.store(A, [b"1"], "a" * 300, NOW)
    index = tmp_path / "streams" / f"{A}.jsonl"
    before = index.read_bytes()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, old[1]))
    try:
        with pytest.raises(RetryableError, match="is full"):
            landing.store(A, [b"2"], "b", NOW)
        with pytest.raises(RetryableError, match="is full"):
            landing.note_pruned(A, {first.digest}, LATER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert index.read_bytes() == before
    assert [e.digest for e in landing.events(A)] == [first.digest]
    assert landing.store(A, [b"2"], "b", NOW).path.read_bytes() == b"2"


# ---- law -------------------------------------------------------------------------------------

_STREAMS = st.sampled_from([A, B])
_CONTENT = st.sampled_from([b"1", b"2", b"3"])
_DEEDS = st.one_of(
    st.tuples(st.just("store"), _STREAMS, _CONTENT),
    st.tuples(st.just("note"), _STREAMS, _CONTENT),
    st.tuples(st.just("sweep"), _STREAMS, _CONTENT),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(deeds=st.lists(_DEEDS, max_size=14), once=st.booleans())
def test_an_object_is_there_while_any_stream_holds_it_whatever_the_order(
    tmp_path_factory, deeds, once
):
    import hashlib

    root = tmp_path_factory.mktemp("landing")
    landings = [Landing(root), Landing(root)]  # as two processes
    held: dict[str, set[bytes]] = {A: set(), B: set()}
    for nth, (deed, stream, content) in enumerate(deeds):
        landing = landings[nth % 2]
        digest = hashlib.sha256(content).hexdigest()
        if deed == "store":
            landed = landing.store(stream, [content], "origin", NOW + timedelta(nth), once=once)
            assert landed.pruned_at is None
            held[stream].add(content)
        elif deed == "note":
            landing.note_pruned(stream, {digest}, LATER)
            held[stream].discard(content)
        else:
            landing.sweep(())
    for landing in landings:
        for stream in (A, B):
            latest = landing.latest(stream)
            live = {d for d, event in latest.items() if event.pruned_at is None}
            assert live == {hashlib.sha256(c).hexdigest() for c in held[stream]}
            assert all(latest[d].path.exists() for d in live)
    landings[0].sweep(())
    wanted = {hashlib.sha256(c).hexdigest() for c in held[A] | held[B]}
    assert here(landings[0]) == wanted
