"""One page of a list: landed and parsed, or taken from what an earlier pull kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.landing import Landed, Landing
from connectors.rest.body import AgainError
from connectors.rest.documents import read_list
from connectors.rest.errors import HttpRefusedError, public
from connectors.rest.paging import Page
from connectors.rest.question import Question
from connectors.rest.resume import Kept, Tape
from connectors.rest.session import Ask, Received, Session
from connectors.rest.settings import RestReader
from schemas.errors import RetryableError

_PAST_THE_END = frozenset({400, 404, 416, 422})


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
        data = landed.path.read_bytes()
        found = read_list(self.reader, data, kept.url, redirected=kept.redirected)
        return Answer(landed, found.said, found.records, kept.url, kept.next_link, kept.date)


def _name(page: Page) -> str:
    """A digest of the request: parameters may be personal, so they are not written down."""
    text = json.dumps([page.url, page.parameters, page.number], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
