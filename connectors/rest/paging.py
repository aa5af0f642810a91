"""Which page comes next, and when a list is at its end. Pure: answers in, requests out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin

from connectors.formats.jsontext import at_path
from connectors.rest.settings import (
    LinkPages,
    NextUrlPages,
    NoPages,
    NumberedPages,
    OffsetPages,
    Pages,
    TokenPages,
)
from schemas.errors import RefusedError, Where
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Page:
    """A page to ask for. ``number`` counts from 1 whatever the source counts from.

    ``confirming``: the page before was short without saying that it was the last; a server
    that caps the page size looks the same, so one more is asked for. If that one is empty,
    refused as out of range or the same again, the list has ended.
    """

    url: str
    parameters: dict[str, str] = field(default_factory=dict)
    number: int = 1
    confirming: bool = False


@dataclass(frozen=True, slots=True)
class Got:
    """What a page held. ``so_far`` and ``first`` are rows in all and on the first page."""

    document: Any
    rows: int
    so_far: int
    first: int
    next_link: str | None
    url: str


def first_page(pages: Pages, url: str, parameters: dict[str, str]) -> Page:
    """The first request; ``parameters`` are those of every request."""
    mine = dict(parameters)
    if isinstance(pages, NumberedPages):
        mine[pages.page_parameter] = str(pages.first_page)
    if isinstance(pages, OffsetPages):
        mine[pages.offset_parameter] = "0"
    if isinstance(pages, NumberedPages | OffsetPages | TokenPages) and pages.size_parameter:
        mine[pages.size_parameter] = str(pages.size)
    return Page(url, mine)


def next_page(pages: Pages, page: Page, got: Got) -> Page | None:
    """The page after ``page``, or None at the end.

    Raises :class:`RefusedError` if the answer doesn't hold what the configuration promises.
    """
    if isinstance(pages, NoPages):
        return None
    if isinstance(pages, NumberedPages | OffsetPages):
        return _counted(pages, page, got)
    if isinstance(pages, TokenPages):
        token = _text_at(got.document, pages.token)
        if not token:
            return None
        return Page(page.url, page.parameters | {pages.parameter: token}, page.number + 1)
    if isinstance(pages, LinkPages):
        return Page(got.next_link, {}, page.number + 1) if got.next_link else None
    return _by_url(pages, page, got)


def _by_url(pages: NextUrlPages, page: Page, got: Got) -> Page | None:
    target = _text_at(got.document, pages.url)
    return Page(urljoin(got.url, target), {}, page.number + 1) if target else None


def _counted(pages: NumberedPages | OffsetPages, page: Page, got: Got) -> Page | None:
    if got.rows == 0:
        return None
    total = announced(pages, got.document)
    if total is not None and got.so_far >= total:
        return None
    last = pages.total_pages if isinstance(pages, NumberedPages) else None
    if last and page.number >= _number_at(got.document, last):
        return None
    told = total is not None or bool(last)
    # A server that leaves out rows after cutting its pages gives short ones before the last.
    short = got.rows < got.first
    if page.number == 1:
        short = pages.size_parameter is None or got.rows < pages.size
    following = replace(page, number=page.number + 1, confirming=short and not told)
    if isinstance(pages, NumberedPages):
        position = {pages.page_parameter: str(pages.first_page + page.number)}
    else:
        position = {pages.offset_parameter: str(got.so_far)}
    return replace(following, parameters=page.parameters | position)


def announced(pages: Pages, document: Any) -> int | None:
    """The number of all records, if the source tells it and ``total`` says where."""
    if isinstance(pages, NumberedPages | OffsetPages) and pages.total:
        return _number_at(document, pages.total)
    return None


def _number_at(document: Any, path: str) -> int:
    found, value = at_path(document, path)
    try:
        if found and isinstance(value, str):
            return int(value)
    except ValueError:
        pass
    raise RefusedError(
        Text(en=f"the answer has no whole number at {path}", zh=f"应答中 {path} 处没有整数"),
        where=Where(field=path),
        hint=Text(
            en="check total and total_pages under [reader.pagination]",
            zh="请检查 [reader.pagination] 下的 total 与 total_pages",
        ),
    )


def _text_at(document: Any, path: str) -> str:
    found, value = at_path(document, path)
    if not found or value is None or value is False:
        return ""
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
