"""The bytes of an answer, unpacked, bounded in size and time, and known to be whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import requests
from urllib3.exceptions import HTTPError

from connectors.rest.errors import (
    broken_compression,
    broken_off,
    too_large,
    too_slow,
    unknown_compression,
)
from connectors.rest.settings import RestReader
from schemas.errors import RetryableError

ACCEPTED = "gzip, deflate"
_CHUNK = 1 << 16


class AgainError(Exception):
    """An attempt that may be repeated; ``final`` is raised when no attempt is left."""

    def __init__(self, final: RetryableError, retry_after: str | None = None) -> None:
        super().__init__()
        self.final = final
        self.retry_after = retry_after


def body_of(
    response: requests.Response, reader: RestReader, monotonic: Callable[[], float]
) -> Iterator[bytes]:
    """Chunks as the source wrote them, compression undone.

    Raises :class:`AgainError` for an answer that ends too early, also inside its compression
    (urllib3 takes a gzip without its end for whole), and :class:`RefusedError` beyond the bounds.
    """
    started, size = monotonic(), 0
    try:
        for chunk in _unpacked(response):
            size += len(chunk)
            if size > reader.max_page_bytes:
                raise too_large(response.url, reader.max_page_bytes)
            if monotonic() - started > reader.page_seconds:
                raise AgainError(too_slow(response.url, reader.page_seconds))
            yield chunk
    except zlib.error:
        raise broken_compression(response.url) from None
    except (requests.exceptions.RequestException, HTTPError):
        raise AgainError(broken_off(response.url)) from None


def _unpacked(response: requests.Response) -> Iterator[bytes]:
    raw = _as_it_comes(response)
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        yield from raw
    elif encoding in ("gzip", "x-gzip", "deflate"):
        yield from _inflated(response.url, raw, encoding)
    else:
        raise unknown_compression(response.url)


def _as_it_comes(response: requests.Response) -> Iterator[bytes]:
    # read1: a read that waits for a full chunk would not notice how long a drip takes
    while chunk := response.raw.read1(_CHUNK, decode_content=False):
        yield chunk


def _inflated(url: str, raw: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    unpacker, begun = None, False
    for chunk in raw:
        rest = chunk
        while rest:
            if unpacker is None or unpacker.eof:
                unpacker = zlib.decompressobj(_window_bits(rest, encoding))
            begun = True
            yield unpacker.decompress(rest, _CHUNK)
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if begun and (unpacker is None or not unpacker.eof):
        raise AgainError(broken_off(url))


def _window_bits(start: bytes, encoding: str) -> int:
    """``deflate`` is sent with and without the header of zlib (RFC 9110 section 8.4.1.2)."""
    if encoding != "deflate":
        return 16 + zlib.MAX_WBITS
    return zlib.MAX_WBITS if start[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS
