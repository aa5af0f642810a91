"""Which page comes next, and when a list is at its end. Pure: answers in, requests out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.formats.jsontext import Number
from connectors.rest.documents import value_at
from connectors.rest.links import joined
from connectors.rest.page_settings import (
    LinkPages,
    NextUrlPages,
    NoPages,
    NumberedPages,
    OffsetPages,
    Pages,
    TokenPages,
)
from connectors.rest.settings import Value
from schemas.errors import RefusedError, Where
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Page:
    """A page to ask for. ``number`` counts from 1 whatever the source counts from.

    ``confirming``: the page before was short without saying that it was the last; a server
    that caps the page size looks the same, so one more is asked for. Or it was full, and the
    announced number was reached: what is announced may be the number of the page's own rows.
    If that one is empty, refused as out of range or the same again, the list has ended.
    ``overlap``: it is asked for one row early, so that its first row must be the last one of
    the page before; if it isn't, rows have moved between the two requests.
    """

    url: str
    parameters: dict[str, Value] = field(default_factory=dict)
    number: int = 1
    confirming: bool = False
    overlap: bool = False


@dataclass(frozen=True, slots=True)
class Got:
    """What a page held. ``new``: rows that the page before did not hold already.

    ``so_far`` and ``first`` are new rows in all and on the first page. ``shifted``: rows that
    were put in front of the list meanwhile, so that all others stand so much further back.
    """

    document: Any
    rows: int
    new: int
    so_far: int
    first: int
    next_link: str | None
    url: str
    shifted: int = 0


def first_page(pages: Pages, url: str, parameters: dict[str, Value]) -> Page:
    """The first request; ``parameters`` are those of every request."""
    mine = dict(parameters)
    if isinstance(pages, NumberedPages):
        mine[pages.page_parameter] = pages.first_page
    if isinstance(pages, OffsetPages):
        mine[pages.offset_parameter] = 0
    if not isinstance(pages, NoPages) and pages.size_parameter and pages.size:
        mine[pages.size_parameter] = pages.size
    return Page(url, mine)


def next_page(pages: Pages, page: Page, got: Got, *, post: bool = False) -> Page | None:
    """The page after ``page``, or None at the end.

    An address that the source gives holds its own query; in a ``post`` the parameters stand in
    the body and are sent again. Raises :class:`RefusedError` if the answer doesn't hold what
    the configuration promises.
    """
    if isinstance(pages, NoPages):
        return None
    if isinstance(pages, NumberedPages):
        return _numbered(pages, page, got)
    if isinstance(pages, OffsetPages):
        return _offset(pages, page, got)
    if isinstance(pages, TokenPages):
        token = _text_at(got.document, pages.token)
        if token == "":
            return None
        return Page(page.url, page.parameters | {pages.parameter: token}, page.number + 1)
    target = got.next_link if isinstance(pages, LinkPages) else _next_url(pages, got)
    return Page(target, page.parameters if post else {}, page.number + 1) if target else None


def _next_url(pages: NextUrlPages, got: Got) -> str | None:
    target = str(_text_at(got.document, pages.url))
    return joined(got.url, target) if target else None


def _numbered(pages: NumberedPages, page: Page, got: Got) -> Page | None:
    if got.rows == 0:
        return None
    total = announced(pages, got.document)
    if total is not None and _ends(pages, page, got, got.so_far, total):
        return None
    last = number_at(got.document, pages.total_pages) if pages.total_pages else None
    if page.number == last:
        return None
    more = (total is not None and got.so_far < total) or (last is not None and page.number < last)
    # A server that leaves out rows after cutting its pages gives short ones before the last.
    short = got.rows < got.first
    if page.number == 1:
        short = pages.size_parameter is None or got.rows < pages.size
    reached = total is not None and got.so_far >= total
    position: dict[str, Value] = {pages.page_parameter: pages.first_page + page.number}
    return replace(
        page,
        number=page.number + 1,
        confirming=(short or reached) and not more,
        parameters=page.parameters | position,
    )


def _offset(pages: OffsetPages, page: Page, got: Got) -> Page | None:
    if got.rows == 0:
        return None
    total = announced(pages, got.document)
    reached = got.so_far + got.shifted
    if total is not None and _ends(pages, page, got, reached, total):
        return None
    # Nothing but what was known: the end, or a server with pages of one row, or one that only
    # cuts at multiples of the page size. Asked without the overlap, it tells which.
    overlap = not (page.overlap and got.new == 0) and (total is None or reached < total)
    position: dict[str, Value] = {pages.offset_parameter: reached - 1 if overlap else reached}
    return replace(
        page,
        number=page.number + 1,
        confirming=not overlap,
        overlap=overlap,
        parameters=page.parameters | position,
    )


def _ends(
    pages: NumberedPages | OffsetPages, page: Page, got: Got, reached: int, total: int
) -> bool:
    """Whether the announced number shows that there is no more.

    Not if more rows came than that, nor if this page is as full as a page can be: some servers
    announce the rows of the page, or of all up to a limit.
    """
    if page.number > 1:
        full = got.rows >= got.first
    else:
        full = pages.size_parameter is not None and got.rows >= pages.size
    return reached == total and not full


def overlapping(before: Sequence[int], now: Sequence[int]) -> tuple[int, int] | None:
    """(rows of ``now`` that ``before`` held, rows by which the list moved back); None: a gap.

    Both hold row digests. ``now`` was asked for from the last row of ``before``: a list at rest
    gives (1, 0). A page that begins earlier in ``before`` shows that rows were put in front; the
    same page again comes from a server that cuts at multiples of the page size.
    """
    if list(now) == list(before):
        return len(before), 0
    for back in range(len(before)):
        tail = list(before[len(before) - 1 - back :])[: len(now)]
        if now and list(now[: len(tail)]) == tail:
            return len(tail), back
    return None


def announced(pages: Pages, document: Any) -> int | None:
    """The number of all records, if the source tells it and ``total`` says where."""
    if not isinstance(pages, NoPages) and pages.total:
        return number_at(document, pages.total)
    return None


def number_at(document: Any, path: str) -> int:
    """The whole number at ``path``. Raises :class:`RefusedError` if there is none."""
    found, value = value_at(document, path)
    if found and isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value):
        return int(value)
    raise RefusedError(
        Text(en=f"the answer has no whole number at {path}", zh=f"应答中 {path} 处没有整数"),
        where=Where(field=path),
        hint=Text(
            en="check total, total_pages under [reader.pagination], and [reader.count]; a source "
            "that answers -1 does not count, so leave it out",
            zh="请检查 [reader.pagination] 下的 total、total_pages 和 [reader.count]；返回 -1 "
            "表示来源不计数，此时请删去该项",
        ),
    )


def _text_at(document: Any, path: str) -> str | int:
    """A token keeps its kind: in a JSON body a number is sent back as a number."""
    found, value = value_at(document, path)
    if not found or value is None or value is False:
        return ""
    if isinstance(value, Number) and re.fullmatch(r"\d{1,18}", value):
        return int(value)
    if isinstance(value, str):
        return value
    raise RefusedError(
        Text(
            en=f"the answer has neither text nor null at {path}",
            zh=f"应答中 {path} 处既不是文本也不是空值",
        ),
        where=Where(field=path),
        hint=Text(en="check [reader.pagination]", zh="请检查 [reader.pagination]"),
    )
