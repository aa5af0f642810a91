"""``make bench``: prints the table and writes it to ``bench/README.md``.

    python -m bench [--rows 1000000 3000000] [--work bench/work] [--no-write]

All figures of one table come from one run on one machine. Times per row are the difference of
the two sizes, so that nothing fixed is in them; what is fixed is itemised below.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import macros, measure
from bench.nodes import make_nodes
from bench.report import Line, render, write

HEFU = (sys.executable, "-m", "hefu.cli")


@dataclass(frozen=True)
class Size:
    """The measurements of one number of rows."""

    rows: int
    parts: dict[str, measure.Measured]

    def seconds(self, name: str) -> float:
        return float(self.parts[name].said["seconds"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rows", type=int, nargs=2, default=[1_000_000, 3_000_000])
    parser.add_argument("--work", type=Path, default=Path("bench/work"))
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    small, large = (_measure(rows, options.work) for rows in sorted(options.rows))
    table = render(_per_row(small, large), _fixed(options.work), _stages(large), _machine())
    _say(f"macros, {macros.ROWS:,} rows")
    table += "\n" + macros.render(macros.measure(), macros.ROWS)
    sys.stdout.write(table)
    if not options.no_write:
        write(Path(__file__).parent / "README.md", table)
    shutil.rmtree(options.work / "nodes", ignore_errors=True)
    return 0


def _measure(rows: int, work: Path) -> Size:
    csv = _csv(work, rows)
    publisher, receiver = make_nodes((work / "nodes").absolute(), csv)
    parts = {}
    # The reference first and last, and the better of the two: it must not profit from a warm
    # file nor suffer from a cold one.
    copies = [measure.part("copy", csv, work / "reference.parquet")]
    for name, node in (
        ("ingest", publisher),
        ("publish", publisher),
        ("verify", receiver),
        ("receive", receiver),
    ):
        _say(f"{name}, {rows:,} rows")
        parts[name] = measure.part(name, node)
    copies.append(measure.part("copy", csv, work / "reference.parquet"))
    parts["copy"] = min(copies, key=lambda m: float(m.said["seconds"]))
    accepted = parts["ingest"].said["accepted"]
    if accepted != rows:
        raise SystemExit(f"{rows - accepted} of {rows} rows were not accepted: not the same work")
    return Size(rows, parts)


def _csv(work: Path, rows: int) -> Path:
    path = (work / f"cases-{rows}.csv").absolute()
    _say(f"data, {rows:,} rows")
    measure.part("data", path, str(rows))
    return path


def _per_row(small: Size, large: Size) -> list[Line]:
    more = large.rows - small.rows
    reference = (large.seconds("copy") - small.seconds("copy")) / more
    lines = []
    for name, what in (
        ("copy", "reference: DuckDB `COPY` of the CSV to Parquet"),
        ("ingest", "CSV to lake, full suite"),
        ("publish", "bundle: collect, re-check, write, sign, publish"),
        ("verify", "bundle: verify"),
        ("receive", "bundle: fetch, verify, re-check, append, receipt"),
    ):
        per_row = (large.seconds(name) - small.seconds(name)) / more
        lines.append(
            Line(
                what,
                small.seconds(name),
                large.seconds(name),
                per_row * 1e6,
                per_row / reference,
                large.parts[name].peak_mib,
            )
        )
    return lines


def _stages(large: Size) -> list[tuple[str, float]]:
    names = ("pull", "read", "check", "judge", "store")
    said = large.parts["ingest"].said
    return [(name, float(said[name])) for name in names if name in said]


def _fixed(work: Path) -> list[tuple[str, float]]:
    """Start-up costs, in seconds."""
    publisher, receiver = make_nodes((work / "nodes").absolute(), None)
    (publisher / "drop" / "cases.csv").write_bytes(_csv(work, 10).read_bytes())
    _say("fixed costs")
    sync = measure.run((*HEFU, "--node", str(publisher), "sync"))
    measure.part("publish", publisher)
    bundle = next(publisher.glob("repository/streams/*/00000001.hefu"))
    trust = next(receiver.glob("partners/*"))
    return [
        ("`hefu --help`", measure.best(5, (*HEFU, "--help")).seconds),
        (
            "`hefu verify` of a bundle of 10 rows, cold",
            measure.best(5, (*HEFU, "verify", str(bundle), "--trust", str(trust))).seconds,
        ),
        ("`hefu sync` of 10 rows, whole command", sync.seconds),
        ("… of it: importing Prefect", _best_part("imports", "prefect")),
        ("… of it: Prefect's temporary server", _best_part("temporary_server", work / "prefect")),
        (
            "… of it: importing Great Expectations",
            _best_part("imports", "great_expectations"),
        ),
    ]


def _best_part(name: str, argument: str | Path) -> float:
    return min(float(measure.part(name, argument).said["seconds"]) for _ in range(3))


def _machine() -> str:
    import os

    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"


def _say(what: str) -> None:
    sys.stderr.write(f"measuring {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
