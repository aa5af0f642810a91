"""Signs of a crime in cases: national ones, and a place's own numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from cooperation_signs import find

from schemas.rulepack import load_rule_pack, parse_rule_pack, rule_packs


def test_a_sign_holds_for_its_causes_from_its_day_on() -> None:
    found = find(
        {"cause": "no_dangerous_goods_licence"},
        {"cause": "overload_road"},
        {"cause": "construction_safety", "act_date": date(2021, 3, 1)},
        {"cause": "construction_safety", "act_date": date(2021, 2, 28)},
        {"cause": None},
    )
    assert [(s.case_no, s.entry.name) for s in found] == [
        ("案0", "dangerous_goods_business"),
        ("案0", "dangerous_goods_endangering"),
        ("案2", "dangerous_work"),
    ]
    assert not any(s.entry.verified for s in found)


_LOCAL = """
name = "xx"
version = "xx-1"
jurisdiction = "虚构省"
jurisdiction_en = "an invented province"
divisions = ["99"]

[[criminal_sign]]
name = "dangerous_work"
causes = ["construction_safety"]
offence = "危险作业罪"
offence_en = "dangerous operation"
field = "fine_amount_cny"
over = 1000.00
article = "虚构标准第一条"
text = "虚构"
source = "memory"
verified = false
valid_from = 2026-01-01
"""


def test_a_local_number_takes_the_place_of_the_national_sign_and_is_exceeded_strictly() -> None:
    packs = (*rule_packs(), parse_rule_pack(_LOCAL, Path("xx.toml")))
    cause = {"cause": "construction_safety"}
    found = find(
        cause | {"fine_amount_cny": Decimal("1000.00")},
        cause | {"fine_amount_cny": Decimal("1000.01")},
        cause | {"fine_amount_cny": None},
        cause | {"act_date": date(2025, 12, 31)},  # before the local number: the national sign
        packs=packs,
    )
    assert [(s.case_no, s.version, s.figure) for s in found] == [
        ("案1", "xx-1", Decimal("1000.0100")), ("案3", load_rule_pack().version, None),
    ]  # fmt: skip
