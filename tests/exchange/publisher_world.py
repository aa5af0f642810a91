"""A publisher's repository, edition after edition, for the tests of those who read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bundles import NOW, SENDER
from repositories import File, Repository

from exchange.repository.memory import MemoryCarrier
from exchange.trust.client import Publisher, open_publisher
from schemas.errors import RetryableError
from schemas.text import Text

__all__ = ["NOW", "SENDER"]

STREAM = "agreement-1.a.b"
SEGMENT = f"{STREAM}.000000"
DAY = timedelta(days=1)


def file(number: int, story: str = "a") -> File:
    """Bundle ``number`` as a reader of lists sees it; ``story``: what it says."""
    return File(f"bundle {number} {story}".encode(), f"{ord(story):02x}{number:062x}")


def edition(
    number: int, *, count: int | None = None, story: str = "a", **changes: Any
) -> Repository:
    """The repository's edition ``number`` (from 1): ten minutes, one bundle, one version later."""
    files = {n: file(n, story) for n in range(1, (count or number) + 1)}
    facts = {
        "stream": STREAM,
        "published": NOW + (number - 1) * timedelta(minutes=10),
        "versions": {"timestamp": number, "snapshot": number, SEGMENT: number},
    }
    return Repository(files, **facts | changes)


@dataclass
class Reader:
    """A reader with its memory of one publisher, the card's root being that of ``edition(1)``."""

    folder: Path
    bootstrap: bytes = field(default_factory=lambda: edition(1).write()["metadata/1.root.json"])

    def open(
        self, files: Mapping[str, bytes] | Any, now: datetime = NOW, **options: Any
    ) -> Publisher:
        carrier = files if hasattr(files, "read") else MemoryCarrier(dict(files))
        return open_publisher(carrier, self.folder, self.bootstrap, now, **options)

    def memory(self) -> dict[str, bytes]:
        """Everything that is remembered."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name != ".lock"
        }


class CountingCarrier(MemoryCarrier):
    """Notes what is asked for; from the ``failing``-th question on, the line is down."""

    def __init__(self, files: Mapping[str, bytes], failing: int | None = None):
        super().__init__(dict(files))
        self.asked: list[str] = []
        self._failing = failing

    def read(self, path: str) -> Iterator[bytes] | None:
        self.asked.append(path)
        if self._failing is not None and len(self.asked) >= self._failing:
            raise RetryableError(Text(en="the line is down", zh="线路中断"))
        return super().read(path)
