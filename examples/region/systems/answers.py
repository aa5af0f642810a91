"""What a system answers to a query, as a pure function of its rows."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from examples.region.systems.profiles import Profile


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that the system keeps, and when it last changed it."""

    updated_at: datetime
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def answer(profile: Profile, kept: Sequence[Kept], query: Mapping[str, str]) -> Answer:
    """One page of the rows that ``query`` asks for; 400 for a query that can't be read."""
    try:
        rows = _selected(profile, kept, query)
        size = min(
            int(query.get(profile.size_parameter, profile.largest_page)), profile.largest_page
        )
        start = _start(profile, query, size)
        if size < 1 or start < 0:
            raise ValueError("page size and place are positive")
    except (ValueError, binascii.Error):
        return Answer(400, {"error": "bad request"})
    more = start + size < len(rows)
    return _shaped(profile, query, rows[start : start + size], len(rows), start + size, more)


def _selected(
    profile: Profile, kept: Sequence[Kept], query: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    since = profile.read_time(query[profile.since]) if profile.since in query else None
    first, last = query.get(profile.day_from), query.get(profile.day_to)
    rows = [each.row for each in kept if since is None or each.updated_at >= since]
    if first is not None:
        rows = [row for row in rows if str(row[profile.day_column]) >= first]
    if last is not None:
        # a column with a time of day belongs to its day
        rows = [row for row in rows if str(row[profile.day_column])[: len(last)] <= last]
    return rows


def _start(profile: Profile, query: Mapping[str, str], size: int) -> int:
    given = query.get(profile.page_parameter)
    if not given:
        return 0
    if profile.pages_by == "page":
        return (int(given) - 1) * size
    if profile.pages_by == "token":
        return int(base64.urlsafe_b64decode(given.encode()))
    return int(given)


def _shaped(
    profile: Profile,
    query: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    total: int,
    next_start: int,
    more: bool,
) -> Answer:
    if profile.pages_by == "page":
        return Answer(200, {"code": 0, "message": "ok", "data": {"total": total, "records": rows}})
    if profile.pages_by == "offset":
        return Answer(200, {"total": total, "workorders": rows})
    if profile.pages_by == "token":
        token = base64.urlsafe_b64encode(str(next_start).encode()).decode() if more else None
        return Answer(200, {"List": rows, "NextPageToken": token})
    link = urlencode({**query, profile.page_parameter: str(next_start)})
    headers = {"Link": f'<{profile.path}?{link}>; rel="next"'} if more else {}
    return Answer(200, list(rows), headers)
