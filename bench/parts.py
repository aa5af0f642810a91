"""What is measured, each in a process of its own so that its peak memory is its own.

python -m bench.parts NAME ARGUMENTS…     prints one JSON object
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def data(csv: str, rows: str) -> dict[str, float]:
    """Make the CSV, away from the process that measures: a child's peak begins at its parent's."""
    from bench.data import make_csv

    started = time.perf_counter()
    make_csv(Path(csv), int(rows))
    return {"seconds": time.perf_counter() - started}


def copy(csv: str, out: str) -> dict[str, float]:
    """The reference: DuckDB's bare COPY of the same CSV to Parquet, with its defaults."""
    import duckdb

    con = duckdb.connect()
    started = time.perf_counter()
    con.execute(f"COPY (FROM read_csv('{csv}')) TO '{out}' (FORMAT parquet)")
    return {"seconds": time.perf_counter() - started}


def ingest(node: str) -> dict[str, float]:
    """CSV to lake with the full suite; imports are done before the clock starts."""
    import great_expectations  # noqa: F401 - its import is a fixed cost, itemised apart

    from connectors.pull import PullRequest
    from flows.ingest import ingest as run
    from flows.progress import listening
    from hefu.node import load_node

    here = load_node(node)
    (source,) = here.sources()
    with _stages() as (stages, listen):
        started = time.perf_counter()
        with listening(listen):
            record = run(here, source, PullRequest("cursor", None, None, None, NOW), NOW)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "accepted": record.accepted, "received": record.received} | stages


def publish(node: str) -> dict[str, float]:
    """Collect, re-check, project, write, sign, publish."""
    import great_expectations  # noqa: F401

    from flows.outgoing import grants_of, publish_to
    from hefu.node import load_node

    here = load_node(node)
    (going,) = grants_of(here)
    started = time.perf_counter()
    sent = publish_to(here, going, NOW)
    return {
        "seconds": time.perf_counter() - started,
        "rows": sum(sent.counts.values()),
        "mib": sent.size / 2**20,
    }


def verify(node: str) -> dict[str, float]:
    """The pure verification of the bundle that waits for this node."""
    from exchange.bundle.contracts import INSTALLED
    from exchange.bundle.verify import ChainHead, Policy, verify_bundle
    from exchange.repository.local import fetch
    from flows.incoming import incoming_of
    from hefu.node import load_node

    here = load_node(node)
    (incoming,) = incoming_of(here)
    data = fetch(str(incoming.partner.location), incoming.stream, 1)
    if data is None:
        raise SystemExit("there is no bundle to verify")
    policy = Policy(
        contracts=INSTALLED,
        recipient=here.agency.code,
        agreements=(incoming.agreement,),
        head=ChainHead.start(),
    )
    started = time.perf_counter()
    bundle = verify_bundle(data, incoming.partner.trust, policy, NOW)
    return {
        "seconds": time.perf_counter() - started,
        "rows": sum(bundle.statement.counts.values()),
    }


def receive(node: str) -> dict[str, float]:
    """Fetch, verify, re-check by our own suite, append, receipt."""
    import great_expectations  # noqa: F401

    from flows.incoming import incoming_of, take_in
    from hefu.node import load_node

    here = load_node(node)
    (incoming,) = incoming_of(here)
    started = time.perf_counter()
    (taken,) = take_in(here, incoming, NOW)
    return {
        "seconds": time.perf_counter() - started,
        "rows": sum(c.accepted for c in taken.counts.values()),
    }


def imports(module: str) -> dict[str, float]:
    """What importing a library costs."""
    import importlib

    started = time.perf_counter()
    importlib.import_module(module)
    return {"seconds": time.perf_counter() - started}


def temporary_server(home: str) -> dict[str, float]:
    """Prefect's temporary server: an empty flow, less Prefect's own import."""
    from flows.quiet import quiet_prefect

    quiet_prefect(Path(home))
    from prefect import flow

    @flow
    def nothing() -> None:
        return None

    started = time.perf_counter()
    nothing()
    return {"seconds": time.perf_counter() - started}


@contextmanager
def _stages() -> Iterator[tuple[dict[str, float], Callable[[object], None]]]:
    """Seconds per stage, from the steps that a run reports."""
    from flows.progress import Step

    spent: dict[str, float] = {}
    last = [time.perf_counter(), ""]

    def listen(step: object) -> None:
        if isinstance(step, Step):
            now = time.perf_counter()
            if last[1]:
                spent[str(last[1])] = spent.get(str(last[1]), 0.0) + now - float(last[0])
            last[:] = [now, step.stage]

    yield spent, listen


PARTS: dict[str, Callable[..., dict[str, float]]] = {
    f.__name__: f for f in (data, copy, ingest, publish, verify, receive, imports, temporary_server)
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])) + "\n")
