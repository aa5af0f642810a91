"""The directory of a ZIP archive (APPNOTE 6.3), read strictly before anything is unpacked.

What a ZIP holds is said twice: in a header before each member, and in a directory at the end.
Here both must agree, members must not overlap (one stretch of bytes unpacked a thousand times
is the "better zip bomb"), nothing may follow the directory, and names must be plain relative
paths, told apart. An archive that fails this is refused as a whole: which of its two stories
is true nobody can say.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from schemas.errors import DataError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from zipfile import ZipInfo

MAX_MEMBERS = 10_000
MAX_NAME_BYTES = 500
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 65_535
_LONGEST_ENTRY = 2048
_UTF8 = 0x800
_ENCRYPTED = 0x1
_SIZES_FOLLOW = 0x8
_DESCRIPTOR = 24  # at most, behind a member whose sizes follow it
_AES = 99
_UNLISTED = ("it holds bytes that its directory does not name", "其中有目录未列出的字节")
_HIDDEN = 0x2040  # bits 6 and 13: strong encryption, masked headers
_AGAIN = Text(
    en="have it packed and sent again; the files beside it are read",
    zh="请让对方重新打包发送；其他文件不受影响",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive. ``name``: its path, decoded; ``size``: unpacked, as declared."""

    name: str
    size: int
    packed: int
    encrypted: bool
    link: bool
    info: ZipInfo


def read_directory(path: Path, where: Where) -> list[Entry]:
    """The files of an archive, sorted by name; folders are left out.

    Raises :class:`DataError` if the directory can't be trusted.
    """
    import pyzipper

    size = path.stat().st_size
    with path.open("rb") as handle:
        start, count = _start_of_directory(handle, size, where)
        try:
            with pyzipper.AESZipFile(handle) as archive:
                infos = archive.infolist()
        except Exception as error:  # what a parser throws at foreign bytes is many things
            raise _refused(where, "its directory is damaged", "目录已损坏") from error
        if len(infos) != count:
            raise _refused(where, "its directory is damaged", "目录已损坏")
        names = [_name(info, where) for info in infos]
        _distinct(names, where)
        _apart(handle, infos, start, where)
    entries = [
        Entry(
            name,
            info.file_size,
            info.compress_size,
            bool(info.flag_bits & _ENCRYPTED),
            stat.S_ISLNK(info.external_attr >> 16),
            info,
        )
        for name, info in zip(names, infos, strict=True)
        if not name.endswith("/")
    ]
    return sorted(entries, key=lambda entry: entry.name)


def _start_of_directory(handle: IO[bytes], size: int, where: Where) -> tuple[int, int]:
    """Offset of the directory and members in it, by the record at the very end of the file."""
    tail_size = min(size, _END.size + _LONGEST_COMMENT)
    handle.seek(size - tail_size)
    tail = handle.read(tail_size)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise _refused(
            where,
            "it has no directory at its end: it is cut off, or still growing",
            "末尾没有目录，可能被截断或仍在写入",
        )
    _, disk, first_disk, here, count, length, start, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise _refused(where, "bytes follow its end", "结尾之后还有多余字节")
    end = size - tail_size + at
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start):
        disk, first_disk, here, count, length, start, end = _large(handle, end, where)
    if disk or first_disk or here != count:
        raise _refused(where, "it is one part of several", "这只是分卷压缩包的一卷")
    if count > MAX_MEMBERS or length > MAX_MEMBERS * _LONGEST_ENTRY:
        raise _refused(
            where, f"it holds more than {MAX_MEMBERS} members", f"成员超过 {MAX_MEMBERS} 个"
        )
    if start + length != end:
        raise _refused(where, "its directory is not where it says", "目录位置与声明不符")
    return start, count


def _large(handle: IO[bytes], end: int, where: Where) -> tuple[int, ...]:
    """The same of an archive of more than 4 GiB or 65,535 members (ZIP64)."""
    if end < _LOCATOR_64.size + _END_64.size:
        raise _refused(where, "its end is damaged", "结尾已损坏")
    handle.seek(end - _LOCATOR_64.size)
    mark, _, at, _ = _LOCATOR_64.unpack(handle.read(_LOCATOR_64.size))
    if mark != b"PK\x06\x07" or at + _END_64.size > end:
        raise _refused(where, "its end is damaged", "结尾已损坏")
    handle.seek(at)
    found = _END_64.unpack(handle.read(_END_64.size))
    if found[0] != b"PK\x06\x06":
        raise _refused(where, "its end is damaged", "结尾已损坏")
    disk, first_disk, here, count, length, start = found[4:]
    return disk, first_disk, here, count, length, start, at


# ---- names -----------------------------------------------------------------------------------


def _name(info: ZipInfo, where: Where) -> str:
    """A member's path. Raises :class:`DataError` for one that is no plain relative path."""
    raw = _name_bytes(info)
    if not raw or len(raw) > MAX_NAME_BYTES:
        raise _refused(
            where, f"the name of a member has {len(raw)} bytes", f"有成员文件名长 {len(raw)} 字节"
        )
    name = _decoded(raw)
    if name is None:
        raise _refused(
            where,
            "the name of a member is neither UTF-8 nor GB18030",
            "有成员文件名既非 UTF-8 也非 GB18030",
        )
    parts = name.removesuffix("/").split("/")
    strange = "\\" in name or name[1:2] == ":" or any(p in ("", ".", "..") for p in parts)
    # Also marks that turn the direction of a text, or can't be seen.
    if strange or any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in name):
        raise _refused(
            where,
            "the name of a member is no plain relative path",
            "有成员文件名不是普通的相对路径",
        )
    return name


def _name_bytes(info: ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")


def _decoded(raw: bytes) -> str | None:
    """Windows in China writes names in GBK and says nothing; others write UTF-8 and say nothing."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _distinct(names: list[str], where: Where) -> None:
    if any(times > 1 for times in Counter(names).values()):
        raise _refused(where, "two of its members have one name", "有两个成员同名")


# ---- places ----------------------------------------------------------------------------------


def _apart(handle: IO[bytes], infos: list[ZipInfo], start: int, where: Where) -> None:
    """Raise :class:`DataError` if a member isn't where the directory says, or two overlap."""
    end, slack = 0, 0
    for nth, info in enumerate(sorted(infos, key=lambda i: i.header_offset)):
        if info.flag_bits & _HIDDEN:
            raise _refused(where, "its names or headers are encrypted", "文件名或文件头已加密")
        at = info.header_offset
        if nth == 0 and at != 0:
            raise _refused(
                where,
                "it begins with bytes that its directory does not name",
                "开头有目录未列出的字节",
            )
        if at < end:
            raise _refused(
                where,
                "two of its members overlap, as in an archive bomb",
                "有成员相互重叠，疑似压缩炸弹",
            )
        handle.seek(at)
        header = handle.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
            raise _refused(
                where, "a member is not where the directory says", "有成员不在目录所指的位置"
            )
        if nth and at > end + slack:
            raise _refused(where, *_UNLISTED)
        _, _, flags, method, *_, packed, size, name_length, extra_length = _LOCAL.unpack(header)
        if handle.read(name_length) != _name_bytes(info):
            raise _refused(
                where,
                "a member's own name is not that of the directory",
                "有成员的文件名与目录不一致",
            )
        told = (method, flags & _ENCRYPTED)
        if told != (_method(info), info.flag_bits & _ENCRYPTED) or (
            not flags & _SIZES_FOLLOW and not _fits((packed, size), info)
        ):
            raise _refused(
                where,
                "what a member says of itself is not what the directory says",
                "有成员自身的信息与目录不一致",
            )
        slack = _DESCRIPTOR if flags & _SIZES_FOLLOW else 0
        end = at + _LOCAL.size + name_length + extra_length + info.compress_size
        if end > start:
            raise _refused(where, "a member reaches into the directory", "有成员与目录重叠")
    if infos and end + slack < start:
        raise _refused(where, *_UNLISTED)


def _method(info: ZipInfo) -> int:
    """As it is written: of a member encrypted by AES the library tells the method inside."""
    return _AES if getattr(info, "wz_aes_version", None) else info.compress_type


def _fits(told: tuple[int, int], info: ZipInfo) -> bool:
    """Sizes of a member's own header; ZIP64 writes the largest number there and means another."""
    known = (info.compress_size, info.file_size)
    return all(a in (b, 0xFFFFFFFF) for a, b in zip(told, known, strict=True))


def _refused(where: Where, en: str, zh: str) -> DataError:
    return DataError(
        Text(en=f"this archive can't be trusted: {en}", zh=f"压缩包不可信：{zh}"),
        where=where,
        hint=_AGAIN,
    )
