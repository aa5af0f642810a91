"""One strict XML parser for all XML that comes from outside: records, and the parts of workbooks.

A document type declaration is refused as such, so that nothing can declare an entity: no
expansion (billion laughs, quadratic blow-up), nothing fetched (external entities, DTDs). Text
comes in pieces and a tag may not grow without end, so memory does not follow the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.parsers import expat

from schemas.text import Text

_MAX_TOKEN = 4 << 20
MAX_DEPTH = 1 << 18
"""Elements inside each other. Each costs the parser some 300 bytes, a hundred times its own."""
_CUT_OFF = {
    expat.errors.codes[name]
    for name in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}


class XmlError(ValueError):
    """The bytes are no XML that may be read. ``cut_off``: nothing is wrong but that they end."""

    def __init__(self, message: Text, *, cut_off: bool = False) -> None:
        super().__init__(message.en)
        self.message = message
        self.cut_off = cut_off


def strict_parser() -> expat.XMLParserType:
    """A parser of UTF-8, whatever the declaration says. Names come as ``namespace}local``."""
    parser = expat.ParserCreate("utf-8", "}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(name: str, *_: object) -> None:
    if name.lower() == "html":
        raise XmlError(Text(en="this is HTML, not XML", zh="收到的是 HTML，不是 XML"))
    raise XmlError(
        Text(
            en="the XML holds a document type declaration (DTD), which is never read",
            zh="XML 中含有文档类型声明（DTD），一律不予读取",
        )
    )


def too_deep() -> XmlError:
    return XmlError(
        Text(
            en=f"the XML is nested more than {MAX_DEPTH} deep",
            zh=f"XML 嵌套超过 {MAX_DEPTH} 层",
        )
    )


def local(name: str) -> str:
    """``namespace}local`` without its namespace."""
    return name.rpartition("}")[2]


def feed(
    parser: expat.XMLParserType, chunks: Iterable[bytes], max_token: int = _MAX_TOKEN
) -> Iterator[None]:
    """Parse ``chunks`` of UTF-8, coming back after each. ``max_token``: bytes of one tag, which
    expat keeps and looks at again with each chunk. Raises :class:`XmlError`."""
    fed = 0
    for chunk in chunks:
        fed += len(chunk)
        _parse(parser, chunk, final=False)
        if fed - parser.CurrentByteIndex > max_token + len(chunk):
            raise XmlError(
                Text(
                    en=f"one tag or comment of the XML is longer than {max_token} bytes",
                    zh=f"XML 中有一个标签或注释超过 {max_token} 字节",
                )
            )
        yield
    if fed == 0:
        raise XmlError(Text(en="the file is empty", zh="文件是空的"), cut_off=True)
    _parse(parser, b"", final=True)
    yield


def _parse(parser: expat.XMLParserType, data: bytes, *, final: bool) -> None:
    try:
        parser.Parse(data, final)
    except expat.ExpatError as error:
        raise _told(error, final=final) from error


def _told(error: expat.ExpatError, *, final: bool) -> XmlError:
    at, column = error.lineno, error.offset + 1
    if final and error.code in _CUT_OFF:
        return XmlError(
            Text(en=f"the XML is cut off in line {at}", zh=f"XML 在第 {at} 行处被截断"),
            cut_off=True,
        )
    # Expat's own words never quote the document.
    why = expat.errors.messages.get(error.code, "").replace("&", "and") or expat.ErrorString(
        error.code
    )
    return XmlError(
        Text(
            en=f"the XML is broken in line {at}, column {column} ({why})",
            zh=f"XML 第 {at} 行第 {column} 列有错误（{why}）",
        )
    )
