"""A repository in memory: what was read from an archive, or what a test makes up."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path

from exchange.repository.carrier import parts_of
from exchange.repository.swapping import another_was_quicker


class MemoryCarrier:
    """A :class:`exchange.repository.carrier.WritingCarrier` over a mapping of paths to bytes."""

    def __init__(self, files: MutableMapping[str, bytes] | None = None, label: str = "memory"):
        self.files: MutableMapping[str, bytes] = {} if files is None else files
        self.label = label

    def close(self) -> None:
        """Nothing is open."""

    def read(self, path: str) -> Iterator[bytes] | None:
        parts_of(path, self.label)
        data = self.files.get(path)
        return None if data is None else iter((data,))

    def put(self, path: str, source: Path) -> None:
        parts_of(path, self.label)
        self.files[path] = source.read_bytes()

    def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        parts_of(path, self.label)
        if self.files.get(path) != expected:
            raise another_was_quicker(self.label)
        self.files[path] = data

    def list_paths(self, folder: str) -> list[str]:
        return sorted(path for path in self.files if path.startswith(f"{folder}/"))
