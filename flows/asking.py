"""A partner's system is asked only within what it can bear: ``[limits]`` of ``source.toml``.

Every pull goes through :func:`asking`, the nightly one, one every five minutes and a backfill.
What is agreed holds between processes as well, because it is kept in locks and files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import ClassVar

from connectors.config import Limits
from flows.locks import holding_one_of
from hefu.node import Node, Source
from hefu.standing import note_failure, note_success, standing_of
from schemas.errors import OutsideError, RetryableError, Where
from schemas.text import Text

#: Called between two objects; raises when the time is up.
Watch = Callable[[], None]


class PostponedError(OutsideError):
    """It is not the hour at which this source may be asked: nothing failed, and later is soon."""

    exit_code: ClassVar[int] = 0


class LeftAloneError(OutsideError):
    """The source failed so often that it is left alone for a while."""


@contextmanager
def asking(node: Node, source: Source, now: datetime, *, anyway: bool = False) -> Iterator[Watch]:
    """Hold one of the system's places while the block asks it.

    ``anyway``: a person says that it may be asked now, whatever hour it is and however often it
    failed. The caller holds the stream's lock. Raises :class:`PostponedError` in quiet hours,
    :class:`LeftAloneError` while the circuit is open; the watch raises
    :class:`RetryableError` when ``run_minutes`` are over or quiet hours begin. An error of the
    source's is counted against it, a block that ends well clears it.
    """
    limits = source.config.limits
    started = time.monotonic()
    minutes = timedelta(minutes=limits.run_minutes)
    if not anyway:
        _refuse_quiet(source, now)
        _refuse_open(node, source, now)
        minutes = min(minutes, _until_quiet(source, now))

    def watch() -> None:
        if time.monotonic() - started > minutes.total_seconds():
            raise _took_too_long(source, minutes)

    with holding_one_of(node, f"system/{source.config.system}", limits.at_once):
        try:
            yield watch
        except OutsideError as error:
            note_failure(node, source.stream_id, error.message, now)
            raise
    note_success(node, source.stream_id)


def _refuse_quiet(source: Source, now: datetime) -> None:
    local = now.astimezone(source.config.zone)
    for start, end in _spans(source.config.limits):
        if _inside(_minute(local), start, end):
            until = f"{end // 60:02}:{end % 60:02}"
            raise PostponedError(
                Text(
                    en=f"not asked now: its quiet hours last until {until}",
                    zh=f"暂不访问：该系统的免打扰时段至 {until}",
                ),
                where=Where(source.stream_id),
                hint=Text(
                    en="the next run after that asks it; hefu sync --anyway asks now",
                    zh="此后的下一次运行会访问；确需立即访问请用 hefu sync --anyway",
                ),
            )


def _refuse_open(node: Node, source: Source, now: datetime) -> None:
    standing = standing_of(node, source.stream_id)
    until = standing.left_alone_until(source.config.limits) if standing else None
    if standing is None or until is None or now >= until:
        return
    zone = source.config.zone
    since, again = (f"{t.astimezone(zone):%Y-%m-%d %H:%M}" for t in (standing.since, until))
    raise LeftAloneError(
        Text(
            en=f"left alone until {again}: it has failed {standing.failures} times since "
            f"{since}, at last because {standing.error.en}",
            zh=f"{again} 之前不再访问：自 {since} 起连续失败 {standing.failures} 次，"
            f"最近一次原因：{standing.error.zh}",
        ),
        where=Where(source.stream_id),
        hint=Text(
            en="ask the system's operator; hefu check tries it without storing, "
            "hefu sync --anyway asks now",
            zh="请联系该系统运维人员；可用 hefu check 试连（不写入），"
            "或用 hefu sync --anyway 立即访问",
        ),
    )


def _until_quiet(source: Source, now: datetime) -> timedelta:
    """How long it may still be asked today."""
    minute = _minute(now.astimezone(source.config.zone))
    starts = [(start - minute) % (24 * 60) for start, _ in _spans(source.config.limits)]
    return timedelta(minutes=min(starts, default=24 * 60))


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _spans(limits: Limits) -> list[tuple[int, int]]:
    return [
        (_of_day(start), _of_day(end))
        for start, end in (span.split("-") for span in limits.quiet_hours)
    ]


def _of_day(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _inside(minute: int, start: int, end: int) -> bool:
    """Whether a span of the day holds a minute; one that ends before it begins spans midnight."""
    if start < end:
        return start <= minute < end
    return minute >= start or minute < end


def _took_too_long(source: Source, minutes: timedelta) -> RetryableError:
    shown = f"{minutes.total_seconds() / 60:g}"
    return RetryableError(
        Text(
            en=f"the pull was broken off after {shown} minutes",
            zh=f"拉取已用时 {shown} 分钟，中止",
        ),
        where=Where(source.stream_id),
        hint=Text(
            en="nothing was lost: the next run asks again; if the source is that slow, raise "
            "[limits] run_minutes or ask for less at a time",
            zh="数据没有丢失，下次运行会再次拉取；如该系统确实较慢，请调大 [limits] run_minutes"
            "或减少每次拉取的数据量",
        ),
    )
