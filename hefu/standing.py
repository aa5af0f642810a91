"""How a source has answered lately: what it takes to leave a failing one alone for a while.

One small file a stream below ``<node>/standing/``, there only while the source fails, so that
what is kept grows with the sources and not with their rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.text import Text

if TYPE_CHECKING:
    from connectors.config import Limits
    from hefu.node import Node


@dataclass(frozen=True, slots=True)
class Standing:
    """``failures`` pulls failed one after the other, the first ``since``, the last one ``last``.

    ``error`` is what the last one said. A source that answers has no failures.
    """

    failures: int
    since: datetime
    last: datetime
    error: Text

    def left_alone_until(self, limits: Limits) -> datetime | None:
        """When the next try is due; None while the source may be asked as usual."""
        if self.failures < limits.circuit_failures:
            return None
        return self.last + timedelta(minutes=limits.circuit_minutes)


def standing_of(node: Node, stream_id: str) -> Standing | None:
    """What is held against a stream; None if its last pull worked or it never ran."""
    try:
        kept = json.loads(_path(node, stream_id).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Standing(
        kept["failures"],
        datetime.fromisoformat(kept["since"]),
        datetime.fromisoformat(kept["last"]),
        Text(en=kept["error"]["en"], zh=kept["error"]["zh"]),
    )


def note_failure(node: Node, stream_id: str, error: Text, now: datetime) -> Standing:
    """Count one more pull that failed. The caller holds the stream's lock."""
    before = standing_of(node, stream_id)
    if before is None:
        found = Standing(1, now, now, error)
    else:
        found = replace(before, failures=before.failures + 1, last=now, error=error)
    kept = {
        "failures": found.failures,
        "since": found.since.isoformat(),
        "last": found.last.isoformat(),
        "error": {"en": found.error.en, "zh": found.error.zh},
    }
    write_whole(_path(node, stream_id), json.dumps(kept, ensure_ascii=False))
    return found


def note_success(node: Node, stream_id: str) -> None:
    """Nothing is held against the stream any more."""
    _path(node, stream_id).unlink(missing_ok=True)


def file_of(node: Node, stream_id: str, ending: str) -> Path:
    """Where something small is kept of a stream; there is one file of each ``ending``."""
    return node.root / "standing" / f"{stream_id}{ending}"


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` in place of what the file held: a reader sees the one or the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _path(node: Node, stream_id: str) -> Path:
    return file_of(node, stream_id, ".json")
