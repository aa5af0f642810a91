"""Published files that were erased by law: listed still, and never brought out again.

    targets/streams/<stream>/<file>.erased     beside where the file lay

A reader that asks for one is told that it is missing (``MissingError``), as for any file that is
not where the lists say. Its publisher only erases what the reader has taken in already.
"""

from __future__ import annotations

from pathlib import Path

from exchange.files import sync_folder

_ENDING = ".erased"


def mark_erased(path: Path) -> None:
    """Say that the file at ``path`` is erased; on the disk when this returns. The file itself is
    the caller's to remove, afterwards."""
    _marker(path).touch()
    sync_folder(path.parent)


def is_erased(path: Path) -> bool:
    return _marker(path).exists()


def _marker(path: Path) -> Path:
    return path.with_name(path.name + _ENDING)
