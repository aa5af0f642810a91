"""Bytes of an XML document as UTF-8, whatever encoding it is in.

The byte order mark tells, then the declaration, then ``reader.encoding``. Expat itself knows
only UTF-8, UTF-16 and Latin-1, so the text is decoded here and the declaration ignored there.
A byte that does not belong to the encoding becomes :data:`BAD`, a character that no text may
hold: the record that has it is told from the others.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

from connectors.formats.encodings import certainly_other
from connectors.formats.xml_parser import XmlError
from schemas.text import Text

BAD = "\ufdd0"
_CHUNK = 1 << 16
_HEAD = 256
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
# GB2312 and GBK as they are declared are GB18030 as it is written: its older parts.
_CODECS = {
    "utf-8": "utf-8",
    "ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "big5hkscs": "big5hkscs",
    "iso8859-1": "iso8859-1",
    "cp1252": "cp1252",
    # Said of a text that was in memory once: the bytes at hand begin with ASCII.
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
_LONE = re.compile("[\ud800-\udfff]")


def utf8_chunks(handle: IO[bytes], fallback: str) -> Iterator[bytes]:
    """The document as UTF-8, without a byte order mark. ``fallback``: ``reader.encoding``.

    Raises :class:`XmlError` for an encoding that nobody knows.
    """
    head = handle.read(_HEAD)
    encoding, mark = _encoding(head, "utf-8" if fallback == "utf-8-sig" else fallback)
    # A lone half of a character is no byte that could be escaped: it is passed on as it is.
    wide = encoding.startswith("utf-16")
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass" if wide else "surrogateescape")
    chunk = head[mark:] + handle.read(_CHUNK)
    if not mark and certainly_other(chunk, encoding) == "utf-8":
        raise _in_utf8(encoding)
    while chunk:
        yield _utf8(decoder.decode(chunk))
        chunk = handle.read(_CHUNK)
    rest, _ = decoder.getstate()
    if rest:  # half a character at the end
        yield BAD.encode()


def _encoding(head: bytes, fallback: str) -> tuple[str, int]:
    """Codec, and how many bytes its mark takes."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    for start, name in _UNMARKED:
        if head.startswith(start):
            return name, 0
    found = _DECLARED.match(head)
    if found is None:
        return ("utf-16-le" if fallback == "utf-16" else fallback), 0
    declared = found[1].decode("ascii")
    try:
        return _CODECS[codecs.lookup(declared).name], 0
    except (LookupError, ValueError) as error:
        raise XmlError(
            Text(
                en=f"the XML declares the encoding {declared[:40]!r}, which is not known",
                zh=f"XML 声明的编码 {declared[:40]!r} 不受支持",
            )
        ) from error


def _in_utf8(said: str) -> XmlError:
    return XmlError(
        Text(
            en=f"the XML says that it is in {said.upper()}, and is in UTF-8",
            zh=f"XML 声明的编码为 {said.upper()}，实际是 UTF-8",
        )
    )


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _LONE.sub(BAD, text).encode("utf-8")
