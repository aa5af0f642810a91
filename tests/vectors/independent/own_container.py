"""Section 2: the container, of whose headers there is one possible spelling."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

from own_refusal import GIB, need
from own_shapes import text

LOCAL, CENTRAL, END = (
    struct.Struct("<4s5H3L2H"),
    struct.Struct("<4s6H3L5H2L"),
    struct.Struct("<4s4H2LH"),
)
ENTRY_NAME = text(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
STATEMENT = "statement.dsse.json"


def container_of(names: Sequence[str], contents: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """The headers of the one possible file: all local ones, the directory, the end."""
    offset, directory = 0, b""
    for name, (crc, size) in zip(names, contents, strict=True):
        raw = name.encode()
        yield LOCAL.pack(b"PK\x03\x04", 10, 0, 0, 0, 0x21, crc, size, size, len(raw), 0) + raw
        directory += CENTRAL.pack(
            b"PK\x01\x02", 0x030A, 10, 0, 0, 0, 0x21, crc, size, size, len(raw), 0, 0, 0, 0,
            0x81A40000, offset,
        ) + raw  # fmt: skip
        offset += LOCAL.size + len(raw) + size
    count = len(names)
    yield directory
    yield END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)


def read_container(data: bytes) -> dict[str, bytes]:
    step = "container"
    need("size", len(data) <= 4 * GIB - 1, "too large")
    need(step, len(data) >= END.size, "no ZIP file")
    magic, _, _, count, _, directory_size, directory_at, _ = END.unpack(data[-END.size :])
    need(step, magic == b"PK\x05\x06" and 1 <= count <= 1024, "no end record")
    need(
        step, directory_at + directory_size + END.size == len(data), "bytes that belong to nothing"
    )
    names, contents, position = [], [], directory_at
    for _ in range(count):
        need(step, position + CENTRAL.size <= len(data) - END.size, "the directory is short")
        fields = CENTRAL.unpack(data[position : position + CENTRAL.size])
        need(step, fields[10] <= 200, "a name too long")
        raw = data[position + CENTRAL.size : position + CENTRAL.size + fields[10]]
        name = raw.decode("ascii", "replace")
        need(step, ENTRY_NAME(name), "a name that is not allowed")
        names.append(name)
        contents.append((fields[7], fields[9]))
        position += CENTRAL.size + fields[10]
    need(step, len(set(names)) == len(names), "a name twice")
    ordered = sorted(names, key=lambda n: (n != STATEMENT, n.encode()))
    need(step, names[0] == STATEMENT and names == ordered, "another order")
    *locals_, directory, end = container_of(names, contents)
    entries, offset = {}, 0
    for name, (crc, size), header in zip(names, contents, locals_, strict=True):
        need(step, data[offset : offset + len(header)] == header, f"local header of {name}")
        offset += len(header)
        entries[name] = data[offset : offset + size]
        need(step, offset + size <= directory_at, "an entry over the directory")
        need(step, zlib.crc32(entries[name]) == crc, f"CRC of {name}")
        offset += size
    need(step, data[offset:] == directory + end, "another directory")
    return entries
