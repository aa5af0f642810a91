"""``source.toml``: what a source is and how it is read. ``docs/sources.md`` explains every key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationInfo, field_validator, model_validator

from connectors.reader_config import FilesReader, Reader, RestReader
from schemas.codes import canonical
from schemas.text import Text
from schemas.toml import StrictModel, Words, load_toml

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
_ISO_DURATION = re.compile(
    r"^P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?$"
)


def parse_duration(value: Any) -> Any:
    """``PT30M``, ``P1D``, ``P1DT12H`` (ISO 8601 without months and years) or seconds."""
    if isinstance(value, str):
        found = _ISO_DURATION.match(value)
        if not found or value in ("P", "PT") or value.endswith("T"):
            raise ValueError("write a duration as PT30M, P1D, P1DT12H or a number of seconds")
        return timedelta(**{k: int(v) for k, v in found.groupdict().items() if v})
    return timedelta(seconds=value) if isinstance(value, int | float) else value


DEFAULT_OVERLAP = timedelta(minutes=10)
"""Long enough for the ordinary transaction, whose rows carry the time at which it began."""


def _duration_or_count(value: Any, info: ValidationInfo) -> Any:
    """A bare number is one of rows for ``format = "integer"``, else of seconds."""
    counts = info.data.get("format") == "integer"
    return value if counts and isinstance(value, int) else parse_duration(value)


class CursorConfig(StrictModel):
    """The field whose greatest value tells how far a source was read."""

    field: str
    parameter: str | None = None
    """REST: the query parameter that asks for rows since then."""
    format: str = "iso"
    """``iso`` | ``epoch_s`` | ``epoch_ms`` | ``integer`` | ``text`` | a strptime pattern."""
    overlap: timedelta | int | None = None
    """Asked again before the cursor, for rows that appear late; known rows change nothing.

    A time (unset: ten minutes); for ``integer`` a number (unset: 1000 for databases, 0 for
    REST); a cursor of ``text`` has none.
    """
    initial: str | None = None
    _duration = field_validator("overlap", mode="before")(_duration_or_count)

    @property
    def time_overlap(self) -> timedelta:
        """The overlap of a cursor that is a time; none if it is a number or a text."""
        if self.overlap is None:
            return timedelta(0) if self.format in ("integer", "text") else DEFAULT_OVERLAP
        return self.overlap if isinstance(self.overlap, timedelta) else timedelta(0)

    @model_validator(mode="after")
    def _known_format(self) -> CursorConfig:
        if self.format not in ("iso", "epoch_s", "epoch_ms", "integer", "text") and (
            "%" not in self.format
        ):
            raise ValueError(
                "format is iso, epoch_s, epoch_ms, integer, text or a pattern like %Y-%m-%d"
            )
        count = self.overlap if isinstance(self.overlap, int) else 0
        if count < 0 or self.time_overlap < timedelta(0):
            raise ValueError("overlap can't be negative")
        if self.overlap and self.format == "text":
            raise ValueError("a cursor of format text has no overlap")
        if isinstance(self.overlap, timedelta) and self.overlap and self.format == "integer":
            raise ValueError("the overlap of a cursor of format integer is a number")
        return self


class WindowConfig(StrictModel):
    """How a backfill by business date is asked for, or filtered."""

    since_parameter: str | None = None
    until_parameter: str | None = None
    until_inclusive: bool = True
    """False: the source's upper bound is exclusive, so the day after the last is sent."""
    format: str = "%Y-%m-%d"
    field: str | None = None
    """Column with the business date; rows outside the window are left out before counting."""
    field_format: str | None = None
    """strptime pattern of that column; unset, year-month-day in any common writing is read."""
    file_date: str | None = None
    """strftime pattern of the date in a file's name: ``%Y%m%d``."""

    @field_validator("file_date")
    @classmethod
    def _complete_date(cls, value: str | None) -> str | None:
        if value is not None:
            file_date_pattern(value)
        return value


_DATE_DIRECTIVES = {"%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{2}", "%d": r"\d{2}"}


def file_date_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression that finds such a date in a file's name."""
    parts = re.split(r"(%.)", pattern)
    used = {p for p in parts if p.startswith("%")}
    if used - set(_DATE_DIRECTIVES) or not {"%m", "%d"} <= used or not used & {"%Y", "%y"}:
        raise ValueError("file_date needs %Y (or %y), %m and %d and no other directive")
    return re.compile(
        r"(?<!\d)" + "".join(_DATE_DIRECTIVES.get(p, re.escape(p)) for p in parts) + r"(?!\d)"
    )


class SnapshotConfig(StrictModel):
    """A stream whose every pull is a full copy: what is no longer in it is gone at the source."""

    max_removed: float = Field(default=0.1, ge=0, le=1)
    """Greatest share of the records that may disappear in one run; beyond it none is retracted
    and the run waits for a person (a copy that was cut short looks the same)."""


class EventsConfig(StrictModel):
    """A stream of changes in the order of ``[cursor] field``: each row is one event."""

    operation: str | None = None
    """Column that says what happened; unset: every event states its record anew."""
    removed: tuple[str, ...] = ("D", "DELETE", "delete")
    """Values of ``operation`` that say that the record is gone."""


class Limits(StrictModel):
    """What a weak partner can bear: for the whole ``system``, all its streams together."""

    at_once: int = Field(default=2, ge=1)
    """Streams of one system that are read at the same time."""
    quiet_hours: tuple[str, ...] = ()
    """Local times of day at which it is not asked: ``["08:00-12:00", "13:30-18:00"]``."""
    run_minutes: float = Field(default=120, gt=0)
    """A pull that takes longer is broken off, and goes on from there in the next run if it can."""
    circuit_failures: int = Field(default=5, ge=1)
    """Runs that may fail one after the other before it is left alone for a while."""
    circuit_minutes: float = Field(default=60, gt=0)
    """How long it is left alone, before one try."""

    @field_validator("quiet_hours")
    @classmethod
    def _spans(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for span in value:
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)", span):
                raise ValueError('write a span of time as "08:00-18:00"')
        return value


class Expect(StrictModel):
    """What an ordinary run looks like; the gate of the run judges by it."""

    min_rows: int = Field(default=0, ge=0)
    max_drop: float = Field(default=0.5, ge=0, le=1)
    """Greatest drop in rows against the median of the last runs, as a share."""
    max_quarantine_share: float = Field(default=0.2, ge=0, le=1)
    max_age_hours: float | None = Field(default=None, gt=0)
    """Greatest age of the newest record."""


class Defaults(StrictModel):
    """What the source need not say because it is true of every row."""

    division_code: str | None = Field(default=None, pattern=r"^\d{6}(\d{3}|\d{6})?$")
    business_domain: str | None = None

    @field_validator("business_domain")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        codes = {row.code: row for row in canonical("business_domain")}
        if value is not None and value not in codes:
            known = ", ".join(f"{code} {row.label_zh}" for code, row in codes.items())
            raise ValueError(f"{value!r} is no code of list business_domain ({known})")
        return value


class SourceConfig(StrictModel):
    """One stream of one system of an agency."""

    system: Name
    stream: Name
    record_type: Name
    label: str = ""
    time_zone: str = "Asia/Shanghai"
    mode: Literal["cursor", "snapshot", "events"] = "cursor"
    """``cursor``: what is new since the last pull. ``snapshot``: a full copy each time.
    ``events``: a log of changes, in order. A backfill asks for a window whatever the mode."""
    drift: Literal["evolve", "freeze", "discard_row", "discard_value"] = "evolve"
    """What becomes of a column that nobody has told of (neither mapped nor explained)."""
    reader: Reader
    cursor: CursorConfig | None = None
    window: WindowConfig | None = None
    snapshot: SnapshotConfig = Field(default_factory=SnapshotConfig)
    events: EventsConfig | None = None
    limits: Limits = Field(default_factory=Limits)
    expect: Expect = Field(default_factory=Expect)
    defaults: Defaults = Field(default_factory=Defaults)
    unused_columns: dict[str, Annotated[str, Field(min_length=1)] | Words] = Field(
        default_factory=dict
    )
    """Source column → why no field takes it, in words."""

    @property
    def stream_id(self) -> str:
        return f"{self.system}/{self.stream}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def followed(self) -> str:
        """What the cursor's values are of: one of another column or table says nothing here."""
        reader = self.reader
        if self.cursor is None or isinstance(reader, FilesReader):
            return ""
        if isinstance(reader, RestReader):
            return f"{reader.path} {self.cursor.field}"
        query = hashlib.sha256((reader.query or "").encode()).hexdigest()[:16]
        return f"{reader.table or query} {self.cursor.field}"

    def explained(self, columns: Iterable[str]) -> dict[str, Text]:
        """Those of ``columns`` that the source says are left unused, each with the reason.

        Names are compared as columns are: without case and the blanks around them.
        """
        reasons = {_column(name): reason for name, reason in self.unused_columns.items()}
        return {c: _text(reasons[_column(c)]) for c in columns if _column(c) in reasons}

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no such time zone: {value}") from error
        return value

    @model_validator(mode="after")
    def _reader_fits(self) -> SourceConfig:
        if isinstance(self.reader, FilesReader) and self.cursor is not None:
            raise ValueError(
                "a folder is followed by its files; [cursor] is for REST and databases"
            )
        if isinstance(self.reader, RestReader) and self.window and self.window.file_date:
            raise ValueError("file_date is for kind = 'files'")
        if isinstance(self.reader, RestReader) and self.cursor and self.cursor.parameter is None:
            raise ValueError("a REST source needs [cursor] parameter")
        if self.mode == "snapshot" and self.cursor is not None:
            raise ValueError("a snapshot is read whole every time; it has no [cursor]")
        if (self.mode == "events") != (self.events is not None):
            raise ValueError("mode = 'events' and the table [events] go together")
        if self.mode == "events" and self.cursor is None:
            raise ValueError("events are read in the order of [cursor] field")
        return self


def _column(name: str) -> str:
    return name.strip().lower()


def _text(reason: str | Words) -> Text:
    return reason.text if isinstance(reason, Words) else Text(en=reason, zh=reason)


def load_source(folder: Path) -> SourceConfig:
    """Read ``folder/source.toml``.

    Raises :class:`schemas.errors.ConfigError` with file, line, key and the key that was meant.
    """
    return load_toml(folder / "source.toml", SourceConfig)


def in_window(day: date, since: date | None, until: date | None) -> bool:
    """Whether ``day`` lies in the window; both ends belong to it, None is open."""
    return (since is None or since <= day) and (until is None or day <= until)
