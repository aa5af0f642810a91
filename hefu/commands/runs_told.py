"""What ``hefu sync`` and ``hefu backfill`` say of the runs that they made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from hefu.terminal import say, say_json, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.outcome import Outcome


def finish_runs(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    """Show what was done and what failed; leaves with the exit code that says so."""
    from hefu.commands.pipeline import errors_as_json, tell_failures
    from hefu.commands.runs_table import (
        is_good,
        run_as_json,
        say_alarms,
        say_drift,
        say_gate,
        say_runs,
    )

    runs = [outcome.result for outcome in outcomes if outcome.result is not None]
    postponed = [(o.subject, o.postponed) for o in outcomes if o.postponed is not None]
    if as_json:
        say_json(
            {
                "runs": [run_as_json(r) for r in runs],
                "postponed": [{"subject": s, **e.as_dict()} for s, e in postponed],
                "errors": errors_as_json(outcomes),
            }
        )
        for run in runs:
            say_gate(run)
            say_alarms(run)
            say_drift(run)
    elif runs:
        say_runs(runs)
    for subject, reason in postponed:
        say(tr(f"{subject}: {reason.message}", f"{subject}：{reason.message}"))
    code = tell_failures(outcomes)
    if any(run.quarantined for run in runs):
        say(
            tr(
                "see the quarantined rows: hefu quarantine list",
                "查看被隔离的行：hefu quarantine list",
            )
        )
    if not code and not all(is_good(run) for run in runs):
        code = 1
    raise typer.Exit(code)
