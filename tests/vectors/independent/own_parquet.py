"""Section 8: tables in Parquet, of which pyarrow sees only what was checked here."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

from own_refusal import GIB, MIB, RefusedError, need


class Thrift:
    """The compact protocol. A spec maps field numbers to kinds; nothing else may stand there."""

    CODES = {"i8": 3, "i16": 4, "i32": 5, "i64": 6, "bytes": 8}  # noqa: RUF012
    BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}  # noqa: RUF012

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def byte(self) -> int:
        need("table", self.at < self.end, "beyond the end")
        self.at += 1
        return self.data[self.at - 1]

    def varint(self, bits: int = 64) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            need("table", shift < 70, "a number too long")
        need("table", value >> bits == 0, "a number too large")
        return value

    def struct(self, spec: dict[int, Any]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        last = 0
        while head := self.byte():
            if head >> 4:
                last += head >> 4
            else:
                raw = self.varint(16)
                last = (raw >> 1) ^ -(raw & 1)
            need("table", last in spec and last not in found, f"field {last}")
            found[last] = self.value(spec[last], head & 15)
        return found

    def value(self, kind: Any, code: int) -> Any:
        if kind == "bool":
            need("table", code in (1, 2), "no boolean")
            return code == 1
        if isinstance(kind, dict):
            need("table", code == 12, "no structure")
            return self.struct(kind)
        if isinstance(kind, list):
            need("table", code == 9, "no list")
            head = self.byte()
            size = self.varint() if head >> 4 == 15 else head >> 4
            need("table", size <= self.end - self.at, "a list too long")
            of = 12 if isinstance(kind[0], dict) else self.CODES[kind[0]]
            need("table", head & 15 == of, "a list of another type")
            return [self.value(kind[0], head & 15) for _ in range(size)]
        need("table", code == self.CODES[kind], "another type")
        if kind == "bytes":
            size = self.varint()
            need("table", size <= self.end - self.at, "a text too long")
            self.at += size
            return self.data[self.at - size : self.at]
        raw = self.varint(self.BITS[kind])
        return (raw >> 1) ^ -(raw & 1)


LOGICAL = {1: {}, 3: {}, 5: {1: "i32", 2: "i32"}, 6: {}, 8: {1: "bool", 2: {2: {}}}}
ELEMENT = {
    1: "i32",
    2: "i32",
    3: "i32",
    4: "bytes",
    5: "i32",
    6: "i32",
    7: "i32",
    8: "i32",
    10: LOGICAL,
}
COLUMN_META = {
    1: "i32", 2: ["i32"], 3: ["bytes"], 4: "i32", 5: "i64", 6: "i64", 7: "i64", 9: "i64",
    11: "i64", 13: [{1: "i32", 2: "i32", 3: "i32"}], 16: {1: "i64", 2: ["i64"], 3: ["i64"]},
}  # fmt: skip
GROUP = {1: [{2: "i64", 3: COLUMN_META}], 2: "i64", 3: "i64", 5: "i64", 6: "i64", 7: "i16"}
FILE = {1: "i32", 2: [ELEMENT], 3: "i64", 4: [GROUP], 6: "bytes", 7: [{1: {}}]}
PAGE = {
    1: "i32", 2: "i32", 3: "i32", 4: "i32",
    5: {1: "i32", 2: "i32", 3: "i32", 4: "i32", 5: {}}, 7: {1: "i32", 2: "i32", 3: "bool"},
}  # fmt: skip
PLAIN_TYPES: list[tuple[dict[int, Any], str]] = [
    ({1: 0}, "BOOLEAN"),
    ({1: 2}, "BIGINT"),
    ({1: 1, 6: 6, 10: {6: {}}}, "DATE"),
    ({1: 2, 6: 10, 10: {8: {1: True, 2: {2: {}}}}}, "TIMESTAMPTZ"),
    ({1: 6, 6: 0, 10: {1: {}}}, "VARCHAR"),
]


@dataclass(frozen=True)
class Leaf:
    name: str
    type: str
    physical: int
    path: tuple[bytes, ...]
    is_list: bool = False


@dataclass(frozen=True)
class Footer:
    leaves: tuple[Leaf, ...]
    rows: int
    groups: list[Any] = field(default_factory=list)


def read_footer(data: bytes) -> Footer:
    step = "table"
    need(step, len(data) >= 12 and data[:4] == data[-4:] == b"PAR1", "no Parquet file")
    end = len(data) - 8
    start = end - int.from_bytes(data[-8:-4], "little")
    need(step, start >= 4, "a footer longer than the file")
    thrift = Thrift(data, start, end)
    meta = thrift.struct(FILE)
    need(step, thrift.at == end, "bytes after the footer")
    try:
        leaves = read_schema(meta[2])
        need(step, meta[1] in (1, 2), "another version")
        orders = meta.get(7, [{1: {}}] * len(leaves))
        need(step, orders == [{1: {}}] * len(leaves), "another order of columns")
        need(step, 0 <= meta[3] <= 50_000_000 and len(leaves) <= 400, "too many")
        need(step, len(meta[4]) <= 4096, "too many row groups")
        walk_chunks(data, start, leaves, meta)
    except (KeyError, IndexError):
        raise RefusedError(step, "something is missing in the footer") from None
    return Footer(tuple(leaves), meta[3])


def read_schema(elements: list[dict[int, Any]]) -> list[Leaf]:
    step = "table"
    root = elements[0]
    need(step, set(root) <= {3, 4, 5} and root.get(3, 0) == 0, "another root")
    leaves, at = [], 1
    for _ in range(root[5]):
        element = elements[at]
        at += 1
        need(step, element.get(3) == 1, "a column that is not nullable")
        if 5 in element:
            outer = {k: v for k, v in element.items() if k != 4}
            need(step, outer == {3: 1, 5: 1, 6: 3, 10: {3: {}}}, "another nesting")
            need(step, elements[at] == {3: 2, 4: b"list", 5: 1}, "another nesting")
            inner = elements[at + 1]
            at += 2
            need(step, inner[4] == b"element" and inner.get(3) == 1 and 5 not in inner, "element")
            kind = f"{type_of(inner)}[]"
            path = (element[4], b"list", b"element")
            leaves.append(Leaf(element[4].decode("utf-8", "replace"), kind, inner[1], path, True))
        else:
            name = element[4].decode("utf-8", "replace")
            leaves.append(Leaf(name, type_of(element), element[1], (element[4],)))
    need(step, at == len(elements) and root[5] >= 0, "another number of columns")
    return leaves


def type_of(element: dict[int, Any]) -> str:
    told = {k: v for k, v in element.items() if k not in (3, 4)}
    for shape, kind in PLAIN_TYPES:
        if told == shape:
            return kind
    if told[1] == 7:
        size, scale, precision = told[2], told[7], told[8]
        expected = {1: 7, 2: size, 6: 5, 7: scale, 8: precision, 10: {5: {1: scale, 2: precision}}}
        if told == expected and 1 <= size <= 16 and 0 <= scale <= precision <= 38:
            return f"DECIMAL({precision},{scale})"
    raise RefusedError("table", "a type that the format does not have")


def walk_chunks(data: bytes, footer: int, leaves: list[Leaf], meta: dict[int, Any]) -> None:
    step, position, rows, unpacked = "table", 4, 0, 0
    for at, group in enumerate(meta[4]):
        need(step, len(group[1]) == len(leaves) and group.get(7, at) == at, "another row group")
        need(step, group[3] >= 0, "a negative number of rows")
        rows += group[3]
        for column, leaf in zip(group[1], leaves, strict=True):
            chunk = column[3]
            need(step, chunk[1] == leaf.physical and tuple(chunk[3]) == leaf.path, "another column")
            need(step, chunk[4] == 6 and set(chunk[2]) <= {0, 2, 3, 8}, "compression, encoding")
            histograms = chunk.get(16, {})
            for number, greatest in ((2, leaf.is_list), (3, 3 if leaf.is_list else 1)):
                need(step, len(histograms.get(number, [])) in (0, greatest + 1), "levels")
            walk_pages(data, position, footer, chunk, leaf, group[3])
            position += chunk[7]
            unpacked += chunk[6]
    need(step, position == footer, "bytes that belong to no page")
    need(step, rows == meta[3] and unpacked <= 16 * GIB, "numbers of rows")


def walk_pages(
    data: bytes, position: int, footer: int, chunk: dict[int, Any], leaf: Leaf, rows: int
) -> None:
    step, end = "table", position + chunk[7]
    need(step, position <= end <= footer, "a chunk beyond the footer")
    dictionary = chunk.get(11)
    need(step, dictionary is None or not leaf.is_list, "a list with a dictionary")
    if dictionary is not None:
        need(step, dictionary == position, "the dictionary is elsewhere")
    else:
        need(step, chunk[9] == position, "the data is elsewhere")
    values = unpacked = pages = 0
    while position < end:
        thrift = Thrift(data, position, min(end, position + 256))
        page = thrift.struct(PAGE)
        need(step, {1, 2, 3, 4} <= set(page) and page[1] in (0, 2), "a page header")
        need(step, 0 <= page[2] <= 16 * MIB, "a page's size")
        need(step, 0 <= page[3] <= end - thrift.at, "a page's compressed size")
        packed = data[thrift.at : thrift.at + page[3]]
        need(step, zlib.crc32(packed) == page[4] & 0xFFFFFFFF, "a page's checksum")
        is_dictionary = dictionary is not None and pages == 0
        need(step, (page[1] == 2) == is_dictionary, "a dictionary, or none")
        details = page.get(7 if is_dictionary else 5, {})
        count = details.get(1, -1)
        need(step, count >= 0, "a number of values")
        if is_dictionary:
            need(step, page[2] <= MIB and count <= page[2], "a dictionary too large")
        else:
            first = pages == (dictionary is not None)
            need(step, not first or chunk[9] == position, "the data is elsewhere")
            values += count
        unpacked += thrift.at - position + page[2]
        position = thrift.at + page[3]
        pages += 1
    need(step, values == chunk[5], "a number of values")
    need(step, rows <= values <= rows * (64 if leaf.is_list else 1), "values per row")
    need(step, unpacked == chunk[6] <= 512 * MIB, "uncompressed size")


def decode(data: bytes, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    seen = 0
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        for batch in file.iter_batches():
            batch.validate(full=True)
            seen += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RefusedError("table", f"unreadable: {error}") from None
    need("table", seen == rows, "another number of rows")
