"""How far a run is, told to whoever listens.

Prefect's flow parameters must be plain data, so a listener can't be one of them; it is set
around the call in a context variable, and a scheduled run has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Stage = Literal[
    "pull",
    "replay",
    "read",
    "check",
    "judge",
    "store",
    "collect",
    "sign",
    "fetch",
    "verify",
    "take_in",
]


@dataclass(frozen=True, slots=True)
class Step:
    """``subject`` (a stream or partner) is in ``stage``; ``done`` of ``total`` in ``unit``."""

    subject: str
    stage: Stage
    done: int = 0
    total: int | None = None
    unit: Literal["rows", "bytes", "objects", "bundles", "runs"] = "rows"


Listener = Callable[[Step], None]


def _nobody(step: Step) -> None:
    del step


_listener: ContextVar[Listener] = ContextVar("hefu_progress", default=_nobody)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell ``listener`` of every step made inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def is_watched() -> bool:
    """Does somebody wait for this run? Then a failure is told at once, not after minutes."""
    return _listener.get() is not _nobody


def tell(step: Step) -> None:
    """Report a step to the present listener, if there is one."""
    _listener.get()(step)
