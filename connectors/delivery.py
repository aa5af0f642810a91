"""What is asked of a source and what it delivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from connectors.landing import Landed

Secrets = Callable[[str], str]
"""``env:NAME`` and the like to the secret itself; raises ConfigError."""
Progress = Callable[[int, int | None], None]
"""Objects (files or pages) landed so far, and how many there will be, if known."""


def quiet(done: int, total: int | None) -> None:
    """A progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """``cursor``: what is new since ``cursor``; ``window``: business dates since..until, inclusive.

    ``now`` is aware. A window never reads or moves a cursor. ``full``: everything from the
    start, whatever the cursor says; the cursor then moves on as usual. ``anyway``: also in the
    source's quiet hours, and where it is being left alone.
    """

    mode: Literal["cursor", "window"]
    cursor: dict[str, Any] | None
    since: date | None
    until: date | None
    now: datetime
    full: bool = False
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """How many ``rows`` the source itself says it has.

    ``scope`` ``delivery``: those that this delivery should hold. ``source``: all that it has
    at the moment of the read, whatever part of them was asked for.
    """

    rows: int
    scope: Literal["delivery", "source"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """``objects`` in the order in which their rows come.

    ``cursor``: for files the cursor of the next run, complete; for REST the one that this
    pull started from, which :func:`connectors.raw.load_raw` moves on; None: no cursor.
    ``since``/``until``: rows outside are left out when read, because the source can't do it.
    ``complete``: together the objects are all that the source has now, so that a row which is
    not in them is gone there. ``counted``: what the source itself counted, if it can.
    ``as_of``: the source's own clock when the read began, if it told; a time of its after that
    is in the future for the cursor. None: this node's clock decides.
    """

    objects: tuple[Landed, ...]
    cursor: dict[str, Any] | None
    since: date | None = None
    until: date | None = None
    complete: bool = False
    counted: Counted | None = None
    as_of: datetime | None = None
