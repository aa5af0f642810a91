"""Rows from PostgreSQL to the landing area, against ``COPY … TO STDOUT`` of the same rows.

    .venv/bin/python -m bench.postgresql [--rows 1000000 10000000]

The reference is psql's ``COPY casework.decided TO STDOUT`` into a file, first and last, and the
better of the two. Both read the same table of the same server of the tests, on the same machine.
The peak is the resident memory of the process that pulls; the greater number of rows is of a
narrow table, to show that it does not grow with them. The server is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import measure

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

if TYPE_CHECKING:
    from servers.postgresql import Postgresql

WIDE = """
CREATE TABLE public.wide AS
SELECT i AS id, 'case-' || md5(i::text) AS case_no,
       '浙A' || lpad((i % 100000)::text, 5, '0') AS plate, '虚构运输公司' || i AS party,
       (i % 50000) * 1.25::numeric(16, 2) AS fine, i % 7 AS kind, (i % 2 = 0) AS paid,
       date '2026-01-01' + (i % 365)::int AS decided_on,
       timestamp '2026-01-01' + i * interval '1 s' AS created_at,
       timestamptz '2026-01-01 00:00+08' + i * interval '1 ms' AS updated_at
FROM generate_series(1, {rows}) g (i)
"""
NARROW = """
CREATE TABLE public.narrow AS
SELECT i AS id, timestamptz '2026-01-01 00:00+08' + i * interval '1 ms' AS updated_at
FROM generate_series(1, {rows}) g (i)
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.postgresql")
    parser.add_argument("--rows", type=int, nargs=2, default=[1_000_000, 10_000_000])
    few, many = parser.parse_args().rows
    from servers.postgresql import running

    with (
        tempfile.TemporaryDirectory(prefix="hefu-bench-", ignore_cleanup_errors=True) as data,
        running(Path(data)) as server,
        tempfile.TemporaryDirectory(prefix="hefu-bench-") as work,
    ):
        _say(f"a table of {few:,} rows and 10 columns")
        server.execute(WIDE.format(rows=few), "VACUUM ANALYZE public.wide")
        references = [_copy(server, "wide", Path(work))]
        wide = _pull(server, "wide", Path(work))
        counted = _pull(server, "wide", Path(work), count=True)
        references.append(_copy(server, "wide", Path(work)))
        server.execute("DROP TABLE public.wide")
        narrow = []
        for rows in (few, many):
            _say(f"a table of {rows:,} rows and 2 columns")
            server.execute(NARROW.format(rows=rows), "VACUUM ANALYZE public.narrow")
            narrow.append(_pull(server, "narrow", Path(work)))
            server.execute("DROP TABLE public.narrow")
    lines = [
        (
            f"COPY TO STDOUT, {few:,} rows of 10 columns",
            f"{references[0]:.2f} s, {references[1]:.2f} s",
        ),
        ("pull, the same rows", _line(wide, min(references))),
        ("pull and count, the same rows", _line(counted, min(references))),
        (f"pull, {few:,} rows of 2 columns", _line(narrow[0])),
        (f"pull, {many:,} rows of 2 columns", _line(narrow[1])),
    ]
    sys.stdout.write("".join(f"{what:<45} {found}\n" for what, found in lines))
    return 0


def _line(found: tuple[float, float], reference: float | None = None) -> str:
    times = f" = {found[0] / reference:.2f} times COPY" if reference else ""
    return f"{found[0]:.2f} s{times}, peak {found[1]:.0f} MiB"


def _say(what: str) -> None:
    sys.stderr.write(f"{what} …\n")


def _copy(server: Postgresql, table: str, work: Path) -> float:
    from servers.postgresql import ADMIN_PASSWORD, DATABASE, program

    command = [str(program("psql")), "-h", server.host, "-p", str(server.port), "-U", "postgres"]
    command += ["-d", DATABASE, "-q", "-o", str(work / "copy.txt")]
    command += ["-c", f"COPY public.{table} TO STDOUT"]
    return measure.run(command, env={"PGPASSWORD": ADMIN_PASSWORD}).seconds


def _pull(
    server: Postgresql, table: str, work: Path, *, count: bool = False
) -> tuple[float, float]:
    """Seconds of the pull, without the start of Python, and the peak of its process in MiB."""
    from servers.postgresql import ADMIN_PASSWORD, DATABASE

    folder = work / "source"
    folder.mkdir(exist_ok=True)
    (folder / "source.toml").write_text(
        f'system = "bench"\nstream = "{table}"\nrecord_type = "case_result"\n[reader]\n'
        f'kind = "postgresql"\nhost = "{server.host}"\nport = {server.port}\n'
        f'database = "{DATABASE}"\nuser = "postgres"\npassword = "env:BENCH_PASSWORD"\n'
        f'tls = "disable"\ntable = "public.{table}"\ncount = {str(count).lower()}\n',
        encoding="utf-8",
    )
    found = measure.run(
        [sys.executable, "-m", "bench.postgresql", "--pull", str(folder)],
        env={"BENCH_PASSWORD": ADMIN_PASSWORD},
    )
    shutil.rmtree(folder)
    return float(found.said["seconds"]), found.peak_mib


def pull_here(folder: Path) -> None:
    """What the child does; imports are done before the clock starts."""
    import adbc_driver_postgresql.dbapi  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from connectors.config import load_source
    from connectors.delivery import PullRequest
    from connectors.landing import Landing
    from connectors.pull import pull

    source = load_source(folder)
    request = PullRequest("cursor", None, None, None, datetime(2026, 5, 20, tzinfo=UTC))
    started = time.perf_counter()
    delivery = pull(
        source,
        folder,
        request,
        Landing(folder / "landing"),
        secrets=lambda reference: os.environ[reference.removeprefix("env:")],
    )
    seconds = time.perf_counter() - started
    sys.stdout.write(json.dumps({"seconds": seconds, "objects": len(delivery.objects)}) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pull"]:
        pull_here(Path(sys.argv[2]))
    else:
        sys.exit(main())
