"""How the region's four web interfaces differ: address, key, pages, clock and shape of the answer.

``python -m examples.region.systems.case_api --profile NAME`` serves one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from examples.region.happenings import CHINA

PagesBy = Literal["page", "offset", "token", "link"]


def _iso(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def _compact(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)


def _epoch_ms(text: str) -> datetime:
    return datetime.fromtimestamp(int(text) / 1000, tz=UTC)


@dataclass(frozen=True, slots=True)
class Profile:
    """One interface.

    ``since`` is the parameter that asks for rows changed at or after a time, read by
    ``read_time``. ``day_column`` with ``day_from`` and ``day_to`` selects by business date,
    both days included; days compare as text, as the column is written. ``key_header`` carries
    the key: ``Authorization`` means ``Bearer …``, any other header the bare key.
    """

    path: str
    pages_by: PagesBy
    largest_page: int
    since: str
    read_time: Callable[[str], datetime]
    day_column: str
    day_from: str
    day_to: str
    key_header: str = "Authorization"
    page_parameter: str = "page"
    size_parameter: str = "size"


PROFILES: Final[dict[str, Profile]] = {
    "zhichao": Profile(
        path="/api/cases",
        pages_by="page",
        largest_page=200,
        since="updated_since",
        read_time=_iso,
        day_column="decision_date",
        day_from="decided_from",
        day_to="decided_to",
    ),
    "hotline": Profile(
        path="/workorders",
        pages_by="offset",
        largest_page=100,
        since="updated_after",
        read_time=_iso,
        day_column="accept_time",
        day_from="accepted_from",
        day_to="accepted_to",
        key_header="X-Api-Key",
        page_parameter="offset",
        size_parameter="limit",
    ),
    "chaogao": Profile(
        path="/copysend/list",
        pages_by="token",
        largest_page=150,
        since="UpdateTimeFrom",
        read_time=_compact,
        day_column="CopyDate",
        day_from="CopyDateFrom",
        day_to="CopyDateTo",
        page_parameter="PageToken",
        size_parameter="PageSize",
    ),
    "anjian": Profile(
        path="/v2/cases",
        pages_by="link",
        largest_page=200,
        since="modifiedSince",
        read_time=_epoch_ms,
        day_column="decidedOn",
        day_from="decidedFrom",
        day_to="decidedTo",
        page_parameter="skip",
        size_parameter="take",
    ),
}
