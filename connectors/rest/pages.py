"""One page of a list: landed and parsed, or taken from what an earlier pull kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.formats.json_document import read_document, records_in
from connectors.formats.jsontext import at_path
from connectors.landing import Landed, Landing
from connectors.rest.body import AgainError
from connectors.rest.errors import (
    HttpRefusedError,
    empty_answer,
    failed_inside,
    html_page,
    public,
)
from connectors.rest.paging import Page
from connectors.rest.question import Question
from connectors.rest.resume import Kept, Tape
from connectors.rest.session import Ask, Received, Session
from connectors.rest.settings import RestReader
from schemas.errors import RetryableError, Where

_PAST_THE_END = frozenset({400, 404, 416, 422})
_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!--")


@dataclass(frozen=True, slots=True)
class Answer:
    """A landed page and what it holds."""

    landed: Landed
    document: Any
    records: list[Any]
    url: str
    next_link: str | None
    date: datetime | None


@dataclass
class PageSource:
    """Gives the answer to any page: from ``tape`` as far as it goes, then from ``session``."""

    session: Session
    question: Question
    landing: Landing
    stream_id: str
    now: datetime
    tape: Tape
    live: int = field(default=0)
    """Requests made of the server."""
    unanswered: bool = field(default=False)
    """Whether the last of them got no answer that is of use."""

    @property
    def reader(self) -> RestReader:
        return self.session.reader

    def ask(self, page: Page) -> Answer | None:
        """The answer to ``page``; None: the list has ended before it.

        Raises :class:`RefusedError` and :class:`RetryableError`; then the page may rest in the
        landing area as evidence, and belongs to no delivery.
        """
        name = _name(page)
        kept = self.tape.again(name)
        if kept is not None:
            return None if kept.landed is None else self._parsed(kept, kept.landed)
        self.live, self.unanswered = self.live + 1, True
        try:
            kept, answer = self.session.fetch(
                Ask(page.url, page.parameters, self.question.method),
                lambda received: self._land(page, name, received),
            )
        except HttpRefusedError as error:
            if not (page.confirming and error.status in _PAST_THE_END):
                raise
            kept, answer = Kept(name, None, public(page.url), None, None), None
        self.unanswered = False
        self.tape.add(kept)
        return answer

    def _land(self, page: Page, name: str, received: Received) -> tuple[Kept, Answer | None]:
        if received.status == 204:
            return Kept(name, None, public(received.url), None, received.date), None
        landed = self.landing.store(
            self.stream_id,
            received.body,
            public(received.url),
            self.now,
            page.number,
            request=self.question.described(page),
        )
        kept = Kept(
            name,
            landed,
            public(received.url),
            received.next_link,
            received.date,
            received.redirected,
        )
        try:
            return kept, self._parsed(kept, landed)
        except RetryableError as error:
            raise AgainError(error) from None

    def _parsed(self, kept: Kept, landed: Landed) -> Answer:
        document = read_answer(
            self.reader, landed.path.read_bytes(), kept.url, redirected=kept.redirected
        )
        where = Where(public(kept.url), field=self.reader.records or None)
        records = records_in(document, self.reader.records, where)
        return Answer(landed, document, records, kept.url, kept.next_link, kept.date)


def read_answer(reader: RestReader, data: bytes, url: str, *, redirected: bool) -> Any:
    """The document in an answer.

    Raises :class:`RetryableError` for one that is empty or ends too early, and
    :class:`RefusedError` for a web page, for what is no JSON, and if it says that it failed.
    """
    if not data.strip():
        raise empty_answer(url)
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_HTML_STARTS):
        raise html_page(url, redirected=redirected)
    where = Where(public(url), field=reader.records or None)
    document = read_document(data, reader.encoding, where)
    check_success(reader, document, where)
    return document


def check_success(reader: RestReader, document: Any, where: Where) -> None:
    """Raises :class:`RefusedError` if the answer says inside that it failed."""
    if reader.success is None:
        return
    found, value = at_path(document, reader.success.path)
    if not found or str(value).lower() not in {str(v).lower() for v in reader.success.values}:
        raise failed_inside(where, reader.success.path, str(value) if found else None)


def _name(page: Page) -> str:
    """A digest of the request: parameters may be personal, so they are not written down."""
    text = json.dumps([page.url, page.parameters, page.number], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
