"""A bundle of a gigabyte, out and in, against ``age`` + ``sha256sum`` + DuckDB on the same file.

    python -m bench.bundle [--mib 1024] [--work bench/work] [--times 3]

Out: rows that are at hand (two row groups, again and again) are written as a bundle, signed,
verified as the partner will, and encrypted. In: decrypted, verified, opened as Parquet. The
reference encrypts or decrypts the same bundle with ``age``, hashes it with ``sha256sum``, and lets
DuckDB decode every column of the bundle's table. Each line is the best of several runs, each in a
process of its own; processor seconds (user and system) stand beside the wall's, for a machine that
is not idle. Peak memory: resident, and of it what no file backs (a mapped file's pages are the
system's to take back).
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement
    from exchange.bundle.build import BundleContents
    from exchange.keys.signing import PublicKey

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
SENDER, RECEIVER, RECORD_TYPE = "11999900BENCH00013", "11999900BENCH00026", "case_result"
GRANTED = (
    "source_record_id", "case_no", "penalty_decision_no", "decision_type", "party_category",
    "party_name", "party_id_type", "party_id_no", "vehicle_plate_no", "vehicle_plate_color",
    "axle_count", "violation_type", "violation_facts", "penalty_basis", "penalty_category",
    "fine_amount_cny", "filing_time", "decision_date", "closed_date",
)  # fmt: skip
GROUP_ROWS = 100_000
BYTES_PER_ROW = 57
"""Of the bundle, as measured: what ``--mib`` is turned into rows with."""
# Numbers, names, texts that vary, codes: the rest of the columns is the same in every row.
VARYING = {
    "record_id": "md5(i::VARCHAR)",
    "content_hash": "sha256(i::VARCHAR)",
    "source_record_id": "'C' || lpad(i::VARCHAR, 9, '0')",
    "case_no": "'C' || lpad(i::VARCHAR, 9, '0')",
    "penalty_decision_no": "'示交罚〔2026〕' || lpad(i::VARCHAR, 7, '0') || '号'",
    "party_name": "'测试运输有限公司' || (hash(i) % 500000)",
    "party_id_no": "'919999' || lpad((hash(i, 9) % 1000000000000)::VARCHAR, 12, '0')",
    "vehicle_plate_no": "'皖P' || lpad((hash(i, 1) % 100000)::VARCHAR, 5, '0')",
    "vehicle_plate_color": "(1 + hash(i, 2) % 4)::VARCHAR",
    "axle_count": "2 + hash(i, 3) % 5",
    "violation_facts": "'经动态检测，车货总质量 ' || (50000 + hash(i, 4) % 30000) || ' 千克，超限 '"
    " || (1000 + hash(i, 5) % 30000) || ' 千克'",
    "penalty_category": "['1', '2']",
    "fine_amount_cny": "500 * (1 + hash(i, 6) % 40)",
    "filing_time": "TIMESTAMPTZ '2026-01-01 00:00:00+08' + to_seconds((hash(i, 7) % 9000000)::INT)",
    "decision_date": "DATE '2026-01-01' + (hash(i, 8) % 300)::INT",
    "received_time": "TIMESTAMPTZ '2026-10-01 00:00:00+08' + to_microseconds((i * 37)::BIGINT)",
}


def agreement() -> Agreement:
    from exchange.agreement.model import Agreement

    return Agreement.model_validate(
        {
            "id": "bench",
            "version": 1,
            "valid_from": "2026-01-01",
            "valid_until": "2099-12-31",
            "parties": [
                {"code": SENDER, "name": "测速发送方"},
                {"code": RECEIVER, "name": "测速接收方"},
            ],
            "grants": [
                {
                    "from": SENDER,
                    "to": RECEIVER,
                    "purpose": "bench",
                    "legal_basis": "none: invented data",
                    "records": {RECORD_TYPE: list(GRANTED)},
                }
            ],
        }
    )


@dataclass(frozen=True)
class Files:
    """What one measurement leaves in its folder, for the next to read."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        return self.folder / name

    def contents(self) -> BundleContents:
        import pyarrow as pa
        import pyarrow.parquet as pq

        from exchange.bundle.build import BundleContents
        from schemas.contract import load_contract

        deal, contract = agreement(), load_contract(RECORD_TYPE)
        schema = contract.arrow_schema(deal.grants[0].columns(contract))
        read = pq.read_table(self.source).to_batches(GROUP_ROWS)
        at_hand = [pa.RecordBatch.from_arrays(b.columns, schema=schema) for b in read]
        batches = (at_hand[n % len(at_hand)] for n in range(int(self.groups.read_text())))
        return BundleContents(
            agreement=deal,
            grant=deal.grants[0],
            sequence=1,
            previous_statement_sha256=None,
            tables={RECORD_TYPE: pa.RecordBatchReader.from_batches(schema, batches)},
            contracts={RECORD_TYPE: contract},
            lake_versions={RECORD_TYPE: 1},
            rule_pack_version="bench",
            verdict=b'{"success":true}',
        )

    def public_key(self) -> PublicKey:
        from exchange.keys.signing import load_public_key

        return load_public_key(self.folder / "key.pub.pem")

    def identity(self) -> Any:
        import pyrage

        return pyrage.x25519.Identity.from_str(self.id.read_text().strip())


def make(files: Files) -> None:
    """The source, a signing key and an age identity; nothing of it is measured."""
    import duckdb
    import pyrage

    from exchange.keys.signing import create_key
    from schemas.contract import load_contract

    rows = int(files.rows.read_text())
    contract = load_contract(RECORD_TYPE)
    kinds = {"VARCHAR": "'测试'", "VARCHAR[]": "NULL"}
    columns = [
        f'({VARYING.get(f.name, kinds.get(f.duckdb_type, "NULL"))})::{f.duckdb_type} AS "{f.name}"'
        for f in (contract.field(n) for n in agreement().grants[0].columns(contract))
    ]
    duckdb.connect().execute(
        f"COPY (SELECT {', '.join(columns)} FROM range({2 * GROUP_ROWS}) r(i)) TO '{files.source}' "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    files.groups.write_text(str(max(1, rows // GROUP_ROWS)))
    create_key(files.folder / "key.pem", "bench")
    identity = pyrage.x25519.Identity.generate()
    files.id.write_text(f"{identity}\n")
    files.recipient.write_text(str(identity.to_public()))


def write(files: Files) -> None:
    from exchange.bundle.build import write_bundle
    from exchange.keys.signing import load_signer

    signer = load_signer("file:key.pem", "bench", root=files.folder)
    write_bundle(files.contents(), [signer], NOW, files.bundle)


def check_own(files: Files) -> None:
    from exchange.bundle.verify import verify_own

    with files.bundle.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        verify_own(data, files.contents(), [files.public_key()], NOW)


def encrypt(files: Files) -> None:
    from exchange.keys.encryption import encrypt_file

    encrypt_file(files.bundle, files.encrypted, [files.recipient.read_text()])


def decrypt(files: Files) -> None:
    from exchange.keys.encryption import decrypt_file

    decrypt_file(files.encrypted, files.plain, [files.identity()])


def _verified(files: Files) -> Any:
    from exchange.bundle.contracts import INSTALLED
    from exchange.bundle.policy import ChainHead, Policy, Trust
    from exchange.bundle.verify import verify_bundle

    policy = Policy(INSTALLED, RECEIVER, (agreement(),), ChainHead.start())
    with files.plain.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return verify_bundle(data, Trust(SENDER, (files.public_key(),)), policy, NOW)


def verify(files: Files) -> None:
    _verified(files)


def open_parquet(files: Files) -> None:
    """Verifies first; the difference to ``verify`` is what opening costs."""
    from exchange.bundle.open import write_out

    shutil.rmtree(files.opened, ignore_errors=True)
    write_out(_verified(files), files.opened, "parquet")


def read_batches(files: Files) -> None:
    """As ``hefu receive`` does: verified, then every row again, streaming."""
    for batch in _verified(files).batches(RECORD_TYPE):
        del batch


def duckdb_read(files: Files) -> None:
    import duckdb

    table = files.opened / f"{RECORD_TYPE}.parquet"
    duckdb.connect().execute(f"SELECT max(COLUMNS(*)) FROM read_parquet('{table}')").fetchall()


PARTS: dict[str, Callable[[Files], None]] = {
    f.__name__: f
    for f in (
        make, write, check_own, encrypt, decrypt, verify, open_parquet, read_batches, duckdb_read,
    )
}  # fmt: skip


def _anonymous_peak_mib() -> float:
    """Of this process so far; the kernel keeps no peak of it, so a thread looked."""
    status = Path("/proc/self/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def one(name: str, files: Files) -> None:
    import threading

    peak, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], _anonymous_peak_mib())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    started = time.perf_counter()
    PARTS[name](files)
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "anon_mib": peak[0]}
    sys.stdout.write(json.dumps(said) + "\n")


@dataclass(frozen=True)
class Measured:
    """Seconds by the wall and of the processor, and peak memory in MiB."""

    seconds: float
    cpu: float
    peak_mib: float
    anon_mib: float


def run(command: Sequence[str | Path]) -> Measured:
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None  # noqa: S101 (PIPE was asked for)
    output = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} ended with {child.returncode}")
    said = json.loads(output) if output.startswith("{") else {}
    return Measured(
        said.get("seconds", wall),
        said.get("cpu", used.ru_utime + used.ru_stime),
        used.ru_maxrss / 1024,
        said.get("anon_mib", 0.0),
    )


_PART = (sys.executable, "-m", "bench.bundle", "--part")


def measured(files: Files, times: int) -> dict[str, Measured]:
    """Every part and every reference, in the order in which they need each other's files."""
    found: dict[str, Measured] = {}

    run((*_PART, "make", "--work", files.folder.parent))

    def add(name: str, *command: str | Path) -> None:
        sys.stderr.write(f"measuring {name}\n")
        own = (*_PART, name, "--work", files.folder.parent)
        found[name] = min((run(command or own) for _ in range(times)), key=lambda m: m.seconds)

    for name in ("write", "check_own", "encrypt"):
        add(name)
    recipient = files.recipient.read_text()
    add("age -e", "age", "-r", recipient, "-o", files.theirs, files.bundle)
    for name in ("decrypt", "verify", "open_parquet", "read_batches"):
        add(name)
    add("age -d", "age", "-d", "-i", files.id, "-o", files.theirs, files.encrypted)
    add("sha256sum", "sha256sum", files.bundle)
    add("duckdb_read")
    return found


def render(found: dict[str, Measured], size: int, rows: int) -> str:
    what = {
        "write": "write and sign",
        "check_own": "… and verify as the partner will",
        "encrypt": "encrypt",
        "decrypt": "decrypt",
        "verify": "verify",
        "open_parquet": "verify and open as Parquet",
        "read_batches": "verify and read every row (`receive`)",
        "age -e": "reference: `age -e`",
        "age -d": "reference: `age -d`",
        "sha256sum": "reference: `sha256sum`",
        "duckdb_read": "reference: DuckDB, every column of the Parquet",
    }
    lines = [
        f"| {text} | {m.seconds:.1f} s | {m.cpu:.1f} s | {m.peak_mib:,.0f} MiB | "
        f"{f'{m.anon_mib:,.0f} MiB' if m.anon_mib else ''} |"
        for text, m in ((text, found[name]) for name, text in what.items())
    ]
    sides = (
        ("out: write, sign, encrypt", ("write", "encrypt"), "age -e"),
        ("out, with our own verification", ("write", "check_own", "encrypt"), "age -e"),
        ("in: decrypt, verify, open", ("decrypt", "open_parquet"), "age -d"),
    )
    sums = []
    for text, ours, age in sides:
        mine = [sum(getattr(found[n], f) for n in ours) for f in ("seconds", "cpu")]
        names = (age, "sha256sum", "duckdb_read")
        theirs = [sum(getattr(found[n], f) for n in names) for f in ("seconds", "cpu")]
        sums.append(
            f"| {text} | {mine[0]:.1f} s | {theirs[0]:.1f} s | {mine[0] / theirs[0]:.2f} | "
            f"{mine[1] / theirs[1]:.2f} |"
        )
    head = f"A bundle of {size / 2**20:,.0f} MiB, {rows:,} rows; {os.cpu_count()} cores."
    return "\n".join(
        [
            head,
            "",
            "| Work | wall | processor | peak memory | of it anonymous |",
            "|---|---:|---:|---:|---:|",
            *lines,
            "",
            "| Side | ours | reference | times, wall | times, processor |",
            "|---|---:|---:|---:|---:|",
            *sums,
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bundle")
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--work", type=Path, default=Path("bench/work"))
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--part", choices=sorted(PARTS))
    options = parser.parse_args()
    files = Files(options.work / "bundle")
    if options.part:
        one(options.part, files)
        return 0
    shutil.rmtree(files.folder, ignore_errors=True)
    files.folder.mkdir(parents=True)
    rows = options.mib * 2**20 // BYTES_PER_ROW
    files.rows.write_text(str(rows))
    found = measured(files, options.times)
    sys.stdout.write(render(found, files.bundle.stat().st_size, rows))
    shutil.rmtree(files.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
