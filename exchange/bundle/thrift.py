"""Reading Thrift's compact protocol, as Parquet's footer and page headers are written in it.

Arrow's own reader of these is not asked first: it allocates what they declare, and some
footers that contradict themselves end the whole process (Arrow 26: an uncaught C++ exception
from ``FileMetaData.row_group``). What may stand in a structure is given by a ``Spec``; any
other field, and a field of another type, is refused, so that there is nothing that a second
reader could understand otherwise. Specification: ``thrift-compact-protocol.md`` of Apache
Thrift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Spec: TypeAlias = "dict[int, Kind]"
Kind: TypeAlias = "Literal['bool', 'i8', 'i16', 'i32', 'i64', 'binary'] | ListOf | Spec"
Struct: TypeAlias = dict[int, Any]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one kind of element."""

    of: Kind


_TRUE, _FALSE, _LIST, _STRUCT = 1, 2, 9, 12
_CODES = {"i8": 3, "i16": 4, "i32": 5, "i64": 6, "binary": 8}
_BITS = {"i16": 16, "i32": 32, "i64": 64}


class ThriftError(ValueError):
    """The bytes are not what the protocol and the specification allow."""


class Reader:
    """Reads from ``data[position:end]``; ``position`` moves on."""

    def __init__(self, data: memoryview, position: int, end: int) -> None:
        self._data, self.position, self._end = data, position, end

    def struct(self, spec: Spec) -> Struct:
        """Field id to value. Raises ``ThriftError``."""
        fields: Struct = {}
        last = 0
        while head := self._byte():
            code, delta = head & 0x0F, head >> 4
            last = last + delta if delta else self._number("i16")
            if last in fields or last not in spec:
                raise ThriftError(f"field {last} is doubled or not allowed")
            kind = spec[last]
            if kind == "bool":
                if code not in (_TRUE, _FALSE):
                    raise ThriftError(f"field {last} has another type")
                fields[last] = code == _TRUE
            else:
                self._check_code(code, kind)
                fields[last] = self._value(kind)
        return fields

    def _byte(self) -> int:
        if self.position >= self._end:
            raise ThriftError("runs over its end")
        self.position += 1
        return self._data[self.position - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
            shift += 7
            if shift > 63:
                raise ThriftError("a number too long")
        return value

    def _number(self, kind: str) -> int:
        raw = self._varint()
        value = (raw >> 1) ^ -(raw & 1)
        if raw >> _BITS[kind]:
            raise ThriftError("a number too large for its type")
        return value

    def _check_code(self, code: int, kind: Kind) -> None:
        if isinstance(kind, dict):
            expected = _STRUCT
        elif isinstance(kind, ListOf):
            expected = _LIST
        else:
            expected = _CODES[kind]
        if code != expected:
            raise ThriftError("a value has another type")

    def _value(self, kind: Kind) -> Any:
        if isinstance(kind, dict):
            return self.struct(kind)
        if isinstance(kind, ListOf):
            return self._list(kind.of)
        if kind == "i8":
            return self._byte()
        if kind == "binary":
            length = self._length()
            self.position += length
            return bytes(self._data[self.position - length : self.position])
        return self._number(kind)

    def _length(self) -> int:
        length = self._varint()
        if length > self._end - self.position:
            raise ThriftError("a length runs over the end")
        return length

    def _list(self, kind: Kind) -> list[Any]:
        head = self._byte()
        length = head >> 4
        if length == 15:
            length = self._length()
        self._check_code(head & 0x0F, kind)
        return [self._value(kind) for _ in range(length)]
