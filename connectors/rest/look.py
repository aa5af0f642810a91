"""What a list behind HTTP is, without landing anything: its first page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.config import SourceConfig
from connectors.delivery import PullRequest, Secrets
from connectors.formats.jsontext import Number
from connectors.look import ColumnSeen, Look, StreamSeen
from connectors.pace import Pace
from connectors.rest.body import AgainError
from connectors.rest.cost import told_cost
from connectors.rest.count import ask_count
from connectors.rest.documents import ListAnswer, Unreadable, read_list
from connectors.rest.errors import public
from connectors.rest.page_settings import NoPages, NumberedPages, OffsetPages
from connectors.rest.paging import Got, Page, announced, first_page, next_page
from connectors.rest.question import Question, question
from connectors.rest.rows import digest_of
from connectors.rest.session import Ask, Received, Session
from connectors.rest.settings import RestReader
from schemas.errors import OutsideError, RetryableError
from schemas.text import Text


def look_rest(
    source: SourceConfig,
    reader: RestReader,
    folder: Path,
    *,
    secrets: Secrets,
    pace: Pace | None = None,
) -> Look:
    """Reach, authenticate, ask for the first page of the list from its start; nothing is landed.

    ``rows`` is what the source announces, if it does. Raises as
    :func:`connectors.rest.pull.pull_rest` does.
    """
    pace = pace or Pace()
    request = PullRequest("cursor", None, None, None, pace.clock(), full=True)
    asked = question(source, reader, request, secrets)
    page = first_page(reader.pagination, asked.url, asked.parameters)

    def take(received: Received) -> tuple[int, str, Any, list[Any], str | None]:
        if received.status == 204:
            return 204, received.url, None, [], None
        found = _list_in(reader, received)
        return 200, received.url, found.said, found.records, received.next_link

    with Session.open(reader, folder, secrets=secrets, pace=pace, zone=source.zone) as session:
        status, url, document, records, next_link = session.fetch(
            Ask(page.url, page.parameters, asked.method), take
        )
        counted = ask_count(session, reader, secrets)
        missed = _page_before(session, reader, asked, records)
    total = announced(reader.pagination, document) if document is not None else None
    rows = counted.rows if counted else total
    steps = [
        Text(en=f"reached {public(url)}", zh=f"已连接 {public(url)}"),
        Text(
            en=f"the server takes auth = {reader.auth.kind} and answers {status}",
            zh=f"服务器接受认证方式 {reader.auth.kind}，返回 {status}",
        ),
        Text(
            en=f"the first page has {len(records):,} records"
            + ("" if rows is None else f" of {rows:,}"),
            zh=f"第一页有 {len(records):,} 条记录" + ("" if rows is None else f"，共 {rows:,} 条"),
        ),
    ]
    if document is not None and _ends_here(reader, page, document, records, next_link):
        steps.append(
            Text(
                en="no further page is announced: this is the whole list, or [reader.pagination] "
                "looks for the next page in the wrong place",
                zh="没有给出下一页：要么列表仅此一页，要么 [reader.pagination] 中下一页的位置"
                "填写有误",
            )
        )
    steps += told_cost(source, reader, len(records), rows)
    steps += [missed] if missed else []
    name = reader.path or source.stream
    return Look(tuple(steps), (StreamSeen(name, None, rows, _columns(reader, records)),))


def _list_in(reader: RestReader, received: Received) -> ListAnswer:
    try:
        return read_list(
            reader, b"".join(received.body), received.url, redirected=received.redirected
        )
    except RetryableError as error:
        raise AgainError(error) from None


def _ends_here(
    reader: RestReader, page: Page, said: Any, records: list[Any], next_link: str | None
) -> bool:
    """Whether a list that tells its next page tells none."""
    pages = reader.pagination
    if not records or isinstance(pages, NoPages | NumberedPages | OffsetPages):
        return False
    count = len(records)
    got = Got(said, count, count, count, count, next_link, page.url)
    return next_page(pages, page, got) is None


def _page_before(
    session: Session, reader: RestReader, asked: Question, records: list[Any]
) -> Text | None:
    """Whether the list begins a page earlier than ``first_page``: nothing else would show it
    where no number of all records is told. A refusal is the answer that is hoped for."""
    pages = reader.pagination
    if not isinstance(pages, NumberedPages) or pages.first_page == 0 or pages.total or not records:
        return None
    earlier = pages.model_copy(update={"first_page": pages.first_page - 1})
    page = first_page(earlier, asked.url, asked.parameters)
    session.reader = reader.model_copy(update={"retries": 0})
    try:
        found = session.fetch(
            Ask(page.url, page.parameters, asked.method),
            lambda received: [] if received.status == 204 else _list_in(reader, received).records,
        )
    except OutsideError:
        return None
    finally:
        session.reader = reader
    known = {digest_of(record) for record in records}
    if not found or any(digest_of(record) in known for record in found):
        return None
    return Text(
        en=f"page {earlier.first_page} holds other records than page {pages.first_page}: "
        f"first_page = {earlier.first_page}, or they are never read",
        zh=f"第 {earlier.first_page} 页的记录与第 {pages.first_page} 页不同："
        f"请设置 first_page = {earlier.first_page}，否则这些记录不会被读取",
    )


def _columns(reader: RestReader, records: list[Any]) -> tuple[ColumnSeen, ...]:
    """The fields of the records in order of first appearance, each with the kinds it has."""
    kinds: dict[str, dict[str, None]] = {}
    for record in records:
        if isinstance(record, dict) and not isinstance(record, Unreadable):
            for name, value in record.items():
                kinds.setdefault(name, {}).setdefault(_kind(value))
    key = () if reader.pagination.kind == "none" else reader.pagination.key
    return tuple(
        ColumnSeen(name, " | ".join(k for k in found if k), None, name in key)
        for name, found in kinds.items()
    )


def _kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, Number):
        return "number"
    return {"str": "string", "dict": "object"}.get(type(value).__name__, "array")
