"""Hotline orders: taken up once, made into leads without who called, returned once."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flows_matters import Two
from flows_referral import make_referral, put
from flows_world import NOW, A, B, query

from cooperation.procedures.fold import Matter
from flows.acting import do, following
from flows.hotline_results import return_results
from flows.hotlines import answer, make_lead, results_in, take_orders
from flows.matters import matters_of
from flows.outgoing import grants_of, publish_to
from flows.referring import refer
from hefu.node import Node
from schemas.errors import ConfigError

CALLER = "来电人说自己是示例村的"
DUE = "2026-10-14T18:00:00+08:00"


def order(number: int, **more: str | None) -> dict[str, str | None]:
    row: dict[str, str | None] = {
        "work_order_no": f"12328-{number}",
        "hotline": "12328",
        "hotline_business_type": "complaint_report",
        "accept_time": "2026-10-07T09:00:00+08:00",
        "due_time": DUE,
        "finish_time": None,
        "content": CALLER,
        "incident_place": "示例村1号",
        "vehicle_plate_no": "示A00001",
        "vehicle_plate_color": "yellow",
        "handling_org": None,
        "source_updated_time": "2026-10-07T09:00:00+08:00",
    }
    return row | more


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    two = make_referral(tmp_path_factory.mktemp("hotline"))
    put(
        two.a, "work_order",
        [order(1), order(2), order(3, finish_time="2026-10-07T10:00:00+08:00"),
         order(4, handling_org=B.code), order(5)],
        "work_order_no",
    )  # fmt: skip
    return two


def of(node: Node, number: int) -> Matter:
    (found,) = (
        m for m in matters_of(node, "hotline") if m.opening.subject_nos == (f"12328-{number}",)
    )
    return found


def test_an_order_goes_the_whole_way_and_who_called_goes_nowhere(two: Two, tmp_path: Path) -> None:
    taken = take_orders(two.a, NOW)
    assert [d.act.subject_nos[0] for d in taken.opened] == ["12328-1", "12328-2", "12328-5"]
    assert (taken.already, taken.finished, taken.elsewhere) == (0, 1, 1)
    assert taken.opened[0].act.due_time == datetime.fromisoformat(DUE)
    again = take_orders(two.a, NOW)
    assert (again.opened, again.already) == ((), 3)

    made = make_lead(two.a, of(two.a, 1).key.no, NOW, suspected="疑似超限", cause="overload_road")
    (row,) = query(two.a, "lead", "FROM lead_current")
    assert made.act.result_record_id in row
    text = "|".join(map(str, row))
    assert "示A00001" in text
    assert not [w for w in (CALLER, "示例村", "12328-1") if w in text]
    with pytest.raises(ConfigError):
        make_lead(two.a, of(two.a, 1).key.no, NOW)
    assert results_in(two.a) == []
    with pytest.raises(ConfigError, match=r"no result|尚无"):
        answer(two.a, of(two.a, 1).key.no, NOW)

    assert made.act.result_no is not None
    sent = refer(two.a, made.act.result_no, B.code, NOW)
    (published,) = [publish_to(two.a, g, NOW) for g in grants_of(two.a)]
    assert published.counts == {"lead": 1, "procedure_act": 1}, "the order's acts stay at home"
    two.receive(two.b)
    there = two.matter(two.b, "referral")
    signed = do(two.b, following(two.b, there, "sign", NOW), NOW).matter
    do(two.b, following(two.b, signed, "feed_back", NOW, result_code="penalty"), NOW)
    two.carry(two.b, two.a)
    (result,) = results_in(two.a)
    assert (result.matter.key, result.result_code) == (of(two.a, 1).key, "penalty")
    assert sent.matter.key.no in result.source.zh

    answer(two.a, of(two.a, 1).key.no, NOW, summary="已依法处罚")
    answer(two.a, of(two.a, 2).key.no, NOW, result_code="unfounded", summary="=1+1")
    out = tmp_path / "results.csv"
    later = NOW + timedelta(minutes=1)
    with pytest.raises(ConfigError):
        return_results(two.a, tmp_path / "no" / "results.csv", later)
    assert of(two.a, 1).state_name == "answered", "a file that failed returns nothing"
    done = return_results(two.a, out, later)
    assert (done.answered, done.written) == (2, 1)
    assert [(m.key, why) for m, why in done.left] == [(of(two.a, 2).key, "formula")]
    with out.open(encoding="utf-8-sig", newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["工单编号"], line["办理结果"], line["结果说明"]) == (
        "12328-1", "已处罚", "已依法处罚",
    )  # fmt: skip
    assert out.stat().st_mode & 0o777 == 0o600
    assert of(two.a, 1).state_name == "returned"
    assert return_results(two.a, tmp_path / "again.csv", later).written == 0
    assert not (tmp_path / "again.csv").exists()

    settled = order(
        5, finish_time="2026-10-08T10:00:00+08:00", source_updated_time="2026-10-08T10:00:00+08:00"
    )
    put(two.a, "work_order", [settled], "work_order_no", later)
    assert [m.key for m in take_orders(two.a, later).settled] == [of(two.a, 5).key]
    assert {m.key.org for m in matters_of(two.b)} == {A.code}
    assert len(matters_of(two.b)) == 1
