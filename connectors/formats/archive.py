"""ZIP and gzip: which objects are archives, what is in them, and the bytes of one member.

An archive stays in the landing area as it was received; what is read are its members, each an
object of its own (``Landed.member``). A gzip holds one stream, so it stays one object. Both are
unpacked when they are read, into the run's temporary folder, one at a time, within bounds.

An archive whose directory can't be trusted is refused as a whole; a member that is damaged, a
link, or of a method nobody here knows, is refused alone. A gzip inside a ZIP is opened, too;
any deeper nesting is refused: archives in archives are how bombs are built.
"""

from __future__ import annotations

import gzip
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any, Literal

from connectors.delivery import Secrets
from connectors.disk import minding_a_full_disk
from connectors.formats.zip_directory import Entry, read_directory
from connectors.landing import Landed
from connectors.reader_config import FilesReader, Reader
from schemas.errors import AccountingError, ConfigError, DataError, HefuError, Where
from schemas.text import Text

Kind = Literal["zip", "gzip", "foreign"]

_CHUNK = 1 << 20
_MAGIC: dict[bytes, Kind] = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # without a member
    b"PK\x07\x08": "zip",  # first of several parts
    b"\x1f\x8b": "gzip",
    b"Rar!\x1a\x07": "foreign",
    b"7z\xbc\xaf\x27\x1c": "foreign",
}
_TAR = (257, b"ustar")
_SPREADSHEET = ("[Content_Types].xml", "mimetype")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
BOMB_RATIO = 500
BOMB_BYTES = 64 << 20
"""Texts come down to a tenth, at best to a hundredth; what shrinks more, and is large, is a bomb.
Deflate itself ends at 1:1032."""


def kind_of(path: Path) -> Kind | None:
    """What the first bytes of a file say; None: no archive."""
    with path.open("rb") as handle:
        head = handle.read(8)
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def expand(landed: Landed, reader: FilesReader) -> tuple[Landed, ...]:
    """The members of a ZIP that ``reader.member`` names, by name; any other object itself.

    An archive that can't be expanded comes back as it is: reading it says why.
    """
    if not _is_archive(landed, reader):
        return (landed,)
    try:
        entries = _wanted(landed, reader)
    except DataError:
        return (landed,)
    return tuple(
        replace(landed, member=entry.name, origin=f"{landed.origin}!/{entry.name}")
        for entry in entries
    )


@dataclass(frozen=True, slots=True)
class _Open:
    digest: str
    entries: dict[str, Entry]
    archive: Any  # pyzipper.AESZipFile


class AsIs:
    """For objects that are never archives: rows of databases, answers of REST services."""

    def plain(self, landed: Landed, _temp: Path) -> Landed:
        return landed

    def close(self) -> None:
        """Nothing is open."""


def unpacker(reader: Reader, secrets: Secrets | None) -> Unpacker | AsIs:
    """Hands out a reader's objects as plain files; close it after use."""
    if isinstance(reader, FilesReader) and reader.compression == "auto":
        return Unpacker(reader, secrets)
    return AsIs()


class Unpacker:
    """Hands out objects as plain files. One for a run: it keeps to the bounds of each archive,
    and holds the last one open, as its members come one after the other. Close it."""

    def __init__(self, reader: FilesReader, secrets: Secrets | None) -> None:
        self._reader = reader
        self._secrets = secrets
        self._unpacked: Counter[str] = Counter()
        self._open: _Open | None = None

    def close(self) -> None:
        if self._open is not None:
            self._open.archive.close()
            self._open = None

    def plain(self, landed: Landed, temp: Path) -> Landed:
        """``landed``, or a copy in ``temp`` of what is packed in it.

        Raises :class:`DataError` if it can't be unpacked, :class:`ConfigError` if a password is
        needed that ``source.toml`` does not name.
        """
        if landed.member is not None:
            landed = self._member(landed, temp / "member")
        kind = _kind_for(landed.path, self._reader)
        if kind is None:
            return landed
        where = Where(landed.origin)
        if kind == "gzip":
            return self._gunzip(landed, temp / "unpacked", where)
        if kind == "foreign":
            raise _refused(
                where,
                Text(en="RAR and 7z archives are not read", zh="不支持 RAR 与 7z 压缩包"),
                Text(en="have it sent as ZIP or gzip", zh="请对方改用 ZIP 或 gzip 格式"),
            )
        if landed.member is not None:
            raise _nested(where)
        _wanted(landed, self._reader)
        raise AccountingError(
            Text(en="an archive was read unexpanded", zh="压缩包未展开即被读取"), where=where
        )

    def _member(self, landed: Landed, target: Path) -> Landed:
        where = Where(landed.origin)
        opened = self._archive(landed)
        entry = opened.entries.get(landed.member or "")
        if entry is None:
            raise _refused(
                where,
                Text(en="the archive has no such member", zh="压缩包中没有该成员"),
                Text(
                    en="the log names another object: restore landing/ from the back-up",
                    zh="日志与对象不符，请从备份恢复 landing/",
                ),
            )
        _check(entry, where)
        password = self._password(entry, where)
        damaged = _damaged(where, encrypted=entry.encrypted)
        size = self._copy(
            landed,
            lambda: _member_of(opened.archive, entry, password, where),
            target,
            where,
            damaged,
        )
        if size != entry.size:
            raise damaged
        return replace(landed, path=target, size=size)

    def _archive(self, landed: Landed) -> _Open:
        if self._open is None or self._open.digest != landed.digest:
            import pyzipper

            self.close()
            where = Where(landed.origin.removesuffix(f"!/{landed.member}"))
            # All of them: a run of before may name one that today's pattern leaves out.
            entries = {entry.name: entry for entry in read_directory(landed.path, where)}
            self._open = _Open(landed.digest, entries, pyzipper.AESZipFile(landed.path))
        return self._open

    def _gunzip(self, landed: Landed, target: Path, where: Where) -> Landed:
        def opened() -> IO[bytes] | gzip.GzipFile:
            return gzip.open(landed.path, "rb")

        size = self._copy(landed, opened, target, where, _damaged(where, encrypted=False))
        found = replace(landed, path=target, size=size)
        if _kind_for(target, self._reader) or _is_tar(target):
            raise _nested(where)
        return found

    def _copy(
        self,
        landed: Landed,
        opened: Callable[[], IO[bytes] | gzip.GzipFile],
        target: Path,
        where: Where,
        damaged: DataError,
    ) -> int:
        """Unpack to ``target`` and count; what is wrong with foreign bytes is many things."""
        packed, size = landed.size, 0
        chunks = _chunks(opened, damaged)
        with target.open("xb") as out:
            for chunk in chunks:
                size += len(chunk)
                self._unpacked[landed.digest] += len(chunk)
                if self._unpacked[landed.digest] > self._reader.max_unpacked_bytes:
                    raise _too_large(where, self._reader.max_unpacked_bytes)
                if size > BOMB_BYTES and size > packed * BOMB_RATIO:
                    raise _bomb(where)
                with minding_a_full_disk(target.parent):
                    out.write(chunk)
            with minding_a_full_disk(target.parent):
                out.flush()
        return size

    def _password(self, entry: Entry, where: Where) -> bytes | None:
        if not entry.encrypted:
            return None
        if self._reader.archive_password is None or self._secrets is None:
            raise ConfigError(
                Text(
                    en="this archive is encrypted, and source.toml names no password",
                    zh="压缩包已加密，而 source.toml 未指定密码",
                ),
                where=where,
                hint=Text(
                    en='set archive_password = "file:keys/NAME" or "env:NAME" under [reader]',
                    zh='请在 [reader] 下设置 archive_password = "file:keys/名称" 或 "env:名称"',
                ),
            )
        return self._secrets(self._reader.archive_password).encode("utf-8")


def _is_archive(landed: Landed, reader: FilesReader) -> bool:
    return (
        reader.compression == "auto"
        and landed.member is None
        and _kind_for(landed.path, reader) == "zip"
    )


def _kind_for(path: Path, reader: FilesReader) -> Kind | None:
    """As :func:`kind_of`; XLSX and ODS are ZIPs themselves, and no archives to open."""
    kind = kind_of(path)
    if kind == "zip" and reader.format == "spreadsheet" and is_spreadsheet(path):
        return None
    return kind


def is_spreadsheet(path: Path) -> bool:
    """Whether a ZIP is a workbook, and no archive to open."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except Exception:  # noqa: BLE001 - damaged in whatever way: the reader of spreadsheets says so
        return True
    return any(name in names for name in _SPREADSHEET)


def _is_tar(path: Path) -> bool:
    at, mark = _TAR
    with path.open("rb") as handle:
        handle.seek(at)
        return handle.read(len(mark)) == mark


def _wanted(landed: Landed, reader: FilesReader) -> list[Entry]:
    """The entries that are read. Raises :class:`DataError` if the archive can't be trusted, is
    too large, or has nothing that is looked for."""
    where = Where(landed.origin)
    entries = read_directory(landed.path, where)
    pattern = tuple(reader.member.split("/"))
    wanted = [e for e in entries if _matches(tuple(e.name.split("/")), pattern)]
    if not wanted:
        raise _refused(
            where,
            Text(
                en=f"none of the {len(entries)} files in this archive matches {reader.member!r}",
                zh=f"压缩包内 {len(entries)} 个文件均不符合 {reader.member!r}",
            ),
            Text(en="compare member in source.toml", zh="请核对 source.toml 中的 member"),
        )
    if sum(e.size for e in wanted) > reader.max_unpacked_bytes:
        raise _too_large(where, reader.max_unpacked_bytes)
    if any(e.size > BOMB_BYTES and e.size > e.packed * BOMB_RATIO for e in wanted):
        raise _bomb(where)
    return wanted


def _matches(name: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """As in a folder: ``**`` is any number of folders; what begins with a dot is left alone."""
    if not pattern or not name:
        return not pattern and not name
    if pattern[0] == "**":
        rest = not name[0].startswith(".") and _matches(name[1:], pattern)
        return rest or _matches(name, pattern[1:])
    if name[0].startswith(".") or not fnmatchcase(name[0], pattern[0]):
        return False
    return _matches(name[1:], pattern[1:])


def _check(entry: Entry, where: Where) -> None:
    if entry.link:
        raise _refused(
            where,
            Text(en="this member is a link, not a file", zh="该成员是链接，不是文件"),
            Text(en="have the file itself packed", zh="请对方打包文件本身"),
        )
    if entry.info.compress_type not in _METHODS:
        method = entry.info.compress_type
        raise _refused(
            where,
            Text(
                en=f"compression method {method} is not read",
                zh=f"不支持压缩方法 {method}",
            ),
            Text(
                en="have it packed by the method Deflate (method 9, Deflate64, is what Windows "
                "uses for files over 2 GB; 7-Zip packs them by Deflate)",
                zh="请用 Deflate 方法打包（方法 9 即 Deflate64，是 Windows 自带压缩对 2 GB "
                "以上文件的做法，可改用 7-Zip 的 Deflate）",
            ),
        )


def _member_of(archive: Any, entry: Entry, password: bytes | None, where: Where) -> IO[bytes]:
    try:
        member: IO[bytes] = archive.open(entry.info, pwd=password)
    except RuntimeError as error:  # that is how it says "Bad password"
        raise _refused(
            where,
            Text(
                en="the password of source.toml does not open this member",
                zh="source.toml 指定的密码无法打开该成员",
            ),
            Text(
                en="ask for the right one; then hefu backfill --from-landing reads it again",
                zh="请核实密码，改正后用 hefu backfill --from-landing 重新读取",
            ),
        ) from error
    return member


def _chunks(opened: Callable[[], IO[bytes] | gzip.GzipFile], damaged: DataError) -> Iterator[bytes]:
    try:
        with opened() as handle:
            while chunk := handle.read(_CHUNK):
                yield chunk
    except HefuError:
        raise
    except MemoryError as error:  # LZMA asks for what a header says, up to 4 GiB
        raise damaged from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # our own disk, not the archive
        # zlib, lzma, gzip and pyzipper each have their own errors, and a foreign header may
        # raise more: whatever it is, this can't be read.
        raise damaged from error


def _refused(where: Where, message: Text, hint: Text) -> DataError:
    return DataError(message, where=where, hint=hint)


def _damaged(where: Where, *, encrypted: bool) -> DataError:
    if encrypted:
        message = Text(
            en="it is damaged, cut off, or the password is not the right one",
            zh="内容损坏、被截断，或密码不正确",
        )
    else:
        message = Text(en="what is packed in it is damaged or cut off", zh="压缩内容损坏或被截断")
    return _refused(
        where, message, Text(en="have it packed and sent again", zh="请对方重新打包发送")
    )


def _too_large(where: Where, limit: int) -> DataError:
    return _refused(
        where,
        Text(
            en=f"the archive unpacks to more than {limit} bytes",
            zh=f"解压后超过 {limit} 字节",
        ),
        Text(
            en="if it is what it should be, raise max_unpacked_bytes; "
            "then hefu backfill --from-landing reads it again",
            zh="确认内容无误后调大 max_unpacked_bytes，再用 hefu backfill --from-landing 重新读取",
        ),
    )


def _bomb(where: Where) -> DataError:
    return _refused(
        where,
        Text(
            en=f"it unpacks to more than {BOMB_RATIO} times its size, as an archive bomb does",
            zh=f"解压后超过原大小的 {BOMB_RATIO} 倍，疑似压缩炸弹",
        ),
        Text(
            en="look at it by hand before anything else opens it",
            zh="请先人工核查，勿用其他程序打开",
        ),
    )


def _nested(where: Where) -> DataError:
    return _refused(
        where,
        Text(en="an archive inside an archive is not opened", zh="不打开嵌套的压缩包"),
        Text(
            en="have the files packed once, as ZIP or gzip",
            zh="请对方只打包一层，使用 ZIP 或 gzip",
        ),
    )
