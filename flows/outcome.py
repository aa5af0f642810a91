"""What became of each part of a flow: one part's failure never stops the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import HefuError
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Outcome:
    """``subject``: a stream or a partner; ``result`` is set, or ``error``, or ``postponed``.

    ``postponed`` says why it was not its hour: nothing failed, and a later run does it.
    """

    subject: str
    result: Any = None
    error: HefuError | None = None
    postponed: HefuError | None = None


class PartsFailedError(HefuError):
    """Some parts of a flow failed; ``outcomes`` has all of them, the good ones too.

    ``exit_code`` is the gravest among the parts' (70 over 4 over 3 over 2 over 1).
    """

    def __init__(self, outcomes: Sequence[Outcome]):
        failed = [o for o in outcomes if o.error is not None]
        names = ", ".join(o.subject for o in failed)
        super().__init__(
            Text(
                en=f"{len(failed)} of {len(outcomes)} failed: {names}",
                zh=f"{len(outcomes)} 项中有 {len(failed)} 项失败：{names}",
            ),
            hint=Text(
                en="the others are done; run again for the failed ones, nothing is doubled",
                zh="其余已完成；可对失败项重新运行，不会重复入库",
            ),
        )
        self.outcomes = tuple(outcomes)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return max(o.error.exit_code for o in self.outcomes if o.error is not None)


def settle(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, or :class:`PartsFailedError` when any part failed."""
    if any(o.error is not None for o in outcomes):
        raise PartsFailedError(outcomes)
    return list(outcomes)
