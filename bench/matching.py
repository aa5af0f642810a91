"""Same act over ten million cases, and ``hefu check-case`` on them (docs/cooperation/same-act.md).

    python -m bench.matching [--rows 10000000] [--new 10000] [--asks 40] [--folder DIR] [--keep]

The cases are made up by DuckDB and written as a case index of a node without a lake, three years of
them; of the new results half tell of an act that the index has, too. Reference: the same
question as a plain join without blocking, on samples that it can bear, as a ratio for each pair
of rows compared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_DAYS = 1096
_BEGIN = "2023-10-01 00:00:00+08"
_ROW_GROUP = 61_440
_CAUSES = ("overload_road", "overlimit_road", "no_vehicle_certificate", "cargo_not_secured")
_OWN = 3  # of ten agencies, which tells the share of own rows

_SPECIAL = {
    "record_id": "printf('%032x', i)",
    "record_type": "CASE WHEN i % 10 = 0 THEN 'lead' ELSE 'case_result' END",
    "content_hash": "printf('%064x', i)",
    "source_org_code": "printf('1199990%dHEFUBENCH0', i % 10)",
    "source_org_name": "printf('虚构%d县交通执法队', i % 10)",
    "is_own": f"i % 10 = {_OWN}",
    "data_status": "'valid'",
    "no": "printf('虚交罚〔%d〕%08d号', 2023 + i * 3 // $rows, i)",
    "source_updated_time": "t + INTERVAL 1 DAY",
    "received_time": "t + INTERVAL 2 DAY",
    "vehicle_plate_no": "printf('皖Z%05d', CAST(hash(i) % 300000 AS BIGINT) % 100000)",
    "vehicle_plate_color": "['yellow', 'blue', 'green']"
    "[CAST(hash(i) % 300000 AS BIGINT) // 100000 + 1]",
    "axle_count": "2 + hash(i, 1) % 5",
    "act_time": "t",
    "place": "printf('虚构S%d线K%d', hash(i, 2) % 50, hash(i, 3) % 90)",
    "division": "printf('9999%02d', hash(i, 4) % 100)",
    "cause": f"{list(_CAUSES)}[CAST(hash(i, 5) % {len(_CAUSES)} AS BIGINT) + 1]",
    "total_weight_kg": "30000 + hash(i, 6) % 60000",
    "limit_weight_kg": "49000",
    "filing_time": "t + INTERVAL 3 HOUR",
    "decision_type": "'penalty'",
    "decision_date": "CAST(t + INTERVAL 9 DAY AS DATE)",
    "fine_amount_cny": "500 * (hash(i, 7) % 60)",
    "party_key": "'hs256:' || sha256(CAST(hash(i, 8) % 2000000 AS VARCHAR))",
    "driver_key": "'hs256:' || sha256('d' || CAST(hash(i, 9) % 3000000 AS VARCHAR))",
}


def make_index(node: Path, rows: int) -> None:
    """A node with a case index of ``rows`` made-up rows and no lake."""
    from flows.case_index import ALL_COLUMNS, wanted_of
    from flows.case_parts import Manifest, Part, finished, index_folder, write_manifest
    from flows.case_refresh import HASHES
    from hefu.node import load_node

    (node / "keys").mkdir(parents=True)
    (node / "hefu.toml").write_text(
        '[agency]\ncode = "11999903HEFUBENCH0"\nname = "虚构3县交通执法队"\n'
        'division_code = "999903"\n',
        encoding="utf-8",
    )
    here = load_node(node)
    folder = index_folder(here)
    con = _connect(node)
    made = {name: sql.replace("$rows", str(rows)) for name, sql in _SPECIAL.items()}
    made["vehicle_key"] = f"{made['vehicle_plate_no']} || '/' || {made['vehicle_plate_color']}"
    columns = ", ".join(
        f"CAST({made.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in ALL_COLUMNS.items()
    )
    step = _DAYS * 86_400 / rows
    con.execute(
        f"COPY (SELECT *, {HASHES}, act_time AS about_time FROM (SELECT {columns} FROM "
        f"(SELECT i, TIMESTAMPTZ '{_BEGIN}' + to_seconds(i * {step}) AS t "
        f"FROM range({rows}) AS made(i)))) "
        f"TO '{folder / 'part-0.parquet'}' "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
    )
    wanted = wanted_of(here)
    write_manifest(
        folder,
        Manifest(
            layout=wanted.layout,
            keys=wanted.keys,
            versions=wanted.versions,
            ledger=wanted.ledger,
            parts=(Part(finished(folder, "part-0.parquet", rows)),),
            counts={"11999900HEFUBENCH0": rows},
        ),
    )


def _connect(node: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    spill = node.parent / "spill"
    return duckdb.connect(
        config={"threads": 2, "memory_limit": "1GB", "temp_directory": str(spill)}
    )


def _new_results(con: duckdb.DuckDBPyConnection, new: int, *, last_days: int) -> None:
    """Table ``news``: half tell of an act in the index (another agency, minutes later, another
    scale), half of none."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE news AS SELECT * REPLACE ("
        "'n' || record_id AS record_id, '11999999HEFUBENCH0' AS source_org_code, "
        "about_time + to_minutes(CAST(hash(record_id) % 100 AS BIGINT)) AS about_time, "
        "act_time + to_minutes(CAST(hash(record_id) % 100 AS BIGINT)) AS act_time, "
        "total_weight_kg + 100 AS total_weight_kg, "
        "CASE WHEN hash(record_id) % 2 = 0 THEN vehicle_plate_no "
        "ELSE '浙Y' || substr(vehicle_plate_no, 3) END AS vehicle_plate_no, "
        "NULL::VARCHAR AS party_key, NULL::VARCHAR AS driver_key) FROM (SELECT * FROM cases "
        f"WHERE about_time > (SELECT max(about_time) FROM cases) - INTERVAL {last_days} DAY) "
        f"USING SAMPLE reservoir({new} ROWS) REPEATABLE (7)"
    )


def measure_match(node: Path, new: int, *, last_days: int) -> tuple[float, int]:
    """Seconds, and pairs found, of ``new`` results of the last days against the whole index."""
    from cooperation.matching.same_act import same_act
    from cooperation.matching.settings import load_settings
    from flows.case_index import attach_cases
    from hefu.node import load_node

    con = _connect(node)
    attach_cases(con, load_node(node))
    _new_results(con, new, last_days=last_days)
    began = time.perf_counter()
    found = same_act(con, "news", "cases", load_settings()).count("a").fetchone()
    return time.perf_counter() - began, int(found[0]) if found else 0


def measure_naive(node: Path, new: int, rows: int) -> tuple[float, int]:
    """Seconds of the join of each with each, only plates and minutes compared, and its pairs."""
    from flows.case_index import attach_cases
    from hefu.node import load_node

    con = _connect(node)
    attach_cases(con, load_node(node))
    _new_results(con, new, last_days=_DAYS)
    con.execute(f"CREATE TEMP TABLE sampled AS SELECT * FROM cases LIMIT {rows}")
    began = time.perf_counter()
    con.execute(
        "SELECT count(*) FROM news AS a JOIN sampled AS b "
        "ON levenshtein(a.vehicle_plate_no, b.vehicle_plate_no) <= 1 "
        "AND abs(epoch(a.act_time) - epoch(b.act_time)) < 57600"
    ).fetchone()
    return time.perf_counter() - began, new * rows


def measure_command(node: Path, rows: int, asks: int) -> list[float]:
    """Seconds of each ``hefu check-case`` from start to end of its process, sorted."""
    seconds = []
    for ask in range(asks):
        number = (rows // asks * ask) // 10 * 10 + _OWN
        no = f"虚交罚〔{2023 + number * 3 // rows}〕{number:08d}号"
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "hefu.cli", "--node", str(node), "check-case", no, "--json"],
            capture_output=True,
            check=False,
            env=dict(os.environ),
        )
        seconds.append(time.perf_counter() - began)
        if done.returncode not in (0, 1):
            raise RuntimeError(done.stderr.decode())
    return sorted(seconds)


def main() -> int:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m bench.matching")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--new", type=int, default=10_000)
    parser.add_argument("--asks", type=int, default=40)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--keep", action="store_true")
    told = parser.parse_args()
    folder = told.folder or Path(tempfile.mkdtemp(prefix="bench-matching-"))
    node = folder / "node"
    try:
        began = time.perf_counter()
        if not node.exists():
            make_index(node, told.rows)
        made = time.perf_counter() - began
        part = node / "index/cases/part-0.parquet"
        recent = measure_match(node, told.new, last_days=30)
        spread = measure_match(node, told.new, last_days=_DAYS)
        naive = measure_naive(node, min(told.new, 200), min(told.rows, 100_000))
        asked = measure_command(node, told.rows, told.asks)
        per_pair = naive[0] / naive[1]
        report = {
            "rows": told.rows,
            "new": told.new,
            "made_seconds": round(made, 1),
            "index_mib": round(part.stat().st_size / 2**20),
            "match_last_30_days_seconds": round(recent[0], 1),
            "match_last_30_days_pairs": recent[1],
            "match_three_years_seconds": round(spread[0], 1),
            "match_three_years_pairs": spread[1],
            "naive_seconds_for_pairs": [round(naive[0], 2), naive[1]],
            "naive_to_ours": round(per_pair * told.new * told.rows / spread[0]),
            "check_case_median_seconds": round(asked[len(asked) // 2], 2),
            "check_case_p95_seconds": round(asked[int(len(asked) * 0.95)], 2),
            "load_average": [round(one, 1) for one in os.getloadavg()],
        }
        sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    finally:
        if not told.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
