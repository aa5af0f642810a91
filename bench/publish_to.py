"""What ``hefu publish`` costs for one new record on top of a lake that grew commit by commit.

    python -m bench.publish_to [--earlier 1 100 1000] [--times 5]

One node, one agreement, one record a commit, as a nightly run of a quiet source leaves them; the
lake is written directly. ``earlier``: commits that were published before. Then one more record is
appended and published, ``--times`` times; the median counts. Everything is done: collecting,
checking, signing, encrypting, the lists. CPU time is of this process. Ratios are against the first
line. What the lists alone cost is in ``bench.publishing``.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hefu.node import Node

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
STREAM, RECORD_TYPE = "office/corrections", "correction"


@dataclass
class Office:
    """A node that publishes, its clock, and how many records it has."""

    node: Node
    now: datetime = NOW
    records: int = 0

    def append(self) -> None:
        """One record in one commit, as a source's run would leave it."""
        import pyarrow as pa

        from lake.runs import RunRecord
        from lake.store import Lake
        from schemas.contract import load_contract
        from schemas.identity import content_hash_sql
        from schemas.sql import connect

        self.records += 1
        self.now += timedelta(minutes=1)
        contract, number, agency = load_contract(RECORD_TYPE), self.records, self.node.agency
        row: dict[str, Any] = {
            "record_id": f"{number:032x}",
            "record_type": RECORD_TYPE,
            "schema_version": contract.version,
            "source_org_code": agency.code,
            "source_org_name": agency.name,
            "source_system": "office",
            "source_record_id": str(number),
            "division_code": agency.division_code,
            "business_domain": "01",
            "source_updated_time": self.now,
            "received_time": self.now,
            "data_status": "valid",
            "sharing_attribute": "conditional",
            "sensitivity_class": "internal",
            "rule_pack_version": "cn",
            "correction_no": f"更{number}",
            "correction_type": "data_error",
            "effective_time": self.now,
        }
        names = [n for n in contract.names() if n not in ("record_version", "content_hash")]
        run = RunRecord(
            run_id=f"{STREAM}/{number}",
            stream_id=STREAM,
            record_type=RECORD_TYPE,
            mode="cursor",
            started_at=self.now,
            received=1,
            accepted=1,
            unchanged=0,
            duplicate=0,
            quarantined=0,
        )
        con = connect(threads=1)
        con.register("rows", pa.Table.from_pylist([row], schema=contract.arrow_schema(names)))
        hashed = f"SELECT *, {content_hash_sql(contract, names)} AS content_hash FROM rows"
        rows = con.execute(hashed).to_arrow_reader(10)
        Lake(self.node.place("lake")).append(contract, rows, run, sequence=number)
        con.close()

    def publish(self) -> int:
        """Rows that left."""
        from flows.outgoing import grants_of, publish_to

        self.now += timedelta(minutes=1)
        (going,) = grants_of(self.node, now=self.now)
        return publish_to(self.node, going, self.now).counts[RECORD_TYPE]


def make_office(root: Path) -> Office:
    """Two agencies with an agreement on corrections; the first one publishes."""
    from examples.introduce import introduce_all, make_node
    from examples.region.check_digits import credit_code
    from hefu.node import Agency

    agencies = [
        Agency(
            code=credit_code(f"1199990{n}HEFUBENC{n}"),
            name=f"测试支队{n}（虚构）",
            division_code=f"99990{n}",
            business_domain="01",
        )
        for n in (0, 1)
    ]
    folders = [root / "a", root / "b"]
    nodes = [make_node(f, a, NOW) for f, a in zip(folders, agencies, strict=True)]
    introduce_all(folders)
    parties = "".join(f'[[parties]]\ncode = "{a.code}"\nname = "{a.name}"\n' for a in agencies)
    agreement = (
        'id = "bench"\nversion = 1\nvalid_from = 2020-01-01\nvalid_until = 2999-12-31\n'
        f'{parties}[[grants]]\nfrom = "{agencies[0].code}"\nto = "{agencies[1].code}"\n'
        'purpose = "corrections"\nlegal_basis = "测试"\n[grants.records]\n'
        'correction = ["correction_no", "correction_type", "effective_time"]\n'
    )
    (folders[0] / "agreements/bench.toml").write_text(agreement, encoding="utf-8")
    return Office(nodes[0])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.publish_to")
    parser.add_argument("--earlier", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        office = make_office(Path(folder))
        found = [measure(office, earlier, options.times) for earlier in sorted(options.earlier)]
    sys.stdout.write(render(found))
    return 0


def measure(office: Office, earlier: int, times: int) -> tuple[int, float, float]:
    """(earlier, seconds, seconds of CPU) of one more record on top of ``earlier`` commits."""
    while office.records < earlier:
        office.append()
    office.publish()
    walls, cpus = [], []
    for _ in range(times):
        office.append()
        wall, cpu = time.perf_counter(), time.process_time()
        if office.publish() != 1:
            raise SystemExit("not exactly the new record left")
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return earlier, statistics.median(walls), statistics.median(cpus)


def render(found: list[tuple[int, float, float]]) -> str:
    """A Markdown table."""
    _, first, first_cpu = found[0]
    lines = [
        f"Measured in one run on: Python {platform.python_version()}, {platform.machine()}.",
        "",
        "| Earlier commits | publish_to | × | of it CPU | × |",
        "|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {earlier:,} | {wall * 1e3:.0f} ms | {wall / first:.2f} "
        f"| {cpu * 1e3:.0f} ms | {cpu / first_cpu:.2f} |"
        for earlier, wall, cpu in found
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
