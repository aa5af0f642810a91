"""An entry on its way into a container: its bytes, or the file they lie in, measured once.

A container's headers name each entry's size and CRC, its statement each entry's SHA-256, and
both stand before the data. So an entry is measured while it is written, and never read again
before it is copied into its place.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from exchange.bundle.passing import crc32_of, pieces, sha256_of
from exchange.files import BUFFER_BYTES
from exchange.limits import Readable

_WAITING = 4


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of an entry, or the file that holds exactly them. ``size`` in bytes."""

    source: Readable | Path
    size: int
    crc32: int
    sha256: str

    @classmethod
    def of(cls, data: Readable) -> Part:
        view = memoryview(data).cast("B")
        return cls(data, len(view), crc32_of(view), sha256_of(view))

    @classmethod
    def of_file(cls, path: Path) -> Part:
        with path.open("rb") as file, Measure() as measure:
            while piece := file.read(BUFFER_BYTES):
                measure.update(piece)
            return measure.part(path)

    def copy_to(self, file: BinaryIO) -> None:
        """Append the bytes. Raises ``ValueError`` if the file is not as long as it was."""
        if isinstance(self.source, Path):
            before = file.tell()
            with self.source.open("rb") as mine:
                shutil.copyfileobj(mine, file, BUFFER_BYTES)
            if file.tell() - before != self.size:
                raise ValueError(f"{self.source.name} was changed while it was put into a bundle")
        else:
            for piece in pieces(memoryview(self.source).cast("B")):
                file.write(piece)


class Measure:
    """Size, CRC-32 and SHA-256 of bytes that pass by, counted beside what makes them.

    One thread of its own: both sums let go of the interpreter while they count.
    """

    def __init__(self) -> None:
        self.size = 0
        self._crc32, self._sha256 = 0, hashlib.sha256()
        self._gathered = bytearray()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="measure")
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Measure:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def update(self, data: bytes) -> None:
        self.size += len(data)
        self._gathered += data
        if len(self._gathered) >= BUFFER_BYTES:
            self._hand_over()

    def _hand_over(self) -> None:
        self._waiting.append(self._pool.submit(self._count, bytes(self._gathered)))
        self._gathered.clear()
        if len(self._waiting) > _WAITING:
            self._waiting.popleft().result()

    def _count(self, data: bytes) -> None:
        self._crc32 = zlib.crc32(data, self._crc32)
        self._sha256.update(data)

    def part(self, source: Readable | Path) -> Part:
        """What passed by, which ``source`` holds."""
        self._hand_over()
        while self._waiting:
            self._waiting.popleft().result()
        return Part(source, self.size, self._crc32, self._sha256.hexdigest())


class MeasuredFile(io.RawIOBase):
    """Writes to ``file`` and measures on the way: what a Parquet writer is given."""

    def __init__(self, file: BinaryIO, measure: Measure) -> None:
        self._file, self._measure = file, measure

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._measure.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._measure.size
