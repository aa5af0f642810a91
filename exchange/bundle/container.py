"""The ZIP file: a writer with no choices, and a reader that accepts only what it writes.

Every byte of a container follows from the names and contents of its entries, so there is
exactly one file for one list of entries. ZIP readers disagree about files with gaps, two
central directories, or local headers that contradict the directory; such files cannot be
expressed here. Layout: APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central
directory), 4.3.16 (end record); ``exchange/FORMAT.md`` section "Container" fixes each field.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from exchange.bundle.part import Part
from exchange.bundle.passing import crc32_of
from exchange.errors import ASK_AGAIN, refusal
from exchange.limits import Limits, Readable
from schemas.errors import VerificationError
from schemas.text import Text

STATEMENT_ENTRY = "statement.dsse.json"
ENTRY_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*", re.ASCII)

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"

_VERSION_NEEDED = 10
_MADE_BY = (3 << 8) | 10  # Unix, so that the permissions below mean something
_DOS_TIME, _DOS_DATE = 0, (1 << 5) | 1  # 1980-01-01 00:00:00, the earliest that ZIP can say
_PERMISSIONS = 0o100644 << 16
_MAX_32 = 0xFFFF_FFFF


def entry_order(name: str) -> tuple[bool, bytes]:
    """Sort key: the statement first, then by the bytes of the name."""
    return (name != STATEMENT_ENTRY, name.encode())


def write_container(entries: Mapping[str, Readable]) -> bytes:
    """The one ZIP file of these entries.

    Raises ``ValueError`` for a name or a size that the format cannot hold: the caller
    chose them, so it is a defect and not a matter of input.
    """
    views = {name: memoryview(data).cast("B") for name, data in entries.items()}
    headers, tail = _frame({n: (zlib.crc32(view), len(view)) for n, view in views.items()})
    pieces: list[Readable] = []
    for name, header in headers:
        pieces += (header, views[name])
    return b"".join([*pieces, tail])


def stream_container(parts: Mapping[str, Part], file: BinaryIO) -> None:
    """The same, of measured entries and into a file, in constant memory."""
    headers, tail = _frame({name: (part.crc32, part.size) for name, part in parts.items()})
    for name, header in headers:
        file.write(header)
        parts[name].copy_to(file)
    file.write(tail)


def _frame(measured: Mapping[str, tuple[int, int]]) -> tuple[list[tuple[str, bytes]], bytes]:
    """From CRC and size of each entry all that is not data: (name, local header) in the order of
    the file, and what stands after the last entry."""
    headers: list[tuple[str, bytes]] = []
    directory: list[bytes] = []
    offset = 0
    for name in sorted(measured, key=entry_order):
        if not ENTRY_NAME.fullmatch(name):
            raise ValueError(f"entry name not allowed: {name!r}")
        crc, size = measured[name]
        if offset + _LOCAL.size + len(name) + size > _MAX_32:
            raise ValueError("bundle would need ZIP64: split it into two")
        headers.append((name, _local_header(name, crc, size)))
        directory.append(_central_header(name, crc, size, offset))
        offset += len(headers[-1][1]) + size
    central = b"".join(directory)
    if offset + len(central) + _END.size > _MAX_32:
        raise ValueError("bundle would need ZIP64: split it into two")
    return headers, central + _end_record(len(directory), len(central), offset)


def _local_header(name: str, crc: int, size: int) -> bytes:
    raw = name.encode()
    return (
        _LOCAL.pack(
            _LOCAL_MAGIC, _VERSION_NEEDED, 0, 0, _DOS_TIME, _DOS_DATE, crc, size, size, len(raw), 0
        )
        + raw
    )


def _central_header(name: str, crc: int, size: int, offset: int) -> bytes:
    raw = name.encode()
    fixed = _CENTRAL.pack(
        _CENTRAL_MAGIC,
        _MADE_BY,
        _VERSION_NEEDED,
        *(0, 0),
        *(_DOS_TIME, _DOS_DATE),
        *(crc, size, size),
        *(len(raw), 0, 0, 0, 0),
        *(_PERMISSIONS, offset),
    )
    return fixed + raw


def _end_record(count: int, directory_size: int, directory_offset: int) -> bytes:
    return _END.pack(_END_MAGIC, 0, 0, count, count, directory_size, directory_offset, 0)


def _bad(
    message: Text, expected: object, found: object, entry: str | None = None
) -> VerificationError:
    return refusal(
        "container", message, expected=expected, found=found, entry=entry, hint=ASK_AGAIN
    )


def read_container(data: Readable, limits: Limits) -> dict[str, memoryview]:
    """The entries in file order, as views of ``data``; nothing is copied.

    Raises ``VerificationError`` (steps ``size`` and ``container``) for anything but the
    exact bytes that ``write_container`` makes of the same entries.
    """
    view = memoryview(data).cast("B").toreadonly()
    _check_size(len(view), limits)
    count, directory_offset = _read_end(view, limits)
    entries: dict[str, memoryview] = {}
    position, expected_offset = directory_offset, 0
    for _ in range(count):
        name, crc, size, position = _read_central(view, position, expected_offset, limits)
        if name in entries:
            raise _bad(_DOUBLED, "each name once", "the name twice", name)
        body_start = expected_offset + _LOCAL.size + len(name)
        if body_start + size > directory_offset:
            raise _bad(_OVERLAP, f"at most {directory_offset}", body_start + size, name)
        if view[expected_offset:body_start] != _local_header(name, crc, size):
            raise _bad(_LOCAL_DIFFERS, "the central directory's values", "others", name)
        entries[name] = view[body_start : body_start + size]
        found = crc32_of(entries[name])
        if found != crc:
            raise _bad(_CRC, f"{crc:08x}", f"{found:08x}", name)
        expected_offset = body_start + size
    if position != len(view) - _END.size:
        raise _bad(_DIRECTORY_SIZE, len(view) - _END.size, position)
    if expected_offset != directory_offset:
        raise _bad(_GAP, f"directory at {expected_offset}", f"at {directory_offset}")
    _check_order(list(entries))
    return entries


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.bundle_size:
        raise refusal(
            "size",
            Text(en="the bundle is larger than allowed", zh="数据包超过允许的大小"),
            expected=f"at most {limits.bundle_size} bytes",
            found=f"{size} bytes",
        )


def _read_end(view: memoryview, limits: Limits) -> tuple[int, int]:
    """Number of entries and offset of the directory, from the last 22 bytes."""
    start = len(view) - _END.size
    if start < 0:
        raise _bad(_NOT_ZIP, f"at least {_END.size} bytes", len(view))
    magic, _, _, count, _, directory_size, directory_offset, _ = _END.unpack_from(view, start)
    if magic != _END_MAGIC:
        raise _bad(_NOT_ZIP, "an end record in the last 22 bytes", "something else")
    if view[start:] != _end_record(count, directory_size, directory_offset):
        raise _bad(_END_FIELDS, "one disk, one count, no comment", "something else")
    if directory_offset + directory_size != start:
        raise _bad(_GAP, f"directory ends at {start}", directory_offset + directory_size)
    if not 1 <= count <= limits.entry_count:
        raise _bad(_COUNT, f"1 to {limits.entry_count}", count)
    return count, directory_offset


def _read_central(
    view: memoryview, position: int, offset: int, limits: Limits
) -> tuple[str, int, int, int]:
    """Name, CRC, size of the entry at ``position``, and the position of the next one."""
    end = len(view) - _END.size
    if position + _CENTRAL.size > end:
        raise _bad(_DIRECTORY_SIZE, "another entry", "the directory's end")
    fields = _CENTRAL.unpack_from(view, position)
    magic, flags, method = fields[0], fields[3], fields[4]
    crc, stored_size, size, name_length = fields[7], fields[8], fields[9], fields[10]
    after = position + _CENTRAL.size + name_length
    if magic != _CENTRAL_MAGIC or after > end:
        raise _bad(_DIRECTORY_SIZE, "a directory entry", "something else")
    if name_length > limits.entry_name_length:
        raise _bad(_NAME, f"at most {limits.entry_name_length} bytes", name_length)
    raw = bytes(view[position + _CENTRAL.size : after])
    name = raw.decode("ascii", "backslashreplace")
    if not ENTRY_NAME.fullmatch(name):
        raise _bad(_NAME, ENTRY_NAME.pattern, repr(name))
    if method != 0:
        raise _bad(_COMPRESSED, "stored", f"method {method}", name)
    if flags != 0:
        raise _bad(_FLAGS, "no flags", f"{flags:#06x}", name)
    if stored_size != size:
        raise _bad(_NOT_CANONICAL, f"size {size}", f"size {stored_size}", name)
    if size > limits.entry_size:
        raise _bad(_TOO_LARGE, f"at most {limits.entry_size} bytes", size, name)
    if fields[-1] != offset:
        raise _bad(_OVERLAP, f"offset {offset}", f"offset {fields[-1]}", name)
    if view[position:after] != _central_header(name, crc, size, offset):
        raise _bad(_NOT_CANONICAL, "the fixed values of FORMAT.md", "others", name)
    return name, crc, size, after


def _check_order(names: Sequence[str]) -> None:
    if names[0] != STATEMENT_ENTRY:
        raise _bad(_ORDER, STATEMENT_ENTRY, names[0])
    if list(names) != sorted(names, key=entry_order):
        raise _bad(_ORDER, "entries sorted by name", "another order")


_NOT_ZIP = Text(
    en="the file does not end as a ZIP file does: it is cut short, or no bundle",
    zh="文件结尾不是 ZIP 格式：文件不完整，或不是数据包",
)
_END_FIELDS = Text(
    en="the ZIP end record holds more than a bundle may say", zh="ZIP 结尾记录含有不允许的内容"
)
_GAP = Text(
    en="there are bytes in the ZIP that belong to no entry, or bytes are missing",
    zh="ZIP 中存在不属于任何条目的字节，或缺少字节",
)
_COUNT = Text(en="the number of entries is not allowed", zh="条目数量不符合规定")
_DIRECTORY_SIZE = Text(
    en="the ZIP directory does not match its own counts", zh="ZIP 目录与其自身的计数不一致"
)
_NAME = Text(en="an entry has a name that is not allowed", zh="条目名称不符合规定")
_COMPRESSED = Text(
    en="an entry is compressed, a bundle only stores", zh="条目被压缩，而数据包只允许存储方式"
)
_FLAGS = Text(en="an entry is encrypted or has a data descriptor", zh="条目被加密或带有数据描述符")
_TOO_LARGE = Text(en="an entry is larger than allowed", zh="条目超过允许的大小")
_OVERLAP = Text(en="an entry overlaps another or leaves a gap", zh="条目之间相互重叠或留有空隙")
_NOT_CANONICAL = Text(
    en="the ZIP directory entry is not in the one allowed form", zh="ZIP 目录条目不是唯一允许的形式"
)
_LOCAL_DIFFERS = Text(
    en="the entry's local header contradicts the ZIP directory", zh="条目的本地头与 ZIP 目录不一致"
)
_DOUBLED = Text(en="an entry name occurs twice", zh="条目名称重复")
_CRC = Text(en="the entry's bytes do not match its CRC", zh="条目内容与其 CRC 校验值不一致")
_ORDER = Text(en="the entries are not in the required order", zh="条目顺序不符合规定")
