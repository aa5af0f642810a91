"""Bytes of an answer or a file to a JSON document and the list of records inside it."""

from __future__ import annotations

from typing import Any

from connectors.formats.jsontext import NotJsonError, at_path, loads
from schemas.errors import DataError, OutsideError, RefusedError, RetryableError, Where
from schemas.text import Text


def decode(data: bytes, encoding: str) -> str:
    """Text of ``data``; bytes that don't belong to the encoding become lone surrogates.

    So a record with a bad byte can be told apart later and the others be read.
    """
    errors = "surrogatepass" if encoding == "utf-16" else "surrogateescape"
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        return data.decode(name, errors)
    except UnicodeDecodeError:
        return data.decode(name, "replace")


def read_document(data: bytes, encoding: str, where: Where) -> Any:
    """Parse a server's answer.

    Raises :class:`RefusedError` for HTML and other things that aren't JSON,
    :class:`RetryableError` for JSON that ends too early.
    """
    text = decode(data, encoding)
    try:
        return loads(text)
    except NotJsonError as error:
        raise _not_json(text, error, where) from error


def read_file_document(data: bytes, encoding: str, where: Where) -> Any:
    """As :func:`read_document` for a file: a person must look at it, :class:`DataError`."""
    text = decode(data, encoding)
    try:
        return loads(text)
    except NotJsonError as error:
        told = _not_json(text, error, where)
        raise DataError(
            told.message,
            where=where,
            hint=Text(
                en="have the file written again, or remove it from the folder",
                zh="请让来源系统重新生成该文件，或将其移出文件夹",
            ),
        ) from error


def records_in(document: Any, path: str, where: Where) -> list[Any]:
    """The list of records at ``path``; null is an empty list. Raises :class:`RefusedError`."""
    found, value = at_path(document, path)
    if found and value is None and path:
        return []
    if found and type(value) is list:
        return value
    keys = ", ".join(list(document)[:20]) if isinstance(document, dict) else ""
    at = path or "the top"
    raise RefusedError(
        Text(
            en=f"there is no list of records at {at}",
            zh=f"在 {path or '顶层'} 处没有记录列表",
        ),
        where=where,
        hint=Text(
            en=f"set records under [reader]; keys here: {keys or 'none'}",
            zh=f"请设置 [reader] 下的 records；此处的键：{keys or '无'}",
        ),
    )


def _not_json(text: str, error: NotJsonError, where: Where) -> OutsideError:
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("<"):
        return RefusedError(
            Text(en="this is HTML or XML, not JSON", zh="收到的是 HTML 或 XML，不是 JSON"),
            where=where,
            hint=Text(
                en="often a login or error page: check the address and the token",
                zh="通常是登录页或错误页：请检查地址和令牌",
            ),
        )
    if error.cut_off:
        return RetryableError(
            Text(
                en=f"the JSON is cut off after {len(text)} characters",
                zh=f"JSON 在第 {len(text)} 个字符后被截断",
            ),
            where=where,
            hint=Text(
                en="nothing of it was taken; it is tried again in the next run",
                zh="不完整的内容未被采用；下次运行会重试",
            ),
        )
    return RefusedError(
        Text(
            en=f"this is not JSON: {error.reason} at character {error.position}",
            zh=f"不是有效的 JSON：第 {error.position} 个字符处出错",
        ),
        where=where,
        hint=Text(
            en="check the format and encoding in source.toml",
            zh="请检查 source.toml 中的格式和编码",
        ),
    )
