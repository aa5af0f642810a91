"""Two invented agencies, their nodes and systems, for the tests of the flows.

``A`` has a case system that drops CSV in GB18030 and a hotline behind a REST API; ``B`` receives
from A and sends receipts back. Everything is invented: GB/T 2260 knows no division 9999xx.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyrage

from connectors.pull import PullRequest
from examples.introduce import introduce_all, make_node
from examples.region.check_digits import credit_code
from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.keys.encryption import encrypt_file
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.local import publish as publish_file
from exchange.repository.local import published
from flows.incoming import TakenIn, incoming_of, take_in
from flows.ingest import ingest
from flows.outgoing import Published, grants_of, publish_to
from flows.sending import recipients_of
from hefu.node import Agency, Node, load_node
from lake.runs import RunRecord
from lake.store import Lake
from schemas.sql import connect

#: 2026-10-09 01:30 in Beijing, the time of the nightly run.
NOW = datetime(2026, 10, 8, 17, 30, tzinfo=UTC)
NIGHT = timedelta(days=1)
NOW_NS = int(NOW.timestamp()) * 10**9

A = Agency(
    code=credit_code("11999900HEFUFLWA1"),
    name="甲县交通执法队（虚构）",
    division_code="999900",
    business_domain="01",
)
B = Agency(
    code=credit_code("11999901HEFUFLWB2"),
    name="乙县交通执法队（虚构）",
    division_code="999901",
    business_domain="01",
)
C = Agency(
    code=credit_code("11999902HEFUFLWC3"),
    name="丙县交通执法队（虚构）",
    division_code="999902",
    business_domain="01",
)

CASES = "cases/decided"
LEADS = "hotline/orders"
URL_VARIABLE = "FLOWS_TEST_HOTLINE"
TOKEN = "token-of-the-hotline-in-tests"

CASE_COLUMNS = (
    "no",
    "updated",
    "plate",
    "name",
    "phone",
    "violation",
    "fine",
    "decided",
    "sharing",
)
#: What A grants B. Names, telephone numbers and facts are not among it.
GRANTED = {
    "case_result": (
        "case_no",
        "decision_type",
        "violation_type",
        "fine_amount_cny",
        "decision_date",
        "vehicle_plate_no",
    ),
    "lead": (
        "lead_no",
        "lead_source",
        "lead_type",
        "discovered_time",
        "suspected_violation",
        "to_org",
    ),
}
RECEIPT_FIELDS = (
    "receipt_no",
    "refers_to_record_id",
    "refers_to_bundle_digest",
    "receiver_org",
    "receipt_grade",
    "receipt_time",
    "refusal_reason",
)

CASES_TOML = """\
system = "cases"
stream = "decided"
record_type = "case_result"

[reader]
kind = "files"
path = "../../../../drops"
pattern = "*.csv"
format = "csv"
encoding = "gb18030"

[window]
field = "decided"

[expect]
max_quarantine_share = 0.9
"""

CASES_SQL = """\
SELECT
    txt(no) AS source_record_id,
    ts_cn(updated) AS source_updated_time,
    txt(no) AS case_no,
    'penalty' AS decision_type,
    txt(violation) AS violation_type,
    yuan(fine) AS fine_amount_cny,
    date_ymd(decided) AS decision_date,
    txt(name) AS party_name,
    txt(phone) AS party_phone,
    plate(plate) AS vehicle_plate_no,
    coalesce(txt(sharing), 'conditional') AS sharing_attribute
FROM raw
"""

LEADS_TOML = f"""\
system = "hotline"
stream = "orders"
record_type = "lead"

[reader]
kind = "rest"
base_url = "env:{URL_VARIABLE}"
path = "/orders"
records = "data"
retries = 1
backoff_seconds = 0
timeout_seconds = 10

[reader.auth]
kind = "bearer"
token = "file:keys/hotline.token"

[reader.pagination]
kind = "page"
size = 2
size_parameter = "size"

[cursor]
field = "updated"
parameter = "since"
overlap = "P1D"

[window]
since_parameter = "from"
until_parameter = "to"

[expect]
max_quarantine_share = 0.9
max_drop = 1.0
"""

LEADS_SQL = """\
SELECT
    txt(no) AS source_record_id,
    ts_cn(updated) AS source_updated_time,
    txt(no) AS lead_no,
    '12328' AS lead_source,
    'copy_notice' AS lead_type,
    ts_cn(found) AS discovered_time,
    txt(suspected) AS suspected_violation,
    txt(caller) AS party_name,
    txt(phone) AS party_phone,
    txt(to_org) AS to_org
FROM raw
"""


def case(number: int, *, day: int = 1, **more: str) -> dict[str, str]:
    """A case as the case system writes it, last updated on ``day`` of October 2020.

    That is long past: the Prefect flows look at the clock, and these dates suit any.
    """
    row = {
        "no": f"甲交罚〔2026〕{number:04d}号",
        "updated": f"2020-10-{day:02d} 09:00:00",
        "plate": f"示A{number:05d}",
        "name": f"虚构{number}",
        "phone": "",
        "violation": "超限运输",
        "fine": "200",
        "decided": f"2020-09-{1 + number % 30:02d}",
        "sharing": "",
    }
    return row | more


def order(number: int, *, day: int = 1, **more: Any) -> dict[str, Any]:
    """A lead as the hotline's API gives it."""
    row: dict[str, Any] = {
        "no": f"12328-{number:04d}",
        "updated": f"2020-10-{day:02d}T10:00:00+08:00",
        "found": f"2020-10-{day:02d}T08:00:00+08:00",
        "suspected": "疑似超限",
        "caller": f"虚构来电人{number}",
        "phone": None,
        "to_org": None,
    }
    return row | more


def csv_text(rows: Iterable[dict[str, str]], columns: Sequence[str] = CASE_COLUMNS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@dataclass(frozen=True)
class World:
    """``a/`` and ``b/`` are the nodes, ``drops/`` is where A's case system writes."""

    root: Path

    @property
    def a(self) -> Node:
        return load_node(self.root / "a")

    @property
    def b(self) -> Node:
        return load_node(self.root / "b")

    @property
    def source_toml(self) -> Path:
        return self.root / "a" / "sources" / CASES / "source.toml"

    def drop(self, name: str, content: bytes | str | Iterable[dict[str, str]]) -> Path:
        """A file of the case system; its time of change follows from its content."""
        if not isinstance(content, bytes | str):
            content = csv_text(content)
        data = content if isinstance(content, bytes) else content.encode("gb18030")
        path = self.root / "drops" / name
        path.write_bytes(data)
        # fixed, so that two worlds with the same drops hold the same cursor
        os.utime(path, ns=(0, NOW_NS + zlib.crc32(data)))
        return path

    def sync(self, stream: str = CASES, now: datetime = NOW, *, dry_run: bool = False) -> RunRecord:
        (source,) = self.a.sources([stream])
        request = PullRequest("cursor", None, None, None, now)
        return ingest(self.a, source, request, now, dry_run=dry_run)

    def backfill(
        self,
        since: date,
        until: date,
        stream: str = CASES,
        now: datetime = NOW,
        *,
        dry_run: bool = False,
    ) -> RunRecord:
        (source,) = self.a.sources([stream])
        request = PullRequest("window", None, since, until, now)
        return ingest(self.a, source, request, now, dry_run=dry_run)

    def publish(
        self, node: Node | None = None, now: datetime = NOW, **more: Any
    ) -> list[Published]:
        here = node or self.a
        return [publish_to(here, going, now, **more) for going in grants_of(here)]

    def receive(self, node: Node | None = None, now: datetime = NOW) -> list[TakenIn]:
        here = node or self.b
        return [taken for incoming in incoming_of(here) for taken in take_in(here, incoming, now)]

    @property
    def stream(self) -> str:
        """The one chain on which A sends to B."""
        (going,) = (g for g in grants_of(self.a) if g.partner == B.code)
        return going.stream

    def bundle(self, sequence: int) -> Path:
        """The file that A published, encrypted for B."""
        return published_file(self.a, self.stream, sequence)

    def plain(self, sequence: int) -> bytes:
        """The bundle in it."""
        return opened(self.a, self.stream, sequence)


def published_file(node: Node, stream: str, sequence: int) -> Path:
    repository = node.place("repository")
    listed = published(repository, stream, sequence)
    assert listed is not None, f"{stream} {sequence} is not published"
    return repository / listed.file


def opened(node: Node, stream: str, sequence: int) -> bytes:
    """A published bundle without its encryption; the publisher itself can open it."""
    path = published_file(node, stream, sequence)
    data = path.read_bytes()
    return bytes(pyrage.decrypt(data, node.identities())) if path.suffix == ".age" else data


def publish_bytes(node: Node, stream: str, sequence: int, plain: bytes, good: bytes) -> None:
    """The publisher lists a faulty bundle, as its own broken or dishonest program would do.

    ``plain`` is what the partner will find after decryption; ``good``: the bundle whose statement
    the lists name.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, leaving = Path(folder) / "plain", Path(folder) / "plain.age"
        path.write_bytes(plain)
        receiver = next(g.partner for g in grants_of(node) if g.stream == stream)
        encrypt_file(path, leaving, recipients_of(node, receiver))
        envelope = bytes(read_container(good, DEFAULT_LIMITS)[STATEMENT_ENTRY])
        publish_file(
            node.place("repository"),
            node.place("sent"),
            stream,
            sequence,
            leaving,
            envelope,
            node.signers(),
            node.periods(),
            NOW,
        )


def query(node: Node, record_type: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of ``sql`` over ``<record_type>_history`` and ``_current``."""
    con = connect(threads=1)
    try:
        Lake(node.place("lake")).attach(con, record_type)
        return con.execute(sql).fetchall()
    finally:
        con.close()


def history(node: Node, record_type: str = "case_result") -> list[tuple[Any, ...]]:
    """Every stored version with all of its columns."""
    return query(node, record_type, f"FROM {record_type}_history ORDER BY record_id, content_hash")


def current(node: Node, record_type: str = "case_result") -> list[tuple[Any, ...]]:
    """What holds now, without when and by which run it came."""
    return query(
        node,
        record_type,
        "SELECT * EXCLUDE (received_time, record_version, _run_id, _object_digest, _row) "
        f"FROM {record_type}_current ORDER BY record_id",
    )


def counts(run: Any) -> tuple[int, int, int, int, int]:
    """(received, accepted, unchanged, duplicate, quarantined), held to balance."""
    parts = (run.accepted, run.unchanged, run.duplicate, run.quarantined)
    assert run.received == sum(parts)
    return (run.received, *parts)


def make_world(root: Path) -> World:
    """Lay out both nodes below ``root``. About 0.2 s; the fixtures copy one that is made once."""
    (root / "drops").mkdir(parents=True)
    for folder, agency in (("a", A), ("b", B)):
        make_node(root / folder, agency, NOW - NIGHT, f"passphrase of {folder} in tests")
        (root / folder / "agreements" / "a-b.toml").write_text(agreement_text(), encoding="utf-8")
    introduce_all([root / "a", root / "b"])
    for stream, toml, sql in ((CASES, CASES_TOML, CASES_SQL), (LEADS, LEADS_TOML, LEADS_SQL)):
        folder = root / "a" / "sources" / stream
        folder.mkdir(parents=True)
        (folder / "source.toml").write_text(toml, encoding="utf-8")
        (folder / "mapping.sql").write_text(sql, encoding="utf-8")
    (root / "a" / "keys" / "hotline.token").write_text(TOKEN + "\n", encoding="ascii")
    return World(root)


def agreement_text(identifier: str = "a-b", sender: Agency = A, receiver: Agency = B) -> str:
    """Cases and leads one way, receipts the other."""

    def grant(one: Agency, other: Agency, purpose: str, records: dict[str, Any]) -> str:
        listed = "".join(
            f"{name} = [{', '.join(f'{field!r}' for field in fields)}]\n".replace("'", '"')
            for name, fields in records.items()
        )
        return (
            f'\n[[grants]]\nfrom = "{one.code}"\nto = "{other.code}"\npurpose = "{purpose}"\n'
            f'legal_basis = "行政处罚法第二十六条"\n[grants.records]\n{listed}'
        )

    return (
        f'id = "{identifier}"\nversion = 1\nvalid_from = 2020-01-01\nvalid_until = 2999-12-31\n'
        + "".join(
            f'\n[[parties]]\ncode = "{who.code}"\nname = "{who.name}"\n'
            for who in (sender, receiver)
        )
        + grant(sender, receiver, "overload_accumulation", GRANTED)
        + grant(receiver, sender, "receipts", {"receipt": RECEIPT_FIELDS})
    )
