"""When a partner's repository was last read, and how old what was read there is.

One small file a partner, ``standing/partners/<code>.json``, written at each reading. The age is
shown wherever the partner is; it is never silently ignored (exchange/FORMAT.md).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hefu.standing import file_of, write_whole

if TYPE_CHECKING:
    from hefu.node import Node

_TIMES = ("read_time", "published_time", "expires")


@dataclass(frozen=True, slots=True)
class Seen:
    """``read_time``: when we read; ``published_time``: when the publisher last signed that this is
    all there is; ``expires``: until when that may be relied on."""

    read_time: datetime
    published_time: datetime | None
    expires: datetime
    where: str
    """What was read, without secrets: a folder, an address."""

    def is_stale(self, now: datetime) -> bool:
        return self.expires <= now


def note_seen(node: Node, partner: str, seen: Seen) -> None:
    """Keep it in place of what was kept before."""
    plain = asdict(seen)
    for name in _TIMES:
        plain[name] = plain[name].isoformat() if plain[name] is not None else None
    write_whole(file_of(node, f"partners/{partner}", ".json"), json.dumps(plain))


def seen_of(node: Node, partner: str) -> Seen | None:
    """None: nothing was ever read of this partner."""
    try:
        text = file_of(node, f"partners/{partner}", ".json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    plain = json.loads(text)
    for name in _TIMES:
        plain[name] = datetime.fromisoformat(plain[name]) if plain[name] else None
    return Seen(**plain)
