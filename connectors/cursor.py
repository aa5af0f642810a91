"""How far a source was read: the greatest value of one field, and never less than before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.config import CursorConfig

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_UNITS = {"epoch_s": timedelta(seconds=1), "epoch_ms": timedelta(milliseconds=1)}

Comparable = datetime | int | str


@dataclass(frozen=True, slots=True)
class Clock:
    """How a source writes a cursor value; times without an offset are in ``zone``.

    ``count``: how many numbers before a number are asked again, if the settings don't say.
    """

    config: CursorConfig
    zone: ZoneInfo
    default_count: int = 0

    @property
    def count(self) -> int:
        overlap = self.config.overlap
        return overlap if isinstance(overlap, int) else self.default_count

    def parse(self, text: str) -> Comparable | None:
        """What a value is compared by; None if it can't be read."""
        form = self.config.format
        if form == "text":
            return text
        try:
            if form == "integer":
                return int(text)
            if form in TIME_UNITS:
                return _EPOCH + int(text) * TIME_UNITS[form]
            time = datetime.fromisoformat(text) if form == "iso" else self._strptime(text)
        except (ValueError, OverflowError):
            return None
        return time if time.tzinfo else time.replace(tzinfo=self.zone)

    def asked(self, text: str) -> str:
        """The value to ask from for a cursor of ``text``: earlier by the overlap."""
        moment = self.parse(text)
        if isinstance(moment, int):
            return str(moment - self.count) if self.count else text
        if not isinstance(moment, datetime):
            return text
        overlap = self.config.time_overlap + _repeated(moment)
        if not overlap:
            return text
        try:
            return self._written(moment - overlap, text)
        except OverflowError:  # the first moment there is: nothing lies before it
            return text

    def _written(self, earlier: datetime, text: str) -> str:
        form = self.config.format
        if form in TIME_UNITS:
            return str((earlier - _EPOCH) // TIME_UNITS[form])
        if form not in ("iso", "integer", "text"):
            return earlier.strftime(form)
        written = datetime.fromisoformat(text)
        if written.tzinfo is None:
            earlier = earlier.replace(tzinfo=None)
        shown = earlier.isoformat(sep="T" if "T" in text else " ")
        return shown.replace("+00:00", "Z") if text.endswith("Z") else shown

    def _strptime(self, text: str) -> datetime:
        return datetime.strptime(text, self.config.format)  # noqa: DTZ007 - the zone is added


def _repeated(moment: datetime) -> timedelta:
    """By how much the clock on the wall still goes back after ``moment``, or has just gone.

    Where summer time ends, an hour comes twice: what follows its first end is written earlier.
    """
    first, second = (moment.replace(fold=fold).utcoffset() for fold in (0, 1))
    none = timedelta(0)
    return max((first or none) - (second or none), none)


def advance(
    clock: Clock, before: dict[str, Any], values: Iterable[str], fetched_at: datetime
) -> dict[str, Any]:
    """The cursor after ``values`` came: {"value": text} or what it was.

    Values that can't be read don't move it, nor does a time after ``fetched_at``: one wrong
    year (or hour) in a source must not hide what comes before it. A source whose clock runs
    ahead is asked for its last rows again, which changes nothing.
    """
    best_text = before.get("value")
    best = clock.parse(best_text) if best_text is not None else None
    for text in values:
        value = clock.parse(text)
        if value is None or (isinstance(value, datetime) and value > fetched_at):
            continue
        if best is None or value > best:  # type: ignore[operator]  # one format, one type
            best, best_text = value, text
    return {} if best_text is None else {"value": best_text}
