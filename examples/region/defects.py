"""Spoils a row the way that real feeds are spoilt.

Shares are small and per row; a feed without the column in question never gets that defect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from examples.region.check_digits import with_wrong_check
from examples.region.feeds import Feed
from examples.region.ledger import AGAINST_THE_LAW, Kind
from examples.region.renderings import Row

SHARES: Final[Mapping[Kind, float]] = {
    "plate_variant": 0.05,
    "plate_unread": 0.008,
    "wrong_check_digit": 0.004,
    "duplicate_decision_no": 0.002,
    "exact_duplicate": 0.005,
    "corrected": 0.008,
    "blank_required": 0.003,
    "impossible_date": 0.002,
    "negative_fine": 0.0015,
    "unknown_code": 0.004,
    "fine_off_tariff": 0.0015,
    "fine_out_of_range": 0.0015,
    "summary_over_limit": 0.0015,
    "limitation_passed": 0.0015,
}
UNREAD: Final = ("未识别", "无牌", "车牌未识别")

_FULL_WIDTH: Final = {ord(c): ord(c) + 0xFEE0 for c in "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"}
_PLATE_VARIANTS: Final[tuple[Callable[[str], str], ...]] = (
    lambda plate: f"{plate[:2]}·{plate[2:]}",
    lambda plate: plate.translate(_FULL_WIDTH),
    lambda plate: plate.lower(),
    lambda plate: f" {plate[:2]} {plate[2:]}",
)


def choose(rng: Random, feed: Feed[Any]) -> Kind | None:
    """The defect that the next row of ``feed`` shall have; None for most rows."""
    draw = rng.random()
    for kind, share in SHARES.items():
        draw -= share
        if draw < 0:
            return kind if _fits(feed, kind) else None
    return None


def _fits(feed: Feed[Any], kind: Kind) -> bool:
    if kind == "wrong_check_digit":
        return bool(feed.party_numbers)
    if kind == "duplicate_decision_no":
        return feed.decision_no is not None
    if kind == "corrected":
        return feed.correctable
    if kind == "impossible_date":
        return feed.day is not None
    if kind == "negative_fine" or kind in AGAINST_THE_LAW:
        return feed.fine is not None
    if kind == "unknown_code":
        return bool(feed.unknown_codes)
    return True


def spoil(rng: Random, feed: Feed[Any], kind: Kind, row: Row, previous: Row | None) -> bool:
    """Put ``kind`` into ``row``; False if this row gives no opportunity for it.

    ``previous`` is a sound row of the same feed, whose decision number may be used again.
    Defects that concern a whole row (``exact_duplicate``, ``corrected``) change nothing here.
    """
    if kind == "plate_variant":
        row[feed.plate] = rng.choice(_PLATE_VARIANTS)(row[feed.plate])
    elif kind == "plate_unread":
        row[feed.plate] = rng.choice(UNREAD)
    elif kind == "blank_required":
        row[rng.choice(feed.required)] = ""
    elif kind == "impossible_date":
        row[str(feed.day)] = feed.impossible_day
    elif kind == "wrong_check_digit":
        column = next(name for name in feed.party_numbers if row[name])
        row[column] = with_wrong_check(row[column])
    elif kind == "duplicate_decision_no":
        if previous is None:
            return False
        row[str(feed.decision_no)] = previous[str(feed.decision_no)]
    elif kind == "negative_fine":
        return _negate(row, str(feed.fine))
    return True


def _negate(row: Row, column: str) -> bool:
    if not row[column]:
        return False
    row[column] = f"-{row[column]}" if isinstance(row[column], str) else -row[column]
    return True
