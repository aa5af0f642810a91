"""A bucket of an S3-compatible store.

An object is read in ranges, each one asked for on the condition that the object is still the
one that was listed (``If-Match``): a broken connection costs one range, and what is put together
is never of two objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.delivery import Secrets
from connectors.files.patience import Patience
from connectors.files.patterns import Pattern
from connectors.files.place import LostError, Reading, Seen, changing, gone
from connectors.files.s3_errors import refusal
from connectors.files.settings import S3Place
from connectors.pace import Pace
from schemas.errors import ConfigError, HefuError, RetryableError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta
    from obstore.store import ClientConfig, S3Store

_RANGE_BYTES = 8 << 20
_ENDLESS = timedelta(days=7)


class Bucket:
    """A :class:`connectors.files.place.Place`: the objects below ``prefix``."""

    unsettled_seconds = 0.0  # the ETag tells one object from the next
    lists_folders = True  # as some tools make them: empty objects whose key ends with a slash

    def __init__(
        self, settings: S3Place, prefix: str, folder: Path, secrets: Secrets, pace: Pace
    ) -> None:
        self._settings = settings
        self._prefix = prefix.strip("/")
        self._folder = folder
        self._secrets = secrets
        self._patience = Patience(
            pace, settings.retries, settings.backoff_seconds, settings.backoff_max_seconds
        )
        self._opened: S3Store | None = None

    def reached(self) -> tuple[Text, ...]:
        with self.speaking(self._address):
            next(iter(self.store.list(self._prefix or None, chunk_size=1)), None)
        bucket, endpoint = self._settings.bucket, self._endpoint or "AWS"
        if self._settings.access_key is None:
            return (
                Text(
                    en=f"bucket {bucket} at {endpoint} can be listed by anybody",
                    zh=f"存储桶 {bucket}（{endpoint}）可匿名列出",
                ),
            )
        return (
            Text(
                en=f"bucket {bucket} at {endpoint} can be listed with this access key",
                zh=f"存储桶 {bucket}（{endpoint}）可用此访问密钥列出",
            ),
        )

    def list_files(self, pattern: Pattern) -> list[Seen]:
        found = []
        with self.speaking(self._address):
            for page in self.store.list(self._prefix or None):
                for meta in page:
                    name = self.name(meta["path"])
                    if name and pattern.fits_path(name):
                        found.append(_seen(name, meta))
        return sorted(found, key=lambda seen: seen.name)

    def look_at(self, name: str) -> Seen:
        with self.speaking(name):
            return _seen(name, self.store.head(self.key(name)))

    @contextmanager
    def open(self, seen: Seen) -> Iterator[Reading]:
        yield Reading(seen, self._whole_object(seen))

    def close(self) -> None:
        self._opened = None

    def _whole_object(self, seen: Seen) -> Iterator[bytes]:
        for start in range(0, seen.size, _RANGE_BYTES):
            end = min(start + _RANGE_BYTES, seen.size)
            try:
                data = self._patience.run(
                    partial(self._range, seen, start, end), again=(LostError,)
                )
            except LostError as error:
                # The retries are used up: not another round for the whole object.
                raise RetryableError(
                    error.message, where=error.where, hint=error.hint
                ) from error.__cause__
            yield data
        if seen.size == 0 and self.look_at(seen.name) != seen:
            raise changing(seen.name)

    def _range(self, seen: Seen, start: int, end: int) -> bytes:
        options: GetOptions = {"range": (start, end)}
        if "etag" in seen.identity:
            options["if_match"] = seen.identity["etag"]
        with self.speaking(seen.name):
            result = self.store.get(self.key(seen.name), options=options)
            # A store that ignores the condition still says what it sends.
            if _seen(seen.name, result.meta) != seen or tuple(result.range) != (start, end):
                raise changing(seen.name)
            data = bytes(result.bytes())
        if len(data) != end - start:
            raise changing(seen.name)
        return data

    def key(self, name: str) -> str:
        """The key of the object ``name``."""
        return f"{self._prefix}/{name}" if self._prefix else name

    def name(self, key: str) -> str:
        """The name of the object at ``key``."""
        return key[len(self._prefix) + 1 :] if self._prefix else key

    @property
    def _endpoint(self) -> str | None:
        given = self._settings.endpoint
        return self._secrets(given) if given and given.startswith("env:") else given

    @property
    def _address(self) -> str:
        return f"s3://{self._key_of_bucket()}"

    def _key_of_bucket(self) -> str:
        return "/".join(part for part in (self._settings.bucket, self._prefix) if part)

    @property
    def store(self) -> S3Store:
        """The library's store, opened when it is first asked for."""
        if self._opened is None:
            self._opened = self._open_store()
        return self._opened

    def _open_store(self) -> S3Store:
        from obstore.store import S3Store

        settings = self._settings
        config: dict[str, Any] = {
            "region": settings.region,
            "virtual_hosted_style_request": settings.virtual_hosted,
        }
        if self._endpoint:
            config["endpoint"] = self._endpoint.rstrip("/")
        if settings.access_key is None or settings.secret_key is None:
            config["skip_signature"] = True
        else:
            config["access_key_id"] = self._secrets(settings.access_key)
            config["secret_access_key"] = self._secrets(settings.secret_key)
        # Retries are ours, so that every place waits in the same way.
        return S3Store(
            settings.bucket,
            client_options=self._client(),
            retry_config={"max_retries": 0},
            **config,
        )

    def _client(self) -> ClientConfig:
        patience = timedelta(seconds=self._settings.timeout_seconds)
        options: ClientConfig = {
            "connect_timeout": patience,
            "read_timeout": patience,
            "timeout": _ENDLESS,
            "allow_http": (self._endpoint or "").startswith("http://"),
        }
        if self._settings.ca_file:
            path = self._folder / self._settings.ca_file
            if not path.is_file():
                raise ConfigError(
                    Text(en="ca_file is not there", zh="找不到 ca_file 指定的文件"),
                    where=Where(str(path)),
                    hint=Text(
                        en="its path is relative to the source's folder",
                        zh="路径相对于该来源的文件夹",
                    ),
                )
            options["root_certificate"] = path.read_bytes()
        return options

    @contextmanager
    def speaking(self, subject: str) -> Iterator[None]:
        """Errors of the library as ours; ``subject``: the file or address that it is about."""
        from obstore.exceptions import BaseError, PreconditionError

        try:
            yield
        except HefuError:
            raise
        except PreconditionError as error:
            raise changing(subject) from error
        except FileNotFoundError as error:
            raise gone(subject) from error
        except (BaseError, ValueError, OSError) as error:
            raise refusal(str(error), subject, self._settings) from None


def _seen(name: str, meta: ObjectMeta) -> Seen:
    etag = meta["e_tag"]
    mtime_ns = int(meta["last_modified"].timestamp()) * 10**9
    return Seen(name, meta["size"], mtime_ns, {"etag": etag} if etag else {})
