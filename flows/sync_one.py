"""One stream's sync, as the nightly flow, ``hefu sync`` and ``hefu sync --every`` all run it."""

from __future__ import annotations

from datetime import datetime

from connectors.pull import PullRequest
from flows.asking import PostponedError
from flows.ingest import ingest
from hefu.node import load_node
from lake.runs import RunRecord


def sync_one(
    node: str,
    stream_id: str,
    now: datetime,
    *,
    full: bool = False,
    anyway: bool = False,
    accept_removals: bool = False,
) -> RunRecord | PostponedError:
    """Pull, normalise, check, store. Safe to repeat at any moment.

    The node is read anew each time, so that a mapping mended meanwhile is used. A source in its
    quiet hours gives its reason as the result: that is no failure. Raises a ``HefuError``.
    """
    here = load_node(node)
    (source,) = here.sources([stream_id])
    request = PullRequest("cursor", None, None, None, now, full=full, anyway=anyway)
    try:
        return ingest(here, source, request, now, accept_removals=accept_removals)
    except PostponedError as postponed:
        return postponed
