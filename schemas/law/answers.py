"""Answers to questions of yes and no, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.law.basis import Basis
from schemas.text import Text

#: ``shall``: the law leaves no choice; ``may``: the agency decides.
Force = Literal["shall", "may"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One ground of an answer, and where it stands."""

    text: Text
    basis: Basis


@dataclass(frozen=True, slots=True)
class Answer:
    """``holds`` is None where facts are missing that decide: ``open_questions`` names them."""

    holds: bool | None
    force: Force
    reasons: tuple[Reason, ...]
    open_questions: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether every row that the answer rests on was compared with the promulgated text."""
        return all(reason.basis.verified for reason in self.reasons)
