"""One node's whole night in one flow: sync, exchange, work together, let go of what is old."""

from __future__ import annotations

from prefect import flow

from flows.cooperate import cooperate
from flows.outcome import Outcome, PartsFailedError, settle
from flows.prune_landing import prune_landing
from flows.publish_bundles import publish_bundles
from flows.receive_bundles import receive_bundles
from flows.sync_sources import sync_sources


@flow(name="run nightly", flow_run_name="nightly {node}")
def run_nightly(node: str) -> list[Outcome]:
    """Sync all sources, publish to all partners, take in what they published, do with it what
    needs no decision, publish what came of that, let go of what is past its time.

    A source that is away does not keep the others' records from the partners: each step runs,
    and the failures of all are told together at the end.

    Args:
        node: Folder of the node (holds hefu.toml).
    """
    outcomes: list[Outcome] = []
    # Published twice: partners get the records early, and receipts and acts still tonight.
    steps = (
        sync_sources, publish_bundles, receive_bundles, cooperate, publish_bundles, prune_landing,
    )  # fmt: skip
    for step in steps:
        try:
            outcomes += step(node)
        except PartsFailedError as error:
            outcomes += error.outcomes
    return settle(outcomes)
