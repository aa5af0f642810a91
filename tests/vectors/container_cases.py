"""Vectors of the step ``container``: ZIP files that other readers open, or read differently."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bundles import RECORDS, Case, entries_of, flipped, good

from exchange.bundle.container import STATEMENT_ENTRY, entry_order


@dataclass(frozen=True)
class Entry:
    """One entry, with every field that a header can lie about."""

    name: bytes
    data: bytes
    method: int = 0
    flags: int = 0
    size: int | None = None
    extra: bytes = b""
    local_name: bytes | None = None
    after: bytes = b""


def raw_zip(
    entries: Sequence[Entry],
    *,
    comment: bytes = b"",
    before: bytes = b"",
    offset: int | None = None,
) -> bytes:
    """A ZIP that says what it is told; ``offset`` is the one that every entry claims."""
    body, directory = before, b""
    for entry in entries:
        stored = entry.data
        if entry.method == 8:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            stored = packer.compress(entry.data) + packer.flush()
        size = len(entry.data) if entry.size is None else entry.size
        crc = zlib.crc32(entry.data)
        common = (entry.flags, entry.method, 0, 33, crc, len(stored), size)
        name = entry.local_name or entry.name
        at = len(body) if offset is None else offset
        body += struct.pack(
            "<4sHHHHHLLLHH", b"PK\x03\x04", 10, *common, len(name), len(entry.extra)
        )
        body += name + entry.extra + stored + entry.after
        directory += struct.pack(
            "<4sHHHHHHLLLHHHHHLL", b"PK\x01\x02", 0x30A, 10, *common, len(entry.name),
            len(entry.extra), 0, 0, 0, 0o100644 << 16, at,
        )  # fmt: skip
        directory += entry.name + entry.extra
    end = struct.pack(
        "<4sHHHHLLH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), len(body),
        len(comment),
    )  # fmt: skip
    return body + directory + end + comment


def plain() -> list[Entry]:
    found = entries_of(good())
    return [Entry(n.encode(), found[n]) for n in sorted(found, key=entry_order)]


def changed(name: str, **changes: object) -> list[Entry]:
    return [replace(e, **changes) if e.name == name.encode() else e for e in plain()]


def _case(name: str, about: str, bundle: bytes) -> Case:
    return Case(f"container_{name}_fail", about, bundle, "container")


def container_cases() -> Iterator[Case]:
    bundle, entries = good(), plain()
    readme = Entry(b"readme.txt", b"another text")
    middle = bundle.index(entries_of(bundle)[RECORDS])

    yield _case("byte_changed", "One byte of an entry was changed.", flipped(bundle, middle + 99))
    yield _case(
        "directory_byte_changed",
        "One byte of the ZIP directory (an entry's permissions) was changed.",
        flipped(bundle, bundle.index(b"PK\x01\x02") + 38),
    )
    yield _case("truncated", "The file was cut short by its last 30 bytes.", bundle[:-30])
    yield _case("empty", "The file holds nothing.", b"")
    yield _case("not_a_zip", "A web page came instead of a bundle.", b"<html>404</html>" * 9)
    yield _case("bytes_before", "Bytes lie before the first entry.", raw_zip(entries, before=b"#!"))
    yield _case("bytes_after", "Bytes lie after the end record.", bundle + b"\x00")
    yield _case("comment", "The end record has a comment.", raw_zip(entries, comment=b"hello"))
    yield _case(
        "gap",
        "Bytes that belong to no entry lie between two entries.",
        raw_zip(changed("readme.txt", after=b"hidden")),
    )
    yield _case(
        "second_directory",
        "A second central directory with its own end record follows the first.",
        bundle + raw_zip([readme])[len(b"another text") + 40 :],
    )
    yield _case(
        "two_archives",
        "Two complete ZIP files lie one after another; readers differ about which counts.",
        raw_zip(entries) + raw_zip([readme]),
    )
    yield _case(
        "overlapping_entries",
        "All directory entries point at the same bytes.",
        raw_zip(entries, offset=0),
    )
    yield _case("entry_doubled", "An entry stands there twice.", raw_zip([*entries, entries[-1]]))
    yield _case(
        "deflated_bomb",
        "An entry is deflated: four megabytes of zeros in four kilobytes.",
        raw_zip(changed(RECORDS, data=bytes(1 << 22), method=8)),
    )
    yield _case(
        "size_lies",
        "An entry declares a larger size than it has.",
        raw_zip(changed("readme.txt", size=1 << 20)),
    )
    yield _case("encrypted", "An entry is marked as encrypted.", raw_zip(changed(RECORDS, flags=1)))
    yield _case(
        "data_descriptor",
        "An entry is marked as having its sizes after its data.",
        raw_zip(changed(RECORDS, flags=8)),
    )
    yield _case(
        "extra_field",
        "An entry has an extra field.",
        raw_zip(changed(RECORDS, extra=b"UT\x05\x00\x01\x00\x00\x00\x00")),
    )
    yield _case(
        "local_header_differs",
        "A local header names its entry otherwise than the directory.",
        raw_zip(changed("readme.txt", local_name=b"xeadme.txt")),
    )
    yield _case(
        "statement_not_first",
        "The statement is not the first entry.",
        raw_zip(sorted(entries, key=lambda e: e.name)),
    )
    yield _case("unsorted", "The entries are not sorted.", raw_zip([entries[0], *entries[:0:-1]]))
    yield _case(
        "no_statement",
        "There is no statement.",
        raw_zip([e for e in entries if e.name != STATEMENT_ENTRY.encode()]),
    )
    names = {
        "path_climbs_out": (b"../outside.txt", "A name climbs out of the folder."),
        "path_absolute": (b"/etc/passwd", "A name is an absolute path."),
        "path_backslash": (b"records\\note.parquet", "A name has a backslash."),
        "path_empty_part": (b"records//note.parquet", "A name has an empty part."),
        "name_case": (b"README.txt", "A name differs from another in case only."),
        "name_normal_form": ("reade\u0301.txt".encode(), "A name has a decomposed accent."),
        "name_zero_byte": (b"readme.txt\x00.exe", "A name has a zero byte."),
    }
    for case, (name, about) in names.items():
        yield _case(case, about, raw_zip([*entries, Entry(name, b"text")]))
