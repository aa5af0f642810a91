"""Text files as DuckDB can take them: strictly valid UTF-8 without NUL or endless lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from connectors.disk import minding_a_full_disk
from connectors.formats.encodings import head_of, utf16_of

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """What a first look at a file says.

    ``lines`` counts newlines, and a last line without one. ``delimiters`` counts them also
    inside quotes, ``outside`` only outside; None where that would take long. ``returns``:
    newlines are CRLF, at least some of them.
    """

    lines: int
    delimiters: int
    outside: int | None
    returns: bool


def newline_of(path: Path) -> bytes:
    """LF, also for CRLF; CR for a file that shows no LF in its first MiB."""
    with path.open("rb") as handle:
        head = handle.read(_CHUNK)
    return b"\r" if b"\r" in head and b"\n" not in head else b"\n"


def shape_of(
    path: Path, newline: bytes, delimiter: bytes, quote: bytes, max_bytes: int
) -> Shape | None:
    """The file's shape, or None if a byte, NUL, long line or lone CR needs a closer look."""
    lines, delimiters, returns, last = 0, 0, False, newline
    outside = _Outside(delimiter, quote)
    try:
        with path.open("rb") as handle:
            for block in _blocks(handle, newline, max_bytes):
                if b"\0" in block:
                    return None
                block.decode("utf-8")
                if newline != b"\r" and b"\r" in block:
                    returns = True
                    if block.count(b"\r") != block.count(b"\r\n"):
                        return None  # DuckDB would drop one that stands alone
                here = block.count(newline)
                outside.add(block, here)
                lines += here
                delimiters += block.count(delimiter)
                last = block[-1:]
    except (UnicodeDecodeError, OverflowError):
        return None
    return Shape(lines + (last != newline), delimiters, outside.count, returns)


@dataclass(slots=True)
class _Outside:
    """Counts delimiters outside quotes by cutting at every quote: quick where they are few."""

    delimiter: bytes
    quote: bytes
    count: int | None = 0
    _within: int = 0

    def add(self, block: bytes, lines: int) -> None:
        if self.count is None:
            return
        if not self.quote:
            self.count += block.count(self.delimiter)
        elif block.count(self.quote) > 8 * lines:
            self.count = None
        else:
            parts = block.split(self.quote)
            self.count += b"".join(parts[self._within :: 2]).count(self.delimiter)
            self._within ^= (len(parts) - 1) & 1


def transcode(path: Path, encoding: str, target: Path, newline: bytes, max_bytes: int) -> bool:
    """Write ``path`` as UTF-8 to ``target``; False if a byte doesn't belong to ``encoding``.

    For encodings in which a newline byte is always a newline: GB18030, GBK, ASCII's kin.
    """
    try:
        with path.open("rb") as source, target.open("wb") as out:
            for block in _blocks(source, newline, max_bytes):
                text = block.decode(encoding).encode("utf-8")
                with minding_a_full_disk(target.parent):
                    out.write(text)
    except (UnicodeDecodeError, OverflowError):
        return False
    return True


def from_utf16(path: Path, target: Path) -> None:
    """Write ``path`` as UTF-8; what is no character becomes bytes that are no UTF-8 either.

    UTF-16 can't be cut at a newline byte, so all that follows works on this copy. Without a
    mark at its beginning the order of its bytes is told by where the zero bytes are.
    """
    order = utf16_of(head_of(path), at_least=1) or "utf-16-le"
    decoder = codecs.getincrementaldecoder(order)("surrogatepass")
    with path.open("rb") as source, target.open("wb") as out:
        while chunk := source.read(_CHUNK):
            with minding_a_full_disk(target.parent):
                out.write(decoder.decode(chunk).encode("utf-8", "surrogatepass"))
        pending, _ = decoder.getstate()
        if pending:  # half a character at the end
            out.write(b"\xff" * len(pending))


def _blocks(handle: BinaryIO, newline: bytes, max_bytes: int) -> Iterator[bytes]:
    """Blocks that end at a newline. Raises :class:`OverflowError` for a line past the bound."""
    rest = b""
    while chunk := handle.read(_CHUNK):
        end = chunk.rfind(newline) + 1
        if not end:
            rest += chunk
            if len(rest) > max_bytes:
                raise OverflowError
            continue
        yield rest + chunk[:end]
        rest = chunk[end:]
    if rest:
        yield rest
