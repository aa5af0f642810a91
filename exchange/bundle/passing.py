"""A large entry in pieces: what was read of a mapped file is given back to the system.

The pages of a mapping count as this process's memory until the system wants them. Given back as
one goes, a bundle of a gigabyte is read in the memory of one piece.
"""

from __future__ import annotations

import hashlib
import mmap
import zlib
from collections.abc import Iterator

_PIECE_BYTES = 8 * 1024 * 1024


def pieces(data: memoryview) -> Iterator[memoryview]:
    """``data`` one after another; each is given back when the next is asked for."""
    for start in range(0, len(data), _PIECE_BYTES):
        yield data[start : start + _PIECE_BYTES]
        give_back(data)


def give_back(data: memoryview) -> None:
    """Let the system have the pages of the file that ``data`` is mapped from; reading them again
    brings them back. Of anything but a mapping for reading nothing is touched: what was written
    to a private one would be lost."""
    if isinstance(data.obj, mmap.mmap) and memoryview(data.obj).readonly:
        data.obj.madvise(mmap.MADV_DONTNEED)


def crc32_of(data: memoryview) -> int:
    found = 0
    for piece in pieces(data):
        found = zlib.crc32(piece, found)
    return found


def sha256_of(data: memoryview) -> str:
    """In hex digits."""
    found = hashlib.sha256()
    for piece in pieces(data):
        found.update(piece)
    return found.hexdigest()
