"""Units of measure, the only numbers in this package that no law gives."""

from __future__ import annotations

KG_PER_TONNE = 1000
FEN_PER_YUAN = 100
#: Ratios in rule packs have four decimals.
RATIO_SCALE = 10_000
#: No vehicle on a road weighs more; above it a mass is an error of entry and no rule computes.
PLAUSIBLE_KG = 1_000_000
#: ``date.weekday()`` of Saturday.
SATURDAY = 5


def half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number of a fraction that is not negative; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)
