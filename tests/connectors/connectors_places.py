"""The three places of files, each real: a folder, an SFTP server, a bucket."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol

from connectors_world import MakeSource, Source
from servers.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from servers.sftp import PASSWORD, USER, SftpServer

from connectors.delivery import Delivery, PullRequest
from connectors.pace import Pace
from connectors.pull import pull

DATA = b"a,b\n1,2\n"
#: Long after any file was written, so that none looks fresh.
LATER = datetime(2036, 5, 20, 1, 30, tzinfo=UTC)
SECRETS = {
    "env:PASSWORD": PASSWORD,
    "env:ACCESS_KEY": ACCESS_KEY,
    "env:SECRET_KEY": SECRET_KEY,
    "env:WRONG": "wrong",
}
_NUMBERS = itertools.count(1)


class World(Protocol):
    """A place with a source that reads it."""

    def put(self, name: str, data: bytes, changed: int | None = None) -> None:
        """Write a file; ``changed``: when, in seconds, where the place lets one say so."""

    def remove(self, name: str) -> None: ...

    def source(self, more: str = "", tables: str = "") -> PlaceSource: ...

    def while_reading(self, act: Callable[[], None]) -> Any:
        """A context in which ``act`` happens once, in the middle of the next file read."""


@dataclass
class PlaceSource:
    """A source in one place; ``secrets`` may be changed by a test."""

    inner: Source
    secrets: dict[str, str] = field(default_factory=lambda: dict(SECRETS))

    def pull(
        self,
        cursor: dict[str, Any] | None = None,
        *,
        window: tuple[date | None, date | None] | None = None,
        full: bool = False,
        now: datetime = LATER,
    ) -> Delivery:
        since, until = window or (None, None)
        mode: Any = "window" if window else "cursor"
        return pull(
            self.inner.config,
            self.inner.folder,
            PullRequest(mode, cursor, since, until, now, full),
            self.inner.landing,
            secrets=self.secrets.__getitem__,
            pace=Pace(self.inner.waits.append, lambda: 0.0),
        )

    def bytes_of(self, delivery: Delivery) -> list[bytes]:
        return [landed.path.read_bytes() for landed in delivery.objects]

    @property
    def events(self) -> list[Any]:
        return self.inner.landing.events("cases/decisions")


def names(delivery: Delivery) -> list[str]:
    return [landed.origin for landed in delivery.objects]


def _reader(path: str, more: str, place: str, tables: str) -> str:
    # Keys of the table [reader] come before [reader.place]; top-level ones before both.
    top, _, rest = tables.partition("\n\n") if tables.startswith("mode") else ("", "", tables)
    return (
        f'{top}\n[reader]\nkind = "files"\npath = "{path}"\nformat = "csv"\n{more}\n{place}\n{rest}'
    )


@dataclass
class LocalWorld:
    make: MakeSource
    made: Source | None = None

    def source(self, more: str = "", tables: str = "") -> PlaceSource:
        self.made = self.make(_reader("drop", more, "", tables))
        return PlaceSource(self.made)

    @property
    def folder(self) -> Any:
        return (self.made or self.make(_reader("drop", "", "", ""))).drop

    def put(self, name: str, data: bytes, changed: int | None = None) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if changed is not None:
            os.utime(path, (changed, changed))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    @contextmanager
    def while_reading(self, act: Callable[[], None]) -> Iterator[None]:
        assert self.made is not None
        landing, pending = self.made.landing, [act]
        real = landing.store

        def store(stream_id: str, chunks: Any, *args: Any, **kwargs: Any) -> Any:
            def reading() -> Iterator[bytes]:
                for chunk in chunks:
                    yield chunk
                    while pending:
                        pending.pop()()

            return real(stream_id, reading(), *args, **kwargs)

        landing.store = store  # type: ignore[method-assign]
        yield
        landing.store = real  # type: ignore[method-assign]
        assert not pending


@dataclass
class SftpWorld:
    make: MakeSource
    server: SftpServer
    place: str = ""

    def source(
        self, more: str = "", tables: str = "", *, place: str = "", host_key: str | None = None
    ) -> PlaceSource:
        keys = place or 'password = "env:PASSWORD"'
        settings = (
            f'[reader.place]\nkind = "sftp"\nhost = "127.0.0.1"\nport = {self.server.port}\n'
            f'user = "{USER}"\nhost_key = "{host_key or self.server.host_key}"\n'
            f"backoff_seconds = 1\n{'' if 'retries' in keys else 'retries = 2'}\n{keys}\n"
        )
        (self.server.folder / "drop").mkdir(exist_ok=True)
        return PlaceSource(self.make(_reader("/drop", more, settings, tables)))

    def put(self, name: str, data: bytes, changed: int | None = None) -> None:
        path = self.server.put(f"drop/{name}", data)
        if changed is not None:
            os.utime(path, (changed, changed))

    def remove(self, name: str) -> None:
        (self.server.folder / "drop" / name).unlink()

    @contextmanager
    def while_reading(self, act: Callable[[], None]) -> Iterator[None]:
        pending = [act]

        def on_read(_name: str, _offset: int) -> None:
            while pending:
                pending.pop()()

        self.server.faults.on_read = on_read
        yield
        self.server.faults.on_read = None
        assert not pending


@dataclass
class S3World:
    make: MakeSource
    server: S3Server
    bucket: str
    made: Source | None = None

    @classmethod
    def new(cls, make: MakeSource, server: S3Server) -> S3World:
        return cls(make, server, server.create_bucket(f"places-{next(_NUMBERS)}"))

    def source(
        self, more: str = "", tables: str = "", *, place: str = "", endpoint: str = ""
    ) -> PlaceSource:
        keys = place or 'access_key = "env:ACCESS_KEY"\nsecret_key = "env:SECRET_KEY"'
        settings = (
            f'[reader.place]\nkind = "s3"\nbucket = "{self.bucket}"\n'
            f'endpoint = "{endpoint or self.server.endpoint}"\n'
            f"backoff_seconds = 1\nretries = 2\n{keys}\n"
        )
        self.made = self.make(_reader("drop", more, settings, tables))
        return PlaceSource(self.made)

    def put(self, name: str, data: bytes, changed: int | None = None) -> None:
        """A bucket says itself when an object was written."""
        self.server.put(self.bucket, f"drop/{name}", data)

    def remove(self, name: str) -> None:
        self.server.delete(self.bucket, f"drop/{name}")

    while_reading = LocalWorld.while_reading
