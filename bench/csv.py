"""The same rows as CSV in several forms, from a folder to ``raw``: landing and reading alone.

    .venv/bin/python -m bench.csv [--rows 1000000]

The reference is the file in UTF-8. Each form is read in a process of its own, so that its peak
memory is its own; the database may take 1 GB, as a node's does, and spills beyond it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
_CHUNK = 1 << 20

FORMS = {
    "UTF-8": 'encoding = "utf-8"',
    "GB18030": 'encoding = "gb18030"',
    "UTF-16": 'encoding = "utf-16"',
    "UTF-8, packed in a ZIP": 'encoding = "utf-8"',
    "UTF-8, packed with gzip": 'encoding = "utf-8"',
    "UTF-8, one broken row": 'encoding = "utf-8"',
    "UTF-8, with backslashes": 'encoding = "utf-8"\nescape = "\\\\"',
}


def make(form: str, plain: Path, path: Path) -> None:
    """Write the rows of ``plain`` in one form."""
    if "ZIP" in form:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            packed.write(plain, "a.csv")
    elif "gzip" in form:
        with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as out:
            shutil.copyfileobj(source, out, _CHUNK)
    elif form in ("GB18030", "UTF-16"):
        with (
            plain.open(encoding="utf-8", newline="") as source,
            path.open("w", encoding=form.lower(), newline="") as out,
        ):
            shutil.copyfileobj(source, out, _CHUNK)
    else:
        shutil.copyfile(plain, path)
        if "broken" in form:
            with path.open("ab") as out:
                out.write(b"one,column,too,few\n")


def read(folder: str) -> dict[str, float]:
    """Land and read the one file of a source's folder."""
    import duckdb  # noqa: F401 - its import is not what is measured
    import pyarrow  # noqa: F401

    from connectors.config import load_source
    from connectors.landing import Landing
    from connectors.pull import PullRequest, pull
    from connectors.raw import load_raw
    from schemas.sql import connect

    here = Path(folder)
    source = load_source(here)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    request = PullRequest("cursor", None, None, None, NOW)
    delivery = pull(source, here, request, Landing(here / "landing"), secrets=str)
    landed = time.perf_counter()
    pulled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    con = connect(memory_limit="1GB", temp_directory=here / "tmp")
    batch = load_raw(con, source, delivery)
    done = time.perf_counter()
    return {
        "rows": batch.received,
        "landing": landed - started,
        "reading": done - landed,
        "started_mib": before / 1024,
        "landed_mib": pulled / 1024,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(form: str, plain: Path, work: Path) -> dict[str, float]:
    folder = work / "source"
    (folder / "drop").mkdir(parents=True)
    (folder / "tmp").mkdir()
    (folder / "source.toml").write_text(
        'system = "bench"\nstream = "csv"\nrecord_type = "case_result"\n'
        f'[reader]\nkind = "files"\npath = "drop"\nformat = "csv"\n{FORMS[form]}\n',
        encoding="utf-8",
    )
    make(form, plain, folder / "drop" / "a")
    done = subprocess.run(
        [sys.executable, "-m", "bench.csv", "--read", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    shutil.rmtree(folder)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.csv")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        sys.stdout.write(json.dumps(read(asked.read)))
        return 0
    with tempfile.TemporaryDirectory(prefix="hefu-bench-") as work:
        plain = Path(work) / "plain.csv"
        # Away from here: a child's peak begins at its parent's.
        made = "import sys; from pathlib import Path; from bench.data import make_csv; "
        subprocess.run(
            [sys.executable, "-c", made + f"make_csv(Path({str(plain)!r}), {asked.rows})"],
            cwd=ROOT,
            check=True,
        )
        size = plain.stat().st_size / 2**20
        sys.stdout.write(f"{asked.rows:,} rows, 18 columns, {size:,.0f} MiB in UTF-8\n\n")
        sys.stdout.write("| Form | landing | reading | both, times UTF-8 | peak memory |\n")
        sys.stdout.write("|---|---:|---:|---:|---:|\n")
        reference = 0.0
        for form in FORMS:
            got = measure(form, plain, Path(work))
            both = got["landing"] + got["reading"]
            reference = reference or both
            sys.stdout.write(
                f"| {form} | {got['landing']:.2f} s | {got['reading']:.2f} s | "
                f"{both / reference:.2f} | {got['peak_mib']:,.0f} MiB "
                f"({got['landed_mib']:,.0f} after landing) |\n"
            )
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
