"""A refusal and the step that it is told as, and what every part needs besides."""

from __future__ import annotations

import hashlib

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class RefusedError(Exception):
    """A refusal at a step."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step


def need(step: str, condition: object, why: str) -> None:
    if not condition:
        raise RefusedError(step, why)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class AbsentError(Exception):
    """A file that is not there."""
