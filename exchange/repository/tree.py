"""Our own repository as it is published: what the timestamp names, and what that names in turn.

Each file is held against the digest that the one above it has of it, so a damaged disk is found
before anything is signed on top. Signatures are not looked at: these files are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
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

    repository: Path
    timestamp: Timestamp

    @cached_property
    def root(self) -> Root:
        """The newest: the last of a chain without gaps."""
        from tuf.api.metadata import Root

        version = 1
        while (self.repository / metadata_file(ROOT, version + 1)).exists():
            version += 1
        return self._read(ROOT, version, Root)  # type: ignore[no-any-return]

    @cached_property
    def snapshot(self) -> Snapshot:
        from tuf.api.metadata import Snapshot

        meta = self.timestamp.snapshot_meta
        return self._read(SNAPSHOT, meta.version, Snapshot, meta)  # type: ignore[no-any-return]

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
        found = {entry.sequence: entry for entry in _entries(self.segment(role).targets)}
        if found and sorted(found) != list(range(min(found), min(found) + len(found))):
            raise damaged(
                self.repository,
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
            raise damaged(self.repository, f"{role} in the snapshot", "no such role")
        return self._read(role, meta.version, Targets, meta)  # type: ignore[no-any-return]

    def _read(self, role: str, version: int, kind: type[Any], meta: MetaFile | None = None) -> Any:
        return read_metadata(self.repository, role, version, kind, meta)


def read_tree(repository: Path) -> Tree:
    """The published state. Raises ``ConfigError`` if there is none yet, ``VerificationError`` if
    it is damaged."""
    from tuf.api.metadata import Timestamp

    if not (repository / metadata_file(TIMESTAMP, 0)).exists():
        raise ConfigError(
            Text(en="this node has no repository yet", zh="本节点尚未建立发布目录"),
            where=Where(str(repository)),
            hint=Text(
                en="run `hefu keys init`; if there was one, bring it back from a backup or from "
                "a place that it is copied to",
                zh="请运行 hefu keys init；若原已建立，请从备份或发布位置恢复",
            ),
        )
    return Tree(repository, read_metadata(repository, TIMESTAMP, 0, Timestamp))


def read_metadata(
    repository: Path, role: str, version: int, kind: type[Any], meta: MetaFile | None = None
) -> Any:
    """One role's signed part, held against ``meta``. Raises ``VerificationError``."""
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata
    from tuf.api.serialization import DeserializationError

    name = metadata_file(role, version)
    try:
        data = (repository / name).read_bytes()
        if meta is not None:
            meta.verify_length_and_hashes(data)
        signed = Metadata.from_bytes(data).signed
    except FileNotFoundError:
        raise damaged(repository, name, "no such file") from None
    except (RepositoryError, DeserializationError) as error:
        raise damaged(repository, name, type(error).__name__) from error
    if not isinstance(signed, kind) or (role != TIMESTAMP and signed.version != version):
        raise damaged(repository, name, f"metadata of {signed.type}, version {signed.version}")
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


def damaged(repository: Path, expected: object, found: object) -> VerificationError:
    return refusal(
        "trust",
        Text(
            en="our own repository is damaged",
            zh="本方发布目录已损坏",
        ),
        expected=expected,
        found=found,
        entry=str(repository),
        hint=Text(
            en="bring metadata/ and targets/ back from a backup or from a place that they are "
            "copied to; nothing was signed",
            zh="请从备份或发布位置恢复 metadata/ 与 targets/；本次未签发任何内容",
        ),
    )
