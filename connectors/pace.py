"""What a pull takes from outside: waiting, time and chance, so that tests need none of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_nonce() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Pace:
    """``clock`` gives aware times, for signatures and dates that a server names; ``nonce`` a
    text that never comes twice."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    clock: Callable[[], datetime] = _utc_now
    nonce: Callable[[], str] = _random_nonce
