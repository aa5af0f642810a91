"""A list behind HTTP: page after page into the landing area."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from connectors.config import SourceConfig
from connectors.cursor import Clock
from connectors.delivery import Counted, Delivery, Progress, PullRequest, Secrets
from connectors.landing import Landing
from connectors.pace import Pace
from connectors.rest.count import ask_count
from connectors.rest.errors import HttpRefusedError, public
from connectors.rest.page_settings import NumberedPages
from connectors.rest.pages import PageSource
from connectors.rest.question import Question, question
from connectors.rest.reading import IsNewer, ListReader, Reading, newer_by
from connectors.rest.resume import Tape
from connectors.rest.session import Session
from connectors.rest.settings import RestReader
from schemas.errors import HefuError, RetryableError, Where
from schemas.text import Text

#: Answers to a next page whose token or address is too old by now.
_TOO_LATE = frozenset({400, 404, 410, 422})


class OutOfTimeError(RetryableError):
    """The pull took longer than its source may be asked; the next one goes on from there."""


def pull_rest(
    source: SourceConfig,
    folder: Path,
    request: PullRequest,
    landing: Landing,
    *,
    secrets: Secrets,
    progress: Progress,
    pace: Pace,
    only_first: bool = False,
) -> Delivery:
    """Land the pages that ``request`` asks for; ``only_first`` is for trying a source out.

    Raises :class:`RefusedError`, :class:`RetryableError`, :class:`ConfigError`. A page that
    was landed before the error stays in the landing area and belongs to no delivery, until the
    next pull of the same question goes on from there.
    """
    reader = source.reader
    if not isinstance(reader, RestReader):
        raise TypeError("not a REST source")
    asked = question(source, reader, request, secrets)
    with Session.open(reader, folder, secrets=secrets, pace=pace, zone=source.zone) as session:
        pages = PageSource(
            session, asked, landing, source.stream_id, request.now, Tape(None, asked.url)
        )
        budget = _budget(source, asked, progress, pace)
        listing = ListReader(pages, source.mode == "snapshot", _is_newer(source), budget)
        if only_first:
            answer = listing.first()
            first = (answer.landed,) if answer and answer.records else ()
            return _delivery(source, request, Reading(first, False, None, None), asked, None)
        if _may_resume(reader):
            path = landing.root / "progress" / f"{source.stream_id}.jsonl"
            pages.tape = Tape.open(
                path, asked.digest(source), landing, request.now, reader.resume_minutes
            )
        reading = _read(pages, listing)
        counted = ask_count(session, reader, secrets) if request.mode != "window" else None
    pages.tape.done()
    progress(len(reading.objects), len(reading.objects))
    return _delivery(source, request, reading, asked, counted)


def _read(pages: PageSource, listing: ListReader) -> Reading:
    try:
        return listing.read()
    except HefuError as error:
        too_late = isinstance(error, HttpRefusedError) and error.status in _TOO_LATE
        if not (too_late and pages.tape.resumed and pages.live == 1):
            # Only what broke off is gone on with: pages that were no list will not become one.
            if not (pages.unanswered or isinstance(error, OutOfTimeError)):
                pages.tape.forget()
            raise
    pages.tape.forget()
    return listing.read()


def _may_resume(reader: RestReader) -> bool:
    """Whether pages may be read in two sittings: only if a row that slips through is noticed."""
    pages = reader.pagination
    if reader.resume_minutes == 0 or pages.kind == "none":
        return False
    checked = pages.read_twice is not False or bool(pages.total and pages.key)
    return checked or not isinstance(pages, NumberedPages)


def _budget(
    source: SourceConfig, asked: Question, progress: Progress, pace: Pace
) -> Callable[[int], None]:
    minutes = source.limits.run_minutes
    until = pace.monotonic() + minutes * 60

    def between(done: int) -> None:
        progress(done, None)
        if pace.monotonic() > until:
            raise OutOfTimeError(
                Text(
                    en=f"the pull took longer than {minutes:g} minutes and was stopped "
                    f"after {done} pages",
                    zh=f"拉取超过 {minutes:g} 分钟，已在第 {done} 页后停止",
                ),
                where=Where(public(asked.url)),
                hint=Text(
                    en="the next run goes on from there if it begins within resume_minutes; "
                    "else raise run_minutes",
                    zh="若在 resume_minutes 内再次运行，将从该处继续；否则请调大 run_minutes",
                ),
            )

    return between


def _is_newer(source: SourceConfig) -> IsNewer:
    if source.cursor is None:
        return lambda _record, _began: False
    clock = Clock(source.cursor, source.zone)
    return newer_by(source.cursor.field, clock.parse)


def _delivery(
    source: SourceConfig,
    request: PullRequest,
    reading: Reading,
    asked: Question,
    counted: Counted | None,
) -> Delivery:
    if request.mode == "window":
        # If the source itself cuts the window, its answer is taken as it is.
        cut = source.window is not None and source.window.since_parameter is not None
        since, until = (None, None) if cut else (request.since, request.until)
        return Delivery(reading.objects, None, since, until)
    if counted is None and asked.whole and reading.expected is not None:
        counted = Counted(reading.expected, "delivery")
    wanted = source.mode == "snapshot" or request.full
    return Delivery(
        reading.objects,
        dict(request.cursor or {}) if source.cursor else None,
        complete=wanted and asked.whole and reading.proven,
        counted=counted,
        as_of=reading.began,
    )
