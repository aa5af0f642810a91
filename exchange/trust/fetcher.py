"""How python-tuf reads through a carrier: bounded, and with the carrier's errors as they are."""

from __future__ import annotations

from collections.abc import Iterator

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from exchange.jsontext import parse_strict
from exchange.limits import Limits
from exchange.repository.carrier import Carrier
from exchange.trust import refusals


class CarrierFetcher(FetcherInterface):
    """``seen``: what was read, by path; ``asked``: the path that was read last."""

    def __init__(self, carrier: Carrier, limits: Limits):
        self._carrier = carrier
        self._limits = limits
        self.seen: dict[str, bytes] = {}
        self.asked = ""

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked = url
        pieces = self._carrier.read(url)
        if pieces is None:
            raise DownloadHTTPError("not there", 404)
        return pieces

    def fetch(self, url: str) -> Iterator[bytes]:
        """Without python-tuf's wrapping: what the carrier raises is what the caller hears, and
        never looks like a root that is not there yet."""
        return self._fetch(url)

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Whatever length a list declares, no list is larger than our own limit; and it is read
        strictly before python-tuf reads it in its way."""
        allowed = min(max_length, self._limits.metadata_size)
        data = bytearray()
        for piece in self.fetch(url):
            data += piece
            if len(data) > allowed:
                raise refusals.too_large(url, allowed)
        parse_strict(bytes(data), "trust", url, self._limits, is_canonical=False)
        self.seen[url] = bytes(data)
        return bytes(data)
