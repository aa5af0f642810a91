"""An answer, JSON or XML, as its records and what it says beside them.

A path is dotted in JSON (``data.total``). In XML it is written as in ``records``: elements from
the root, without prefixes, an attribute with ``@`` (``answer/head/total``, ``answer/@total``).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from connectors.formats.json_document import read_document, records_in
from connectors.formats.jsontext import at_path
from connectors.formats.xml import data_error, xml_records
from connectors.formats.xml_envelope import Leaves, envelope
from connectors.formats.xml_parser import XmlError
from connectors.formats.xml_records import XmlRecord
from connectors.rest.errors import empty_answer, failed_inside, html_page, public
from connectors.rest.settings import RestReader
from schemas.errors import OutsideError, RefusedError, RetryableError, Where
from schemas.text import Text

_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """``said``: what :func:`value_at` finds paths in. ``records``: parsed JSON values, or the
    leaves of XML records; unreadable ones too, which the reading into ``raw`` puts aside."""

    said: Any
    records: list[Any]


class Unreadable(Leaves):
    """An XML record of which nothing but its beginning is known."""

    __slots__ = ()


def value_at(document: Any, path: str) -> tuple[bool, Any]:
    """(found, value) at a path of an answer or a record."""
    if isinstance(document, Unreadable):
        return False, None
    if isinstance(document, Leaves):
        return path in document, document.get(path)
    return at_path(document, path)


def read_list(reader: RestReader, data: bytes, url: str, *, redirected: bool) -> ListAnswer:
    """The list in an answer.

    Raises :class:`RetryableError` for an answer that is empty or ends too early, and
    :class:`RefusedError` for a web page, for what is no JSON or XML, if there is no list in it,
    and if it says that it failed.
    """
    _refuse_pages(reader, data, url, redirected=redirected)
    where = Where(public(url), field=reader.records or None)
    if reader.format == "json":
        document = read_document(data, reader.encoding, where)
        check_success(reader, document, where)
        return ListAnswer(document, records_in(document, reader.records, where))
    try:
        said = envelope(io.BytesIO(data), reader)
        check_success(reader, said, where)
        return ListAnswer(said, [_leaves(r) for r in xml_records(io.BytesIO(data), reader)])
    except XmlError as error:
        raise _told(error, data, where) from error


def read_said(reader: RestReader, data: bytes, url: str, *, redirected: bool) -> Any:
    """What an answer without a list says. Raises as :func:`read_list` does."""
    _refuse_pages(reader, data, url, redirected=redirected)
    where = Where(public(url))
    try:
        said = (
            read_document(data, reader.encoding, where)
            if reader.format == "json"
            else envelope(io.BytesIO(data), reader, records=False)
        )
    except XmlError as error:
        raise _told(error, data, where) from error
    check_success(reader, said, where)
    return said


def check_success(reader: RestReader, said: Any, where: Where) -> None:
    """Raises :class:`RefusedError` if the answer says inside that it failed."""
    if reader.success is None:
        return
    found, value = value_at(said, reader.success.path)
    if not found or str(value).lower() not in {str(v).lower() for v in reader.success.values}:
        raise failed_inside(where, reader.success.path, str(value) if found else None)


def _refuse_pages(reader: RestReader, data: bytes, url: str, *, redirected: bool) -> None:
    if not data.strip():
        raise empty_answer(url)
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    # An XML document may begin with a comment, too.
    starts = _HTML_STARTS if reader.format == "xml" else (*_HTML_STARTS, b"<!--")
    if start.startswith(starts):
        raise html_page(url, redirected=redirected)
    declared = start.startswith(b"<?xml") and start.partition(b"?>")[2].lstrip()
    if declared and declared.startswith(_HTML_STARTS):
        raise html_page(url, redirected=redirected)


def _leaves(record: XmlRecord) -> Leaves:
    if record.rule_id is None:
        return Leaves(record.values)
    return Unreadable(rule=record.rule_id, detail=record.detail, text=record.raw_text)


def _told(error: XmlError, data: bytes, where: Where) -> OutsideError:
    if error.cut_off:
        return RetryableError(
            error.message,
            where=where,
            hint=Text(
                en="nothing of it was taken; it is tried again in the next run",
                zh="不完整的内容未被采用；下次运行会重试",
            ),
        )
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return RefusedError(
            Text(en="this is JSON, not XML", zh="收到的是 JSON，不是 XML"),
            where=where,
            hint=Text(
                en="set format under [reader], or send the header or parameter by which this "
                "system chooses XML",
                zh="请修改 [reader] 下的 format，或按该系统的要求用请求头、参数指定返回 XML",
            ),
        )
    told = data_error(error, where)
    return RefusedError(told.message, where=where, hint=told.hint)
