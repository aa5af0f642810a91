"""What must be deleted is gone from the disk, here and at the partner, and the rest goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flows_matters import Two
from flows_withdrawal import NAME, at, inspect, make
from flows_world import NIGHT, NOW, B, query

from connectors.pull import PullRequest
from exchange.repository.folder import FolderCarrier
from exchange.repository.mirror import mirror
from flows.erasing import erase, erase_received, go_on, retention
from flows.erasure_orders import Order, orders_of, write_order
from flows.ingest import ingest
from flows.own_found import find_own
from flows.withdrawal_proofs import prove
from flows.withdrawing import PROCEDURE, follow
from hefu.node import Node
from lake.runs import RunRecord

BASIS = "个人信息保护法 第四十七条：本人申请"
PLATE = "苏X1A1A1"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("erasing") / "w").root


@pytest.fixture
def two(template: Path, tmp_path: Path) -> Two:
    return Two(Path(shutil.copytree(template, tmp_path / "w")))


def holding(node: Node, text: str) -> list[str]:
    """The files of a node in which ``text`` is, in any usual writing, compressed or not."""
    found = []
    for path in sorted(p for p in node.root.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data += str(pq.read_table(path).to_pylist()).encode()
        if any(text.encode(e) in data for e in ("utf-8", "gb18030", "utf-16-le")):
            found.append(str(path.relative_to(node.root)))
    return found


def published(node: Node) -> int:
    """How many bundles lie in the repository; they are encrypted, so nobody can look for words."""
    return len(list(node.place("repository").glob("targets/streams/*/*.age")))


def waiting(found: list[object]) -> set[str]:
    """Places of which something still has to go."""
    return {s.place for one in found for s in one.staying if s.ends}  # type: ignore[attr-defined]


def test_an_own_record_goes_here_and_there(two: Two) -> None:
    record = inspect(two, 1, plate=PLATE)
    inspect(two, 2)
    two.carry(two.a, two.b)
    (looked,) = erase(two.a, [record], NOW + NIGHT, basis=BASIS, dry_run=True)
    assert (looked.partners, looked.count("lake")) == ((B.code,), 0)
    assert list(orders_of(two.a)) == []
    assert holding(two.a, f"{NAME}1")
    assert holding(two.b, PLATE)

    # killed as soon as it was ordered: the night goes on, and tells the partner before anything
    order = looked.order
    write_order(two.a, order)
    assert waiting([*go_on(two.a, NOW + NIGHT)]) == {"lake", "published"}
    assert at(two, "a") == [("检1", "removed"), ("检2", "valid")]
    two.publish(two.a, NOW + NIGHT)
    follow(two.a, NOW + NIGHT)
    # the partner is behind: what it still needs stays
    assert waiting([*go_on(two.a, NOW + NIGHT)]) == {"published"}
    assert at(two, "a") == [("检2", "valid"), (None, "removed")]
    assert published(two.a) == 2

    two.receive(two.b, NOW + NIGHT)
    (proof,) = prove(two.b, NOW + NIGHT)
    assert proof.code == "confirm_applied"
    assert prove(two.b, NOW + NIGHT) == []
    two.carry(two.b, two.a, NOW + NIGHT)
    assert two.matter(two.a, PROCEDURE).state_name == "applied"
    (done,) = go_on(two.a, NOW + NIGHT)
    assert done.is_done
    assert (done.count("published"), published(two.a)) == (2, 0)
    for node in (two.a, two.b):
        for text in (f"{NAME}1", PLATE, "检1"):
            assert holding(node, text) == []
    assert go_on(two.a, NOW + 2 * NIGHT) == []

    # the chain goes on, a new place gets what is left, and nothing comes out again
    inspect(two, 3, NOW + 2 * NIGHT)
    follow(two.a, NOW + 2 * NIGHT)
    two.carry(two.a, two.b, NOW + 2 * NIGHT)
    assert at(two, "b") == [("检2", "valid"), ("检3", "valid"), (None, "removed")]
    (two.root / "place").mkdir()
    mirror(two.a.place("repository"), FolderCarrier(two.root / "place"))
    assert len(list((two.root / "place").glob("targets/streams/*/*.age"))) == 1
    # what its system tells anew of it does not stay either
    inspect(two, 1, NOW + 3 * NIGHT, plate=PLATE)
    assert holding(two.a, PLATE)
    follow(two.a, NOW + 3 * NIGHT)
    two.publish(two.a, NOW + 3 * NIGHT)
    follow(two.a, NOW + 3 * NIGHT)
    go_on(two.a, NOW + 3 * NIGHT)
    assert holding(two.a, PLATE) == []
    (logged,) = orders_of(two.a)
    assert logged.records == (record.record_id,)
    assert replace(logged, found={}) == replace(order, found={})


SOURCE = """\
system = "office"
stream = "inspections"
record_type = "inspection"
mode = "snapshot"
[reader]
kind = "files"
path = "../../../../papers"
pattern = "*.csv"
format = "csv"
encoding = "gb18030"
[expect]
max_quarantine_share = 0.9
max_drop = 1.0
"""
MAPPING = """\
SELECT txt(no) AS source_record_id, txt(no) AS inspection_no, ts_cn(seen) AS inspection_time,
    txt(name) AS party_name, ts_cn(seen) AS occurred_time
FROM raw
"""


def read(two: Two, day: int, *rows: tuple[int, str]) -> RunRecord:
    """The office's copy of that day: numbers and names."""
    folder, papers = two.root / "a/sources/office/inspections", two.root / "papers"
    folder.mkdir(parents=True, exist_ok=True)
    papers.mkdir(exist_ok=True)
    (folder / "source.toml").write_text(SOURCE, encoding="utf-8")
    (folder / "mapping.sql").write_text(MAPPING, encoding="utf-8")
    lines = [f"检{no},{name},{'2999' if name == 'bad' else '2020'}-10-01" for no, name in rows]
    text = "\n".join(["no,name,seen", *lines]).replace("bad", f"{NAME}1")
    (papers / f"{day}.csv").write_bytes((text + "\n").encode("gb18030"))
    (source,) = two.a.sources()
    now = NOW + day * NIGHT
    return ingest(two.a, source, PullRequest("cursor", None, None, None, now), now)


def test_landing_and_quarantine_let_go_and_a_full_copy_brings_nothing_back(two: Two) -> None:
    read(two, 0, (1, f"{NAME}1"))
    assert read(two, 1, (1, "bad"), (2, "钱二")).quarantined == 1
    record = find_own(two.a, "检1")
    # a partner that names it asks in vain
    assert not any(g.count for g in erase_received(two.a, B.code, [record.record_id], NOW).gone)
    (done,) = erase(two.a, [record], NOW + 2 * NIGHT, basis=BASIS)
    # the first copy held nothing else; the second holds another record's row
    assert (done.count("landing"), done.count("quarantine"), done.is_done) == (1, 1, True)
    assert [s.place for s in done.staying] == ["landing"]
    (left,) = holding(two.a, f"{NAME}1")
    assert left.startswith("landing/objects/")
    (done,) = erase(two.a, [record], NOW + 2 * NIGHT, basis=BASIS, landing=True)
    assert (done.count("landing"), done.staying) == (1, ())
    assert holding(two.a, f"{NAME}1") == []
    assert done.recorded[0].matters == ()

    run = read(two, 3, (1, f"{NAME}1"), (2, "钱二"), (3, "钱三"))
    assert (run.accepted, run.unchanged, run.retracted) == (1, 2, 0)
    assert at(two, "a") == [("检2", "valid"), ("检3", "valid"), (None, "removed")]
    assert follow(two.a, NOW + 3 * NIGHT).restated == ()


def test_what_came_under_an_agreement_is_erased_when_its_retention_is_over(two: Two) -> None:
    for node in (two.a, two.b):
        path = node.root / "agreements/matters.toml"
        text = path.read_text(encoding="utf-8")
        text = text.replace('purpose = "matters"', 'purpose = "matters"\nretention_days = 30')
        path.write_text(text, encoding="utf-8")
    inspect(two, 1)
    two.carry(two.a, two.b)
    inspect(two, 2, NOW + 20 * NIGHT)
    two.carry(two.a, two.b, NOW + 20 * NIGHT)
    assert retention(two.b, NOW + 30 * NIGHT) == []
    over = NOW + 31 * NIGHT
    (looked,) = retention(two.b, over, dry_run=True)
    assert (looked.count("lake"), looked.count("inbox")) == (1, 1)
    assert holding(two.b, f"{NAME}1")
    # killed after the order was written
    write_order(two.b, looked.order)
    (done,) = go_on(two.b, over)
    assert done.is_done
    assert holding(two.b, f"{NAME}1") == []
    assert at(two, "b") == [("检2", "valid"), (None, "removed")]
    assert go_on(two.b, over) == retention(two.b, over) == []
    kept = "record_id, content_hash, source_org_code"
    assert len(query(two.b, "inspection", f"SELECT {kept} FROM inspection_current")) == 2
    inspect(two, 3, over)
    two.carry(two.a, two.b, over)
    assert at(two, "b") == [("检2", "valid"), ("检3", "valid"), (None, "removed")]


def test_an_order_is_the_same_whenever_it_is_given(two: Two) -> None:
    order = Order("own", "x", "lead", ("b", "a"), (), BASIS, NOW)
    assert order.id == replace(order, records=("a", "b"), ordered=NOW + NIGHT).id
    write_order(two.a, order)
    later = write_order(two.a, replace(order, ordered=NOW + NIGHT, landing=True))
    assert (later.landing, [o.id for o in orders_of(two.a, pending=True)]) == (True, [order.id])
