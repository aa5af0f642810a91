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
from connectors.rest.count import ask_count
from connectors.rest.documents import Unreadable, read_list
from connectors.rest.errors import public
from connectors.rest.paging import announced, first_page
from connectors.rest.question import question
from connectors.rest.session import Ask, Received, Session
from connectors.rest.settings import RestReader
from schemas.errors import RetryableError
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

    def take(received: Received) -> tuple[int, str, Any, list[Any]]:
        if received.status == 204:
            return 204, received.url, None, []
        try:
            found = read_list(
                reader, b"".join(received.body), received.url, redirected=received.redirected
            )
        except RetryableError as error:
            raise AgainError(error) from None
        return 200, received.url, found.said, found.records

    with Session.open(reader, folder, secrets=secrets, pace=pace, zone=source.zone) as session:
        status, url, document, records = session.fetch(
            Ask(page.url, page.parameters, asked.method), take
        )
        counted = ask_count(session, reader, secrets)
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
    name = reader.path or source.stream
    return Look(tuple(steps), (StreamSeen(name, None, rows, _columns(reader, records)),))


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
