"""Our repository, copied to where partners read it: a folder, a disk, a bucket, an SFTP server.

Only what is missing is sent: bundles, then metadata, then the timestamp in one moment. Whoever
reads there meanwhile sees what was before or what is now. What is missing is told by the metadata
that lie there, so the cost follows what is new; ``thorough`` looks at every file instead.

A place that knows of something which we don't is never written over: then this node came from an
old backup, or the place is another publisher's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from exchange.repository.carrier import Carrier, WritingCarrier
from exchange.repository.erased import is_erased
from exchange.repository.folder import locked
from exchange.repository.tree import Listed, Tree, read_tree
from exchange.trust.roles import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, metadata_file, target_file
from schemas.errors import RefusedError, RetryableError, VerificationError, Where
from schemas.text import Text

_TIMESTAMP = metadata_file(TIMESTAMP, 0)
_LOCK = ".mirror.lock"
_METADATA_BYTES = 16 << 20
_FEW = 16
"""Up to so many files are asked for one by one; for more, the place is listed."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What was sent: files without the timestamp, and all bytes."""

    files: int
    bytes: int


def mirror(repository: Path, to: WritingCarrier, *, thorough: bool = False) -> Mirrored:
    """Bring what lies at ``to`` to the state of ``repository``.

    Interrupted, it goes on when called again. Raises ``RefusedError`` if the place is ahead of
    us or of another history, ``RetryableError`` if it can't be reached or another machine wrote
    there meanwhile, ``VerificationError`` if our own repository is damaged.
    """
    read_tree(repository)
    with locked(repository, _LOCK):
        ours = read_tree(repository)
        before = _read(to, _TIMESTAMP)
        is_current = before == ours.timestamp_bytes
        sending = _Sending(repository, to)
        if not is_current or thorough:
            theirs = None if before is None else Tree(to.label, partial(_read, to), before)
            if theirs is not None:
                _check_history(ours, theirs)
            known = None if thorough else theirs
            sending.missing(_bundles(ours, known), "targets")
            sending.all(_metadata(ours, known))
        if thorough or not _is_there(to, metadata_file(ROOT, ours.root_version)):
            sending.missing(_roots(ours), "metadata")
        if not is_current:
            to.swap(_TIMESTAMP, ours.timestamp_bytes, before)
            sending.bytes += len(ours.timestamp_bytes)
        return Mirrored(sending.files, sending.bytes)


class _Sending:
    """Puts files, and counts them."""

    def __init__(self, repository: Path, to: WritingCarrier):
        self._repository = repository
        self._to = to
        self.files = 0
        self.bytes = 0

    def all(self, paths: Iterable[str]) -> None:
        for path in paths:
            source = self._repository / path
            try:
                size = source.stat().st_size
                self._to.put(path, source)
            except FileNotFoundError as error:
                raise _moved_on(source) from error
            self.files += 1
            self.bytes += size

    def missing(self, paths: Iterable[str], folder: str) -> None:
        """Those that are not there yet: a file is there whole or not at all. What was erased by
        law is nowhere to be had and is not missed."""
        wanted = [path for path in paths if not is_erased(self._repository / path)]
        if len(wanted) > _FEW:
            there = set(self._to.list_paths(folder))
            self.all(path for path in wanted if path not in there)
        else:
            self.all(path for path in wanted if not _is_there(self._to, path))


def _bundles(ours: Tree, theirs: Tree | None) -> Iterator[str]:
    """What the top-level targets and the segments list, and theirs don't."""
    for role in _new_roles(ours, theirs):
        if role == TARGETS:
            for path, target in ours.targets.targets.items():
                yield target_file(path, target.hashes["sha256"])
            continue
        there = {entry.file for entry in _listed(theirs, role)}
        yield from (entry.file for entry in _listed(ours, role) if entry.file not in there)


def _metadata(ours: Tree, theirs: Tree | None) -> Iterator[str]:
    """Small, so sent without asking: one of the same name may be what a publisher wrote there
    that was killed before its timestamp."""
    for role in _new_roles(ours, theirs):
        yield metadata_file(role, ours.meta[role].version)
    if theirs is None or theirs.timestamp.snapshot_meta != ours.timestamp.snapshot_meta:
        yield metadata_file(SNAPSHOT, ours.snapshot.version)


def _roots(ours: Tree) -> Iterator[str]:
    """In order and last: with a new root a reader believes other keys, and where the newest is
    all of them are."""
    return (metadata_file(ROOT, version) for version in range(1, ours.root_version + 1))


def _new_roles(ours: Tree, theirs: Tree | None) -> list[str]:
    there = theirs.meta if theirs is not None else {}
    return [role for role, meta in sorted(ours.meta.items()) if there.get(role) != meta]


def _listed(tree: Tree | None, role: str) -> list[Listed]:
    if tree is None or role not in tree.segments():
        return []
    return list(tree.listed(role).values())


# one history


def _check_history(ours: Tree, theirs: Tree) -> None:
    """Everything that the place says, we must have said. Raises ``RefusedError``."""
    try:
        for version in (1, ours.root_version):
            name = metadata_file(ROOT, version)
            if theirs.load(name) not in (None, ours.load(name)):
                raise _another_history(theirs, name)
        if theirs.load(metadata_file(ROOT, ours.root_version + 1)) is not None:
            raise _ahead(theirs, metadata_file(ROOT, ours.root_version + 1))
        _compare(theirs, _TIMESTAMP, theirs.timestamp.version, ours.timestamp.version)
        snapshot = theirs.timestamp.snapshot_meta.version
        _compare(theirs, SNAPSHOT, snapshot, ours.snapshot.version)
        for role, meta in theirs.meta.items():
            if role not in ours.meta:
                raise _ahead(theirs, role)
            _compare(theirs, role, meta.version, ours.meta[role].version)
            if meta != ours.meta[role]:
                _check_listed(ours, theirs, role)
    except VerificationError as error:
        raise _not_ours(theirs, error) from error
    if ours.timestamp.version == theirs.timestamp.version and (
        ours.timestamp_bytes != theirs.timestamp_bytes
    ):
        raise _another_history(theirs, _TIMESTAMP)


def _check_listed(ours: Tree, theirs: Tree, role: str) -> None:
    said = {entry.sequence: entry.statement_sha256 for entry in _listed(ours, role)}
    for entry in _listed(theirs, role):
        if entry.sequence not in said:
            raise _ahead(theirs, entry.path)
        if said[entry.sequence] != entry.statement_sha256:
            raise _another_history(theirs, entry.path)


def _compare(theirs: Tree, what: str, there: int, here: int) -> None:
    if there > here:
        raise _ahead(theirs, f"{what} {there} > {here}")


def _ahead(theirs: Tree, what: str) -> RefusedError:
    return RefusedError(
        Text(
            en=f"what lies there is newer than our own repository ({what}); nothing was written",
            zh=f"该处内容比本方发布目录更新（{what}）；未写入任何内容",
        ),
        where=Where(theirs.label),
        hint=Text(
            en="this node may have come back from an old backup: bring repository/ and sent/ "
            "back from the newest one, or from that place, before you publish",
            zh="本节点可能由较早的备份恢复：发布前请用最新备份或该处内容恢复 repository/ 与 sent/",
        ),
    )


def _another_history(theirs: Tree, what: str) -> RefusedError:
    return RefusedError(
        Text(
            en=f"what lies there is of another history than ours ({what}); nothing was written",
            zh=f"该处内容与本方发布历史不一致（{what}）；未写入任何内容",
        ),
        where=Where(theirs.label),
        hint=Text(
            en="check whether the place is another publisher's; partners can show which history "
            "they were told: hefu compare",
            zh="请确认该处是否属于其他发布方；可用 hefu compare 与合作单位核对所收到的历史",
        ),
    )


def _not_ours(theirs: Tree, error: VerificationError) -> RefusedError:
    return RefusedError(
        Text(
            en="what lies there is no whole repository of ours "
            f"(expected {error.expected}, found {error.found}); nothing was written",
            zh=f"该处不是完整的本方发布目录（应为 {error.expected}，实为 {error.found}）；"
            "未写入任何内容",
        ),
        where=Where(theirs.label),
        hint=Text(
            en="find out who changed it; then remove metadata/timestamp.json there and publish "
            "again: all is then brought anew",
            zh="请查明修改原因；之后删除该处的 metadata/timestamp.json 并重新发布，即可全部重建",
        ),
    )


def _moved_on(source: Path) -> RetryableError:
    return RetryableError(
        Text(
            en="a file of our repository went away while it was copied",
            zh="复制过程中本方发布目录的文件发生变化",
        ),
        where=Where(str(source)),
        hint=Text(
            en="run it again; if it stays so, bring the file back from a backup",
            zh="请重新运行；如仍存在，请从备份恢复该文件",
        ),
    )


# reading there


def _read(carrier: Carrier, path: str) -> bytes | None:
    """A metadata file; what is larger than any of ours is cut off, and so no metadata."""
    pieces = carrier.read(path)
    if pieces is None:
        return None
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > _METADATA_BYTES:
            break
    _close(pieces)
    return bytes(found)


def _is_there(carrier: Carrier, path: str) -> bool:
    pieces = carrier.read(path)
    if pieces is None:
        return False
    _close(pieces)
    return True


def _close(pieces: Iterator[bytes]) -> None:
    close: Callable[[], None] | None = getattr(pieces, "close", None)
    if close is not None:
        close()
