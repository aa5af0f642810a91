"""The one error tree.

    HefuError
    ├── ConfigError              exit 2  wrong use or configuration; a person must edit something
    ├── OutsideError             exit 3  a source or partner did not do its part
    │   ├── RetryableError               the same call may work later: time-out, reset, 429, 5xx
    │   └── RefusedError                 it will not heal by itself: 401, 404, HTML for JSON
    ├── DataError                exit 1  data came, but a person must look at it
    ├── VerificationError        exit 4  a bundle failed a check; carries step, expected, found
    └── AccountingError          exit 70 a run that does not balance: a defect of ours, never hidden

Rooms subclass these and add no branches. Whether to retry is the type, not a flag or a text.
A message names the place (file, row, field) and the hint names the next step; neither ever
holds personal data: quote field names, positions, counts and digests, not values of classes
``personal`` or ``sensitive``.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.text import Text


def plain(text: str, keep: str = "") -> str:
    r"""``text`` with what steers a terminal, breaks a line or turns it round as ``\x1b`` and so on:
    names of files, columns and sheets come from outside. ``keep``: characters that stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _escaped(c) if unicodedata.category(c) in _STEERING and c not in keep else c for c in text
    )


_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


@dataclass(frozen=True, slots=True)
class Where:
    """The place an error speaks of. ``file`` is a path or address without secrets."""

    file: str | None = None
    row: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        parts = [self.file or ""]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.field is not None:
            parts.append(f"field {self.field}")
        return ", ".join(plain(p) for p in parts if p)


class HefuError(Exception):
    """Something that a person must hear of: what happened, where, what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: Text, *, where: Where | None = None, hint: Text | None = None):
        super().__init__(message.en)
        self.message = message
        self.where = where
        self.hint = hint
        self.done: tuple[Any, ...] = ()
        """What was finished before it happened and stays so; for whoever shows what was done."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Prefect pickles exceptions across processes; keyword-only arguments need this.
        return (_rebuild, (type(self), self.__dict__.copy()))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where and str(self.where) else ""
        return f"{place}{self.message}"

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: both languages, so that a program need not care about the locale."""
        return {
            "error": type(self).__name__,
            "message": {"en": self.message.en, "zh": self.message.zh},
            "where": str(self.where) if self.where else None,
            "hint": {"en": self.hint.en, "zh": self.hint.zh} if self.hint else None,
            "retryable": isinstance(self, RetryableError),
        }


def _rebuild(cls: type[HefuError], state: dict[str, Any]) -> HefuError:
    error = cls.__new__(cls)
    Exception.__init__(error, state["message"].en)
    error.__dict__.update(state)
    return error


class ConfigError(HefuError):
    """Wrong use or configuration."""

    exit_code = 2


class OutsideError(HefuError):
    """A source or a partner did not do its part."""

    exit_code = 3


class RetryableError(OutsideError):
    """The same call may work later."""


class RefusedError(OutsideError):
    """Trying again will not help; somebody on the other side must act."""


class DataError(HefuError):
    """Data came, but a person must look at it before anything is done with it."""

    exit_code = 1


class VerificationError(HefuError):
    """A bundle failed a check. ``step`` is one of the names in ``exchange/FORMAT.md``."""

    exit_code = 4

    def __init__(
        self,
        message: Text,
        *,
        step: str,
        expected: str,
        found: str,
        where: Where | None = None,
        hint: Text | None = None,
    ):
        super().__init__(message, where=where, hint=hint)
        self.step = step
        self.expected = expected
        self.found = found

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {
            "step": self.step,
            "expected": self.expected,
            "found": self.found,
        }


class AccountingError(HefuError):
    """The counts of a run do not balance. A defect of ours: it fails the run, always."""

    exit_code = 70
