"""Which agency has jurisdiction, as the acts of a dispute say it, and which one has not."""

from __future__ import annotations

from cooperation.procedures.fold import Matter

PROPOSALS = ("propose_competent", "counter_propose")
DESIGNATIONS = ("designate", "designate_other")
SIDES = ("origin", "receiver")


def competent_of(matter: Matter) -> str | None:
    """Who was agreed on or designated; None while that is open, or where letters crossed so that
    the one side agreed to what the other no longer proposed."""
    proposed: str | None = None
    settled: str | None = None
    for act in (a.act for a in matter.applied):
        if act.code in PROPOSALS:
            proposed = act.competent_org
        elif act.code == "agree":
            settled = act.competent_org if act.competent_org == proposed else None
        elif act.code in DESIGNATIONS:
            settled = act.competent_org
        elif act.code == "escalate":
            settled = None
    return settled


def losing_of(matter: Matter) -> str | None:
    """The one of the two sides that is not competent; None where neither is, or nothing is
    settled."""
    competent = competent_of(matter)
    sides = [matter.orgs[role] for role in SIDES if role in matter.orgs]
    others = [org for org in sides if org != competent]
    return others[0] if competent in sides and len(others) == 1 else None
