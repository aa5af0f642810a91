"""``python -m bench.accumulation``: article 66 over many cases, against plain GROUP BYs of them.

    .venv/bin/python -m bench.accumulation [--rows 10000000] [--memory 1GB] [--threads 2]

Cases of eight years by twelve million vehicles of 300,000 operators, invented, in a Parquet file
with the columns of the view ``cases``; the fleet of every fourth operator is known. Reference: the
three counts alone (per vehicle, per driver, different vehicles per operator) over the same file,
without law, reasons, acts or lists.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

AS_OF = date(2026, 11, 22)
_ROWS = 10_000_000


def make_cases(path: Path, rows: int) -> None:
    """Cases, one vehicle in a hundred caught far more often than the others."""
    import duckdb

    con = duckdb.connect()
    con.execute(
        f"""
        COPY (
          WITH drawn AS (
            SELECT i, hash(i) AS h, hash(i, 1) AS g, hash(i, 2) AS k FROM range({rows}) t(i)),
          placed AS (
            SELECT *, CASE WHEN h % 20 = 0 THEN g % 60000 ELSE g % 12000000 END AS v,
              TIMESTAMPTZ '2018-12-01 00:00:00+08' + to_seconds(CAST(k % 251942400 AS BIGINT)) AS t
            FROM drawn)
          SELECT lpad(format('{{:x}}', i), 32, '0') AS record_id, 'case_result' AS record_type,
            '1199990' || h % 9 || 'HEFUBENCH0' AS source_org_code, 'C' || i AS no,
            CASE WHEN h % 211 = 0 THEN 'revoked' ELSE 'valid' END AS data_status,
            '示' || chr(CAST(65 + v % 26 AS INTEGER)) || lpad(CAST(v AS VARCHAR), 7, '0')
              || '/yellow' AS vehicle_key,
            '示' || chr(CAST(65 + v % 26 AS INTEGER)) || lpad(CAST(v AS VARCHAR), 7, '0')
              AS vehicle_plate_no,
            'hs256:' || sha256('d' || v % 11000000) AS driver_key,
            'hs256:' || sha256('o' || v % 300000) AS operator_key,
            CASE v % 3 WHEN 0 THEN '341882' WHEN 1 THEN '330523' ELSE '411000' END
              AS vehicle_registration_division,
            t AS act_time, CASE h % 9 WHEN 0 THEN 'cargo_spill' WHEN 1 THEN 'oversize_road'
              ELSE 'overload_road' END AS cause,
            t + INTERVAL 1 DAY AS filing_time,
            CASE WHEN h % 31 = 0 THEN 'no_penalty_first' ELSE 'penalty' END AS decision_type,
            CAST(t AS DATE) + CAST(k % 60 AS INTEGER) AS decision_date,
            CAST(CASE WHEN h % 17 = 0 THEN 0 ELSE 500 + h % 9000 END AS DECIMAL(16,2))
              AS fine_amount_cny,
            CASE WHEN h % 97 = 0 THEN 'pending' END AS review_status,
            NULL::VARCHAR AS litigation_status,
            CASE WHEN h % 41 = 0 THEN FALSE END AS counts_toward_accumulation,
            NULL::VARCHAR AS accumulation_reason,
            CASE WHEN h % 53 = 0 THEN 'g' || i // 2 END AS same_act_group_id
          FROM placed) TO '{path}' (FORMAT parquet)
        """
    )
    con.execute(f"COPY ({licences_sql()}) TO '{path.parent}/licences.parquet' (FORMAT parquet)")


def licences_sql() -> str:
    """One certificate for each vehicle of every fourth operator."""
    return """
    SELECT 'vehicle' AS kind, '示' || chr(CAST(65 + v % 26 AS INTEGER))
        || lpad(CAST(v AS VARCHAR), 7, '0') || '/yellow' AS key,
      'hs256:' || sha256('o' || v % 300000) AS operator_key, NULL::VARCHAR AS division,
      TRUE AS is_goods, NULL::DATE AS first_issue_date, DATE '2018-01-01' AS valid_from,
      NULL::DATE AS valid_to, NULL::DATE AS ended_on
    FROM range(12000000) t(v) WHERE v % 300000 % 4 = 0
    """


def measured(path: Path, work: str, memory: str, threads: int, folder: Path) -> dict[str, object]:
    """One of the works, in this process."""
    from cooperation.accumulation.accumulate import Asked, accumulate
    from schemas.sql import connect

    con = connect(memory_limit=memory, temp_directory=folder, threads=threads)
    con.execute(f"CREATE VIEW cases AS FROM read_parquet('{path}')")
    said: dict[str, object] = {}
    if work == "accumulate":
        con.execute(f"CREATE VIEW licences AS FROM read_parquet('{path.parent}/licences.parquet')")
    started = time.perf_counter()
    if work == "reference":
        for column, counted in (
            ("vehicle_key", "count(*)"),
            ("driver_key", "count(*)"),
            ("operator_key", "count(DISTINCT vehicle_key)"),
        ):
            con.execute(
                f"CREATE OR REPLACE TEMP TABLE counted AS SELECT {column}, {counted} AS n "
                f"FROM cases GROUP BY 1 HAVING n > 3"
            )
    else:
        found = accumulate(con, "cases", None, "341882", AS_OF, asked=Asked(licences="licences"))
        said = {
            "vehicles": len(found.vehicles),
            "drivers": len(found.drivers),
            "operators": len(found.operators),
            "cases": sum(len(a.cases) for a in found.all()),
        }
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": round(seconds, 1), "peak_mib": peak} | said


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.accumulation")
    parser.add_argument("--rows", type=int, default=_ROWS)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        work, path = options.part
        with tempfile.TemporaryDirectory() as folder:
            found = measured(Path(path), work, options.memory, options.threads, Path(folder))
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.parquet"
        make_cases(path, options.rows)
        # The reference first and last, and the better of the two: neither warm nor cold.
        first, ours, last = (
            _part(work, path, options) for work in ("reference", "accumulate", "reference")
        )
    reference = min(float(first["seconds"]), float(last["seconds"]))
    sys.stdout.write(
        f"{options.rows:,} cases, {options.threads} threads, {options.memory}\n"
        f"reference, three GROUP BY: {reference:.1f} s, {first['peak_mib']} MiB\n"
        f"accumulate: {ours['seconds']} s, {float(ours['seconds']) / reference:.1f} times, "
        f"{ours['peak_mib']} MiB; {ours['vehicles']:,} vehicles, {ours['drivers']:,} drivers, "
        f"{ours['operators']:,} operators, {ours['cases']:,} cases listed\n"
    )
    return 0


def _part(work: str, path: Path, options: argparse.Namespace) -> dict[str, str]:
    done = subprocess.run(
        [
            sys.executable, "-m", "bench.accumulation", "--memory", options.memory,
            "--threads", str(options.threads), "--part", work, str(path),
        ],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
