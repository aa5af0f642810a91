"""Every row of a run has one fate, and the fates add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import AccountingError
from schemas.text import Text


@dataclass(frozen=True)
class Counts:
    """Rows of one run of one source.

    received = accepted + unchanged + duplicate + quarantined, or the run fails.
    ``flagged`` are accepted rows that broke at least one soft rule. ``reasons`` counts
    quarantined rows per rule id (a row with two reasons is in two of them), ``soft`` accepted
    rows per soft rule id.
    """

    received: int
    accepted: int
    unchanged: int
    duplicate: int
    quarantined: int
    flagged: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    soft: Mapping[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raises AccountingError unless the counts can be true."""
        fates = (self.accepted, self.unchanged, self.duplicate, self.quarantined)
        if min(self.received, self.flagged, *fates) < 0 or sum(fates) != self.received:
            raise AccountingError(
                Text(
                    en=f"the counts do not balance: received {self.received}, "
                    f"accounted for {sum(fates)} ({self._fates()})",
                    zh=f"行数不平：接收 {self.received} 行，已说明去向 {sum(fates)} 行"
                    f"（入湖 {self.accepted}，未变化 {self.unchanged}，"
                    f"重复 {self.duplicate}，隔离 {self.quarantined}）",
                )
            )
        if self.flagged > self.accepted:
            raise AccountingError(
                Text(
                    en=f"{self.flagged} rows are flagged, but only {self.accepted} accepted",
                    zh=f"提示行 {self.flagged} 多于入湖行 {self.accepted}",
                )
            )
        self._check_reasons()

    def _check_reasons(self) -> None:
        named = sum(self.reasons.values())
        top = max(self.reasons.values(), default=0)
        if named < self.quarantined or top > self.quarantined:
            raise AccountingError(
                Text(
                    en=f"{self.quarantined} rows are quarantined, their reasons count {named}",
                    zh=f"隔离 {self.quarantined} 行，原因合计 {named}，两者不符",
                )
            )

    def _fates(self) -> str:
        return (
            f"accepted {self.accepted}, unchanged {self.unchanged}, "
            f"duplicate {self.duplicate}, quarantined {self.quarantined}"
        )
