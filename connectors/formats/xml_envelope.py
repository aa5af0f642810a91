"""What an XML answer says outside its records: how many there are, where the next page is."""

from __future__ import annotations

from typing import IO

from connectors.formats.xml_parser import feed, local, strict_parser
from connectors.formats.xml_records import XmlShape, is_nil, is_step
from connectors.formats.xml_text import utf8_chunks
from connectors.reader_base import Rows

_BLANK = " \t\r\n"


class Leaves(dict[str, str | list[str] | None]):
    """Texts by their path: of the elements outside the records from the root on
    (``answer/head/total``, ``answer/@total``), of a record below it (``party/name``). None for
    ``xsi:nil``; a list where a path comes more than once, so that none is taken for the one."""

    __slots__ = ()


def envelope(handle: IO[bytes], reader: Rows, *, records: bool = True) -> Leaves:
    """Everything of a document but its records; of all of it if it has no ``records``.

    Raises :class:`XmlError`.
    """
    shape = XmlShape.of(reader.records, reader.namespaces, reader.lists, reader.max_record_bytes)
    outside = _Outside(shape.path if records else ())
    parser = strict_parser()
    parser.StartElementHandler = outside.start
    parser.EndElementHandler = outside.end
    parser.CharacterDataHandler = outside.data
    chunks = utf8_chunks(handle, reader.encoding)
    for _ in feed(parser, chunks, max(shape.max_record_bytes, 1 << 20)):
        pass
    return outside.found


class _Outside:
    def __init__(self, records: tuple[str, ...]) -> None:
        self.found = Leaves()
        self._records = records
        self._path: list[str] = []
        self._matched: list[bool] = [True]
        """Whether the element at each depth is on the way to the records."""
        self._texts: list[list[str]] = []
        self._leaf: list[bool] = []
        self._inside = 0
        """Depth inside a record."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._path)
        way = self._matched[-1] and depth < len(self._records)
        way = way and is_step(name, self._records[depth])
        if self._leaf and not self._inside:
            self._leaf[-1] = False
        if self._inside or (way and depth == len(self._records) - 1):
            self._inside += 1
            return
        self._path.append(local(name))
        self._matched.append(way)
        nil = is_nil(attributes)
        self._texts.append([])
        self._leaf.append(not nil)
        here = "/".join(self._path)
        if nil:
            self._note(here, None)
        for attribute, value in attributes.items():
            self._note(f"{here}/@{local(attribute)}", value)

    def end(self, _name: str) -> None:
        if self._inside:
            self._inside -= 1
            return
        here, leaf = "/".join(self._path), self._leaf.pop()
        text = "".join(self._texts.pop()).strip(_BLANK)
        self._path.pop()
        self._matched.pop()
        if leaf or text:
            self._note(here, text)

    def data(self, text: str) -> None:
        if self._texts and not self._inside:
            self._texts[-1].append(text)

    def _note(self, path: str, text: str | None) -> None:
        if path not in self.found:
            self.found[path] = text
            return
        known = self.found[path]
        several = known if isinstance(known, list) else [known or ""]
        self.found[path] = [*several, text or ""]
