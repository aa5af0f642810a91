"""The formulas of ``overload`` as SQL over columns of a record; equal by test on random rows."""

from __future__ import annotations

from schemas.law.overload import DENOMINATOR, per_step
from schemas.law.units import FEN_PER_YUAN, PLAUSIBLE_KG, RATIO_SCALE
from schemas.rule_entries import OverloadFine


def plausible_sql(total: str, limit: str) -> str:
    """Masses that the formulas can be run on without overflow; NULL where one is missing."""
    return f"{total} BETWEEN 0 AND {PLAUSIBLE_KG} AND {limit} BETWEEN 1 AND {PLAUSIBLE_KG}"


def fine_fen_sql(tariff: OverloadFine, total: str, limit: str) -> str:
    """Fen as BIGINT. ``total`` and ``limit``: BIGINT expressions in kg."""
    excess = f"({total} - {limit})"
    cap = int(tariff.cap_cny * FEN_PER_YUAN)
    if tariff.method == "per_step":
        step, yuan = per_step(tariff)
        less = tariff.free_kg if tariff.counted_from == "free" else 0
        more = step - 1 if tariff.rounding == "ceil" else 0
        fen = f"({excess} - {less} + {more}) // {step} * {int(yuan * FEN_PER_YUAN)}"
    else:
        fen = f"(2 * ({_shares(tariff, excess, limit)}) + {DENOMINATOR}) // (2 * {DENOMINATOR})"
    return f"CASE WHEN {excess} <= {tariff.free_kg} THEN 0 ELSE least({cap}, {fen}) END"


def may_be_exempt_sql(tariff: OverloadFine, total: str, limit: str) -> str:
    """Whether the excess lies in a band that may go unpunished."""
    excess = f"({total} - {limit}) * {RATIO_SCALE}"
    starts = [int(b.over_ratio * RATIO_SCALE) for b in tariff.bands]
    ends: list[int | None] = [*starts[1:], None]
    tests = [
        f"({excess} > {start} * {limit}" + (f" AND {excess} <= {end} * {limit})" if end else ")")
        for band, start, end in zip(tariff.bands, starts, ends, strict=False)
        if band.may_be_exempt
    ]
    return " OR ".join(tests) or "FALSE"


def _shares(tariff: OverloadFine, excess: str, limit: str) -> str:
    starts = [int(b.over_ratio * RATIO_SCALE) for b in tariff.bands]
    ends: list[int | None] = [*starts[1:], None]
    parts = []
    for band, start, end in zip(tariff.bands, starts, ends, strict=True):
        price = int(band.yuan_per_tonne * FEN_PER_YUAN)
        if price:
            scaled = f"{excess} * {RATIO_SCALE}"
            top = f"least({scaled}, {end} * {limit})" if end else scaled
            parts.append(f"greatest(0, {top} - {start} * {limit}) * {price}")
    return " + ".join(parts) or "0"
