"""Trying again what a broken connection or a changing file kept from working."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from urllib3.exceptions import MaxRetryError, ProtocolError
from urllib3.util.retry import Retry

from connectors.files.place import ChangedError, LostError
from connectors.pace import Pace
from schemas.errors import RetryableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and with which growing waits; the waits are those of a REST source."""

    pace: Pace
    retries: int = 0
    backoff_seconds: float = 0
    backoff_max_seconds: float = 0

    def run(
        self,
        attempt: Callable[[], T],
        again: tuple[type[RetryableError], ...] = (LostError, ChangedError),
    ) -> T:
        """``attempt()``, and again after the errors ``again``.

        Raises the last of them when no attempt is left.
        """
        retry = Retry(
            total=self.retries,
            backoff_factor=self.backoff_seconds,
            backoff_max=self.backoff_max_seconds,
            backoff_jitter=self.backoff_seconds,
        )
        while True:
            try:
                return attempt()
            except again as error:
                try:
                    retry = retry.increment("GET", "/", error=ProtocolError("again"))
                except MaxRetryError:
                    raise error from error.__cause__
                self.pace.sleep(min(retry.get_backoff_time(), self.backoff_max_seconds))
