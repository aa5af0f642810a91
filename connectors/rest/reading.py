"""A whole list, page by page, though it may change while it is read.

A list is cut into pages at the moment of each request. If a row before the cut goes away
between two requests, every row behind it moves up, and one slips through; if a row is put in
front, one comes twice. Coming twice is harmless, slipping through is not, so a reading (here: a
pass) counts only if something shows that no row slipped through:

- offsets: each page begins one row early, and that row must be the last one of the page before;
- ``total``: there must be as many different rows as the source ever announced in the pass, and
  with page numbers it may not fall meanwhile;
- a second pass that holds nothing that the first did not.

Otherwise the list is begun anew, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.landing import Landed
from connectors.rest.documents import value_at
from connectors.rest.errors import elsewhere, endless, fewer, moved, too_few, unsteady
from connectors.rest.page_settings import ManyPages, NoPages, NumberedPages, OffsetPages
from connectors.rest.pages import Answer, PageSource
from connectors.rest.paging import Got, Page, announced, first_page, next_page, overlapping
from connectors.rest.rows import Digests, digest_of, keys_of
from connectors.rest.session import same_origin
from schemas.errors import OutsideError

IsNewer = Callable[[object, datetime], bool]
"""Whether a record was changed after a moment, by its cursor field; False if it can't be told."""


@dataclass(frozen=True, slots=True)
class Reading:
    """``objects`` in order. ``proven``: nothing slipped through, as far as that can be known.

    ``expected``: how many rows the objects should hold by what the source announced, rows that
    overlapping pages hold twice included. ``began``: the server's clock at the first answer.
    """

    objects: tuple[Landed, ...]
    proven: bool
    expected: int | None
    began: datetime | None


class _ChangedError(Exception):
    """The pass is worth nothing: the list changed. ``again``: the number of a repeated page."""

    def __init__(self, told: OutsideError, again: int | None = None) -> None:
        super().__init__()
        self.told = told
        self.again = again


@dataclass
class _Pass:
    """One reading from the first page to the last."""

    objects: list[Landed] = field(default_factory=list)
    requests: int = 0
    rows: int = 0
    """Rows of the objects, those of the overlaps included."""
    so_far: int = 0
    """Rows without those of the overlaps."""
    first: int = 0
    shifted: int = 0
    """Rows that were put in front of the list while it was read."""
    total: int | None = None
    """The greatest number announced."""
    told: int = 0
    """The number announced last."""
    contents: Digests = field(default_factory=Digests)
    settled: Digests = field(default_factory=Digests)
    """Those of ``contents`` that are no newer than the beginning of the pull."""
    keys: Digests = field(default_factory=Digests)
    pages: dict[int, int] = field(default_factory=dict)
    """Digest of a page → its number."""
    asked: set[int] = field(default_factory=set)
    """Digests of the requests."""
    last: list[int] = field(default_factory=list)

    @property
    def distinct(self) -> int:
        return (self.keys if len(self.keys) else self.contents).distinct()

    @property
    def short(self) -> bool:
        """Fewer different rows than announced; rows put in front come with the next pull."""
        return self.total is not None and self.distinct < self.total - self.shifted


@dataclass
class ListReader:
    """Reads one list. ``exact``: rows put in front while it is read make it begin anew, too.

    ``between`` is called before each further page, and may stop the pull by raising.
    """

    source: PageSource
    exact: bool
    is_newer: IsNewer
    between: Callable[[int], None]
    _began: datetime | None = None

    @property
    def _pages(self) -> ManyPages | NoPages:
        return self.source.reader.pagination

    def first(self) -> Answer | None:
        """The first page alone, for trying a source out."""
        return self.source.ask(self._first_page())

    def read(self) -> Reading:
        """Raises :class:`RetryableError` for a list that changes all the time, and
        :class:`RefusedError` for one that never ends."""
        pages = self._pages
        if isinstance(pages, NoPages):
            return self._alone(self._one_pass())
        before: _Pass | None = None
        problem: _ChangedError | None = None
        for _ in range(pages.max_passes):
            try:
                one = self._one_pass()
            except _ChangedError as changed:
                if changed.again is not None and problem and problem.again == changed.again:
                    raise changed.told from None
                before, problem = None, changed
                continue
            at_rest = before is not None and list(before.pages) == list(one.pages)
            if one.short:
                problem = _ChangedError(
                    too_few(self.source.question.url, one.total or 0, one.distinct)
                )
                if at_rest and one.so_far < (one.total or 0):
                    break  # it is not the reading
                if not at_rest:
                    before = one
                    continue
                # The source itself has rows that are alike.
            if not self._needs_second(pages, one):
                return self._reading(one, None, proven=self._is_proof(pages, one) or at_rest)
            if before is not None and self._confirms(before, one):
                return self._reading(one, before, proven=True)
            before, problem = one, _ChangedError(unsteady(self.source.question.url))
        assert problem is not None  # noqa: S101 - a pass that tells of none has returned
        raise problem.told from None

    def _alone(self, one: _Pass) -> Reading:
        return Reading(tuple(one.objects), True, _expected(one), self._began)

    def _is_proof(self, pages: ManyPages, one: _Pass) -> bool:
        """Whether this one pass shows by itself that nothing slipped through."""
        if one.shifted or (one.total is not None and one.distinct > one.total):
            return False  # what is announced can't be the number of this list
        if one.requests == 1 or isinstance(pages, OffsetPages):
            return True
        told = one.total is not None
        return told and bool(pages.key) if isinstance(pages, NumberedPages) else told

    def _needs_second(self, pages: ManyPages, one: _Pass) -> bool:
        if one.requests == 1:
            return False
        if pages.read_twice is not None:
            return pages.read_twice
        risky = self.exact or isinstance(pages, NumberedPages)
        return risky and not self._is_proof(pages, one)

    def _confirms(self, before: _Pass, one: _Pass) -> bool:
        within = one.settled.within(before.contents)
        return within and (not self.exact or before.contents.within(one.contents))

    def _reading(self, one: _Pass, before: _Pass | None, *, proven: bool) -> Reading:
        if before is None or before.contents.within(one.contents):
            return Reading(tuple(one.objects), proven, _expected(one), self._began)
        # Something of the first pass was changed or taken away before the second, or slipped
        # through there: both are given, the older first.
        known = {landed.digest for landed in before.objects}
        fresh = [landed for landed in one.objects if landed.digest not in known]
        return Reading((*before.objects, *fresh), False, None, self._began)

    def _first_page(self) -> Page:
        question = self.source.question
        return first_page(self.source.reader.pagination, question.url, question.parameters)

    def _one_pass(self) -> _Pass:
        one = _Pass()
        page: Page | None = self._first_page()
        while page is not None:
            self._guard(page, one)
            answer = self.source.ask(page)
            one.requests += 1
            if answer is None:
                break
            got = self._take(one, page, answer)
            if got is None:
                break
            post = self.source.question.method == "POST"
            page = next_page(self.source.reader.pagination, page, got, post=post)
            self.between(len(one.objects)) if page is not None else None
        return one

    def _guard(self, page: Page, one: _Pass) -> None:
        url, most = self.source.question.url, self.source.reader.max_pages
        if page.number > most:
            raise endless(url, f"more than {most} pages", f"超过 {most} 页")
        if not same_origin(page.url, url):
            raise elsewhere(url, page.url)
        if isinstance(self._pages, NumberedPages | OffsetPages):
            return
        asked = digest_of((page.url, sorted(page.parameters.items())))
        if asked in one.asked:
            raise endless(
                url,
                f"page {page.number} has the token or address of one already seen",
                f"第 {page.number} 页的令牌或地址与之前的页相同",
            )
        one.asked.add(asked)

    def _take(self, one: _Pass, page: Page, answer: Answer) -> Got | None:
        """Count a page in. None: it only confirmed that the list had ended."""
        if self._began is None:
            self._began = _believed(answer.date, answer.landed.fetched_at)
        key = self._pages.key if isinstance(self._pages, ManyPages) else ()
        contents = [digest_of(record) for record in answer.records]
        keys = keys_of(answer.records, key, contents) if key else contents
        if not page.overlap and self._repeats(one, page, contents):
            return None
        known = self._overlap(one, page, keys)
        for record, content in zip(answer.records, contents, strict=True):
            one.contents.add(content)
            if not self.is_newer(record, self._began):
                one.settled.add(content)
        if key:
            for each in keys:
                one.keys.add(each)
        total = announced(self.source.reader.pagination, answer.document)
        if total is not None:
            if total < one.told and isinstance(self._pages, NumberedPages):
                raise _ChangedError(fewer(self.source.question.url, one.told, total))
            one.told, one.total = total, max(total, one.total or 0)
        one.rows += len(contents)
        one.so_far += len(contents) - known
        one.last = keys or one.last
        if page.number == 1:
            one.first = len(contents)
        if contents:
            one.objects.append(answer.landed)
        return Got(
            answer.document,
            len(contents),
            len(contents) - known,
            one.so_far,
            one.first,
            answer.next_link,
            answer.url,
            one.shifted,
        )

    def _repeats(self, one: _Pass, page: Page, contents: list[int]) -> bool:
        """Whether this page was seen before: the end if it was asked for to find the end."""
        digest = digest_of(contents)
        if not contents or digest not in one.pages:
            one.pages[digest] = page.number
            return False
        if page.confirming and (self._is_short(one, contents) or one.so_far == one.total):
            return True  # a full page again may as well come from a server that knows no pages
        told = endless(
            self.source.question.url,
            f"page {page.number} is one already seen",
            f"第 {page.number} 页重复出现",
        )
        if not isinstance(self._pages, NumberedPages | OffsetPages):
            raise told
        # Perhaps a page's worth of rows was put in front; perhaps the server knows no such page
        # and gives the first or the last one instead, and will do so again.
        if one.pages[digest] in (1, page.number - 1):
            raise _ChangedError(told, page.number)
        raise _ChangedError(moved(self.source.question.url, page.number))

    def _is_short(self, one: _Pass, contents: list[int]) -> bool:
        pages = self._pages
        asked = pages.size if isinstance(pages, ManyPages) and pages.size_parameter else None
        return len(contents) < one.first or (asked is not None and len(contents) < asked)

    def _overlap(self, one: _Pass, page: Page, keys: list[int]) -> int:
        """How many rows of this page the page before held."""
        if not page.overlap:
            return 0
        found = overlapping(one.last, keys)
        if found is None or (self.exact and found[1]):
            raise _ChangedError(moved(self.source.question.url, page.number))
        one.pages[digest_of([*keys, page.number])] = page.number
        one.shifted += found[1]
        return found[0]


def _expected(one: _Pass) -> int | None:
    if one.total is None:
        return None
    # Rows of the source that are alike count for themselves; rows that came twice because the
    # list moved do not.
    own = one.so_far if one.so_far == one.total else one.distinct
    return one.total + one.rows - own


def _believed(date: datetime | None, here: datetime) -> datetime:
    """The server's clock, unless it is a day off ours: then somebody's is plainly wrong."""
    return date if date is not None and abs(date - here) <= timedelta(days=1) else here


def newer_by(field_name: str, moment_of: Callable[[str], object]) -> IsNewer:
    """By the field ``field_name``, whose text ``moment_of`` reads."""

    def is_newer(record: object, began: datetime) -> bool:
        found, value = value_at(record, field_name)
        if not found or not isinstance(value, str):
            return False
        moment = moment_of(value)
        return isinstance(moment, datetime) and moment > began

    return is_newer
