r"""Records with backslash escapes, as MySQL and PostgreSQL write them into files.

``SELECT … INTO OUTFILE`` puts the backslash before the character itself (a tab, a line break, a
backslash), ``mysql --batch`` and ``COPY … TO`` write a letter for it. Both are read, as
``LOAD DATA`` does: ``\t \n \r \0 \b \f \v \Z`` mean what they mean, a backslash at the end of a
line means that the field goes on in the next, ``\N`` alone is no value at all, and a backslash
before anything else is that character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

_MEANT = {
    "0": "\0",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "Z": "\x1a",
}


@dataclass(slots=True)
class EscapedParser:
    """One record in the making. ``feed`` line after line until ``state`` is not open."""

    delimiter: str
    quote: str
    escape: str
    newline: str
    fields: list[str | None] = field(default_factory=list)
    state: Literal["complete", "open", "malformed"] = "complete"
    loose: bool = False  # a quote stands inside an unquoted field
    _pieces: list[str] = field(default_factory=list)
    _quoted: bool = False
    _raw: str = ""  # what an unquoted field looks like before it is read

    def feed(self, line: str) -> None:
        at = 0
        if self.state == "open":
            self._pieces.append(self.newline)
            self.state = "complete"
        else:
            at = self._begin(line, 0)
        while at >= 0:
            at = self._go_on(line, at)

    def _begin(self, line: str, at: int) -> int:
        self._pieces, self._raw = [], ""
        self._quoted = bool(self.quote) and line.startswith(self.quote, at)
        return at + self._quoted

    def _go_on(self, line: str, at: int) -> int:
        """Position after the next mark; -1 at the end of the line."""
        stop = self.quote if self._quoted else self.delimiter
        found = re.compile(f"{re.escape(stop)}|{re.escape(self.escape)}").search(line, at)
        if found is None:
            return self._to_the_end(line[at:])
        self._take(line[at : found.start()])
        if found[0] == self.escape:
            return self._escaped(line, found.end())
        if not self._quoted:
            self._finish()
            return self._begin(line, found.end())
        return self._after_quote(line, found.end())

    def _to_the_end(self, rest: str) -> int:
        if self._quoted:
            self._pieces.append(rest)
            self.state = "open"
        else:
            self._take(rest.removesuffix("\r"))
            self._finish()
        return -1

    def _escaped(self, line: str, at: int) -> int:
        char = line[at : at + 1]
        if line[at:] in ("", "\r"):
            self._pieces.append(char)
            self.state = "open"
            return -1
        self._raw += self.escape + char
        self._pieces.append(_MEANT.get(char, char))
        return at + 1

    def _after_quote(self, line: str, at: int) -> int:
        if line.startswith(self.quote, at):
            self._pieces.append(self.quote)
            return at + 1
        rest = line[at:].lstrip(" ")
        if rest in ("", "\r"):
            self._finish()
            return -1
        if rest.startswith(self.delimiter):
            self._finish()
            return self._begin(line, len(line) - len(rest) + len(self.delimiter))
        self.state = "malformed"
        return -1

    def _take(self, text: str) -> None:
        self._pieces.append(text)
        if not self._quoted:
            self._raw += text
            self.loose = self.loose or (self.quote != "" and self.quote in text)

    def _finish(self) -> None:
        nothing = not self._quoted and self._raw == self.escape + "N"
        self.fields.append(None if nothing else "".join(self._pieces))
