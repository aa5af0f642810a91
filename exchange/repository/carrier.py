"""What brings a repository's files to a reader: the face that folder, web, bucket and SFTP share.

Paths are relative to the repository, with ``/``: ``metadata/timestamp.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Carrier(Protocol):
    """Reads. Errors are :class:`schemas.errors.OutsideError`; a carrier believes nothing that
    it reads and checks nothing but that the bytes came whole."""

    label: str
    """Where it reads, for messages; without secrets."""

    def read(self, path: str) -> Iterator[bytes] | None:
        """The file in pieces, None if there is none. The reader stops when it has enough."""


class WritingCarrier(Carrier, Protocol):
    """Writes, too: a file appears whole or not at all."""

    def put(self, path: str, source: Path) -> None:
        """Put a file that no reader knows of yet. One that is there already is replaced."""

    def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        """Put ``data`` if ``expected`` is what is there (None: nothing), at one moment.

        Raises ``RetryableError`` if something else is there: another publisher was quicker.
        """

    def list_paths(self, folder: str) -> list[str]:
        """The files below ``folder``, as paths."""
