"""What an unfinished pull has landed, so that the next one goes on from there.

    landing/progress/<system>/<stream>.jsonl    the question, then one line a page

A pull decides by its pages alone what it asks next, so the pages are all that must be kept: the
next pull of the same question reads them from the landing area and goes on at the first one
that is missing. A line is appended and synced after its page is on disk; a line torn by a crash
is dropped, and its page asked for again. The file goes when the pull is done.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.landing import Landed, Landing
from schemas.errors import DataError

_NOT_OURS = (
    FileNotFoundError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    DataError,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer: its object (None: the list had ended there) and what its headers said."""

    page: str
    """Digest of the request."""
    landed: Landed | None
    url: str
    next_link: str | None
    date: datetime | None
    redirected: bool = False


@dataclass
class Tape:
    """The answers of one question in order. ``path`` None keeps nothing."""

    path: Path | None
    question: str
    _old: list[Kept] = field(default_factory=list)
    _at: int = 0
    _written: bool = False

    @classmethod
    def open(
        cls, path: Path, question: str, landing: Landing, now: datetime, resume_minutes: float
    ) -> Tape:
        """With what an earlier pull kept of ``question``, unless it is too old or gone."""
        tape = cls(path, question)
        oldest = now - timedelta(minutes=resume_minutes)
        tape._old = _kept(path, question, landing, oldest, now)
        tape._written = bool(tape._old)
        if not tape._old:
            path.unlink(missing_ok=True)
        return tape

    @property
    def resumed(self) -> int:
        """How many answers an earlier pull kept."""
        return len(self._old)

    def again(self, page: str) -> Kept | None:
        """The kept answer to the request ``page``, if that is what was asked for then."""
        if self._at >= len(self._old):
            return None
        kept = self._old[self._at]
        if kept.page != page:
            self.forget()
            return None
        self._at += 1
        return kept

    def forget(self) -> None:
        """Begin anew: what was kept is of no use."""
        self._old, self._at, self._written = [], 0, False
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def add(self, kept: Kept) -> None:
        """Note an answer that is on disk."""
        if self.path is None:
            return
        lines = [] if self._written else [{"question": self.question}]
        lines.append(_line(kept))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        mode = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if self._written else os.O_TRUNC)
        descriptor = os.open(self.path, mode, 0o600)  # a next page's address may hold anything
        with os.fdopen(descriptor, "wb") as handle:
            for line in lines:
                handle.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        self._written = True

    def done(self) -> None:
        """The pull has come to its end."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def progress_path(landing_root: Path, stream_id: str) -> Path:
    return landing_root / "progress" / f"{stream_id}.jsonl"


def _line(kept: Kept) -> dict[str, Any]:
    landed = kept.landed
    return {
        "page": kept.page,
        "landed": None
        if landed is None
        else {
            "digest": landed.digest,
            "size": landed.size,
            "origin": landed.origin,
            "fetched_at": landed.fetched_at.isoformat(),
            "number": landed.page,
            "request": landed.request,
        },
        "url": kept.url,
        "next_link": kept.next_link,
        "date": kept.date.isoformat() if kept.date else None,
        "redirected": kept.redirected,
    }


def _kept(
    path: Path, question: str, landing: Landing, oldest: datetime, now: datetime
) -> list[Kept]:
    """All or nothing: a sequence with a page missing proves nothing about the pages after it."""
    try:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]  # what follows is torn
        if len(whole) < len(content):
            os.truncate(path, len(whole))
        lines = whole.splitlines()
        head, *answers = [json.loads(line) for line in lines]
        if head.get("question") != question:
            return []
        kept = [_read(answer, landing) for answer in answers]
        times = [k.landed.fetched_at for k in kept if k.landed is not None]
        # A time to come is one of a clock that was wrong then, or is now.
        return kept if times and oldest <= max(times) <= now else []
    except _NOT_OURS:
        return []  # or damaged: what it would have saved is asked for again


def _read(answer: dict[str, Any], landing: Landing) -> Kept:
    told = answer["landed"]
    landed = None
    if told is not None:
        path = landing.find(told["digest"])
        if path.stat().st_size != told["size"]:
            raise ValueError("another size")
        landed = Landed(
            told["digest"],
            told["size"],
            path,
            told["origin"],
            datetime.fromisoformat(told["fetched_at"]),
            told["number"],
            told["request"],
        )
    date = answer["date"]
    return Kept(
        answer["page"],
        landed,
        answer["url"],
        answer["next_link"],
        datetime.fromisoformat(date) if date else None,
        answer["redirected"],
    )
