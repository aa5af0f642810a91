"""What a reader remembers of a publisher, so that nothing it was shown once can go back.

    trusted/root_history/<N>.root.json    every root since the card's, as python-tuf keeps them
            timestamp.json snapshot.json targets.json bundles.json <segment>.json
            agency.json                   the newest facts
            .lock                         held while one process looks
            .partial-*                    what a killed process left; the next removes it

python-tuf works in a copy. A new root is kept as soon as it is verified, whatever comes after: it
is what takes trust from a key. All the rest is kept when the whole view was verified, so that a
refusal leaves no trace. Each file is replaced at one moment and is on disk before the next one;
any mixture of older and newer files still refuses what is older than its newest.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from exchange.files import sync_folder
from exchange.jsontext import parse_strict
from exchange.limits import Limits
from exchange.trust.agency import AGENCY_TARGET
from schemas.errors import ConfigError, VerificationError, Where
from schemas.text import Text

ROOTS = "root_history"
_ROOT = re.compile(r"([1-9][0-9]{0,8})\.root\.json", re.ASCII)
_PARTIAL = ".partial-"
_TOP = ("timestamp.json", "snapshot.json", "targets.json", "bundles.json")


@contextmanager
def locked(trusted: Path) -> Iterator[None]:
    """One reader at a time. The kernel frees the lock when its holder dies, however."""
    trusted.mkdir(parents=True, exist_ok=True)
    with (trusted / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in trusted.glob(f"{_PARTIAL}*"):
            left.unlink()
        yield


def copy_to(trusted: Path, work: Path, limits: Limits) -> None:
    """The remembered roots and lists, for python-tuf to work on.

    Raises ``ConfigError`` for a file that is no JSON any more: python-tuf would pass over it, and
    with it over what was remembered.
    """
    (work / ROOTS).mkdir()
    for file in [*_roots(trusted), *(trusted / name for name in _TOP)]:
        copy_one(trusted, work, str(file.relative_to(trusted)), limits)


def copy_one(trusted: Path, work: Path, name: str, limits: Limits) -> None:
    if (trusted / name).is_file():
        (work / name).write_bytes(_sound(trusted, name, limits))


def _sound(trusted: Path, name: str, limits: Limits) -> bytes:
    data = (trusted / name).read_bytes()
    try:
        parse_strict(data, "trust", name, limits, is_canonical=False)
    except VerificationError as error:
        raise ConfigError(
            Text(
                en="what this node remembers of the publisher is damaged",
                zh="本节点保存的该发布方信任状态已损坏",
            ),
            where=Where(str(trusted / name)),
            hint=Text(
                en="put the file back from a backup, or remove it and receive again: what the "
                "lake has taken in still guards the numbers",
                zh="请从备份恢复该文件，或删除后重新接收：已接收的编号仍由本地台账把关",
            ),
        ) from error
    return data


def count_roots(trusted: Path, version: int) -> int:
    """How many roots that follow ``version`` without a gap are remembered."""
    known = {path.name for path in _roots(trusted)}
    count = 0
    while f"{version + count + 1}.root.json" in known:
        count += 1
    return count


def keep_roots(trusted: Path, roots: Mapping[int, bytes]) -> None:
    """In order, so that what a kill leaves is a shorter chain and not one with a gap."""
    for version, data in sorted(roots.items()):
        keep(trusted, f"{ROOTS}/{version}.root.json", data)


def keep(trusted: Path, name: str, data: bytes) -> None:
    """Put one file in place, at one moment and on disk when this returns."""
    path = trusted / name
    path.parent.mkdir(exist_ok=True)
    if path.is_file() and path.read_bytes() == data:
        return
    partial = trusted / f"{_PARTIAL}{os.getpid()}-{path.name}"
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def as_repository(trusted: Path, limits: Limits) -> dict[str, bytes]:
    """What is remembered, under the names that a repository has for it; empty if nothing is.

    Raises ``ConfigError`` as :func:`copy_to`.
    """
    names = [f"{ROOTS}/{path.name}" for path in _roots(trusted)]
    names += sorted(p.name for p in trusted.glob("*.json") if p.name != AGENCY_TARGET)
    files = {}
    for name in names:
        data = _sound(trusted, name, limits)
        is_named = name.startswith(ROOTS) or name == "timestamp.json"
        version = "" if is_named else f"{json.loads(data)['signed']['version']}."
        files[f"metadata/{version}{Path(name).name}"] = data
    return files


def discard(work: str) -> None:
    shutil.rmtree(work, ignore_errors=True)


def _roots(trusted: Path) -> list[Path]:
    return sorted(path for path in trusted.glob(f"{ROOTS}/*") if _ROOT.fullmatch(path.name))
