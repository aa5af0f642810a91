"""Corrections from A to B under agreements that change: a record type with few rules.

Everything is invented: GB/T 2260 knows no division 9999xx.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows_world import NOW, A, B, World, query

from connectors.pull import PullRequest
from flows.incoming import TakenIn, incoming_of, take_in
from flows.ingest import ingest
from flows.outgoing import Published, grants_of, publish_to
from lake.runs import RunRecord

STREAM = "office/corrections"
FIELDS = ("correction_no", "refers_to_no", "correction_type", "effective_time")
RECEIPT_FIELDS = ("receipt_no", "refers_to_record_id", "receiver_org", "receipt_grade")
COLUMNS = ("no", "updated", "division", "domain", "occurred", "reason", "sharing", "gone")

SOURCE = """\
system = "office"
stream = "corrections"
record_type = "correction"

[reader]
kind = "files"
path = "../../../../papers"
pattern = "*.csv"
format = "csv"
encoding = "utf-8"

[expect]
max_quarantine_share = 0.9
"""

MAPPING = """\
SELECT
    txt(no) AS source_record_id,
    ts_cn(updated) AS source_updated_time,
    txt(no) AS correction_no,
    txt(no) AS refers_to_no,
    'data_error' AS correction_type,
    ts_cn(updated) AS effective_time,
    ts_cn(occurred) AS occurred_time,
    txt(division) AS division_code,
    txt(domain) AS business_domain,
    txt(reason) AS correction_reason,
    txt(sharing) AS sharing_attribute,
    coalesce(txt(gone), 'valid') AS data_status
FROM raw
"""


def paper(number: int, *, day: int = 1, **more: str) -> dict[str, str]:
    """A correction as A's office writes it, last updated on ``day`` of October 2020."""
    row = {
        "no": f"更{number}",
        "updated": f"2020-10-{day:02d} 09:00:00",
        "division": "999900",
        "domain": "01",
        "occurred": "2020-09-01 10:00:00",
        "reason": f"缘由{number}",
        "sharing": "conditional",
        "gone": "",
    }
    return row | more


def lay_out(world: World) -> None:
    """Give A an office with corrections."""
    (world.root / "papers").mkdir()
    folder = world.root / "a/sources" / STREAM
    folder.mkdir(parents=True)
    (folder / "source.toml").write_text(SOURCE, encoding="utf-8")
    (folder / "mapping.sql").write_text(MAPPING, encoding="utf-8")


def agreement(
    version: int = 1,
    *,
    fields: Sequence[str] = FIELDS,
    rows: str = "",
    more: str = "",
    since: str = "2020-01-01",
    until: str = "2999-12-31",
    records: str | None = None,
) -> str:
    """A to B: corrections; B to A: receipts. ``more``: keys of the first grant."""

    def listed(names: Iterable[str]) -> str:
        return "[" + ", ".join(f'"{name}"' for name in names) + "]"

    parties = "".join(f'\n[[parties]]\ncode = "{w.code}"\nname = "{w.name}"\n' for w in (A, B))
    records = records or f"correction = {listed(fields)}"
    return f"""\
id = "a-b"
version = {version}
valid_from = {since}
valid_until = {until}
{parties}
[[grants]]
from = "{A.code}"
to = "{B.code}"
purpose = "corrections"
legal_basis = "行政处罚法第四十八条"
{more}
[grants.records]
{records}
[grants.rows]
{rows}

[[grants]]
from = "{B.code}"
to = "{A.code}"
purpose = "receipts"
legal_basis = "行政处罚法第二十六条"
[grants.records]
receipt = {listed(RECEIPT_FIELDS)}
"""


@dataclass(frozen=True)
class Office:
    """Both nodes, with what A's office writes in ``papers/``."""

    world: World

    def agree(self, text: str, *nodes: str, name: str = "a-b") -> None:
        """Put the agreement into the ``nodes`` (both, if none is named)."""
        for node in nodes or ("a", "b"):
            self.file(node, name).write_text(text, encoding="utf-8")

    def file(self, node: str, name: str = "a-b") -> Path:
        return self.world.root / node / "agreements" / f"{name}.toml"

    def write(self, name: str, *rows: dict[str, str], now: datetime = NOW) -> RunRecord:
        """A file of the office, read into A's lake."""
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        (self.world.root / "papers" / name).write_text(out.getvalue(), encoding="utf-8")
        a = self.world.a
        (source,) = a.sources([STREAM])
        return ingest(a, source, PullRequest("cursor", None, None, None, now), now)

    def publish(self, now: datetime = NOW, **more: Any) -> Published:
        a = self.world.a
        (going,) = (g for g in grants_of(a, now=now) if g.partner == B.code)
        return publish_to(a, going, now, **more)

    def receive(self, now: datetime = NOW) -> list[TakenIn]:
        b = self.world.b
        (incoming,) = incoming_of(b, now=now)
        return take_in(b, incoming, now)

    def sent(self, now: datetime = NOW) -> tuple[Published, list[TakenIn]]:
        return self.publish(now), self.receive(now)

    def at_b(self, columns: str = "correction_no, data_status") -> list[tuple[Any, ...]]:
        """What holds at B, in order of the number."""
        sql = f"SELECT {columns} FROM correction_current ORDER BY correction_no"
        return query(self.world.b, "correction", sql)
