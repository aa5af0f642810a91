"""What was referred and sent back: where neither agency holds itself competent."""

from __future__ import annotations

from collections.abc import Iterable

from cooperation.procedures.fold import Matter

NOT_COMPETENT = "not_competent"


def sent_back(matters: Iterable[Matter], org: str) -> list[tuple[str, str]]:
    """Records that this agency referred and that came back as not the other one's, and whose it is
    not: (record identifier, organisation code)."""
    return [
        (record, matter.latest.acting_org)
        for matter in matters
        if matter.table.name == "referral"
        and matter.applied
        and matter.key.org == org
        and matter.latest.code == "reject"
        and matter.latest.reason_code == NOT_COMPETENT
        for record in matter.opening.subject_record_ids
    ]
