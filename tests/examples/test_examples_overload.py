"""Overload fines on the two sides of the border."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.region.agencies import ANJI, GUANGDE
from examples.region.overload import LIMIT_KG, MAXIMUM_FINE_YUAN, ministry, zhejiang
from schemas.law.overload import fine


@pytest.mark.parametrize(
    ("total_kg", "in_zhejiang", "elsewhere"),
    [
        (50_000, 0, 0),  # 1 000 kg over: a warning
        (50_990, 0, 500),  # only full thousands count
        (55_000, 0, 3_000),  # 12 % over: free in Zhejiang
        (58_800, 0, 4_500),  # exactly 20 %
        (59_800, 300, 5_000),
        (75_000, 5_160, 13_000),
        (200_000, 30_000, 30_000),
    ],
)
def test_six_axles(total_kg: int, in_zhejiang: int, elsewhere: int) -> None:
    assert zhejiang(total_kg, 49_000).fine_yuan == in_zhejiang
    assert ministry(total_kg, 49_000).fine_yuan == elsewhere


@given(
    limit_kg=st.sampled_from((18_000, 25_000, 31_000, 43_000, 49_000)),
    over_kg=st.integers(10, 200_000),
    more_kg=st.integers(0, 50_000),
)
def test_more_weight_never_costs_less(limit_kg: int, over_kg: int, more_kg: int) -> None:
    for tariff in (zhejiang, ministry):
        less = tariff(limit_kg + over_kg, limit_kg).fine_yuan
        more = tariff(limit_kg + over_kg + more_kg, limit_kg).fine_yuan
        assert 0 <= less <= more <= MAXIMUM_FINE_YUAN


@given(
    axles=st.sampled_from((2, 5, 6)),
    over_kg=st.integers(1, 15_000).map(lambda tens: tens * 10),
    in_zhejiang=st.booleans(),
)
def test_fines_are_those_that_the_rule_packs_give(
    axles: int, over_kg: int, in_zhejiang: bool
) -> None:
    """The generator computes its own, so that it tests the packs; the two must agree."""
    tariff = zhejiang if in_zhejiang else ministry
    total_kg = LIMIT_KG[axles] + over_kg
    division_code = (ANJI if in_zhejiang else GUANGDE).division_code
    prevailing = fine(total_kg, LIMIT_KG[axles], division_code, date(2026, 11, 1))[0]
    assert prevailing.fine_cny == tariff(total_kg, LIMIT_KG[axles]).fine_yuan
