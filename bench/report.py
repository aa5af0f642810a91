"""The table that ``make bench`` prints and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

START = "<!-- measured: written by python -m bench -->"
END = "<!-- end of measured -->"


@dataclass(frozen=True)
class Line:
    """One piece of work at two sizes. ``microseconds_per_row`` from their difference."""

    what: str
    small_seconds: float
    large_seconds: float
    microseconds_per_row: float
    ratio: float
    peak_mib: float


def render(
    lines: Sequence[Line],
    fixed: Sequence[tuple[str, float]],
    stages: Sequence[tuple[str, float]],
    machine: str,
) -> str:
    """Markdown, with a title for each of the three tables."""
    rows = [
        f"| {x.what} | {x.small_seconds:.2f} s | {x.large_seconds:.2f} s | "
        f"{x.microseconds_per_row:.2f} µs | {x.ratio:.2f} | {x.peak_mib:,.0f} MiB |"
        for x in lines
    ]
    return "\n".join(
        [
            f"Measured in one run on: {machine}.",
            "",
            "| Work | fewer rows | more rows | per row | times the reference | peak memory |",
            "|---|---:|---:|---:|---:|---:|",
            *rows,
            "",
            "CSV to lake, more rows, by stage:",
            "",
            "| Stage | seconds |",
            "|---|---:|",
            *(f"| {name} | {seconds:.2f} |" for name, seconds in stages),
            "",
            "Fixed costs, once per command (best of several where it is a start-up):",
            "",
            "| What | seconds |",
            "|---|---:|",
            *(f"| {name} | {seconds:.2f} |" for name, seconds in fixed),
            "",
        ]
    )


def write(path: Path, table: str) -> None:
    """Replace what stands between the two marks of ``path``."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{START}\n{table}{END}{after}", encoding="utf-8")
