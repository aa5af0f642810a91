"""Who is competent, as far as divisions and records tell."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooperation.jurisdiction.competence import Filing, first_filed, propose_competent
from cooperation.jurisdiction.divisions import (
    NATION,
    chain,
    common_superior,
    division_on,
    is_within,
)
from schemas.codes import canonical
from schemas.errors import ConfigError

TODAY = date(2026, 11, 22)
#: 2026-10-08 10:00 in China.
TEN = datetime(2026, 10, 8, 2, tzinfo=UTC)
MIDNIGHT = datetime(2026, 10, 7, 16, tzinfo=UTC)
GUANGDE, NINGGUO, ANJI = "341882", "341881", "330523"
CODES = [row.code for row in canonical("division") if row.valid_to is None]


@pytest.mark.parametrize(
    ("codes", "division", "level"),
    [
        ([GUANGDE, NINGGUO], "341800", "city"),
        ([NINGGUO, "340111"], "340000", "province"),
        ([NINGGUO, ANJI], NATION, "nation"),
        (["340000", "330000"], NATION, "nation"),
        (["340100", "341800"], "340000", "province"),
        (["340000", NINGGUO], NATION, "nation"),
        (["341800", NINGGUO], "340000", "province"),
        (["110101", "110119"], "110000", "province"),
        (["500102", "500151"], "500000", "province"),
        (["310104", "320585"], NATION, "nation"),
        (["429004", "420106"], "420000", "province"),
        (["469001", "469002"], "460000", "province"),
        (["659001", "650102"], "650000", "province"),
        ([GUANGDE, NINGGUO, ANJI], NATION, "nation"),
        ([NINGGUO, NINGGUO], NINGGUO, "county"),
    ],
)
def test_the_lowest_superior_above_all_of_them(codes: list[str], division: str, level: str) -> None:
    found = common_superior(codes, TODAY)
    assert (found.division, found.level) == (division, level)


def test_different_provinces_have_the_ministry_in_common() -> None:
    assert common_superior([NINGGUO, ANJI], TODAY).body.zh == "交通运输部"
    assert common_superior([GUANGDE, NINGGUO], TODAY).body.zh == "安徽省宣城市交通运输主管部门"
    assert common_superior([NINGGUO, NINGGUO], TODAY).body.zh == "安徽省宣城市宁国市人民政府"


def test_a_code_of_another_time_is_followed_to_the_one_of_the_day() -> None:
    """Chongming became a district on 2016-06-08; Ningguo had a code of a prefecture until 2000."""
    assert division_on("310230", TODAY).code == "310151"
    assert division_on("310230", date(2016, 6, 7)).code == "310230"
    assert division_on("310230", date(2016, 6, 8)).code == "310151"
    assert common_superior(["342502", GUANGDE], TODAY).division == "341800"
    assert is_within("341822", GUANGDE, TODAY)


def test_who_lies_within_whom_is_told() -> None:
    assert common_superior(["341800", NINGGUO], TODAY).within
    assert not common_superior([GUANGDE, NINGGUO], TODAY).within


def test_an_unknown_code_is_read_by_its_digits_and_told() -> None:
    found = common_superior(["999901", "999902"], TODAY)
    assert found.division == "999900"
    assert [d.known for d in found.divisions] == [False, False]


@pytest.mark.parametrize("code", ["34188", "3418811", "34188a", "", "３４１８８１"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ConfigError):
        common_superior([code, NINGGUO], TODAY)


@given(st.lists(st.sampled_from(CODES), min_size=2, max_size=4))
def test_a_superior_is_above_each_and_the_order_of_asking_is_nothing(codes: list[str]) -> None:
    found = common_superior(codes, TODAY)
    assert found.division == common_superior(list(reversed(codes)), TODAY).division
    for division in found.divisions:
        above = chain(division.code)
        assert found.division in above
        if len({d.code for d in found.divisions}) > 1 and found.division != NATION:
            assert found.division != division.code


def filing(org: str, filed: datetime | None, **more: object) -> Filing:
    return Filing(org=org, record_id=f"{org}-record", no=f"{org}-no", filed=filed, **more)  # type: ignore[arg-type]


def test_the_first_to_file_is_the_first_by_a_second() -> None:
    found = first_filed([filing("B", TEN + timedelta(seconds=1)), filing("A", TEN)])
    assert found.first is not None
    assert found.first.org == "A"


def test_the_same_moment_decides_nothing() -> None:
    found = first_filed([filing("A", TEN), filing("B", TEN)])
    assert found.first is None
    assert [f.org for f in found.tied] == ["A", "B"]


def test_a_filing_known_by_its_day_alone_is_not_before_one_of_that_day() -> None:
    assert first_filed([filing("A", MIDNIGHT), filing("B", TEN)]).first is None
    next_day = first_filed([filing("A", MIDNIGHT), filing("B", TEN + timedelta(days=1))])
    assert next_day.first is not None
    assert next_day.first.org == "A"


def test_a_filing_without_a_time_may_have_been_the_first() -> None:
    found = first_filed([filing("A", TEN), filing("B", None)])
    assert found.first is None
    assert [f.org for f in found.undated] == ["B"]


def test_one_agency_alone_at_the_place_is_competent_by_article_22() -> None:
    found = propose_competent(
        [filing("A", TEN, place=NINGGUO), filing("B", TEN - timedelta(days=1), place=NINGGUO)],
        {"A": NINGGUO, "B": GUANGDE},
        TODAY,
    )
    assert found.competent == "A"
    assert [r.basis.article[-5:] for r in found.reasons] == ["第二十二条"]


def test_of_two_at_the_place_the_first_to_file_by_article_25() -> None:
    found = propose_competent(
        [filing("A", TEN, place=NINGGUO), filing("B", TEN - timedelta(days=1), place=GUANGDE)],
        {"A": NINGGUO, "B": GUANGDE},
        TODAY,
    )
    assert found.competent == "B"
    assert [r.basis.article[-5:] for r in found.reasons] == ["第二十五条"]
    assert "不一致" in found.against[0].text.zh
    assert found.superior.division == "341800"


def test_the_citys_agency_is_competent_for_its_counties() -> None:
    found = propose_competent(
        [filing("A", TEN, place=NINGGUO), filing("B", TEN + timedelta(hours=1))],
        {"A": "341800", "B": ANJI},
        TODAY,
    )
    assert found.competent == "A"


def test_without_a_place_nobody_is_proposed_and_it_is_said_why() -> None:
    found = propose_competent(
        [filing("A", TEN), filing("B", TEN + timedelta(hours=1))], {"A": NINGGUO, "B": ANJI}, TODAY
    )
    assert found.competent is None
    assert found.first.first is not None
    assert "发生地" in found.against[0].text.zh


def test_a_place_in_a_third_territory_speaks_for_neither() -> None:
    found = propose_competent(
        [filing("A", TEN, place="340111"), filing("B", None)], {"A": NINGGUO, "B": ANJI}, TODAY
    )
    assert found.competent is None
    assert "其他机关" in found.against[0].text.zh


def test_a_fine_of_the_other_side_stands_against_a_second_one() -> None:
    fined = filing(
        "B", TEN + timedelta(hours=1), place=GUANGDE, decided=date(2026, 10, 9), fined=True
    )
    found = propose_competent(
        [filing("A", TEN, place=NINGGUO), fined], {"A": NINGGUO, "B": GUANGDE}, TODAY
    )
    assert found.competent == "A"
    assert any(r.basis.article.endswith("第二十九条") for r in found.against)
