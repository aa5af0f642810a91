"""What must be deleted is gone from the disk, and everything else goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flows_matters import Two
from flows_withdrawal import NAME, PLATE, at, inspect, make
from flows_world import NIGHT, NOW, B

from flows.erasing import erase, go_on
from flows.erasure_orders import orders_of
from flows.withdrawal_proofs import prove
from flows.withdrawing import PROCEDURE, follow
from hefu.node import Node


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("erasing") / "w").root


@pytest.fixture
def two(template: Path, tmp_path: Path) -> Two:
    shutil.copytree(template, tmp_path / "w")
    return Two(tmp_path / "w")


def holding(node: Node, text: str) -> list[str]:
    """The files of a node in which the bytes of ``text`` are, in any of the usual writings."""
    found = []
    for path in sorted(p for p in node.root.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if any(text.encode(e) in data for e in ("utf-8", "gb18030", "utf-16-le")):
            found.append(str(path.relative_to(node.root)))
    return found


BASIS = "个人信息保护法 第四十七条：本人申请"


def test_an_own_record_goes_here_and_there(two: Two) -> None:
    record = inspect(two, 1, plate="苏X1A1A1")
    inspect(two, 2)
    two.carry(two.a, two.b)
    assert holding(two.a, f"{NAME}1")
    looked = erase(two.a, [record], NOW + NIGHT, basis=BASIS, dry_run=True)
    assert [(one.partners, one.count("lake")) for one in looked] == [((B.code,), 0)]
    assert list(orders_of(two.a)) == []

    (done,) = erase(two.a, [record], NOW + NIGHT, basis=BASIS)
    assert {s.place for s in done.staying if s.ends} == {"lake", "published"}
    assert at(two, "a") == [("检1", "removed"), ("检2", "valid")]
    two.carry(two.a, two.b, NOW + NIGHT)
    follow(two.a, NOW + NIGHT)
    (done,) = go_on(two.a, NOW + NIGHT)
    assert {s.place for s in done.staying if s.ends} == {"published"}
    assert at(two, "a") == [("检2", "valid"), (None, "removed")]

    two.carry(two.a, two.b, NOW + NIGHT)
    (proof,) = prove(two.b, NOW + NIGHT)
    assert proof.code == "confirm_applied"
    for name in (f"{NAME}1", "苏X1A1A1", "检1"):
        assert holding(two.b, name) == []
    two.carry(two.b, two.a, NOW + 2 * NIGHT)
    assert two.matter(two.a, PROCEDURE).state_name == "applied"
    (done,) = go_on(two.a, NOW + 2 * NIGHT)
    assert done.is_done
    for name in (f"{NAME}1", "苏X1A1A1", "检1"):
        assert holding(two.a, name) == []
    assert go_on(two.a, NOW + 3 * NIGHT) == []

    # the chain goes on, and nothing of it comes out again
    inspect(two, 3, NOW + 3 * NIGHT)
    follow(two.a, NOW + 3 * NIGHT)
    two.carry(two.a, two.b, NOW + 3 * NIGHT)
    assert at(two, "b") == [("检2", "valid"), ("检3", "valid"), (None, "removed")]
    assert holding(two.a, PLATE)
