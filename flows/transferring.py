"""Criminal transfers of this node: what they hold up, which are missing, what was fined anyway."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cooperation.procedures.fold import Matter
from cooperation.procedures.guards import competent_of
from flows.matters import matters_of
from hefu.node import Node


def frozen(
    node: Node, subjects: Collection[str], matters: Iterable[Matter] | None = None
) -> list[Matter]:
    """The matters that hold up a fine of this agency for these cases or leads.

    Args:
        subjects: record identifiers or case numbers, of this agency or of another.
        matters: those of the node, if they were read already.

    A transfer of a suspected crime holds a fine up for everybody (310号令 第三条、第十一条), a
    dispute of jurisdiction until it is settled, and then for the agency that is not competent
    (行政处罚法 第二十五条、第二十九条).
    """
    wanted, known = set(subjects), matters_of(node) if matters is None else matters
    return [
        matter
        for matter in known
        if wanted & subjects_of(matter) and holds_up(matter, node.agency.code)
    ]


def holds_up(matter: Matter, org: str) -> bool:
    """Whether the state of a matter lets this agency fine nobody for its subjects."""
    if not matter.applied:
        return False
    if matter.state.freezes == "not_competent":
        return competent_of(matter) != org
    return matter.state.freezes == "all"


def subjects_of(matter: Matter) -> frozenset[str]:
    """Record identifiers and numbers of all that a matter is about."""
    acts = [applied.act for applied in matter.applied]
    return frozenset(s for act in acts for s in (*act.subject_record_ids, *act.subject_nos))
