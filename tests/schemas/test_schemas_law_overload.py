"""Limits by axles and fines by tariff: every edge on both sides, and laws over random masses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from schemas.law.overload import (
    Assessment,
    Reading,
    Size,
    fine,
    fine_fen,
    limit,
    limits,
    size_fine,
)
from schemas.law.overload_sql import fine_fen_sql, may_be_exempt_sql
from schemas.rule_entries import Band, OverloadFine
from schemas.rulepack import load_rule_pack
from schemas.sql import connect

DAY = date(2026, 10, 8)
ANHUI, ZHEJIANG = "341882", "330523"
MINISTRY = load_rule_pack("cn").overload_fines[0]
PROVINCE = load_rule_pack("zj").overload_fines[0]
KG = st.integers(0, 400_000)
LIMITS = st.sampled_from([15_000, 18_000, 25_000, 27_000, 31_000, 36_000, 43_000, 46_000, 49_000])


def by_pack(total: int, limit_kg: int = 49_000, division: str = ZHEJIANG) -> dict[str, Assessment]:
    return {a.basis.pack: a for a in fine(total, limit_kg, division, DAY)}


def test_the_same_truck_costs_different_sums_on_the_two_sides_of_the_border() -> None:
    found = by_pack(75_000)
    assert (found["cn"].fine_cny, found["zj"].fine_cny) == (13_000, 5_160)
    assert [a.basis.pack for a in fine(75_000, 49_000, ZHEJIANG, DAY)] == ["zj", "cn"]
    assert [a.prevails for a in fine(75_000, 49_000, ZHEJIANG, DAY)] == [True, False]
    assert [(a.basis.pack, a.fine_cny) for a in fine(75_000, 49_000, ANHUI, DAY)] == [
        ("cn", 13_000)
    ]


def test_a_fifth_over_the_limit_may_go_unpunished_in_zhejiang_and_costs_3000_elsewhere() -> None:
    found = by_pack(55_000)
    assert (found["cn"].outcome, found["cn"].fine_cny) == ("fine", 3_000)
    assert (found["zj"].outcome, found["zj"].fine_cny) == ("may_be_exempt", 0)


@pytest.mark.parametrize(
    ("total", "outcome", "yuan"),
    [
        (48_999, "no_excess", "0"),
        (49_000, "no_excess", "0"),
        (49_001, "warning", "0"),
        (50_000, "warning", "0"),
        (50_001, "fine", "500"),
        (50_999, "fine", "500"),
        (51_000, "fine", "1000"),
        (108_999, "fine", "29500"),
        (109_000, "fine", "30000"),
        (110_000, "fine", "30000"),
    ],
)
def test_ministry_tariff_on_both_sides_of_each_edge(total: int, outcome: str, yuan: str) -> None:
    found = by_pack(total)["cn"]
    assert (found.outcome, found.fine_cny) == (outcome, Decimal(yuan))
    assert found.capped == (total > 109_999)


@pytest.mark.parametrize(
    ("total", "outcome", "yuan"),
    [
        (49_000, "no_excess", "0"),
        (49_001, "may_be_exempt", "0"),
        (58_800, "may_be_exempt", "0"),  # 20 % exactly
        (58_801, "fine", "0.30"),
        (73_500, "fine", "4410"),  # 50 % exactly
        (73_501, "fine", "4410.50"),
        (124_680, "fine", "30000"),
        (124_681, "fine", "30000"),
        (124_679, "fine", "29999.50"),
    ],
)
def test_zhejiang_tariff_on_both_sides_of_each_edge(total: int, outcome: str, yuan: str) -> None:
    found = by_pack(total)["zj"]
    assert (found.outcome, found.fine_cny) == (outcome, Decimal(yuan))
    assert found.capped == (total == 124_681)


@pytest.mark.parametrize(
    ("reading", "over_1001", "over_26000", "over_1000"),
    [
        (Reading("floor", "limit"), 500, 13_000, 0),
        (Reading("ceil", "limit"), 1_000, 13_000, 0),
        (Reading("floor", "free"), 0, 12_500, 0),
        (Reading("ceil", "free"), 500, 12_500, 0),
    ],
)
def test_what_the_tariff_leaves_open_can_be_read_otherwise(
    reading: Reading, over_1001: int, over_26000: int, over_1000: int
) -> None:
    def yuan(excess: int) -> Decimal:
        return fine(49_000 + excess, 49_000, ANHUI, DAY, reading=reading)[0].fine_cny

    assert (yuan(1_001), yuan(26_000), yuan(1_000)) == (over_1001, over_26000, over_1000)


def test_an_assessment_tells_its_computation_and_its_law() -> None:
    found = by_pack(75_000)["zj"]
    assert [s.en for s in found.steps] == [
        "up to 20%: 9.8 t × 0 yuan = 0 yuan",
        "over 20% up to 50%: 14.7 t × 300 yuan = 4410 yuan",
        "over 50%: 1.5 t × 500 yuan = 750 yuan",
    ]
    assert found.basis.article == "浙江省公路条例第五十三条"
    assert (found.basis.version, found.basis.verified) == ("zj-2026.11", True)
    assert (found.excess_kg, found.excess_ratio) == (26_000, Decimal("0.5306"))
    assert not by_pack(75_000)["cn"].basis.verified
    assert by_pack(200_000)["cn"].steps[-1].zh == "最高不得超过 30000 元"


@pytest.mark.parametrize(
    ("axles", "configuration", "kg"),
    [
        (2, None, 18_000),
        (3, "truck", 25_000),
        (3, "train", 27_000),
        (4, "truck", 31_000),
        (4, "train", 36_000),
        (5, None, 43_000),
        (6, None, 49_000),
        (9, "train", 49_000),
    ],
)
def test_limits_by_axles(axles: int, configuration: str | None, kg: int) -> None:
    found = limit(axles, ANHUI, DAY, configuration=configuration)  # type: ignore[arg-type]  # of cases
    assert found.limit_kg == kg
    assert "第三条" in found.basis.article


def test_one_driving_axle_and_single_tyres_lower_the_limit() -> None:
    assert limit(6, ANHUI, DAY, drive="single_axle").limit_kg == 46_000
    assert limit(2, ANHUI, DAY, single_tyres=True).limit_kg == 15_000
    assert limit(5, ANHUI, DAY, drive="single_axle").limit_kg == 43_000
    assert [one.limit_kg for one in limits(6, ANHUI, DAY)] == [49_000, 46_000]


def test_a_limit_that_depends_on_the_configuration_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="depends on the configuration") as caught:
        limit(3, ANHUI, DAY)
    assert caught.value.hint is not None
    with pytest.raises(ConfigError, match="no rule weight_limit"):
        limit(1, ANHUI, DAY)
    with pytest.raises(ConfigError, match="no rule weight_limit"):
        limit(5, ANHUI, DAY, configuration="truck")


@pytest.mark.parametrize("day", [date(2016, 9, 20), date(1999, 1, 1)])
def test_before_its_day_there_is_neither_limit_nor_fine(day: date) -> None:
    with pytest.raises(ConfigError, match=str(day)):
        limit(6, ANHUI, day)
    with pytest.raises(ConfigError, match=str(day)):
        fine(75_000, 49_000, ANHUI, day)
    assert [a.basis.pack for a in fine(75_000, 49_000, ZHEJIANG, date(2020, 9, 30))] == ["cn"]


@pytest.mark.parametrize(("total", "limit_kg"), [(-1, 49_000), (75_000, 0)])
def test_masses_without_sense_are_refused(total: int, limit_kg: int) -> None:
    with pytest.raises(ConfigError):
        fine(total, limit_kg, ANHUI, DAY)


@given(KG, KG, LIMITS)
def test_more_weight_never_costs_less_and_never_more_than_the_cap(
    one: int, other: int, limit_kg: int
) -> None:
    light, heavy = sorted([one, other])
    for lighter, heavier in zip(
        fine(light, limit_kg, ZHEJIANG, DAY), fine(heavy, limit_kg, ZHEJIANG, DAY), strict=True
    ):
        assert 0 <= lighter.fine_cny <= heavier.fine_cny <= 30_000
        assert (lighter.outcome == "no_excess") == (light <= limit_kg)


@given(KG, st.integers(1, 200_000))
def test_zhejiang_fine_is_the_integral_of_its_bands(total: int, limit_kg: int) -> None:
    """Another computation in fractions, band by band, without the code's own scaling."""
    excess = Fraction(max(0, total - limit_kg))
    fifth, half = Fraction(limit_kg, 5), Fraction(limit_kg, 2)
    yuan = max(Fraction(0), min(excess, half) - fifth) * 300 / 1000
    yuan += max(Fraction(0), excess - half) * 500 / 1000
    found = by_pack(total, limit_kg)["zj"].fine_cny
    assert Fraction(found) == min(yuan, Fraction(30_000))


@given(st.integers(1_001, 60_000))
def test_ministry_fine_counts_full_tonnes(excess: int) -> None:
    assert by_pack(49_000 + excess)["cn"].fine_cny == excess // 1000 * 500


@pytest.mark.parametrize(
    ("height", "width", "length", "most"),
    [
        ("4", "2.55", "18.1", None),
        ("4.01", "2.55", "18.1", 200),
        ("4.2", "3", "20", 200),
        ("4.21", "3", "20", 1000),
        ("4", "3.01", "20", 1000),
        ("4.5", "3.75", "28", 1000),
        ("4.51", "3.75", "28", 3000),
        ("4", "2", "28.01", 3000),
    ],
)
def test_fines_for_size_by_tier(height: str, width: str, length: str, most: int | None) -> None:
    found = size_fine(Size(Decimal(height), Decimal(width), Decimal(length)), ANHUI, DAY)
    assert (None if found is None else found.entry.max_cny) == most
    assert found is None or "第四十三条" in found.basis.article


TARIFFS = st.one_of(
    st.just(MINISTRY),
    st.just(PROVINCE),
    st.builds(
        lambda r, c, free: MINISTRY.model_copy(
            update={"rounding": r, "counted_from": c, "free_kg": free}
        ),
        st.sampled_from(["floor", "ceil"]),
        st.sampled_from(["limit", "free"]),
        st.integers(0, 5_000),
    ),
    st.builds(
        lambda ratios, prices: PROVINCE.model_copy(
            update={
                "bands": tuple(
                    Band(over_ratio=Decimal(r) / 10_000, yuan_per_tonne=Decimal(p) / 100)
                    for r, p in zip([0, *sorted(ratios)], prices, strict=False)
                )
            }
        ),
        st.sets(st.integers(1, 20_000), min_size=1, max_size=3),
        st.lists(st.integers(0, 200_000), min_size=4, max_size=4),
    ),
)
CON = connect()


@given(st.data(), TARIFFS)
def test_sql_and_python_give_the_same_fen(data: st.DataObject, tariff: OverloadFine) -> None:
    rows = data.draw(st.lists(st.tuples(KG, st.integers(1, 200_000)), min_size=1, max_size=20))
    values = ", ".join(f"({t}::BIGINT, {li}::BIGINT)" for t, li in rows)
    got = CON.execute(
        f"SELECT {fine_fen_sql(tariff, 't', 'l')}, {may_be_exempt_sql(tariff, 't', 'l')} "
        f"FROM (VALUES {values}) v(t, l)"
    ).fetchall()
    assert [fen for fen, _ in got] == [
        fine_fen(tariff, max(0, total - limit_kg), limit_kg)[0] for total, limit_kg in rows
    ]
    if tariff is PROVINCE:
        assert [exempt for _, exempt in got] == [
            by_pack(total, limit_kg)["zj"].outcome == "may_be_exempt" for total, limit_kg in rows
        ]
