"""Our own repository: the truth of what was sent, and the only place that knows it.

    repository/metadata/<N>.<role>.json, timestamp.json
               targets/agency.json …, targets/streams/<stream>/<sha256>.<8 digits>.hefu[.age]
               .lock                      held while one process publishes
    sent/<stream>/<8 digits>.statement.dsse.json

A publication writes, in this order: the bundle, its statement, the segment that lists it, (for a
new segment) ``bundles``, the snapshot, ``timestamp.json``. Each file appears whole, on disk and
under a name that no reader knows of yet; the last one is replaced in one moment, and that is when
the bundle is published. Killed before it, nothing was published and the next publication writes
the same names anew; killed after it, all is done.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exchange.bundle.dsse import read_envelope
from exchange.bundle.statement import Predicate, read_statement
from exchange.errors import refusal
from exchange.jsontext import sha256_hex
from exchange.limits import DEFAULT_LIMITS, Limits
from exchange.repository.commit import Commit
from exchange.repository.folder import PARTIAL, copy_atomically, locked, write_atomically
from exchange.repository.tree import Listed, is_founded, read_tree, stream_of
from exchange.trust.roles import (
    STATEMENT,
    Periods,
    Signers,
    make_target,
    segment_role,
    target_file,
    target_path,
)
from schemas.errors import RetryableError, VerificationError, Where
from schemas.text import Text

__all__ = [
    "Listed",
    "PublishedHead",
    "head",
    "publish",
    "published",
    "published_streams",
    "refresh",
    "replace",
    "sent_path",
    "sent_statement",
]

_STREAM = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}", re.ASCII)
_AGE = b"age-encryption.org/v1\n"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PublishedHead:
    """The last bundle of a published chain."""

    sequence: int
    statement_sha256: str
    statement: Predicate


# what was published


def published_streams(repository: Path) -> tuple[str, ...]:
    """The streams that something was published in, none without a repository. Raises
    ``VerificationError`` if it is damaged."""
    if not is_founded(repository):
        return ()
    return tuple(sorted({stream_of(role) or "" for role in read_tree(repository).segments()}))


def published(repository: Path, stream: str, sequence: int) -> Listed | None:
    """How the repository lists one bundle, None if it doesn't. Raises ``ConfigError`` without a
    repository, ``VerificationError`` if it is damaged."""
    tree = read_tree(repository)
    role = segment_role(_checked(stream), sequence)
    return tree.listed(role).get(sequence) if role in tree.meta else None


def head(repository: Path, sent: Path, stream: str) -> PublishedHead | None:
    """The last bundle of our own chain, None if nothing was published yet.

    Raises ``ConfigError`` if the repository is gone although something was sent,
    ``VerificationError`` if it is damaged, or if the statement that it names is missing from
    ``sent`` or another one.
    """
    if not is_founded(repository) and not (sent / _checked(stream)).exists():
        return None
    last = read_tree(repository).last(_checked(stream))
    if last is None:
        return None
    predicate = sent_statement(sent, stream, last)
    return PublishedHead(last.sequence, last.statement_sha256, predicate)


def sent_path(sent: Path, stream: str, sequence: int) -> Path:
    """Where the statement of a published bundle lies."""
    return sent / _checked(stream) / f"{sequence:08d}.statement.dsse.json"


def sent_statement(
    sent: Path, stream: str, listed: Listed, limits: Limits = DEFAULT_LIMITS
) -> Predicate:
    """What we said in a bundle of ours. Raises ``VerificationError`` if it is not at hand."""
    path = sent_path(sent, stream, listed.sequence)
    try:
        payload = read_envelope(path.read_bytes(), limits).payload
    except FileNotFoundError:
        raise _lost(path, listed, "no such file") from None
    except VerificationError as error:
        raise _lost(path, listed, error.found) from error
    if sha256_hex(payload) != listed.statement_sha256:
        raise _lost(path, listed, sha256_hex(payload))
    return read_statement(payload, limits).predicate


def _checked(stream: str) -> str:
    if not _STREAM.fullmatch(stream):
        raise ValueError(f"not a stream name: {stream!r}")
    return stream


def _lost(path: Path, listed: Listed, found: str) -> VerificationError:
    return refusal(
        "stream",
        Text(
            en="the statement of our last bundle is not at hand, so nobody can say what the "
            "partner has been sent",
            zh="缺少本方上一数据包的声明文件，无法确定已向合作单位发送的内容",
        ),
        expected=listed.statement_sha256,
        found=found,
        entry=str(path),
        hint=Text(
            en=f"put it back from a backup, or take statement.dsse.json out of the bundle: ours "
            f"at {listed.file} (age -d with this node's identity if it is encrypted, then unzip "
            "-p), or the partner's copy in its inbox",
            zh=f"请从备份恢复；或从数据包中取出 statement.dsse.json：本方文件 {listed.file}"
            "（已加密的先用本节点身份私钥执行 age -d，再执行 unzip -p），"
            "或合作单位收件目录中的副本",
        ),
    )


# publishing


def publish(  # noqa: PLR0913 (docs/interfaces.md: what, where, by whom, when)
    repository: Path,
    sent: Path,
    stream: str,
    sequence: int,
    file: Path,
    payload_envelope: bytes,
    signers: Signers,
    periods: Periods,
    now: datetime,
) -> Path:
    """Append the bundle ``file`` to ``stream``; readers see it whole, or not at all.

    ``payload_envelope``: its ``statement.dsse.json``; ``file`` may be encrypted. Publishing the
    same file again changes nothing. Returns where the file lies now. Waits for another process
    that publishes; raises ``RetryableError`` if it took this number (build anew on the new
    head), ``VerificationError`` if the statement is not the one that the chain needs next,
    ``ConfigError`` without a repository or enough signers.
    """
    read_tree(repository)
    with locked(repository):
        tree = read_tree(repository)
        sha256, size, is_encrypted = _look_at(file)
        path = target_path(_checked(stream), sequence, is_encrypted=is_encrypted)
        target = repository / target_file(path, sha256)
        last = tree.last(stream)
        if last is not None and sequence <= last.sequence:
            before = published(repository, stream, sequence)
            if before is not None and before.sha256 == sha256:
                return target
            raise _published_meanwhile(repository, stream, sequence)
        statement_sha256 = _check_next(stream, sequence, payload_envelope, last)
        commit = Commit(repository, tree, signers, periods, now)
        commit.check_signers()
        _put_file(file, target)
        _put_bytes(sent_path(sent, stream, sequence), payload_envelope)
        role = segment_role(stream, sequence)
        targets = dict(tree.segment(role).targets) if role in tree.meta else {}
        targets[path] = make_target(path, size, sha256, {STATEMENT: statement_sha256})
        commit.write({role: targets})
    return target


def replace(  # noqa: PLR0913 (as publish)
    repository: Path,
    sent: Path,
    stream: str,
    sequence: int,
    file: Path,
    payload_envelope: bytes,
    signers: Signers,
    periods: Periods,
    now: datetime,
) -> Path:
    """Put ``file`` in the place of a published bundle that says the same: signed anew, or
    encrypted for other keys. The chain stays as it is.

    Raises ``VerificationError`` if nothing was published under this number, or something else.
    """
    read_tree(repository)
    with locked(repository):
        tree = read_tree(repository)
        before = published(repository, stream, sequence)
        payload = read_envelope(payload_envelope, DEFAULT_LIMITS).payload
        if before is None or sha256_hex(payload) != before.statement_sha256:
            raise refusal(
                "stream",
                Text(
                    en="only the same statement can take a published bundle's place",
                    zh="只有声明内容相同的数据包才能替换已发布的数据包",
                ),
                expected=before.statement_sha256 if before else f"a published #{sequence}",
                found=sha256_hex(payload),
                entry=f"{stream} #{sequence}",
            )
        sha256, size, is_encrypted = _look_at(file)
        path = target_path(stream, sequence, is_encrypted=is_encrypted)
        target = repository / target_file(path, sha256)
        commit = Commit(repository, tree, signers, periods, now)
        commit.check_signers()
        _put_file(file, target)
        _put_bytes(sent_path(sent, stream, sequence), payload_envelope)
        role = segment_role(stream, sequence)
        targets = dict(tree.segment(role).targets)
        del targets[before.path]
        targets[path] = make_target(path, size, sha256, {STATEMENT: before.statement_sha256})
        commit.write({role: targets})
    return target


def refresh(repository: Path, signers: Signers, periods: Periods, now: datetime) -> None:
    """Sign the timestamp anew, and whatever else of the online roles is near its end.

    For every night, with or without news: a partner sees from it that nothing was withheld.
    Raises as :func:`publish`. What the offline keys sign is not touched.
    """
    read_tree(repository)
    with locked(repository):
        Commit(repository, read_tree(repository), signers, periods, now).write({})


def _look_at(file: Path) -> tuple[str, int, bool]:
    """Digest, size, and whether it is an age file."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as bundle:
        is_encrypted = bundle.read(len(_AGE)) == _AGE
        bundle.seek(0)
        while piece := bundle.read(_CHUNK_BYTES):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size, is_encrypted


def _check_next(stream: str, sequence: int, envelope: bytes, last: Listed | None) -> str:
    """The statement's digest, if it is the one that the chain needs next."""
    payload = read_envelope(envelope, DEFAULT_LIMITS).payload
    new = read_statement(payload, DEFAULT_LIMITS).predicate
    previous = last.statement_sha256 if last else None
    expected = (stream, last.sequence + 1 if last else 1, previous)
    found = (new.stream, new.sequence, new.previous_statement_sha256)
    if expected != found or new.sequence != sequence:
        raise refusal(
            "stream",
            Text(
                en="the bundle does not continue the published chain",
                zh="数据包未接续已发布的数据流",
            ),
            expected=expected,
            found=found,
            hint=Text(en="build it anew on the chain's head", zh="请以最新一号为基础重新生成"),
        )
    return sha256_hex(payload)


def _published_meanwhile(repository: Path, stream: str, sequence: int) -> RetryableError:
    return RetryableError(
        Text(
            en="another process has published this number meanwhile",
            zh="另一进程已发布该序号的数据包",
        ),
        where=Where(f"{repository}: {stream} #{sequence}"),
        hint=Text(
            en="run it again: the bundle is then built on the new head",
            zh="请重新运行：将以最新一号为基础重新生成",
        ),
    )


def _put_file(file: Path, target: Path) -> None:
    """A copy at ``target``, whole and on disk. What a killed process left goes away."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{PARTIAL}*"):
        left.unlink()
    with file.open("rb") as bundle:
        copy_atomically(bundle, target)


def _put_bytes(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, data)
