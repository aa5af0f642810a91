"""Laws of reading files: what a pattern means, and that nothing written is ever missed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.config import load_source
from connectors.delivery import PullRequest
from connectors.files.local import LocalFolder
from connectors.files.patterns import Pattern
from connectors.landing import Landing
from connectors.pull import pull

PARTS = st.sampled_from(["a", "b", "ab", ".h", "案"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
GLOBS = st.tuples(
    st.lists(st.sampled_from(["a", "*", "**", "?", "a*", "[ab]", "案"]), max_size=3),
    st.sampled_from(["*", "a", "?b", "*b", "[!a]", "案"]),
).map(lambda made: "/".join([*made[0], made[1]]))


@settings(deadline=None, max_examples=60)
@given(st.sets(PATHS, max_size=8), GLOBS)
def test_a_pattern_means_what_a_shell_means(paths, glob):
    """As ``Path.glob`` finds files, hidden ones apart; and the same for keys of a bucket."""
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        for path in sorted(paths, key=len, reverse=True):
            if not (root / path).exists():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(b"")
        files = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
        shown = {p.relative_to(root).as_posix() for p in root.glob(glob) if p.is_file()}
        expected = sorted(n for n in shown if not any(p[0] == "." for p in n.split("/")))
        pattern = Pattern.of([glob])
        assert [seen.name for seen in LocalFolder(root).list_files(pattern)] == expected
        assert sorted(n for n in files if pattern.fits_path(n)) == expected


TOML = """
system = "cases"
stream = "decisions"
record_type = "case_result"
[reader]
kind = "files"
path = "drop"
format = "csv"
"""
NAMES = st.sampled_from(["a.csv", "b.csv"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), NAMES, st.sampled_from([b"1", b"2", b"33"])),
        st.tuples(st.just("replace"), NAMES, st.sampled_from([b"1", b"2", b"33"])),
        st.tuples(st.just("remove"), NAMES, st.just(b"")),
        st.tuples(st.just("pull"), NAMES, st.just(b"")),
        st.tuples(st.just("crash"), NAMES, st.just(b"")),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_whatever_the_source_does_its_last_word_is_delivered(steps):
    """Every file's time of change is the same all along: only what it is tells them apart.

    ``crash``: a pull whose cursor was never kept.
    """
    with TemporaryDirectory() as name:
        folder, landing = Path(name) / "source", Landing(Path(name) / "landing")
        drop = folder / "drop"
        drop.mkdir(parents=True)
        (folder / "source.toml").write_text(TOML, encoding="utf-8")
        source, told, cursor = load_source(folder), {}, {}
        for step, file, data in [*steps, ("pull", "", b"")]:
            if step in ("pull", "crash"):
                request = PullRequest(
                    "cursor", cursor, None, None, datetime(2026, 5, 20, tzinfo=UTC)
                )
                delivery = pull(source, folder, request, landing, secrets=str)
                told |= {o.origin: o.path.read_bytes() for o in delivery.objects}
                cursor = cursor if step == "crash" else delivery.cursor
            else:
                change(drop / file, step, data)
        there = {path.name: path.read_bytes() for path in drop.iterdir()}
        assert {n: told[n] for n in there} == there
        assert cursor.keys() == there.keys()


def change(path: Path, step: str, data: bytes) -> None:
    if step == "remove":
        path.unlink(missing_ok=True)
        return
    target = path.with_name(".new") if step == "replace" else path
    before = target.stat().st_ctime_ns if target.exists() else 0
    target.write_bytes(data)
    os.utime(target, ns=(10**18, 10**18))
    while target.stat().st_ctime_ns == before:  # until the file system's clock has ticked
        os.utime(target, ns=(10**18, 10**18))
    target.replace(path)
