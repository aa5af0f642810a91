"""Numbers of persons are masked wherever they stand in a text; nothing else is."""

from __future__ import annotations

import random

import pytest

from schemas.identities import id_check
from schemas.masking import mask_text, masked

ID_NO = "999999180001010008"
MOBILE = "13900000000"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"驾驶人（身份证{ID_NO}）超限", "驾驶人（身份证9************8）超限"),
        ("电话139 0000 0000，未接", "电话1***********0，未接"),
        ("联系１３９００００００００", "联系１*********０"),
        ("999999-18000101-0008", "9************8"),
        ("99999918000101000x", "9************x"),
        (f"{MOBILE}、{MOBILE}", "1*********0、1*********0"),
        ("+8613900000000", "+************0"),
        ("电话86-13900000000", "电话8************0"),
        ("008613900000000、013900000000", "0************0、0**********0"),
        ("旧证999999850101001。", "旧证9************1。"),
        ("工单202613010100001", "工单202613010100001"),
        ("车货总质量 75000 千克，超限 26000 千克", "车货总质量 75000 千克，超限 26000 千克"),
        ("皖宣交抄〔2026〕12号，341800000000", "皖宣交抄〔2026〕12号，341800000000"),
        ("2026-10-08 09:30:00", "2026-10-08 09:30:00"),
        ("91999900MA00000006", "91999900MA00000006"),
        ("0" * 20 + "13900000000" + "a" * 33, "0" * 20 + "13900000000" + "a" * 33),
        ("1390000000", "1390000000"),
        ("", ""),
    ],
)
def test_numbers_in_a_text(text: str, shown: str) -> None:
    assert mask_text(text) == shown
    assert masked(text, "internal") == shown


def test_no_number_of_a_person_is_left_whatever_stands_around_it() -> None:
    rng = random.Random(20261122)  # noqa: S311 (test data)
    around = "甲，：()abcXYZ 　。\n"
    for _ in range(2_000):
        body = (
            f"999999{rng.choice((1800, 2999))}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}000"
        )
        number = rng.choice(
            (body + id_check(body), f"1{rng.randrange(3, 10)}{rng.randrange(10**9):09}")
        )
        before, after = ("".join(rng.choices(around, k=3)) for _ in range(2))
        shown = mask_text(before + number + after)
        assert number not in shown
        assert shown.startswith(before)
        assert shown.endswith(after)


def test_lists_are_masked_item_by_item() -> None:
    assert masked([f"证据{ID_NO}", "照片"], "internal") == "证据9************8、照片"
    assert masked(None, "internal") is None
