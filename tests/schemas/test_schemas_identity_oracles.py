"""Our checks against python-stdnum's and id-validator's, over tens of thousands of numbers.

Where they differ the difference is listed with its reason; one that is not listed fails. The
numbers are made up; their regions are real because the others judge them.
"""

from __future__ import annotations

import random
from collections import Counter

from id_validator import helper, validator
from stdnum import exceptions
from stdnum.cn import ric, uscc

from schemas.identities import credit_check, credit_code_ok, id_check, id_no_ok
from schemas.identities.organisations import CREDIT_ALPHABET

SEED = 20261122
MANY = 30_000
# Theirs look a region up anew for each number, which takes milliseconds.
SOME = 1_500
FEW = 60
# Current, renumbered and abolished ones, and one that never was.
REGIONS = (
    *("110101", "330102", "330113", "330114", "330184", "341802", "341882", "320206", "342502"),
    *("310101", "440304", "510104", "999999"),
)
# python-stdnum 2.2 raises KeyError, which is no validation error, for these: its table knows
# their prefecture and not them. They are districts of Hangzhou since 2021.
STDNUM_CRASHES = {"330113", "330114"}
# It says "invalid component" for these: it holds a region's code to the years it was in force
# and takes the year of birth for the year of issue.
STDNUM_BY_YEAR = {"330184", "341802", "341882", "320206", "342502", "330102", "440304", "510104"}
STDNUM_BY_YEAR |= {"110101", "310101"}
UNKNOWN = {"999999"}  # a region that is none: an error to them, a warning to us


def _numbers(count: int) -> list[str]:
    rng = random.Random(SEED)  # noqa: S311 (test data)
    found = []
    for _ in range(count):
        year = rng.choice((1799, 1800, 1899, 1900, 1950, 1984, 1999, 2000, 2024, 2026, 2999))
        day = f"{rng.randrange(14):02}{rng.randrange(33):02}"
        body = f"{rng.choice(REGIONS)}{year}{day}{rng.randrange(1000):03}"
        found.append(body + rng.choice((id_check(body), id_check(body), rng.choice("0123456789X"))))
    return found


def _stdnum(number: str) -> str:
    try:
        ric.validate(number)
    except (KeyError, exceptions.ValidationError) as error:
        return type(error).__name__
    return "right"


def test_check_digits_of_resident_numbers_by_both() -> None:
    bodies = {number[:17] for number in _numbers(MANY)}
    different = [
        body
        for body in bodies
        if not id_check(body)
        == ric.calc_check_digit(body + "0")
        == helper.generator_check_bit(body)
    ]
    assert len(bodies) > MANY // 2
    assert different == []


def test_resident_numbers_by_python_stdnum() -> None:
    explained = {"KeyError": STDNUM_CRASHES, "InvalidComponent": STDNUM_BY_YEAR | UNKNOWN}
    differences: Counter[str] = Counter()
    for number in _numbers(SOME):
        theirs = _stdnum(number)
        if id_no_ok(number) != (theirs == "right"):
            assert id_no_ok(number), (number, theirs)
            assert number[:6] in explained[theirs], (number, theirs)
            differences[theirs] += 1
    assert set(differences) == {"KeyError", "InvalidComponent"}


def test_days_of_birth_by_id_validator() -> None:
    # id-validator takes no year before 1800, nor one that has not come: it asks the clock,
    # which a check of the number alone must not (``id_born_by`` takes the day).
    for number in _numbers(MANY):
        right = id_check(number[:17]) == number[17]
        theirs = helper.check_birthday_code(number[6:14]) and right
        if theirs != id_no_ok(number):
            assert id_no_ok(number)
            assert not 1800 <= int(number[6:10]) <= 2026, number


def test_resident_numbers_by_id_validator() -> None:
    different = set()
    for number in _numbers(FEW):
        theirs = bool(validator.is_valid(number))
        if theirs != id_no_ok(number):
            assert id_no_ok(number), number
            different.add(number[:6] if 1800 <= int(number[6:10]) <= 2026 else "year")
    assert different == UNKNOWN | {"year"}


def test_credit_codes_by_python_stdnum() -> None:
    # python-stdnum wants digits in the first eight characters: a rural collective's code begins
    # with N, a grass-roots union's with Y.
    rng = random.Random(SEED)  # noqa: S311 (test data)
    heads = ("91340100", "11330523", "93320206", "52110000", "N2330523", "Y1110000", "A1330100")
    letters: Counter[str] = Counter()
    for _ in range(MANY):
        body = rng.choice(heads) + "".join(rng.choice(CREDIT_ALPHABET) for _ in range(9))
        code = body + rng.choice((credit_check(body), rng.choice(CREDIT_ALPHABET)))
        if uscc.is_valid(code) != credit_code_ok(code):
            assert credit_code_ok(code), code
            letters[code[0]] += 1
    assert set(letters) == {"N", "Y", "A"}
