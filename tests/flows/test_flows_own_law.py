"""A node's own rule packs and working days reach the records, and the records say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from flows_world import CASES, NIGHT, NOW, World, case, counts, query

from hefu.node import Node
from hefu.trial import try_source
from schemas.contract import load_contract
from schemas.errors import ConfigError
from schemas.rulepack import rule_set_version

FLAG = "law:{}:hearing_by_amount_person"
RECORDS = "SELECT case_no, rule_pack_version, _flags FROM case_result_current ORDER BY case_no"
PACK = """\
name = "{name}"
version = "{name}-2020.01"
jurisdiction = "虚构地"
jurisdiction_en = "an invented place"
divisions = ["{division}"]

[[parameter]]
name = "hearing_fine_person_cny"
value = {amount}
unit = "yuan"
unit_zh = "元"
article = "虚构规定第一条"
text = "摘要：虚构"
source = "memory"
verified = false
valid_from = 2020-01-01
"""


def add_pack(node: Node, name: str, division: str, amount: int) -> Path:
    folder = node.root / "rules"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(PACK.format(name=name, division=division, amount=amount), encoding="utf-8")
    return path


def unheard(world: World) -> None:
    """The case system says of each case that a person was fined without a hearing."""
    path = world.a.root / "sources" / CASES / "mapping.sql"
    more = "'natural_person' AS party_category, false AS hearing_flag,\n    txt(name) AS party_name"
    text = path.read_text("utf-8").replace("txt(name) AS party_name", more)
    path.write_text(text, "utf-8")


@pytest.fixture
def judged(world: World) -> World:
    """A hearing is offered from 150 yuan on in A's county, 10 in its province, 100 next door."""
    unheard(world)
    add_pack(world.a, "sheng", "99", 10)
    add_pack(world.a, "jia", "999900", 150)
    add_pack(world.a, "yi", "999901", 100)
    world.drop("1.csv", [case(1, fine="200"), case(2, fine="120")])
    return world


def test_a_record_is_judged_by_its_countys_pack_alone_and_says_so(judged: World) -> None:
    run = judged.sync()
    assert counts(run) == (2, 2, 0, 0, 0)
    assert run.soft[FLAG.format("jia")] == 1
    assert FLAG.format("yi") not in run.soft
    assert FLAG.format("sheng") not in run.soft  # the county's takes its place
    national = rule_set_version("999900")
    (one, two) = query(judged.a, "case_result", RECORDS)
    assert one[1] == two[1] == f"{national}+sheng-2020.01+jia-2020.01"
    assert FLAG.format("jia") in one[2]
    assert FLAG.format("jia") not in (two[2] or [])


def test_the_next_run_uses_a_pack_that_was_added(world: World) -> None:
    unheard(world)
    world.drop("1.csv", [case(1)])
    assert FLAG.format("jia") not in world.sync().soft
    add_pack(world.a, "jia", "999900", 150)
    world.drop("2.csv", [case(2)])
    assert world.sync(now=NOW + NIGHT).soft[FLAG.format("jia")] == 1


def test_a_sample_shows_what_the_run_will_flag(judged: World) -> None:
    (source,) = judged.a.sources([CASES])
    trial = try_source(judged.a, source, NOW)
    assert trial.soft[FLAG.format("jia")] == 1
    rules = {rule.rule_id: rule for rule in judged.a.rules(load_contract(trial.record_type))}
    assert "虚构规定第一条" in rules[FLAG.format("jia")].message.zh


def test_a_bundle_and_a_receipt_say_by_which_law_they_were_made(judged: World) -> None:
    add_pack(judged.b, "yi", "999901", 100)
    judged.sync()
    (published,) = (p for p in judged.publish() if p.status == "published")
    assert published.counts["case_result"] == 2
    (taken,) = judged.receive()
    assert counts(taken.counts["case_result"]) == (2, 2, 0, 0, 0)
    national = rule_set_version("")
    receipts = "SELECT DISTINCT rule_pack_version FROM receipt_current"
    assert query(judged.b, "receipt", receipts) == [(f"{national}+yi-2020.01",)]


def test_a_pack_that_cannot_be_used_stops_the_run_and_is_named(judged: World) -> None:
    path = add_pack(judged.a, "bing", "999900", 100)
    with pytest.raises(ConfigError) as caught:
        judged.sync()
    assert (
        str(caught.value.where) == f"{judged.a.root / 'rules' / 'jia.toml'}, row 5, field divisions"
    )
    path.unlink()
    assert counts(judged.sync(now=NOW + NIGHT)) == (2, 2, 0, 0, 0)


def test_a_day_that_is_written_wrong_stops_the_run_and_is_named(judged: World) -> None:
    folder = judged.a.root / "calendar"
    folder.mkdir()
    (folder / "own.toml").write_text('version = "own"\n[[day]]\ndate = 5\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        judged.sync()
    assert str(caught.value.where).startswith(f"{folder / 'own.toml'}, row ")
