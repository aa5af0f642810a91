"""The footer of a bundle's Parquet file, read by ourselves and held against the format.

Only what ``exchange/FORMAT.md`` allows may stand in it (``parquet.thrift``, structures
``FileMetaData``, ``SchemaElement``, ``RowGroup``, ``ColumnChunk``, ``ColumnMetaData``,
``SizeStatistics``): flat nullable columns and lists of them, ZSTD, no statistics of values,
no indexes, no key-value metadata, nothing outside of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exchange.bundle.thrift import ListOf, Reader, Spec, Struct, ThriftError
from exchange.limits import DEFAULT_LIMITS, Limits

MAGIC = b"PAR1"
_ZSTD = 6
_ENCODINGS = {0, 2, 3, 8}  # PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY
_REQUIRED, _OPTIONAL, _REPEATED = 0, 1, 2

_TIME_UNIT: Spec = {2: {}}
_LOGICAL_TYPE: Spec = {
    1: {},
    3: {},
    5: {1: "i32", 2: "i32"},
    6: {},
    8: {1: "bool", 2: _TIME_UNIT},
}
_SCHEMA_ELEMENT: Spec = {
    1: "i32",
    2: "i32",
    3: "i32",
    4: "binary",
    5: "i32",
    6: "i32",
    7: "i32",
    8: "i32",
    10: _LOGICAL_TYPE,
}
_COLUMN_META: Spec = {
    1: "i32",
    2: ListOf("i32"),
    3: ListOf("binary"),
    4: "i32",
    5: "i64",
    6: "i64",
    7: "i64",
    9: "i64",
    11: "i64",
    13: ListOf({1: "i32", 2: "i32", 3: "i32"}),
    16: {1: "i64", 2: ListOf("i64"), 3: ListOf("i64")},
}
_ROW_GROUP: Spec = {
    1: ListOf({2: "i64", 3: _COLUMN_META}),
    2: "i64",
    3: "i64",
    5: "i64",
    6: "i64",
    7: "i16",
}
_FILE: Spec = {
    1: "i32",
    2: ListOf(_SCHEMA_ELEMENT),
    3: "i64",
    4: ListOf(_ROW_GROUP),
    6: "binary",
    7: ListOf({1: {}}),
}


class FooterError(ValueError):
    """The footer is not what the format allows."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column as it is stored: its path, physical type and whether it is a list's."""

    path: tuple[bytes, ...]
    physical_type: int
    is_list: bool

    @property
    def levels(self) -> tuple[int, int]:
        """Greatest repetition and definition level."""
        return (1, 3) if self.is_list else (0, 1)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One column of one row group. Sizes are bytes, offsets from the start of the file."""

    leaf: Leaf
    num_values: int
    unpacked_size: int
    packed_size: int
    data_offset: int
    dictionary_offset: int | None

    @property
    def start(self) -> int:
        if self.dictionary_offset is None:
            return self.data_offset
        return min(self.data_offset, self.dictionary_offset)


@dataclass(frozen=True, slots=True)
class RowGroup:
    num_rows: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Footer:
    """What a footer says, and where it begins."""

    start: int
    num_rows: int
    leaves: tuple[Leaf, ...]
    groups: tuple[RowGroup, ...]


def read_footer(data: memoryview, limits: Limits = DEFAULT_LIMITS) -> Footer:
    """Raises ``FooterError``. Sizes and offsets are still claims: ``exchange.bundle.pages``."""
    if len(data) < 12 or not bytes(data[:4]) == bytes(data[-4:]) == MAGIC:
        raise FooterError("no Parquet file")
    end = len(data) - 8
    start = end - int.from_bytes(data[-8:-4], "little")
    if start < 4:
        raise FooterError("a footer longer than the file")
    if end - start > limits.footer_size:
        raise FooterError(f"a footer of more than {limits.footer_size} bytes")
    reader = Reader(data, start, end)
    try:
        meta = reader.struct(_FILE)
        if reader.position != end:
            raise FooterError("bytes after the footer")
        return _footer(meta, start)
    except ThriftError as error:
        raise FooterError(str(error)) from None
    except (KeyError, StopIteration) as error:
        raise FooterError(f"something missing ({type(error).__name__})") from None


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise FooterError(what)


def _footer(meta: Struct, start: int) -> Footer:
    elements = iter(meta[2])
    root = next(elements)
    _require(set(root) <= {3, 4, 5}, "another root of the schema")
    _require(0 <= root[5] < len(meta[2]), "another number of columns")
    leaves = tuple([_leaf(elements) for _ in range(root[5])])
    _require(next(elements, None) is None, "another number of columns")
    _require(root.get(3, _REQUIRED) == _REQUIRED, "another root of the schema")
    _require(meta[1] in (1, 2), "another version")
    _require(all(meta.get(7, [{1: {}}])), "another order of columns")
    _require(len(meta.get(7, leaves)) == len(leaves), "another number of column orders")
    groups = tuple(_group(group, leaves, at) for at, group in enumerate(meta[4]))
    return Footer(start, meta[3], leaves, groups)


def _leaf(elements: Iterator[Struct]) -> Leaf:
    """The next column: one element, or the three of a list."""
    element = next(elements)
    if 5 not in element:
        return Leaf((element[4],), _physical_type(element), is_list=False)
    outer = {k: v for k, v in element.items() if k != 4}
    _require(outer == {3: _OPTIONAL, 5: 1, 6: 3, 10: {3: {}}}, "another nesting than a list")
    _require(next(elements) == {3: _REPEATED, 4: b"list", 5: 1}, "another nesting than a list")
    inner = next(elements)
    _require(5 not in inner and inner[4] == b"element", "another nesting than a list")
    return Leaf((element[4], b"list", b"element"), _physical_type(inner), is_list=True)


def _physical_type(element: Struct) -> int:
    """The element's type, if its description is one of those that the format has."""
    described = {k: v for k, v in element.items() if k not in (3, 4)}
    _require(element[3] == _OPTIONAL, "a column that is not nullable")
    physical: int = element[1]
    if physical == 7:
        size, scale, precision = element[2], element[7], element[8]
        _require(1 <= size <= 16 and 0 <= scale <= precision <= 38, "a decimal out of bounds")
        expected: Any = {1: 7, 2: size, 6: 5, 7: scale, 8: precision}
        expected[10] = {5: {1: scale, 2: precision}}
        _require(described == expected, "another type than the format has")
        return physical
    _require(described in _TYPES, "another type than the format has")
    return physical


_TYPES: tuple[Struct, ...] = (
    {1: 0},  # boolean
    {1: 2},  # int64
    {1: 1, 6: 6, 10: {6: {}}},  # date
    {1: 2, 6: 10, 10: {8: {1: True, 2: {2: {}}}}},  # microseconds in UTC
    {1: 6, 6: 0, 10: {1: {}}},  # text
)


def _group(group: Struct, leaves: tuple[Leaf, ...], at: int) -> RowGroup:
    _require(len(group[1]) == len(leaves), "a row group with other columns")
    _require(group.get(7, at) == at, "row groups out of order")
    chunks = tuple(_chunk(c[3], leaf) for c, leaf in zip(group[1], leaves, strict=True))
    return RowGroup(group[3], chunks)


def _chunk(meta: Struct, leaf: Leaf) -> Chunk:
    _require(meta[1] == leaf.physical_type and tuple(meta[3]) == leaf.path, "another column")
    _require(meta[4] == _ZSTD, "another compression than ZSTD")
    _require(set(meta[2]) <= _ENCODINGS, "another encoding")
    sizes = meta.get(16, {})
    for field, level in zip((2, 3), leaf.levels, strict=True):
        _require(len(sizes.get(field, [])) in (0, level + 1), "another number of levels")
    return Chunk(leaf, meta[5], meta[6], meta[7], meta[9], meta.get(11))
