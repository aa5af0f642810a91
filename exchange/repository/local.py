"""The published chain: one file per statement, in a folder that any web server can show.

    repository/streams/<stream>/00000001.hefu
                                00000002.hefu …
                                .lock            held while one process publishes
                                .partial-*       what a killed process left; the next removes it

The chain is its own memory: what a partner has been sent is read from the last bundle and
from nowhere else. A file appears whole or not at all and is never replaced.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.bundle.dsse import read_envelope
from exchange.bundle.statement import Predicate, read_statement
from exchange.errors import refusal
from exchange.jsontext import sha256_hex
from exchange.limits import DEFAULT_LIMITS, Limits, Readable
from schemas.errors import RefusedError, RetryableError, Where
from schemas.text import Text

_STREAM = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}", re.ASCII)
_BUNDLE = re.compile(r"([0-9]{8})\.hefu", re.ASCII)
_PARTIAL = ".partial-"
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_CHUNK_BYTES = 1 << 20
_ATTEMPTS = 4
_TIMEOUT_SECONDS = (10, 60)
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class PublishedHead:
    """The last bundle of a published chain."""

    sequence: int
    statement_sha256: str
    statement: Predicate


def bundle_name(sequence: int) -> str:
    return f"{sequence:08d}.hefu"


def stream_folder(folder: Path, stream: str) -> Path:
    """Where a stream's bundles lie below a repository. ``ValueError`` for an unsafe name."""
    if not _STREAM.fullmatch(stream):
        raise ValueError(f"not a stream name: {stream!r}")
    return folder / "streams" / stream


def publish(folder: Path, stream: str, sequence: int, data: Readable) -> Path:
    """Append ``data`` to the chain; it is visible whole, or not at all.

    Publishing the same bytes again changes nothing. Raises ``RetryableError`` if another
    process published meanwhile (build anew on the new head), ``VerificationError`` if the
    bundle is not the one that the chain needs next.
    """
    target = stream_folder(folder, stream) / bundle_name(sequence)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent):
        if target.exists():
            if target.read_bytes() == memoryview(data):
                return target
            raise _published_meanwhile(target)
        _check_next(folder, stream, sequence, data)
        for left in target.parent.glob(f"{_PARTIAL}*"):
            left.unlink()
        partial = target.parent / f"{_PARTIAL}{os.getpid()}"
        _write_durably(partial, data)
        _link_without_overwrite(partial, target)
        _sync_folder(target.parent)
    return target


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One publisher at a time. The kernel frees the lock when its holder dies, however."""
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_next(folder: Path, stream: str, sequence: int, data: Readable) -> None:
    last = head(folder, stream)
    new = _read_head(data, DEFAULT_LIMITS)
    expected = (stream, last.sequence + 1 if last else 1, last and last.statement_sha256)
    found = (
        new.statement.stream,
        new.sequence,
        new.statement.previous_statement_sha256,
    )
    if expected != found or new.sequence != sequence:
        if last and new.sequence <= last.sequence:
            raise _published_meanwhile(stream_folder(folder, stream) / bundle_name(sequence))
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


def _published_meanwhile(target: Path) -> RetryableError:
    return RetryableError(
        Text(
            en="another process has published this number meanwhile",
            zh="另一进程已发布该序号的数据包",
        ),
        where=Where(str(target)),
        hint=Text(
            en="run it again: the bundle is then built on the new head",
            zh="请重新运行：将以最新一号为基础重新生成",
        ),
    )


def _write_durably(path: Path, data: Readable) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _link_without_overwrite(partial: Path, target: Path) -> None:
    """A hard link fails if the target is there; file systems without links get a rename,
    which the lock makes safe among processes of one machine."""
    try:
        os.link(partial, target)
    except FileExistsError:
        partial.unlink()
        raise _published_meanwhile(target) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        partial.rename(target)
        return
    partial.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def head(folder: Path, stream: str) -> PublishedHead | None:
    """The last bundle of our own chain, None if nothing was published yet.

    Raises ``VerificationError`` if the chain has a gap or its last file is not the bundle
    that its name says.
    """
    place = stream_folder(folder, stream)
    sequences = sorted(_sequences(place))
    if not sequences:
        return None
    if sequences != list(range(1, len(sequences) + 1)):
        missing = next(n for n in range(1, sequences[-1] + 1) if n not in sequences)
        raise refusal(
            "stream",
            Text(en="our published chain has a gap", zh="本方已发布的数据流缺号"),
            expected=bundle_name(missing),
            found="no such file",
            entry=str(place),
            hint=Text(
                en="put the missing file back from a backup or from the partner's inbox",
                zh="请从备份或合作单位的收件目录恢复缺少的文件",
            ),
        )
    path = place / bundle_name(sequences[-1])
    with path.open("rb") as file, _mapped(file.fileno()) as data:
        last = _read_head(data, DEFAULT_LIMITS)
    if (last.statement.stream, last.sequence) != (stream, sequences[-1]):
        raise refusal(
            "stream",
            Text(
                en="a published file is not the bundle its name says", zh="已发布文件与其文件名不符"
            ),
            expected=f"{stream} {sequences[-1]}",
            found=f"{last.statement.stream} {last.sequence}",
            entry=str(path),
        )
    return last


@contextmanager
def _mapped(descriptor: int) -> Iterator[Readable]:
    if os.fstat(descriptor).st_size == 0:
        yield b""
        return
    # Views of the mapping may outlive this block inside an exception's traceback; the
    # mapping is then freed with them, so it is not closed by hand.
    yield mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)


def _sequences(place: Path) -> Iterator[int]:
    if place.is_dir():
        for path in place.iterdir():
            if found := _BUNDLE.fullmatch(path.name):
                yield int(found[1])


def _read_head(data: Readable, limits: Limits) -> PublishedHead:
    entries = read_container(data, limits)
    payload = read_envelope(entries[STATEMENT_ENTRY], limits).payload
    predicate = read_statement(payload, limits).predicate
    return PublishedHead(predicate.sequence, sha256_hex(payload), predicate)


def fetch(
    location: str,
    stream: str,
    sequence: int,
    *,
    limits: Limits = DEFAULT_LIMITS,
    pause: Callable[[float], None] = time.sleep,
) -> bytes | None:
    """The bytes of one bundle from a folder or an http(s) address; None if not there yet.

    Nothing is checked but the size. Raises ``RetryableError`` when the place cannot be
    reached after retries, ``RefusedError`` when it refuses, ``VerificationError`` (step
    ``size``) when the file is too large.
    """
    if location.startswith(("http://", "https://")):
        relative = stream_folder(Path(), stream) / bundle_name(sequence)
        return _fetch_http(f"{location.rstrip('/')}/{relative.as_posix()}", limits, pause)
    return _fetch_folder(Path(location), stream, sequence, limits)


def _fetch_folder(folder: Path, stream: str, sequence: int, limits: Limits) -> bytes | None:
    if not folder.is_dir():
        raise RefusedError(
            Text(en="the partner's repository folder is not there", zh="找不到合作单位的发布目录"),
            where=Where(str(folder)),
            hint=Text(
                en="mount the disk or share, or correct `repository` in partner.toml",
                zh="请挂载磁盘或共享目录，或更正 partner.toml 中的 repository",
            ),
        )
    path = stream_folder(folder, stream) / bundle_name(sequence)
    try:
        with open(path, "rb", opener=_open_plainly) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _no_plain_file(path)
            _check_size(found.st_size, limits, str(path))
            data = file.read(limits.bundle_size + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _no_plain_file(path) from error
        raise RetryableError(
            Text(
                en=f"the bundle cannot be read ({type(error).__name__})",
                zh=f"无法读取数据包（{type(error).__name__}）",
            ),
            where=Where(str(path)),
        ) from error
    _check_size(len(data), limits, str(path))
    return data


def _open_plainly(path: str, flags: int) -> int:
    """No link to a file of ours, and no pipe to wait at for ever: the disk is a partner's."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _no_plain_file(path: Path) -> RefusedError:
    return RefusedError(
        Text(en="this bundle is no plain file", zh="该数据包不是普通文件"),
        where=Where(str(path)),
        hint=Text(
            en="ask the partner for the file itself, not a link to it",
            zh="请合作单位提供文件本身，而不是链接",
        ),
    )


def _check_size(size: int, limits: Limits, place: str) -> None:
    if size > limits.bundle_size:
        raise refusal(
            "size",
            Text(en="the bundle is larger than allowed", zh="数据包超过允许的大小"),
            expected=f"at most {limits.bundle_size} bytes",
            found=f"{size} bytes",
            entry=place,
        )


def _fetch_http(url: str, limits: Limits, pause: Callable[[float], None]) -> bytes | None:
    """Three more attempts after 1, 2, 4 seconds for what may heal by itself."""
    for attempt in range(_ATTEMPTS - 1):
        try:
            return _get(url, limits)
        except RetryableError:
            pause(2.0**attempt)
    return _get(url, limits)


def _get(url: str, limits: Limits) -> bytes | None:
    import requests

    try:
        with requests.get(
            url,
            stream=True,
            timeout=_TIMEOUT_SECONDS,
            allow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        ) as response:
            if response.status_code == requests.codes.not_found:
                return None
            _check_status(response.status_code, url)
            _check_size(int(response.headers.get("Content-Length", "0")), limits, url)
            chunks, size = [], 0
            for chunk in response.iter_content(_CHUNK_BYTES):
                chunks.append(chunk)
                size += len(chunk)
                _check_size(size, limits, url)
            return b"".join(chunks)
    except (requests.RequestException, ValueError) as error:
        if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.SSLError)):
            raise _refused(url, type(error).__name__) from error
        raise RetryableError(
            Text(
                en=f"the partner's repository cannot be reached ({type(error).__name__})",
                zh=f"无法连接合作单位的发布地址（{type(error).__name__}）",
            ),
            where=Where(url),
            hint=Text(
                en="check the network and whether the partner's server runs",
                zh="请检查网络，并确认合作单位的服务器正在运行",
            ),
        ) from error


def _check_status(status: int, url: str) -> None:
    if status in _RETRY_STATUS:
        raise RetryableError(
            Text(
                en=f"the partner's repository answers {status}",
                zh=f"合作单位的发布地址返回 {status}",
            ),
            where=Where(url),
        )
    if status != 200:
        raise _refused(url, f"HTTP {status}")


def _refused(url: str, why: str) -> RefusedError:
    return RefusedError(
        Text(
            en=f"the partner's repository refuses ({why})",
            zh=f"合作单位的发布地址拒绝访问（{why}）",
        ),
        where=Where(url),
        hint=Text(
            en="ask the partner for the right address and for access",
            zh="请向合作单位确认地址和访问权限",
        ),
    )
