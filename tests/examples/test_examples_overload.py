"""Overload fines on the two sides of the border."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.region.overload import MAXIMUM_FINE_YUAN, ministry, zhejiang


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
