"""Let go of what landing area and inbox have kept long enough: the last step of the night."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task

from flows.letting_go import let_go
from flows.outcome import Outcome, settle
from flows.retention import Pruned, prune
from flows.retrying import outcome_of
from hefu.node import load_node


@task(name="prune landing", task_run_name="prune landing of {node}")
def prune_node(node: str) -> Pruned:
    """Objects that are older than the node's rule, and orphans. Safe to repeat at any moment."""
    return prune(load_node(node), datetime.now(UTC))


@task(name="prune inbox", task_run_name="prune inbox of {node}")
def prune_node_inbox(node: str) -> int:
    """Received bundles whose retention is over; how many went. Their evidence and digests stay."""
    return len(let_go(load_node(node), datetime.now(UTC)))


@flow(name="prune landing", flow_run_name="prune landing of {node}")
def prune_landing(node: str) -> list[Outcome]:
    """Let go of received objects that are older than the node's rule ([landing] keep_days).

    Without a rule only objects go that belong to no run. Received bundles go when the retention
    that the agreement sets (`retention_days`) is over.

    Args:
        node: Folder of the node (holds hefu.toml).
    """
    return settle(
        [
            outcome_of("landing", prune_node(node, return_state=True)),
            outcome_of("inbox", prune_node_inbox(node, return_state=True)),
        ]
    )
