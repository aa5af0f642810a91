"""Which alarms of the exchange a person has looked at: two statements under one number.

Such an alarm never heals by itself, so it would stand in ``hefu status`` for ever. Who has
looked says so, and the receipt stays where it is; another statement is another alarm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from hefu.standing import file_of, write_whole

if TYPE_CHECKING:
    from hefu.node import Node


def looked_at(node: Node) -> dict[str, datetime]:
    """Numbers of receipts that a person has looked at, and when."""
    try:
        text = file_of(node, "looked", ".json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {number: datetime.fromisoformat(at) for number, at in json.loads(text).items()}


def note_looked(node: Node, receipts: Iterable[str], now: datetime) -> list[str]:
    """Remember that a person has looked at these; returns those that are new."""
    before = looked_at(node)
    new = [number for number in receipts if number not in before]
    kept = before | dict.fromkeys(new, now)
    plain = {number: at.isoformat() for number, at in sorted(kept.items())}
    write_whole(file_of(node, "looked", ".json"), json.dumps(plain, indent=1))
    return new
