"""Limits of mass and fines for exceeding them, exact to the fen.

A fine is computed for every jurisdiction that applies, because the numbers differ across a
border and both sides look at the case: the national tariff and the province's own. The first
of them prevails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from schemas.errors import ConfigError
from schemas.law.basis import Basis
from schemas.law.jurisdiction import Found, not_in_force, parameter, prevailing, rows_for
from schemas.law.units import FEN_PER_YUAN, KG_PER_TONNE, RATIO_SCALE, half_up
from schemas.rule_entries import OverloadFine, SizeFine, WeightLimit
from schemas.rulepack import RulePack
from schemas.text import Text

Configuration = Literal["truck", "train"]
Drive = Literal["any", "single_axle"]
Rounding = Literal["floor", "ceil"]
CountedFrom = Literal["limit", "free"]
Outcome = Literal["no_excess", "warning", "may_be_exempt", "fine"]

# Ratios have four decimals and prices two, so a share of a band times its price is whole in
# kg/10000 x fen/t; DENOMINATOR brings it to fen.
DENOMINATOR = RATIO_SCALE * KG_PER_TONNE


@dataclass(frozen=True, slots=True)
class Limit:
    """The greatest mass of vehicle and load."""

    limit_kg: int
    configuration: Configuration
    drive: Drive
    single_tyres: bool
    basis: Basis


@dataclass(frozen=True, slots=True)
class Reading:
    """How a tariff's open question is read; None: as the pack reads it."""

    rounding: Rounding | None = None
    counted_from: CountedFrom | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one jurisdiction's tariff gives for an excess.

    ``fine_cny`` is 0 for a warning and where the law says that the act may go unpunished;
    ``prevails`` is true for the most specific tariff. ``steps`` tells the computation.
    """

    outcome: Outcome
    fine_cny: Decimal
    total_weight_kg: int
    limit_kg: int
    excess_kg: int
    excess_ratio: Decimal
    capped: bool
    reading: Reading
    steps: tuple[Text, ...]
    prevails: bool
    basis: Basis


@dataclass(frozen=True, slots=True)
class Size:
    """Outer dimensions of vehicle and load in metres."""

    height_m: Decimal
    width_m: Decimal
    length_m: Decimal


def limits(
    axles: int, division_code: str, day: date, packs: Iterable[RulePack] | None = None
) -> tuple[Limit, ...]:
    """The limits that there are for a number of axles, by configuration; the greatest first."""
    rows = prevailing(rows_for(WeightLimit, division_code, day, packs=packs))
    found = [
        Limit(
            limit_kg=row.entry.limit_kg,
            configuration=row.entry.configuration,
            drive=row.entry.drive,
            single_tyres=False,
            basis=row.basis,
        )
        for row in rows
        if row.entry.axles == axles or (row.entry.or_more and row.entry.axles <= axles)
    ]
    return tuple(sorted(found, key=lambda limit: -limit.limit_kg))


def limit(
    axles: int,
    division_code: str,
    day: date,
    *,
    configuration: Configuration | None = None,
    drive: Drive = "any",
    single_tyres: bool = False,
    packs: Iterable[RulePack] | None = None,
) -> Limit:
    """The limit in kg of a goods vehicle (62号令 art. 3).

    Args:
        axles: counted as the rule counts: an axle group of two is two axles.
        configuration: needed only where trucks and trains have different limits.
        drive: ``single_axle`` for a tractor with one driving axle.
        single_tyres: single tyres, not of the wide kind, on axles that are not driven.

    Raises:
        ConfigError: no limit for these axles on that day, or it depends on the configuration.
    """
    fitting = [
        one
        for one in limits(axles, division_code, day, packs)
        if configuration is None or one.configuration == configuration
    ]
    if not fitting:
        what = f"weight_limit ({axles} {configuration or ''})".replace(" )", ")")
        raise not_in_force(what, day)
    special = [one for one in fitting if one.drive == drive]
    chosen = special or [one for one in fitting if one.drive == "any"]
    if len({one.limit_kg for one in chosen}) > 1:
        raise ConfigError(
            Text(
                en=f"the limit for {axles} axles depends on the configuration",
                zh=f"{axles} 轴车辆的限值取决于是货车还是汽车列车",
            ),
            hint=Text(en="say truck or train", zh="请指明 truck（货车）或者 train（汽车列车）"),
        )
    found = chosen[0]
    if not single_tyres:
        return found
    less = int(parameter("single_tyre_reduction_kg", division_code, day, packs).entry.value)
    return replace(found, limit_kg=found.limit_kg - less, single_tyres=True)


def fine(
    total_weight_kg: int,
    limit_kg: int,
    division_code: str,
    day: date,
    *,
    reading: Reading | None = None,
    packs: Iterable[RulePack] | None = None,
) -> tuple[Assessment, ...]:
    """What each applying jurisdiction's tariff gives, the prevailing one first.

    Args:
        day: the day of the act (行政处罚法 art. 37).
        reading: another reading than the packs' of what the tariff leaves open.

    Raises:
        ConfigError: no tariff is in force, or a mass makes no sense.
    """
    if limit_kg <= 0 or total_weight_kg < 0:
        raise ConfigError(
            Text(en="a limit is positive and a mass is not negative", zh="限值须为正，质量不得为负")
        )
    rows = rows_for(OverloadFine, division_code, day, packs=packs)
    if not rows:
        raise not_in_force("overload_fine", day)
    return tuple(
        _assess(
            row.entry,
            row.basis,
            total_weight_kg,
            limit_kg,
            reading or Reading(),
            prevails=index == 0,
        )
        for index, row in enumerate(rows)
    )


def size_fine(
    size: Size, division_code: str, day: date, packs: Iterable[RulePack] | None = None
) -> Found[SizeFine] | None:
    """The range of fines for a load that is too high, wide or long; None if it is not.

    The lowest tier that no dimension exceeds (62号令 art. 43). With excess mass the fines add
    up, to not more than the parameter ``overload_combined_cap_cny``.
    """
    over = any(
        value > parameter(f"max_{name}", division_code, day, packs).entry.value
        for name, value in (
            ("height_m", size.height_m),
            ("width_m", size.width_m),
            ("length_m", size.length_m),
        )
    )
    if not over:
        return None
    tiers = prevailing(rows_for(SizeFine, division_code, day, packs=packs))
    fitting = [tier for tier in tiers if _fits(size, tier.entry)]
    if not fitting:
        raise not_in_force("size_fine", day)
    return min(fitting, key=lambda tier: tier.entry.max_cny)


def _fits(size: Size, tier: SizeFine) -> bool:
    return (
        (tier.max_height_m is None or size.height_m <= tier.max_height_m)
        and (tier.max_width_m is None or size.width_m <= tier.max_width_m)
        and (tier.max_length_m is None or size.length_m <= tier.max_length_m)
    )


def fine_fen(tariff: OverloadFine, excess_kg: int, limit_kg: int) -> tuple[int, bool]:
    """Fen, and whether the cap was reached. The one formula; ``fine_fen_sql`` is its SQL."""
    if excess_kg <= tariff.free_kg:
        return 0, False
    cap = int(tariff.cap_cny * FEN_PER_YUAN)
    if tariff.method == "per_step":
        step, yuan = per_step(tariff)
        counted = excess_kg - (tariff.free_kg if tariff.counted_from == "free" else 0)
        if tariff.rounding == "ceil":
            counted += step - 1
        fen = counted // step * int(yuan * FEN_PER_YUAN)
    else:
        shares = _shares(tariff, excess_kg, limit_kg)
        fen = half_up(sum(share * price for share, price in shares), DENOMINATOR)
    return min(fen, cap), fen > cap


def per_step(tariff: OverloadFine) -> tuple[int, Decimal]:
    """Size of a step in kg and its price in yuan, which a tariff by steps always has."""
    if tariff.step_kg is None or tariff.yuan_per_step is None:
        raise TypeError("not a tariff by steps")
    return tariff.step_kg, tariff.yuan_per_step


def _shares(tariff: OverloadFine, excess_kg: int, limit_kg: int) -> list[tuple[int, int]]:
    """(kg/10000 in the band, fen per tonne) of each band."""
    edges = [int(b.over_ratio * RATIO_SCALE) * limit_kg for b in tariff.bands]
    scaled = excess_kg * RATIO_SCALE
    ends = [*edges[1:], max(scaled, edges[-1])]
    return [
        (max(0, min(scaled, end) - start), int(band.yuan_per_tonne * FEN_PER_YUAN))
        for band, start, end in zip(tariff.bands, edges, ends, strict=True)
    ]


def _assess(
    tariff: OverloadFine,
    basis: Basis,
    total_kg: int,
    limit_kg: int,
    reading: Reading,
    *,
    prevails: bool,
) -> Assessment:
    if tariff.method == "per_step":
        tariff = tariff.model_copy(
            update={
                "rounding": reading.rounding or tariff.rounding,
                "counted_from": reading.counted_from or tariff.counted_from,
            }
        )
        taken = Reading(tariff.rounding, tariff.counted_from)
    else:
        taken = Reading()
    excess = max(0, total_kg - limit_kg)
    fen, capped = fine_fen(tariff, excess, limit_kg)
    outcome = _outcome(tariff, excess, limit_kg)
    return Assessment(
        outcome=outcome,
        fine_cny=Decimal(fen) / FEN_PER_YUAN,
        total_weight_kg=total_kg,
        limit_kg=limit_kg,
        excess_kg=excess,
        excess_ratio=(Decimal(excess) / limit_kg).quantize(Decimal("0.0001")),
        capped=capped,
        reading=taken,
        steps=_steps(tariff, outcome, excess, limit_kg, capped=capped),
        prevails=prevails,
        basis=basis,
    )


def _outcome(tariff: OverloadFine, excess_kg: int, limit_kg: int) -> Outcome:
    if excess_kg == 0:
        return "no_excess"
    if tariff.method == "per_step":
        return "warning" if excess_kg <= tariff.free_kg else "fine"
    # The band that the last kilogram falls into: an excess of exactly a ratio is not over it.
    scaled = excess_kg * RATIO_SCALE
    band = [b for b in tariff.bands if scaled > int(b.over_ratio * RATIO_SCALE) * limit_kg][-1]
    return "may_be_exempt" if band.may_be_exempt else "fine"


def _steps(
    tariff: OverloadFine, outcome: Outcome, excess_kg: int, limit_kg: int, *, capped: bool
) -> tuple[Text, ...]:
    if outcome == "no_excess":
        return (Text("the limit is not exceeded", "未超过限值"),)
    if outcome == "warning":
        return (
            Text(
                f"{excess_kg} kg over, not more than {tariff.free_kg} kg: a warning",
                f"超限 {excess_kg} 千克，未超过 {tariff.free_kg} 千克：予以警告",
            ),
        )
    steps = (
        _step_words(tariff, excess_kg)
        if tariff.method == "per_step"
        else _band_words(tariff, excess_kg, limit_kg)
    )
    if outcome == "may_be_exempt":
        steps = (
            *steps,
            Text("the act may go unpunished; the agency decides", "可以不予处罚，由执法机构决定"),
        )
    if capped:
        steps = (
            *steps,
            Text(f"not more than {tariff.cap_cny} yuan", f"最高不得超过 {tariff.cap_cny} 元"),
        )
    return steps


def _step_words(tariff: OverloadFine, excess_kg: int) -> tuple[Text, ...]:
    step, yuan = per_step(tariff)
    free = tariff.free_kg if tariff.counted_from == "free" else 0
    counted = excess_kg - free
    number = (counted + (step - 1 if tariff.rounding == "ceil" else 0)) // step
    less = f" − {free}" if free else ""
    how = (
        Text("full steps only", "不足一档的不计")
        if tariff.rounding == "floor"
        else Text("a step begun counts", "不足一档的按一档计")
    )
    return (
        Text(
            f"{excess_kg}{less} kg, by {step} kg: {number} ({how.en})",
            f"{excess_kg}{less} 千克，每 {step} 千克一档：{number} 档（{how.zh}）",
        ),
        Text(
            f"{number} × {yuan} yuan = {number * yuan} yuan",
            f"{number} × {yuan} 元 = {number * yuan} 元",
        ),
    )


def _band_words(tariff: OverloadFine, excess_kg: int, limit_kg: int) -> tuple[Text, ...]:
    words = []
    shares = (share for share, _ in _shares(tariff, excess_kg, limit_kg))
    ends = [*(b.over_ratio for b in tariff.bands[1:]), None]
    for band, end, share in zip(tariff.bands, ends, shares, strict=True):
        if share == 0:
            continue
        name = _band_name(band.over_ratio, end)
        tonnes = _plain(Decimal(share) / DENOMINATOR)
        yuan = _plain(Decimal(share) / DENOMINATOR * band.yuan_per_tonne)
        words.append(
            Text(
                f"{name.en}: {tonnes} t × {band.yuan_per_tonne} yuan = {yuan} yuan",
                f"{name.zh}：{tonnes} 吨 × {band.yuan_per_tonne} 元 = {yuan} 元",
            )
        )
    return tuple(words)


def _band_name(start: Decimal, end: Decimal | None) -> Text:
    if end is None:
        return Text(f"over {start:.0%}", f"超过 {start:.0%} 的部分")
    if start == 0:
        return Text(f"up to {end:.0%}", f"未超过 {end:.0%} 的部分")
    return Text(f"over {start:.0%} up to {end:.0%}", f"超过 {start:.0%}、未超过 {end:.0%} 的部分")


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
