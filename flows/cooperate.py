"""The agencies' own work of the night, as a Prefect flow: ``hefu cooperate``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow, task

from flows.cooperating import PARTS, part_of
from flows.outcome import Outcome, settle
from flows.retrying import outcome_of
from hefu.node import load_node


@task(name="cooperate", task_run_name="cooperate: {part}")
def cooperate_part(node: str, part: str) -> Any:
    """One part; it may be repeated and adds nothing twice."""
    return part_of(part).run(load_node(node), datetime.now(UTC))


@flow(name="cooperate", flow_run_name="cooperate {node}")
def cooperate(node: str) -> list[Outcome]:
    """Propose, recompute and refer what the agreements' routes order; nothing is decided.

    Args:
        node: Folder of the node (holds hefu.toml).
    """
    return settle(
        [
            outcome_of(part.name, cooperate_part(node, part.name, return_state=True))
            for part in PARTS
        ]
    )
