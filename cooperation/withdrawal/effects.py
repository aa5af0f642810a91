"""What each kind of correction makes of a record, and what has to be said with it.

Pure: which status follows, whether a legal document is needed, which act opens the matter, and
whether a partner's copy shows that it was applied. Both sides ask the same functions.
Source: 行政处罚法 第四十八条（变更、撤销、确认违法、确认无效）；
个人信息保护法 第十九条、第四十七条.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from schemas.codes import REMOVED

REVOKED, CORRECTED, REPAIRED, VALID = "revoked", "corrected", "repaired", "valid"
RETENTION_DELETED = "retention_deleted"

#: Status that the record has afterwards; kinds that are not here leave it as its source says.
RESULTING_STATUS = {
    "data_error": CORRECTED,
    "decision_changed": CORRECTED,
    "decision_revoked": REVOKED,
    "confirmed_illegal": REVOKED,
    "void": REVOKED,
    "credit_repaired": REPAIRED,
    RETENTION_DELETED: REMOVED,
}

#: Kinds that rest on a document with a number.
DOCUMENTED = frozenset(
    {"decision_changed", "decision_revoked", "confirmed_illegal", "void", "credit_repaired"}
)

#: Statuses with which a source says by itself that something was withdrawn.
TOLD_BY_SOURCE = (REVOKED, REPAIRED)

OpeningAct = Literal["revoke", "erase"]


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction of this agency's own, as the lake has it.

    ``status``: what the record is to be from then on; None: what its source says.
    """

    record_id: str
    number: str
    refers_to: str
    record_type: str | None
    kind: str
    document_no: str | None
    effective: datetime
    received: datetime
    status: str | None
    refers_to_no: str | None = None


def resulting_status(kind: str) -> str | None:
    """The status that follows from a kind of correction; None: it stays as the source says."""
    return RESULTING_STATUS.get(kind)


def opening_act(kind: str) -> OpeningAct:
    """The act of the procedure ``withdrawal`` that a correction of this kind opens."""
    return "erase" if kind == RETENTION_DELETED else "revoke"


def standing(corrections: Collection[Correction]) -> dict[str, Correction]:
    """By record, the correction that holds: the one that took effect last."""
    order = sorted(corrections, key=lambda c: (c.effective, c.received, c.record_id))
    return {c.refers_to: c for c in order}


def is_applied(act: str, kind: str | None, found: str | None) -> bool:
    """Whether a copy with status ``found`` (None: there is no copy) shows that it was applied.

    ``act`` opened the matter; ``kind``, the kind of correction, does not travel to every partner.
    What is removed altogether can't mislead anybody: that is enough for every kind.
    """
    if found in (None, REMOVED):
        return True
    if act == "erase":
        return False
    wanted = None if kind is None else resulting_status(kind)
    if wanted is not None:
        return found == wanted
    return kind is not None or found != VALID
