"""The ZIP that an XLSX or ODS workbook is: its parts, each unpacked within a bound."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO
from xml.parsers import expat

from connectors.formats.xml_parser import XmlError, feed, local, strict_parser
from connectors.formats.xml_text import utf8_chunks
from schemas.errors import DataError, Where
from schemas.text import Text

# What a library raises on its way through a binary file that isn't what it says.
FOREIGN_FAULTS = (
    struct.error,
    zlib.error,
    expat.ExpatError,
    LookupError,
    ValueError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    TypeError,
    RuntimeError,  # also of what a library has not built, and of nesting without end
    EOFError,
    OSError,
)
Element = tuple[str, dict[str, str]]
"""A local name and its attributes by local name."""


SMALL_PART_BYTES = 32 << 20
"""Of what is not rows: formats, names of sheets. Half a megabyte can unpack to a minute of them."""
MAX_DEPTH = 100
"""Elements inside each other; a workbook's own are a dozen deep."""


class Package:
    """Opened once, read part by part. ``max_part_bytes`` bounds each part's unpacked size."""

    def __init__(self, path: Path, where: Where, max_part_bytes: int) -> None:
        self.where = where
        self._max = max_part_bytes
        self._parts: set[IO[bytes]] = set()
        with self._minding():
            self._zip = zipfile.ZipFile(path)
        names = self._zip.namelist()
        self.names = frozenset(names)
        if len(self.names) < len(names):
            self.close()
            raise damaged(where, Text(en="two parts have one name", zh="有两个同名的部件"))

    def close(self) -> None:
        """Also the parts that somebody stopped reading half-way."""
        for part in self._parts:
            part.close()
        self._zip.close()

    def size(self, name: str) -> int:
        """Unpacked, in bytes, as the directory says; unpacking never gives more."""
        return self._zip.getinfo(name).file_size

    def chunks(self, name: str) -> Generator[bytes, None, None]:
        """A part as UTF-8. Raises :class:`DataError` if it isn't there, too large or damaged."""
        if name not in self.names:
            raise damaged(self.where, Text(en="a part is missing", zh="缺少部件"))
        if self.size(name) > self._max:
            raise too_large(self.where, self._max)
        with self._minding(), self._zip.open(name) as handle:
            self._parts.add(handle)
            yield from utf8_chunks(handle, "utf-8")
        self._parts.discard(handle)

    def elements(self, name: str) -> Iterator[tuple[str, Element]]:
        """Start tags of a small part in their order, each with the local name of its parent."""
        if name in self.names and self.size(name) > SMALL_PART_BYTES:
            raise too_large(self.where, SMALL_PART_BYTES)
        parser, path, found = strict_parser(), [""], list[tuple[str, Element]]()

        def start(tag: str, attributes: dict[str, str]) -> None:
            here = local(tag)
            found.append((path[-1], (here, {local(n): v for n, v in attributes.items()})))
            path.append(here)

        parser.StartElementHandler = start
        parser.EndElementHandler = lambda _tag: path.pop()
        for _ in self.fed(parser, name, lambda: len(path)):
            yield from found
            found.clear()

    def fed(
        self, parser: expat.XMLParserType, name: str, depth: Callable[[], int]
    ) -> Iterator[None]:
        """Parse a part with ``parser``, coming back after each chunk. ``depth``: how many
        elements are open, for each of which the parser keeps a hundred times its bytes."""
        try:
            with closing(self.chunks(name)) as chunks:
                for _ in feed(parser, chunks):
                    if depth() > MAX_DEPTH:
                        raise damaged(
                            self.where,
                            Text(en="a part is nested too deep", zh="部件内的元素嵌套过深"),
                        )
                    yield
        except XmlError as error:
            raise damaged(self.where, error.message) from error

    @contextmanager
    def _minding(self) -> Iterator[None]:
        try:
            yield
        # RuntimeError: a part has a password of its own, or is packed in a way that zipfile lacks
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise damaged(self.where, _ZIP) from error


_ZIP = Text(en="it is cut off or its ZIP is damaged", zh="文件被截断或 ZIP 结构损坏")


def damaged(where: Where, why: Text) -> DataError:
    """The workbook as a whole can't be read."""
    return DataError(
        Text(
            en=f"the workbook can't be read: {why.en}",
            zh=f"无法读取该表格文件：{why.zh}",
        ),
        where=where,
        hint=Text(
            en="open it in Excel or WPS, save it as .xlsx and have it sent again",
            zh="请用 Excel 或 WPS 打开，另存为 .xlsx 后重新报送",
        ),
    )


def too_large(where: Where, limit: int) -> DataError:
    """A part unpacks to more than it may."""
    return DataError(
        Text(
            en=f"a part of the workbook unpacks to more than {limit} bytes",
            zh=f"表格文件的某个部件解压后超过 {limit} 字节",
        ),
        where=where,
        hint=Text(
            en="if the workbook is right, raise max_unpacked_bytes or max_document_bytes",
            zh="确认文件无误后，可调大 max_unpacked_bytes 或 max_document_bytes",
        ),
    )
