"""Two agencies that exchange corrections: the cheapest records, for tests of answers and gaps."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from flows_world import NIGHT, NOW, RECEIPT_FIELDS, A, B

from examples.introduce import introduce_all, make_node
from exchange.repository.local import published
from flows.incoming import TakenIn, incoming_of, take_in
from flows.outgoing import Published, grants_of, publish_to
from flows.own_records import append_own
from hefu.node import Node, load_node

STREAM = f"letters.{A.code}.{B.code}.corrections".lower()
BACK = f"letters.{B.code}.{A.code}.receipts".lower()

_MAPPING = """
SELECT no AS source_record_id, no AS correction_no, no AS refers_to_no,
    'data_error' AS correction_type,
    ts_cn('2020-10-01 09:00:00') AS effective_time, 'conditional' AS sharing_attribute,
    ts_cn('2020-10-01 09:00:00') AS source_updated_time
FROM raw
"""
_AGREEMENT = """\
id = "letters"
version = 1
valid_from = 2020-01-01
valid_until = 2999-12-31

[[parties]]
code = "{a}"
name = "甲县交通执法队（虚构）"

[[parties]]
code = "{b}"
name = "乙县交通执法队（虚构）"

[[grants]]
from = "{a}"
to = "{b}"
purpose = "corrections"
legal_basis = "行政处罚法第四十八条"
[grants.records]
correction = ["correction_no", "refers_to_no", "correction_type", "effective_time"]
[grants.delivery]
receipt_within_working_days = 2
at_least_every_days = 7

[[grants]]
from = "{b}"
to = "{a}"
purpose = "receipts"
legal_basis = "行政处罚法第四十八条"
[grants.records]
receipt = [{fields}]
"""


class Letters:
    """A sends, B answers."""

    def __init__(self, root: Path):
        self.root = root

    @property
    def a(self) -> Node:
        return load_node(self.root / "a")

    @property
    def b(self) -> Node:
        return load_node(self.root / "b")

    def write(self, number: str, now: datetime = NOW) -> None:
        """One more correction in A's lake."""
        assert append_own(self.a, "correction", _MAPPING, [{"no": number}], now)

    def publish(
        self, node: Node | None = None, now: datetime = NOW, **more: Any
    ) -> list[Published]:
        here = node or self.a
        return [publish_to(here, going, now, **more) for going in grants_of(here)]

    def send(self, number: str, now: datetime = NOW) -> None:
        self.write(number, now)
        assert [p.status for p in self.publish(now=now)] == ["published"]

    def receive(self, node: Node | None = None, now: datetime = NOW) -> list[TakenIn]:
        here = node or self.b
        return [taken for incoming in incoming_of(here) for taken in take_in(here, incoming, now)]

    def answer(self, now: datetime = NOW) -> list[TakenIn]:
        """B's receipts go out, and A takes them in."""
        self.publish(self.b, now)
        return self.receive(self.a, now)

    def file(self, sequence: int) -> Path:
        listed = published(self.a.place("repository"), STREAM, sequence)
        assert listed is not None
        return self.a.place("repository") / listed.file

    def lose(self, sequence: int) -> bytes:
        """Take a published file away; returns its bytes."""
        path = self.file(sequence)
        data = path.read_bytes()
        path.unlink()
        return data


def make_letters(root: Path) -> Letters:
    fields = ", ".join(f'"{name}"' for name in RECEIPT_FIELDS)
    text = _AGREEMENT.format(a=A.code, b=B.code, fields=fields)
    for folder, agency in (("a", A), ("b", B)):
        make_node(root / folder, agency, NOW - NIGHT, f"passphrase of {folder} in tests")
        (root / folder / "agreements/letters.toml").write_text(text, encoding="utf-8")
    introduce_all([root / "a", root / "b"])
    return Letters(root)
