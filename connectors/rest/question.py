"""What a pull asks of a list: address and parameters, paging apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta

from connectors.config import SourceConfig
from connectors.cursor import Clock
from connectors.delivery import PullRequest, Secrets
from connectors.rest.errors import public
from connectors.rest.named import named_or_plain
from connectors.rest.page_settings import NextUrlPages, NoPages, NumberedPages, OffsetPages
from connectors.rest.paging import Page
from connectors.rest.session import plain
from connectors.rest.settings import RestReader, Value
from schemas.errors import ConfigError, Where
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Question:
    """``whole``: everything that the source has is asked for. ``told``: parameters whose values
    are ours (times, days, sizes), so that the landing log may name them."""

    url: str
    method: str
    parameters: dict[str, Value]
    whole: bool
    told: frozenset[str]

    def described(self, page: Page) -> str:
        """The request in words for the landing log: no value that might be personal or secret."""
        shown = "&".join(
            f"{name}={plain(value)}" if name in self.told else name
            for name, value in sorted(page.parameters.items())
        )
        return f"{self.method} {public(page.url)}{'?' if shown else ''}{shown}"

    def digest(self, source: SourceConfig) -> str:
        """Two pulls of one digest ask the same of the same list in the same way."""
        settings = source.reader.model_dump(mode="json")
        asked = [self.url, self.method, self.parameters, settings, source.mode]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def address(reader: RestReader, path: str, secrets: Secrets) -> str:
    """The full address of ``path`` at the source."""
    base = named_or_plain(reader.base_url, secrets)
    return base.rstrip("/") + ("/" + path.lstrip("/") if path else "")


def question(
    source: SourceConfig, reader: RestReader, request: PullRequest, secrets: Secrets
) -> Question:
    """What ``request`` asks. Raises :class:`ConfigError` for a window that can't be asked for."""
    own = _own_parameters(source, request)
    whole = request.mode != "window" and not own
    return Question(
        address(reader, reader.path, secrets),
        reader.method,
        dict(reader.parameters) | own,
        whole,
        frozenset(own) | _paging_parameters(reader),
    )


def _paging_parameters(reader: RestReader) -> frozenset[str]:
    pages = reader.pagination
    names: set[str | None] = set()
    if not isinstance(pages, NoPages | NextUrlPages):
        names.add(pages.size_parameter)
    if isinstance(pages, NumberedPages):
        names.add(pages.page_parameter)
    if isinstance(pages, OffsetPages):
        names.add(pages.offset_parameter)
    return frozenset(name for name in names if name)


def _own_parameters(source: SourceConfig, request: PullRequest) -> dict[str, Value]:
    if request.mode == "window":
        return dict(_window(source, request))
    cursor = source.cursor
    if cursor is None or cursor.parameter is None:
        return {}
    before = {} if request.full else (request.cursor or {})
    value = before.get("value", cursor.initial)
    if value is None:
        return {}
    asked = Clock(cursor, source.zone).asked(value)
    number = cursor.format in ("epoch_s", "epoch_ms", "integer")
    return {cursor.parameter: int(asked) if number and asked.lstrip("-").isdecimal() else asked}


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
