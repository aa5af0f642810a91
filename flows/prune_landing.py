"""Let go of what the landing area has kept long enough: the last step of the night."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task

from flows.outcome import Outcome, settle
from flows.retention import Pruned, prune
from flows.retrying import outcome_of
from hefu.node import load_node


@task(name="prune landing", task_run_name="prune landing of {node}")
def prune_node(node: str) -> Pruned:
    """Objects that are older than the node's rule, and orphans. Safe to repeat at any moment."""
    return prune(load_node(node), datetime.now(UTC))


@flow(name="prune landing", flow_run_name="prune landing of {node}")
def prune_landing(node: str) -> list[Outcome]:
    """Let go of received objects that are older than the node's rule ([landing] keep_days).

    Without a rule only objects go that belong to no run.

    Args:
        node: Folder of the node (holds hefu.toml).
    """
    return settle([outcome_of("landing", prune_node(node, return_state=True))])
