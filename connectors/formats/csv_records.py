r"""CSV records from lines, one by one, for files in which something is wrong.

RFC 4180 with what real files need: records end with LF or CRLF (in a file without any LF,
with CR); blank lines between records are no records; a quote inside an unquoted field is text;
spaces around a quoted field are dropped.

What can't be read becomes a :class:`Reject` of its own line, and reading goes on at the next:

* ``read:quote``: a quote that opens and never closes, or closes in the middle of a field.
  A quoted field may span lines. It is taken as never closed when the file ends first, when it
  grows past every bound, or when an inner line without quotes is by itself a whole record of a
  table of at least :data:`TELLING_COLUMNS` columns: then a quote was forgotten, and the good row
  is saved.
* ``read:columns``: more or fewer fields than the header names.
* ``read:encoding``, ``read:nul``: bytes that don't belong to the encoding; a NUL.
* ``read:oversize``: longer than the bound; the text is cut, its length and SHA-256 are told.
"""

from __future__ import annotations

import csv
import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Literal

from connectors.formats.csv_escapes import EscapedParser
from connectors.formats.raw_table import Reject, printable

TELLING_COLUMNS = 4
_SHOWN = 1000
_CHUNK = 1 << 20
_OPEN = {
    False: "a quote opens and never closes",
    True: "a quote opens and never closes, or a backslash ends a line that nothing continues",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """``quote`` empty: nothing is quoted. ``newline`` is the byte that ends a line. ``escape``
    is a backslash or nothing (:mod:`connectors.formats.csv_escapes`)."""

    delimiter: str
    quote: str
    newline: bytes
    encoding: str
    max_bytes: int
    escape: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether any reader of CSV can read it: one character between fields, a quote of one
        byte, no escapes."""
        return len(self.delimiter) == 1 and self.quote.isascii() and not self.escape


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its newline. ``digest`` is set when it was cut for being too long."""

    text: str
    size: int
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Good:
    """A readable record. ``text`` is its line as any strict reader takes it; None: write anew."""

    row: int
    fields: Sequence[str | None]
    text: str | None


def lines(handle: IO[bytes], dialect: Dialect) -> Iterator[Line]:
    """Decoded lines of ``handle``; bad bytes are kept as lone surrogates (PEP 383)."""
    rest = b""
    while chunk := handle.read(_CHUNK):
        rest += chunk
        *whole, rest = rest.split(dialect.newline)
        for raw in whole:
            yield _line(raw, dialect)
        if len(rest) > dialect.max_bytes:
            line, rest = _cut(rest, handle, dialect)
            yield line
    *whole, rest = rest.split(dialect.newline)
    for raw in whole:
        yield _line(raw, dialect)
    if rest:
        yield _line(rest, dialect)


def _line(raw: bytes, dialect: Dialect) -> Line:
    if len(raw) > dialect.max_bytes:
        head = raw[:_SHOWN].decode(dialect.encoding, "surrogateescape")
        return Line(head, len(raw), hashlib.sha256(raw).hexdigest())
    return Line(raw.decode(dialect.encoding, "surrogateescape"), len(raw))


def _cut(start: bytes, handle: IO[bytes], dialect: Dialect) -> tuple[Line, bytes]:
    """Read a too long line to its end without keeping it."""
    sha256, size, rest = hashlib.sha256(start), len(start), b""
    while chunk := handle.read(_CHUNK):
        here, found, after = chunk.partition(dialect.newline)
        sha256.update(here)
        size += len(here)
        if found:
            rest = after
            break
    head = start[:_SHOWN].decode(dialect.encoding, "surrogateescape")
    return Line(head, size, sha256.hexdigest()), rest


@dataclass(slots=True)
class _Parser:
    """One record in the making. ``feed`` line after line until ``state`` is not open."""

    dialect: Dialect
    fields: list[str] = field(default_factory=list)
    state: Literal["complete", "open", "malformed"] = "complete"
    loose: bool = False  # a quote stands inside an unquoted field
    _open: list[str] | None = None

    def feed(self, line: str) -> None:
        position = 0
        if self._open is not None:
            self._open.append(self.dialect.newline.decode("ascii"))
            position = self._quoted(line, 0)
        while position >= 0:
            start = position
            while self.dialect.quote and line[start : start + 1] == " ":
                start += 1
            if self.dialect.quote and line.startswith(self.dialect.quote, start):
                self._open = []
                position = self._quoted(line, start + 1)
            else:
                position = self._plain(line, position)

    def _plain(self, line: str, start: int) -> int:
        end = line.find(self.dialect.delimiter, start)
        self.state = "complete"
        value = line[start:].removesuffix("\r") if end < 0 else line[start:end]
        self.fields.append(value)
        self.loose = self.loose or (self.dialect.quote != "" and self.dialect.quote in value)
        return -1 if end < 0 else end + len(self.dialect.delimiter)

    def _quoted(self, line: str, start: int) -> int:
        """Position after the field and its delimiter; -1 at the end of the line."""
        assert self._open is not None  # noqa: S101 - for mypy
        while True:
            end = line.find(self.dialect.quote, start)
            if end < 0:
                self._open.append(line[start:])
                self.state = "open"
                return -1
            self._open.append(line[start:end])
            if line.startswith(self.dialect.quote, end + 1):
                self._open.append(self.dialect.quote)
                start = end + 2
                continue
            self.fields.append("".join(self._open))
            self._open = None
            return self._after_quote(line, end + 1)

    def _after_quote(self, line: str, position: int) -> int:
        while line[position : position + 1] == " ":
            position += 1
        if line[position:] in ("", "\r"):
            self.state = "complete"
            return -1
        if line.startswith(self.dialect.delimiter, position):
            return position + len(self.dialect.delimiter)
        self.state = "malformed"
        return -1


class Splitter:
    """Records and rejects of a stream of lines. ``columns`` None: the first record is given
    whatever its number of fields (to read a header)."""

    def __init__(self, source: Iterator[Line], dialect: Dialect, columns: int | None) -> None:
        self._source = source
        self._dialect = dialect
        self._columns = columns
        self._ahead: deque[Line] = deque()
        self._row = 0
        self.lines_used = 0

    def __iter__(self) -> Iterator[Good | Reject]:
        while (line := self._take()) is not None:
            if line.digest is None and line.text in ("", "\r"):
                continue
            self._row += 1
            yield self._record(line)

    def _take(self) -> Line | None:
        line = self._ahead.popleft() if self._ahead else next(self._source, None)
        self.lines_used += line is not None
        return line

    def _record(self, line: Line) -> Good | Reject:
        if line.digest is not None:
            return self._oversize(line.text, line.size, line.digest)
        text = line.text.removesuffix("\r")
        unquoted = not self._dialect.quote or self._dialect.quote not in text
        if unquoted and not (self._dialect.escape and self._dialect.escape in text):
            fields = text.split(self._dialect.delimiter)
            plain = "\r" not in text and (self._dialect.quote or '"' not in text)
            verbatim = text if plain and self._dialect.is_plain else None
            return self._judge(fields, line.text, verbatim)
        ordinary = self._ordinary(text) if self._dialect.is_plain else None
        if ordinary is not None:
            return self._judge(ordinary, line.text, text)
        parser = self._parser()
        parser.feed(line.text)
        if parser.state == "open":
            return self._spanning(line, parser)
        if parser.state == "malformed":
            return self._reject("read:quote", "a quote ends in the middle of a field", line.text)
        return self._judge(parser.fields, line.text, None)

    def _ordinary(self, text: str) -> list[str] | None:
        """Fields of a line that quotes by the book, quickly; None for any other."""
        if f" {self._dialect.quote}" in text or "\r" in text or "\0" in text:
            return None
        try:
            return next(
                csv.reader(
                    (text,),
                    delimiter=self._dialect.delimiter,
                    quotechar=self._dialect.quote,
                    strict=True,
                )
            )
        except csv.Error:
            return None

    def _parser(self) -> _Parser | EscapedParser:
        d = self._dialect
        if d.escape:
            return EscapedParser(d.delimiter, d.quote, d.escape, d.newline.decode("ascii"))
        return _Parser(d)

    def _spanning(self, line: Line, parser: _Parser | EscapedParser) -> Good | Reject:
        """A record whose quoted field goes on in the lines that follow, if it does."""
        used: list[Line] = []
        size, whole_inside = line.size, False
        limit = 8 * self._dialect.max_bytes
        while parser.state == "open":
            following = self._take()
            if following is None:
                return self._never_closed(line, used)
            used.append(following)
            if following.digest is not None or size > limit:
                return self._never_closed(line, used)
            whole = self._is_whole(following.text)
            # A line with quotes in it may as well be the end of one field and the next ones; that
            # a quote was forgotten before it then shows where that quote's field closes.
            telling = whole and self._dialect.quote not in following.text
            if telling and (self._columns or 0) >= TELLING_COLUMNS:
                return self._never_closed(line, used)
            whole_inside = whole_inside or whole
            parser.feed(following.text)
            size += following.size + 1
        wrong = self._columns is not None and len(parser.fields) != self._columns
        if parser.state == "malformed" or (wrong and whole_inside):
            return self._never_closed(line, used)
        newline = self._dialect.newline.decode("ascii")
        text = newline.join([line.text, *(u.text for u in used)])
        if size > self._dialect.max_bytes:
            data = text.encode("utf-8", "surrogateescape")
            return self._oversize(text[:_SHOWN], size, hashlib.sha256(data).hexdigest())
        return self._judge(parser.fields, text, None)

    def _is_whole(self, text: str) -> bool:
        """Whether a line is by itself a record with the right number of fields.

        The end of a field that spans lines (``…end","next"``) would do as one, were it not for
        the quote in its unquoted first field.
        """
        if self._columns is None or text.count(self._dialect.delimiter) + 1 < self._columns:
            return False
        parser = self._parser()
        parser.feed(text)
        fits = parser.state == "complete" and len(parser.fields) == self._columns
        return fits and not parser.loose

    def _never_closed(self, line: Line, used: list[Line]) -> Reject:
        """The line alone is unreadable; those looked at in vain are read again."""
        self._ahead.extendleft(reversed(used))
        self.lines_used -= len(used)
        return self._reject("read:quote", _OPEN[bool(self._dialect.escape)], line.text)

    def _judge(
        self, fields: Sequence[str | None], text: str, verbatim: str | None
    ) -> Good | Reject:
        if "\0" in text:
            return self._reject("read:nul", f"NUL at character {text.index(chr(0)) + 1}", text)
        if self._dialect.escape and any("\0" in (value or "") for value in fields):
            return self._reject("read:nul", "a NUL, written as an escape", text)
        if not text.isascii():
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                detail = f"bytes at character {error.start + 1} are not {self._dialect.encoding}"
                return self._reject("read:encoding", detail, text)
        if self._columns is not None and len(fields) != self._columns:
            detail = f"{len(fields)} columns instead of {self._columns}"
            return self._reject("read:columns", detail, text)
        return Good(self._row, fields, verbatim)

    def _reject(self, rule_id: str, detail: str, text: str) -> Reject:
        return Reject(self._row, rule_id, detail, printable(text.removesuffix("\r")))

    def _oversize(self, head: str, size: int, digest: str) -> Reject:
        detail = f"{size} bytes, more than {self._dialect.max_bytes}; sha256 {digest}"
        return Reject(self._row, "read:oversize", detail, printable(head))
