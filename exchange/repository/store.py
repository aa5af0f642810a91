"""Our own repository on disk, as the ceremony and the publisher write it.

    repository/metadata/1.root.json … timestamp.json
               targets/<sha256>.agency.json
               targets/streams/<stream>/<sha256>.<8 digits>.hefu[.age]
               .lock         held while one process writes
               .partial-*    what a killed process left; the next removes it

A file is on disk, whole, before anything names it; ``timestamp.json`` names all the others and is
replaced at one moment, so a reader sees what was before or what is now.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

TIMESTAMP_PATH = "metadata/timestamp.json"
_PARTIAL = ".partial-"
_ROOT = re.compile(r"([1-9][0-9]{0,8})\.root\.json", re.ASCII)


@contextmanager
def locked(repository: Path) -> Iterator[None]:
    """One writer at a time; the next one waits. The kernel frees the lock when its holder dies."""
    repository.mkdir(parents=True, exist_ok=True)
    with (repository / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in repository.glob(f"{_PARTIAL}*"):
            left.unlink()
        yield


def put(repository: Path, path: str, data: bytes) -> None:
    """Have ``data`` at ``path`` (relative, ``/``), at one moment; on disk when this returns."""
    target = repository / path
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = repository / f"{_PARTIAL}{os.getpid()}"
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in ``folder`` on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def root_versions(repository: Path) -> list[int]:
    """The versions of root that lie here, in order; empty before the first ceremony."""
    folder = repository / "metadata"
    found = (_ROOT.fullmatch(path.name) for path in folder.glob("*.root.json"))
    return sorted(int(match[1]) for match in found if match)


def read_root(repository: Path, version: int | None = None) -> Metadata[Root]:
    """The newest root, or the one of ``version``. Raises ``ConfigError`` if there is none."""
    from tuf.api.metadata import Root

    versions = root_versions(repository)
    if not versions:
        raise ConfigError(
            Text(en="this node has no keys yet", zh="本节点尚未设置密钥"),
            where=Where(str(repository)),
            hint=Text(
                en="run hefu keys init --root-folder DIR",
                zh="请运行 hefu keys init --root-folder 目录",
            ),
        )
    found: Metadata[Root] = _read(
        repository, f"metadata/{versions[-1] if version is None else version}.root.json", Root
    )
    return found


def read_timestamp(repository: Path) -> Metadata[Timestamp]:
    from tuf.api.metadata import Timestamp

    found: Metadata[Timestamp] = _read(repository, TIMESTAMP_PATH, Timestamp)
    return found


def read_snapshot(repository: Path) -> Metadata[Snapshot]:
    """The snapshot that the timestamp names."""
    from tuf.api.metadata import Snapshot

    version = read_timestamp(repository).signed.snapshot_meta.version
    found: Metadata[Snapshot] = _read(repository, f"metadata/{version}.snapshot.json", Snapshot)
    return found


def read_targets(repository: Path, role: str, version: int) -> Metadata[Targets]:
    """``targets``, ``bundles`` or a segment, in the version that the snapshot names."""
    from tuf.api.metadata import Targets

    found: Metadata[Targets] = _read(repository, f"metadata/{version}.{role}.json", Targets)
    return found


def _read(repository: Path, path: str, kind: type) -> Metadata:  # type: ignore[type-arg]  # of kind
    """Our own metadata, parsed. Raises ``ConfigError`` if it is missing or damaged."""
    from tuf.api.metadata import Metadata
    from tuf.api.serialization import DeserializationError

    try:
        found: Metadata = Metadata.from_bytes((repository / path).read_bytes())  # type: ignore[type-arg]
        if isinstance(found.signed, kind):
            return found
        problem = type(found.signed).__name__
    except FileNotFoundError:
        problem = "missing"
    except (OSError, DeserializationError) as error:
        problem = type(error).__name__
    raise ConfigError(
        Text(
            en=f"our own repository is damaged ({problem})", zh=f"本方发布目录已损坏（{problem}）"
        ),
        where=Where(str(repository / path)),
        hint=Text(
            en="put the file back from a backup or from a place that it was published to",
            zh="请从备份或已发布的位置恢复该文件",
        ),
    )
