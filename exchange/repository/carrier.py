"""What brings a repository's files to a reader: the face that folder, web, bucket and SFTP share.

Paths are relative to the repository, with ``/``: ``metadata/timestamp.json``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from schemas.errors import RefusedError, Where
from schemas.text import Text

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", re.ASCII)
_MOST_PARTS = 8


class Carrier(Protocol):
    """Reads. Errors are :class:`schemas.errors.OutsideError`; a carrier believes nothing that
    it reads and checks nothing but that the bytes came whole."""

    label: str
    """Where it reads, for messages; without secrets."""

    def read(self, path: str) -> Iterator[bytes] | None:
        """The file in pieces, None if there is none. The reader stops when it has enough."""

    def close(self) -> None:
        """Hang up. Another call connects anew."""


class WritingCarrier(Carrier, Protocol):
    """Writes, too: a file appears whole or not at all."""

    def put(self, path: str, source: Path) -> None:
        """Put a file that no reader knows of yet. One that is there already is replaced."""

    def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        """Put ``data`` if ``expected`` is what is there (None: nothing), at one moment.

        Raises ``RetryableError`` if something else is there: another publisher was quicker.
        """

    def list_paths(self, folder: str) -> list[str]:
        """The files below ``folder``, as paths in order; none if there is no such folder."""


def parts_of(path: str, label: str) -> tuple[str, ...]:
    """The names of a path in a repository. A publisher's metadata may lead us anywhere, so a
    path that climbs out of the repository or hides in it is a ``RefusedError``."""
    parts = tuple(path.split("/"))
    if len(parts) > _MOST_PARTS or not all(_PART.fullmatch(part) for part in parts):
        raise RefusedError(
            Text(
                en="a path that no repository of Hefu has was asked for",
                zh="请求了发布目录中不可能存在的路径",
            ),
            where=Where(f"{label}: {path[:200]}"),
            hint=Text(
                en="the publisher's metadata name it; tell the publisher",
                zh="该路径出自发布方的元数据，请告知发布方",
            ),
        )
    return parts
