"""What a receiver answers: the receipts for what it has taken in of a partner's stream."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from flows.receipts import taken_in, write_receipts
from hefu.node import Node
from lake.runs import bundle_stream_id
from lake.store import Lake


def answer_taken(node: Node, lake: Lake, publisher: str, stream: str, now: datetime) -> None:
    """Receipts for all that the ledger has of this stream; also what a killed run left undone.

    A bundle that brought nothing but receipts is not answered: two agencies that acknowledge
    each other's acknowledgements never come to an end.
    """
    entries = [
        entry
        for entry in lake.ledger.entries()
        if (entry.publisher, entry.stream) == (publisher, stream)
        and set(entry.counts) != {"receipt"}
    ]
    if not entries:
        return
    quarantined: Counter[str | None] = Counter()
    stream_id = bundle_stream_id(publisher, stream)
    for record_type in {name for entry in entries for name in entry.counts}:
        for run in lake.runs(record_type, stream_id):
            quarantined[run.bundle_id] += run.quarantined
    receipts = [taken_in(node, entry, quarantined[entry.bundle_id]) for entry in entries]
    write_receipts(node, receipts, now)
