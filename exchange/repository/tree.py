"""A repository of ours as it is published: what the timestamp names, and what that names in turn.

Each file is held against the digest that the one above it has of it, so a damaged disk is found
before anything is signed on top. Signatures are not looked at: these files are ours, here or at a
place that they were copied to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import refusal
from exchange.trust.roles import (
    BUNDLES,
    ROOT,
    SNAPSHOT,
    STATEMENT,
    TARGETS,
    TIMESTAMP,
    metadata_file,
    target_file,
)
from schemas.errors import ConfigError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from tuf.api.metadata import MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

_SEGMENT_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Listed:
    """A bundle as its segment lists it. ``file`` is relative to the repository."""

    sequence: int
    path: str
    file: str
    size: int
    sha256: str
    statement_sha256: str


@dataclass(frozen=True)
class Tree:
    """The metadata that are published now. Each is read when first asked for."""

    label: str
    load: Callable[[str], bytes | None]
    """A file by its path below the repository, None if there is none."""
    timestamp_bytes: bytes

    @cached_property
    def timestamp(self) -> Timestamp:
        from tuf.api.metadata import Timestamp

        return _parsed(  # type: ignore[no-any-return]
            self.timestamp_bytes, Timestamp, self.label, metadata_file(TIMESTAMP, 0)
        )

    @cached_property
    def root_version(self) -> int:
        """The newest: the last of a chain without gaps."""
        version = 1
        while self.load(metadata_file(ROOT, version + 1)) is not None:
            version += 1
        return version

    @cached_property
    def root(self) -> Root:
        from tuf.api.metadata import Root

        return self.read(ROOT, self.root_version, Root)  # type: ignore[no-any-return]

    @cached_property
    def snapshot(self) -> Snapshot:
        from tuf.api.metadata import Snapshot

        meta = self.timestamp.snapshot_meta
        return self.read(SNAPSHOT, meta.version, Snapshot, meta)  # type: ignore[no-any-return]

    @cached_property
    def targets(self) -> Targets:
        return self._targets(TARGETS)

    @cached_property
    def bundles(self) -> Targets:
        return self._targets(BUNDLES)

    @property
    def meta(self) -> dict[str, MetaFile]:
        """By role: what the snapshot says of it."""
        return {name.removesuffix(".json"): meta for name, meta in self.snapshot.meta.items()}

    def segments(self, stream: str | None = None) -> list[str]:
        """The roles that list bundles (of ``stream``), oldest first."""
        return sorted(
            role
            for role in self.meta
            if (found := stream_of(role)) is not None and stream in (None, found)
        )

    def segment(self, role: str) -> Targets:
        return self._targets(role)

    def listed(self, role: str) -> dict[int, Listed]:
        """A segment's bundles by sequence, in order. Raises ``VerificationError`` for a gap."""
        try:
            found = {entry.sequence: entry for entry in _entries(self.segment(role).targets)}
        except (ValueError, TypeError, KeyError) as error:
            raise damaged(self.label, f"bundles in {role}", "something else") from error
        if found and sorted(found) != list(range(min(found), min(found) + len(found))):
            raise damaged(
                self.label,
                f"bundles without a gap in {role}",
                f"{len(found)} of {max(found) - min(found) + 1}",
            )
        return dict(sorted(found.items()))

    def last(self, stream: str) -> Listed | None:
        """The last bundle of ``stream``, from one segment."""
        for role in reversed(self.segments(stream)):
            if found := self.listed(role):
                return found[max(found)]
        return None

    def _targets(self, role: str) -> Targets:
        from tuf.api.metadata import Targets

        meta = self.meta.get(role)
        if meta is None:
            raise damaged(self.label, f"{role} in the snapshot", "no such role")
        return self.read(role, meta.version, Targets, meta)  # type: ignore[no-any-return]

    def read(self, role: str, version: int, kind: type[Any], meta: MetaFile | None = None) -> Any:
        """One role's signed part, held against ``meta``. Raises ``VerificationError``."""
        from tuf.api.exceptions import RepositoryError

        name = metadata_file(role, version)
        data = self.load(name)
        if data is None:
            raise damaged(self.label, name, "no such file")
        try:
            if meta is not None:
                meta.verify_length_and_hashes(data)
        except RepositoryError as error:
            raise damaged(self.label, name, "a file of another digest") from error
        signed = _parsed(data, kind, self.label, name)
        if signed.version != version:
            raise damaged(self.label, name, f"version {signed.version}")
        return signed


def is_founded(repository: Path) -> bool:
    """Whether there is something that readers can see."""
    return (repository / metadata_file(TIMESTAMP, 0)).exists()


def read_tree(repository: Path) -> Tree:
    """Our own repository's state. Raises ``ConfigError`` if there is none yet,
    ``VerificationError`` if it is damaged."""

    def load(path: str) -> bytes | None:
        try:
            return (repository / path).read_bytes()
        except FileNotFoundError:
            return None

    data = load(metadata_file(TIMESTAMP, 0))
    if data is not None:
        return Tree(str(repository), load, data)
    raise ConfigError(
        Text(en="this node has no repository yet", zh="本节点尚未建立发布目录"),
        where=Where(str(repository)),
        hint=Text(
            en="run `hefu keys init`; if there was one, bring it back from a backup or from "
            "a place that it is copied to",
            zh="请运行 hefu keys init；若原已建立，请从备份或发布位置恢复",
        ),
    )


def _parsed(data: bytes, kind: type[Any], label: str, name: str) -> Any:
    from tuf.api.metadata import Metadata
    from tuf.api.serialization import DeserializationError

    try:
        signed = Metadata.from_bytes(data).signed
    except DeserializationError as error:
        raise damaged(label, name, "no TUF metadata") from error
    if not isinstance(signed, kind):
        raise damaged(label, name, f"metadata of {signed.type}")
    return signed


def stream_of(role: str) -> str | None:
    """The stream whose bundles ``role`` lists; None for a role that is no segment."""
    stream, _, number = role.rpartition(".")
    return stream if stream and len(number) == _SEGMENT_DIGITS and number.isdecimal() else None


def _entries(targets: dict[str, TargetFile]) -> Iterator[Listed]:
    for path, target in targets.items():
        sequence = int(path.rpartition("/")[2].partition(".")[0])
        sha256 = target.hashes["sha256"]
        yield Listed(
            sequence,
            path,
            target_file(path, sha256),
            target.length,
            sha256,
            target.custom[STATEMENT],
        )


def damaged(label: str, expected: object, found: object) -> VerificationError:
    return refusal(
        "trust",
        Text(
            en="our own repository is damaged",
            zh="本方发布目录已损坏",
        ),
        expected=expected,
        found=found,
        entry=label,
        hint=Text(
            en="bring metadata/ and targets/ back from a backup or from a place that they are "
            "copied to; nothing was signed",
            zh="请从备份或发布位置恢复 metadata/ 与 targets/；本次未签发任何内容",
        ),
    )
