"""The files of the case index: immutable parts, and one manifest that says which of them count.

    index/cases/manifest.json     layout, keys, versions of the lake that are in, the files below
                part-*.parquet    rows, by the time of the act
                gone-*.parquet    positions in a part of rows that a newer part has, or nobody
                names-*.parquet   a partner's token -> this node's own, for persons known here
                lease             shared lock of readers, exclusive lock of who removes files

A writer writes new files and then replaces the manifest: who is killed before leaves files that
nobody names, and the next writer removes them. A reader holds the lease while it reads, so a
file that its manifest names stays.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from exchange.files import put_durably, sync_folder
from hefu.node import Node

MANIFEST = "manifest.json"
_LEASE = "lease"
_ONLY_OWNER = 0o700


@dataclass(frozen=True, slots=True)
class File:
    name: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class Part:
    """``gone``: files of positions that no longer count."""

    file: File
    gone: tuple[File, ...] = ()

    @property
    def live(self) -> int:
        return self.file.rows - sum(one.rows for one in self.gone)


@dataclass(frozen=True, slots=True)
class Manifest:
    """``versions``: of the lake's tables that are in; ``waiting``: by table, bundles whose rows are
    in those versions and not yet in the ledger, and the version before the first of them;
    ``counts``: rows by agency; ``taken``: by agency, when its newest bundle was taken in."""

    layout: str
    keys: str
    versions: Mapping[str, int | None]
    ledger: int | None
    waiting: Mapping[str, tuple[int | None, tuple[str, ...]]] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    names: tuple[File, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> Iterator[File]:
        for part in self.parts:
            yield part.file
            yield from part.gone
        yield from self.names

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` for a text that is no manifest."""
        plain: dict[str, Any] = json.loads(text)
        parts = tuple(
            Part(File(**part["file"]), tuple(File(**one) for one in part["gone"]))
            for part in plain.pop("parts")
        )
        names = tuple(File(**one) for one in plain.pop("names"))
        waiting = {k: (v[0], tuple(v[1])) for k, v in plain.pop("waiting").items()}
        return cls(parts=parts, names=names, waiting=waiting, **plain)


def index_folder(node: Node) -> Path:
    """``index/cases`` of a node, for its owner alone."""
    folder = node.root / "index" / "cases"
    for one in (folder.parent, folder):
        one.mkdir(mode=_ONLY_OWNER, exist_ok=True)
    return folder


def read_manifest(folder: Path) -> Manifest | None:
    """None if there is none, or it or a file that it names is damaged: then the index is built
    anew."""
    try:
        manifest = Manifest.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
        whole = all((folder / one.name).stat().st_size == one.size for one in manifest.files())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if whole else None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """From here on this is the index. Its files must be on the disk."""
    put_durably(folder / MANIFEST, manifest.to_json().encode())
    sync_folder(folder)


def new_name(kind: str) -> str:
    """A file name that was never used: a reader may still have an older file open by its name."""
    return f"{kind}-{secrets.token_hex(8)}.parquet"


def finished(folder: Path, name: str, rows: int) -> File:
    """A file that was written: private, and on the disk when this returns."""
    path = folder / name
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return File(name, path.stat().st_size, rows)


def take_lease(folder: Path) -> TextIO:
    """Hold it while files of the index are read; closing it, or the end of the process, ends it."""
    lease = (folder / _LEASE).open("w")
    fcntl.flock(lease, fcntl.LOCK_SH)
    return lease


@contextmanager
def _alone(folder: Path, *, wait: bool) -> Iterator[bool]:
    with (folder / _LEASE).open("w") as lease:
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def sweep(folder: Path, *, wait: bool = False) -> bool:
    """Remove the files that the manifest does not name, unless somebody reads just now (then the
    next writer does). ``wait``: until nobody reads. Says whether it was done."""
    with _alone(folder, wait=wait) as alone:
        if not alone:
            return False
        manifest = read_manifest(folder)
        kept = {one.name for one in manifest.files()} if manifest else set()
        for path in folder.iterdir():
            if path.name not in {*kept, MANIFEST, _LEASE}:
                path.unlink()
        return True
