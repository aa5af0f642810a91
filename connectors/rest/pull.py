"""A list behind ``GET``: page after page into the landing area."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from connectors.config import SourceConfig
from connectors.cursor import Clock
from connectors.delivery import Delivery, Progress, PullRequest, Secrets
from connectors.formats.json_document import read_document, records_in
from connectors.formats.jsontext import at_path
from connectors.landing import Landed, Landing
from connectors.rest.http import (
    Answer,
    Client,
    HttpRefusedError,
    Pace,
    elsewhere,
    public,
    same_origin,
)
from connectors.rest.paging import Got, Page, announced, first_page, next_page
from connectors.rest.settings import RestReader
from schemas.errors import ConfigError, RefusedError, RetryableError, Where
from schemas.text import Text

_PAST_THE_END = frozenset({400, 404, 416, 422})


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
    was landed before the error stays in the landing area and belongs to no delivery.
    """
    reader = source.reader
    if not isinstance(reader, RestReader):
        raise TypeError("not a REST source")
    base = secrets(reader.base_url) if reader.base_url.startswith("env:") else reader.base_url
    url = base.rstrip("/") + ("/" + reader.path.lstrip("/") if reader.path else "")
    page: Page | None = first_page(reader.pagination, url, _parameters(source, reader, request))
    seen = _Seen(url)
    with Client.open(
        reader,
        folder,
        landing,
        source.stream_id,
        secrets=secrets,
        now=request.now,
        pace=pace,
    ) as client:
        while page is not None:
            _guard(reader, url, page)
            answer = _ask(client, page)
            if answer is None or answer.landed is None:
                break
            got = seen.take(reader, page, answer, answer.landed)
            if got is None or only_first:
                break
            progress(len(seen.objects), None)
            page = next_page(reader.pagination, page, got)
    if not only_first:
        seen.check_total()
    return _delivery(source, request, seen.objects)


def _delivery(source: SourceConfig, request: PullRequest, objects: list[Landed]) -> Delivery:
    if request.mode == "window":
        # If the source itself cuts the window, its answer is taken as it is.
        cut = source.window is not None and source.window.since_parameter is not None
        since, until = (None, None) if cut else (request.since, request.until)
        return Delivery(tuple(objects), None, since, until)
    cursor = dict(request.cursor or {}) if source.cursor else None
    return Delivery(tuple(objects), cursor)


def _parameters(source: SourceConfig, reader: RestReader, request: PullRequest) -> dict[str, str]:
    """The query of every request of this pull, paging apart."""
    query = {name: _plain(value) for name, value in reader.parameters.items()}
    if request.mode == "window":
        return query | _window(source, request)
    if source.cursor and source.cursor.parameter:
        value = (request.cursor or {}).get("value", source.cursor.initial)
        if value is not None:
            query[source.cursor.parameter] = Clock(source.cursor, source.zone).asked(value)
    return query


def _plain(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _window(source: SourceConfig, request: PullRequest) -> dict[str, str]:
    window = source.window
    if window is None or not (window.since_parameter or window.until_parameter or window.field):
        raise ConfigError(
            Text(
                en="this source can't be asked for a window of days",
                zh="此来源未配置按日期范围拉取",
            ),
            where=Where(source.stream_id, field="window"),
            hint=Text(
                en="add [window] with since_parameter and until_parameter, or with field",
                zh="请添加 [window]，写明 since_parameter、until_parameter，或 field",
            ),
        )
    query = {}
    if window.since_parameter and request.since:
        query[window.since_parameter] = request.since.strftime(window.format)
    if window.until_parameter and request.until:
        last: date = request.until + timedelta(days=0 if window.until_inclusive else 1)
        query[window.until_parameter] = last.strftime(window.format)
    return query


def _guard(reader: RestReader, url: str, page: Page) -> None:
    if page.number > reader.max_pages:
        raise _endless(url, f"more than {reader.max_pages} pages", f"超过 {reader.max_pages} 页")
    if not same_origin(page.url, url):
        raise elsewhere(url, page.url)


def _ask(client: Client, page: Page) -> Answer | None:
    try:
        return client.get(page.url, page.parameters, page.number)
    except HttpRefusedError as error:
        if page.confirming and error.status in _PAST_THE_END:
            return None
        raise


@dataclass
class _Seen:
    """The pages of one pull so far."""

    url: str
    objects: list[Landed] = field(default_factory=list)
    _rows: int = 0
    _first: int = 0
    _total: int | None = None
    _digests: set[bytes] = field(default_factory=set)

    def take(self, reader: RestReader, page: Page, answer: Answer, landed: Landed) -> Got | None:
        """Count a page in. None: it only confirmed that the list had ended."""
        where = Where(public(answer.url), field=reader.records or None)
        document = read_document(landed.path.read_bytes(), reader.encoding, where)
        _check_success(reader, document, where)
        records = records_in(document, reader.records, where)
        digest = hashlib.sha256(repr(records).encode("utf-8", "surrogatepass")).digest()
        if records and digest in self._digests:
            if page.confirming:
                return None
            raise _endless(
                self.url, f"page {page.number} is one already seen", f"第 {page.number} 页重复出现"
            )
        self._digests.add(digest)
        self._rows += len(records)
        if page.number == 1:
            self._first = len(records)
        self._total = announced(reader.pagination, document)
        if records:
            self.objects.append(landed)
        return Got(document, len(records), self._rows, self._first, answer.next_link, answer.url)

    def check_total(self) -> None:
        """Fewer rows than announced means that some were lost on the way."""
        if self._total is not None and self._rows < self._total:
            raise RetryableError(
                Text(
                    en=f"the source announced {self._total} records and gave {self._rows}",
                    zh=f"来源声明共 {self._total} 条，实际给出 {self._rows} 条",
                ),
                where=Where(public(self.url)),
                hint=Text(
                    en="the list may have changed meanwhile; it is tried again",
                    zh="列表可能在拉取期间变化；系统会重试",
                ),
            )


def _check_success(reader: RestReader, document: Any, where: Where) -> None:
    if reader.success is None:
        return
    found, value = at_path(document, reader.success.path)
    if found and str(value).lower() in {str(v).lower() for v in reader.success.values}:
        return
    shown = f"{reader.success.path} = {str(value)[:40]}" if found else reader.success.path
    raise RefusedError(
        Text(
            en=f"the answer says that it failed: {shown}" if found else f"no {shown} in the answer",
            zh=f"应答表明调用失败：{shown}" if found else f"应答中没有 {shown}",
        ),
        where=where,
        hint=Text(
            en="look the code up in the system's manual", zh="请查阅该系统接口文档中的代码含义"
        ),
    )


def _endless(url: str, reason_en: str, reason_zh: str) -> RefusedError:
    return RefusedError(
        Text(en=f"the list never ends: {reason_en}", zh=f"分页没有终点：{reason_zh}"),
        where=Where(public(url)),
        hint=Text(
            en="check [reader.pagination]; raise max_pages if the list really is that long",
            zh="请检查 [reader.pagination]；若列表确实很长，请调大 max_pages",
        ),
    )
