"""Which of the files that are there are read: finished ones, wanted days, the newest copy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from connectors.config import file_date_pattern
from connectors.files.place import Seen
from schemas.errors import RefusedError, Where
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Found:
    """``ready``: files that are finished. ``waiting``: those without their mark, or too fresh."""

    ready: tuple[Seen, ...]
    waiting: tuple[Seen, ...] = ()

    def quiet(self, now: datetime, seconds: int) -> Found:
        """The same, with files that changed within ``seconds`` of ``now`` waiting, too.

        By distance: a share whose clock runs ahead must not hide its files for ever.
        """
        fresh = {s.name for s in self.ready if abs(now.timestamp() - s.mtime_ns / 1e9) < seconds}
        return Found(
            tuple(s for s in self.ready if s.name not in fresh),
            (*self.waiting, *(s for s in self.ready if s.name in fresh)),
        )


def finished(found: Iterable[Seen], suffix: str) -> Found:
    """Part files from marks: a file is finished when ``<name><suffix>`` is there.

    A mark older than its file is of what was there before: the file is being written anew.
    """
    if not suffix:
        return Found(tuple(found))
    marks = {s.name: s.mtime_ns for s in found if s.name.endswith(suffix)}
    files = [s for s in found if not s.name.endswith(suffix)]
    done = {s.name for s in files if marks.get(s.name + suffix, -1) >= s.mtime_ns}
    return Found(
        tuple(s for s in files if s.name in done),
        tuple(s for s in files if s.name not in done),
    )


def is_known(entry: Mapping[str, Any] | None, seen: Seen) -> bool:
    """Whether a file needs no reading. What an entry doesn't tell (older ones lack the inode
    and the time of change) does not speak against it."""
    if entry is None or not entry.get("settled", True):
        return False
    return all(entry.get(mark, value) == value for mark, value in seen.marks.items())


def entry_of(seen: Seen, digest: str, now: datetime, unsettled_seconds: float) -> dict[str, Any]:
    """What the cursor keeps of a file that was read.

    Not ``settled``: it changed within ``unsettled_seconds`` of the pull, so that it may have
    changed again and look the same; it is read once more in the next run.
    """
    entry: dict[str, Any] = {"sha256": digest, **seen.marks}
    changed_ns = max(seen.mtime_ns, seen.identity.get("ctime_ns", 0))
    if abs(now.timestamp() - changed_ns / 1e9) < unsettled_seconds:
        entry["settled"] = False
    return entry


def file_day(name: str, pattern: str) -> date | None:
    """The date in a file's name, None if it shows none."""
    found = file_date_pattern(pattern).search(name.rpartition("/")[2])
    if not found:
        return None
    try:
        return datetime.strptime(found[0], pattern).date()  # noqa: DTZ007 - a date
    except ValueError:
        return None


def newest_copy(found: Found, since: Mapping[str, Any], file_date: str | None) -> tuple[Seen, ...]:
    """The files of the newest full copy that is finished, by name; none if there is no newer.

    With ``file_date`` a copy is all files of one date, and one that is not wholly there waits;
    without, it is one file, and the time of change says which. ``since``: the cursor's entries
    of the copy that was read last; nothing older is read after it, except under its own name.
    """
    if file_date is not None:
        return _newest_day(found, since, file_date)
    newest = max(found.ready, key=lambda s: (s.mtime_ns, s.name), default=None)
    if newest is None:
        return ()
    read = max(((e["mtime_ns"], n) for n, e in since.items()), default=(0, ""))
    if newest.name not in since and (newest.mtime_ns, newest.name) < read:
        return ()
    return (newest,)


def _newest_day(found: Found, since: Mapping[str, Any], file_date: str) -> tuple[Seen, ...]:
    days = {s.name: _day(s.name, file_date) for s in (*found.ready, *found.waiting)}
    unfinished = {days[s.name] for s in found.waiting}
    newest = max({days[s.name] for s in found.ready} - unfinished, default=None)
    read = [day for day in (file_day(name, file_date) for name in since) if day is not None]
    if newest is None or any(day > newest for day in read):
        return ()
    return tuple(s for s in found.ready if days[s.name] == newest)


def _day(name: str, file_date: str) -> date:
    day = file_day(name, file_date)
    if day is None:
        raise RefusedError(
            Text(
                en="the file's name shows no date: it can't be ranked among the copies",
                zh="文件名中没有日期，无法判断它是否为最新的全量文件",
            ),
            where=Where(name),
            hint=Text(
                en="narrow the pattern, or correct [window] file_date",
                zh="请收窄 pattern，或更正 [window] 的 file_date",
            ),
        )
    return day
