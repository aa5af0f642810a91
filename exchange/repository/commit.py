"""New versions of the online roles on top of what is published, visible with the last of them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.repository.folder import write_atomically
from exchange.repository.tree import Tree, stream_of
from exchange.trust.roles import (
    BUNDLES,
    SNAPSHOT,
    TIMESTAMP,
    Periods,
    Signers,
    check_signers,
    keys_of,
    make_bundles,
    make_segment,
    make_snapshot,
    make_timestamp,
    meta_file,
    metadata_file,
    sign,
)

if TYPE_CHECKING:
    from tuf.api.metadata import MetaFile, TargetFile

_KEPT_VERSIONS = 32
"""A reader that began with a snapshot finds its files until so many are newer."""


class Commit:
    """One publication on top of ``tree``, for who holds the repository's lock."""

    def __init__(
        self,
        repository: Path,
        tree: Tree,
        signers: Signers,
        periods: Periods,
        now: datetime,
    ):
        self._tree = tree
        self._repository = repository
        self._signers = signers
        self._periods = periods
        self._now = now
        self._meta = dict(tree.meta)
        self._bundle_keys = keys_of(tree.targets, BUNDLES)

    def check_signers(self) -> None:
        """Raises ``ConfigError`` if too few are at hand to list a bundle: asked before anything of
        it is written. A timestamp alone needs the online key and no other."""
        keys, threshold = self._bundle_keys
        check_signers(self._signers.all, keys, threshold, BUNDLES)

    def write(self, segments: dict[str, dict[str, TargetFile]]) -> None:
        """``segments``: by role, all that it is to list; none: those that are near their end."""
        tree, before = self._tree, dict(self._meta)
        old = {} if segments else {r: tree.segment(r).targets for r in self._due()}
        for role, targets in sorted((segments | old).items()):
            self._sign(role, make_segment(self._next(role), targets, self._expires(role)))
        wanted = {role for role in self._meta if stream_of(role)}
        if wanted != set(tree.segments()) or self._is_old(BUNDLES):
            keys, threshold = self._bundle_keys
            made = make_bundles(
                self._next(BUNDLES), wanted, keys, threshold, self._expires(BUNDLES)
            )
            self._sign(BUNDLES, made)
        snapshot = tree.timestamp.snapshot_meta
        if self._meta != before or self._is_old(SNAPSHOT):
            snapshot = self._write_snapshot(snapshot.version + 1)
        self._write_timestamp(snapshot)
        self._forget(before)

    def _due(self) -> list[str]:
        return [role for role in self._tree.segments() if self._is_old(role)]

    def _is_old(self, role: str) -> bool:
        signed: Any = {BUNDLES: lambda: self._tree.bundles, SNAPSHOT: lambda: self._tree.snapshot}
        found = signed[role]() if role in signed else self._tree.segment(role)
        return self._periods.is_due(role, found.expires, self._now)

    def _next(self, role: str) -> int:
        return self._meta[role].version + 1 if role in self._meta else 1

    def _expires(self, role: str) -> datetime:
        return self._periods.expires(role, self._now)

    def _sign(self, role: str, made: Any) -> None:
        keys, threshold = self._bundle_keys
        data = sign(made, keys, threshold, self._signers.all, role)
        self._put(role, made.signed.version, data)
        self._meta[role] = meta_file(made.signed.version, data)

    def _write_snapshot(self, version: int) -> MetaFile:
        made = make_snapshot(version, self._meta, self._expires(SNAPSHOT))
        keys, threshold = keys_of(self._tree.root, SNAPSHOT)
        data = sign(made, keys, threshold, self._signers.all, SNAPSHOT)
        self._put(SNAPSHOT, version, data)
        return meta_file(version, data)

    def _write_timestamp(self, snapshot: MetaFile) -> None:
        version = self._tree.timestamp.version + 1
        made = make_timestamp(version, snapshot, self._now, self._expires(TIMESTAMP))
        keys, threshold = keys_of(self._tree.root, TIMESTAMP)
        self._put(
            TIMESTAMP, version, sign(made, keys, threshold, [self._signers.online], TIMESTAMP)
        )

    def _put(self, role: str, version: int, data: bytes) -> None:
        write_atomically(self._repository / metadata_file(role, version), data)

    def _forget(self, before: dict[str, MetaFile]) -> None:
        """One old version of each role that has a new one, so that the folder stays small."""
        written = {
            role: meta.version for role, meta in self._meta.items() if before.get(role) != meta
        }
        written[SNAPSHOT] = self._tree.timestamp.snapshot_meta.version + 1
        for role, version in written.items():
            if version > _KEPT_VERSIONS:
                with suppress(FileNotFoundError):
                    (self._repository / metadata_file(role, version - _KEPT_VERSIONS)).unlink()
