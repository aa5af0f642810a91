"""Which encoding a text file is really in, where ``source.toml`` says another.

Bytes in GB18030 that are read as UTF-8 fail row by row; bytes in UTF-8 that are read as GB18030
mostly don't, and come out as other characters. So the second is looked for before a file is
read, and the first is told when most rows have failed.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final

from schemas.errors import DataError, Where
from schemas.text import Text

_HEAD = 1 << 20
_NAMES: Final = {"utf-8": "UTF-8", "gb18030": "GB18030", "utf-16": "UTF-16"}
_CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
_CERTAIN = 4
"""Characters of Chinese that come out of a text that is all valid UTF-8: GBK's byte pairs give
one by chance, hardly four and nothing that is invalid."""


def head_of(path: Path) -> bytes:
    """As much of a file as its encoding is told by."""
    with path.open("rb") as handle:
        return handle.read(_HEAD)


def certainly_other(head: bytes, declared: str) -> str | None:
    """The encoding that ``head`` is in beyond doubt, if that is not ``declared``."""
    wide = utf16_of(head) is not None
    if declared == "utf-16":
        return None if wide or b"\0" in head or len(head) < _CERTAIN else _plain(head)
    if wide:
        return "utf-16"
    if declared in ("gb18030", "gbk"):
        text = _decoded(head, "utf-8")
        if text is not None and (
            text.startswith("\ufeff") or len(_CHINESE.findall(text)) >= _CERTAIN
        ):
            return "utf-8"
    return None


def likely_other(head: bytes, declared: str) -> str | None:
    """What ``head`` may be in, now that it is hardly ``declared``; None if nothing fits."""
    certain = certainly_other(head, declared)
    if certain is not None:
        return certain
    known = "gb18030" if declared == "gbk" else declared.removesuffix("-sig")
    fitting = (e for e in ("utf-8", "gb18030") if e != known and _decoded(head, e) is not None)
    return next(fitting, None)


def utf16_of(head: bytes, at_least: int = _CERTAIN) -> str | None:
    """``utf-16-le`` or ``utf-16-be`` by its mark, or by where its zero bytes are; else None."""
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return name
    sample = head[:4096]
    high, low = sample[0::2].count(0), sample[1::2].count(0)
    # Commas, digits and line ends have a zero byte each, always on the same side.
    if max(high, low) < max(at_least, len(sample) // 20):
        return None
    if low > 10 * high:
        return "utf-16-le"
    return "utf-16-be" if high > 10 * low else None


def wrong_encoding(seen: str, declared: str, where: Where) -> DataError:
    """The file as a whole is in another encoding than ``source.toml`` says."""
    name = _NAMES[seen]
    return DataError(
        Text(
            en=f"the file looks like {name}, source.toml says {declared}",
            zh=f"文件看起来是 {name} 编码，而 source.toml 设为 {declared}",
        ),
        where=where,
        hint=Text(
            en=f'set encoding = "{seen}" under [reader]; then hefu backfill --from-landing '
            "reads it again",
            zh=f'请在 [reader] 下设置 encoding = "{seen}"，再用 hefu backfill --from-landing '
            "重新读取",
        ),
    )


def _plain(head: bytes) -> str | None:
    return next((e for e in ("utf-8", "gb18030") if _decoded(head, e) is not None), None)


def _decoded(head: bytes, encoding: str) -> str | None:
    """The text, without a last character that was cut; None if a byte does not fit."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None
