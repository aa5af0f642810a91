"""The container: one file for one list of entries, and no other file is read."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest
from bundles import good
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.bundle.container import STATEMENT_ENTRY, read_container, write_container
from exchange.limits import DEFAULT_LIMITS, Limits
from schemas.errors import VerificationError

NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,9}(/[a-z0-9][a-z0-9._-]{0,9}){0,2}\Z")
ENTRIES = st.dictionaries(NAMES, st.binary(max_size=200), max_size=6)


@settings(deadline=None)
@given(ENTRIES)
def test_what_is_written_is_read_and_written_the_same(entries: dict[str, bytes]) -> None:
    entries[STATEMENT_ENTRY] = b"{}"
    data = write_container(entries)
    found = read_container(data, DEFAULT_LIMITS)
    assert {name: bytes(view) for name, view in found.items()} == entries
    assert write_container(found) == data
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == entries


def test_entries_are_views_of_the_given_bytes() -> None:
    data = bytearray(write_container({STATEMENT_ENTRY: b"abc"}))
    view = read_container(data, DEFAULT_LIMITS)[STATEMENT_ENTRY]
    assert view.obj is data
    assert view.readonly


def test_unzip_finds_no_fault(tmp_path: Path) -> None:
    (tmp_path / "b.hefu").write_bytes(good())
    done = subprocess.run(
        ["unzip", "-t", "b.hefu"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "No errors detected" in done.stdout


def step_of(data: bytes) -> str | None:
    """The step at which the container is refused, None if it is read."""
    try:
        read_container(data, DEFAULT_LIMITS)
    except VerificationError as error:
        return error.step
    return None


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert step_of(data) == "container"


@settings(deadline=None)
@given(st.data())
def test_what_is_read_at_all_is_canonical(data: st.DataObject) -> None:
    """A part replaced by anything: refused, or another container of the one form."""
    bundle = write_container({STATEMENT_ENTRY: b"{}", "a/b.txt": b"text", "c": b""})
    start = data.draw(st.integers(0, len(bundle) - 1))
    end = data.draw(st.integers(start, min(start + 40, len(bundle))))
    changed = bundle[:start] + data.draw(st.binary(max_size=60)) + bundle[end:]
    if step_of(changed) is None:
        assert write_container(read_container(changed, DEFAULT_LIMITS)) == changed
    else:
        assert step_of(changed) == "container"


@pytest.mark.parametrize(
    ("limits", "step"),
    [
        (Limits(bundle_size=100), "size"),
        (Limits(entry_count=1), "container"),
        (Limits(entry_size=3), "container"),
        (Limits(entry_name_length=8), "container"),
    ],
)
def test_limits_hold(limits: Limits, step: str) -> None:
    data = write_container({STATEMENT_ENTRY: b"{}", "long-name.txt": b"text"})
    with pytest.raises(VerificationError) as caught:
        read_container(data, limits)
    assert caught.value.step == step


@pytest.mark.parametrize("name", ["", "A", "../a", "a/", "/a", "ä", "a\\b", "a b", ".a"])
def test_a_name_out_of_the_format_is_not_written(name: str) -> None:
    with pytest.raises(ValueError, match="name not allowed"):
        write_container({name: b""})
