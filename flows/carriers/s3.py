"""A repository in a bucket of an S3-compatible store.

The timestamp is replaced on the condition that it is still the one that was read (``If-Match``,
``If-None-Match``). A store that knows no conditions is written to all the same; then only the
comparison a moment before stands between two publishers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.delivery import Secrets
from connectors.files.patience import Patience
from connectors.files.place import ChangedError, GoneError
from connectors.files.s3 import Bucket
from connectors.pace import Pace
from exchange.repository.carrier import parts_of
from exchange.repository.settings import Access
from exchange.repository.swapping import another_was_quicker
from flows.carriers.places import s3_place

if TYPE_CHECKING:
    from obstore import PutMode

_ATTEMPTS = 4
_NO_CONDITIONS = "status code: 501"
"""How the library tells that a store has not implemented what it was asked."""
_PART_BYTES = 16 << 20


class S3Carrier:
    """A :class:`exchange.repository.carrier.WritingCarrier` over ``s3://bucket/prefix``."""

    def __init__(
        self, at: str, access: Access, root: Path, secrets: Secrets, pace: Pace | None = None
    ):
        settings, prefix = s3_place(at, access)
        pace = pace or Pace()
        self.label = at.rstrip("/")
        self._bucket = Bucket(settings, prefix, root, secrets, pace)
        self._patience = Patience(
            pace, settings.retries, settings.backoff_seconds, settings.backoff_max_seconds
        )
        self._is_reached = False

    def close(self) -> None:
        self._bucket.close()

    def read(self, path: str) -> Iterator[bytes] | None:
        parts_of(path, self.label)
        try:
            pieces = self._pieces(path)
            next(pieces)
        except GoneError:
            self._reach()
            return None
        self._is_reached = True
        return pieces

    def _pieces(self, path: str) -> Iterator[bytes]:
        """Nothing first, when the store has shown the object. An object that is replaced while it
        is looked at is looked at again; later pieces are of the one that was begun."""
        for attempt in range(_ATTEMPTS):
            seen = self._patience.run(lambda: self._bucket.look_at(path))
            try:
                with self._bucket.open(seen) as reading:
                    pieces = reading.chunks
                    first = next(pieces, b"")
                    yield b""
                    yield first
                    yield from pieces
                    return
            except (ChangedError, GoneError):
                if attempt == _ATTEMPTS - 1:
                    raise

    def _reach(self) -> None:
        """A bucket that isn't there has none of its objects either; then say so."""
        if not self._is_reached:
            self._patience.run(self._bucket.reached)
            self._is_reached = True

    def put(self, path: str, source: Path) -> None:
        parts_of(path, self.label)
        self._patience.run(lambda: self._put(path, source))

    def _put(self, path: str, source: Path) -> None:
        with self._bucket.speaking(path):
            self._bucket.store.put(self._bucket.key(path), source, chunk_size=_PART_BYTES)

    def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        parts_of(path, self.label)
        self._patience.run(lambda: self._swap(path, data, expected))

    def _swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        found, mode = self._now(path)
        if found == data and expected != data:
            return  # a try before this one was heard, though its answer was lost
        if found != expected:
            raise another_was_quicker(self.label)
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

        key = self._bucket.key(path)
        with self._bucket.speaking(path):
            try:
                self._bucket.store.put(key, data, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError) as error:
                raise another_was_quicker(self.label) from error
            except BaseError as error:
                if _NO_CONDITIONS not in str(error):
                    raise
                self._bucket.store.put(key, data, use_multipart=False)

    def _now(self, path: str) -> tuple[bytes | None, PutMode]:
        """What is there, and the condition that it is still there."""
        try:
            with self._bucket.speaking(path):
                result = self._bucket.store.get(self._bucket.key(path))
                etag = result.meta["e_tag"]
                found = bytes(result.bytes())
        except GoneError:
            return None, "create"
        return found, {"e_tag": etag} if etag else "overwrite"

    def list_paths(self, folder: str) -> list[str]:
        parts_of(folder, self.label)

        def listed() -> list[str]:
            with self._bucket.speaking(folder):
                found: list[str] = []
                pages: Any = self._bucket.store.list(self._bucket.key(folder))
                for page in pages:
                    found += (self._bucket.name(meta["path"]) for meta in page)
            return sorted(found)

        return self._patience.run(listed)
