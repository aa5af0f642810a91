"""Who is to be told of a period that has passed. Being told is all: nothing is decided by it."""

from __future__ import annotations

from cooperation.procedures.clocks import Clock
from schemas.text import Text

OWN = Text(
    en="report it to this agency's head, who sees to it",
    zh="报本机关负责人督办",
)
PARTNER = Text(
    en="remind the partner in writing; if nothing comes, report it to the common superior",
    zh="书面催办对方；仍未办理的，报请共同的上级机关协调",
)
OUTSIDE = Text(
    en="remind the body in writing and note the reminder; if nothing comes, go to its superior",
    zh="向该机关书面催办并留存催办记录；仍未办理的，商请其上级机关督促",
)


def told_to(clock: Clock, org: str) -> Text:
    """What the agency ``org`` does about an overdue clock: whose duty it is decides."""
    if clock.matter.table.role(clock.who).outside:
        return OUTSIDE
    return OWN if clock.org == org else PARTNER
