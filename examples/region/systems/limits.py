"""What makes a real system tiresome: it limits the rate, and now and then it fails."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class RateLimit:
    """A token bucket: ``burst`` requests at once, ``per_second`` after that.

    ``clock`` gives seconds that never run backwards.
    """

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left = float(burst)
        self._at = clock()
        self._lock = Lock()

    def admits(self) -> bool:
        """Whether one more request may pass now."""
        with self._lock:
            at = self._clock()
            self._left = min(self._burst, self._left + (at - self._at) * self._per_second)
            self._at = at
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Stumble:
    """Fails each ``every``-th request, beginning with the ``first``-th; never if ``every`` is 0."""

    def __init__(self, every: int, first: int) -> None:
        self._every = every
        self._count = every - first
        self._lock = Lock()

    def falls(self) -> bool:
        with self._lock:
            self._count += 1
            return self._every > 0 and self._count > 0 and self._count % self._every == 0
