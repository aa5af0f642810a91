"""Two agencies that work on matters together: acts go to and fro. The cheapest world for tests of
referral, transfer, jurisdiction, withdrawal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from flows_world import NIGHT, NOW, A, B

from cooperation.procedures.fold import Matter
from examples.introduce import introduce_all, make_node
from flows.incoming import TakenIn, incoming_of, take_in
from flows.matters import matters_of
from flows.outgoing import Published, grants_of, publish_to
from hefu.node import Node, load_node
from schemas.contract import load_contract

#: Every field that a partner of a matter may see; the names of persons stay at home.
ACT_FIELDS = (
    "occurred_time",
    *(
        f.name
        for f in load_contract("procedure_act").fields
        if not (f.envelope or f.technical) and f.name not in ("actor_name", "suspected_offence")
    ),
)
_GRANT = """
[[grants]]
from = "{sender}"
to = "{receiver}"
purpose = "matters"
legal_basis = "行政处罚法第二十二条、第二十五条、第二十六条"
[grants.records]
procedure_act = [{fields}]
{records}
"""
_HEAD = """\
id = "matters"
version = 1
valid_from = 2020-01-01
valid_until = 2999-12-31

[[parties]]
code = "{a}"
name = "甲县交通执法队（虚构）"

[[parties]]
code = "{b}"
name = "乙县交通执法队（虚构）"
"""


class Two:
    """A and B, and what goes between them."""

    def __init__(self, root: Path):
        self.root = root

    @property
    def a(self) -> Node:
        return load_node(self.root / "a")

    @property
    def b(self) -> Node:
        return load_node(self.root / "b")

    def publish(self, node: Node, now: datetime = NOW) -> list[Published]:
        return [publish_to(node, going, now) for going in grants_of(node)]

    def receive(self, node: Node, now: datetime = NOW) -> list[TakenIn]:
        return [t for incoming in incoming_of(node) for t in take_in(node, incoming, now)]

    def carry(self, sender: Node, receiver: Node, now: datetime = NOW) -> None:
        """What one has to say goes to the other."""
        self.publish(sender, now)
        self.receive(receiver, now)

    def matter(self, node: Node, procedure: str | None = None) -> Matter:
        """The only matter that a node knows."""
        (found,) = matters_of(node, procedure)
        return found


def make_two(root: Path, records: str = "", cooperation: str = "") -> Two:
    """``records``: more lines of ``[grants.records]``, both ways; ``cooperation``: TOML text of
    ``[cooperation]`` tables."""
    fields = ", ".join(f'"{name}"' for name in ACT_FIELDS)
    values: dict[str, Any] = {"fields": fields, "records": records}
    text = (
        _HEAD.format(a=A.code, b=B.code)
        + _GRANT.format(sender=A.code, receiver=B.code, **values)
        + _GRANT.format(sender=B.code, receiver=A.code, **values)
        + cooperation
    )
    for folder, agency in (("a", A), ("b", B)):
        make_node(root / folder, agency, NOW - NIGHT, f"passphrase of {folder} in tests")
        (root / folder / "agreements/matters.toml").write_text(text, encoding="utf-8")
    introduce_all([root / "a", root / "b"])
    return Two(root)
