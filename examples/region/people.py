"""Invented parties and vehicles that cannot be anybody's.

Identity numbers and credit codes carry the division 999999, which does not exist, with a
right check digit. Plates carry an issuing letter that their province has not given out
(浙X, 皖X, 皖Y, 苏X …). Names begin with 测试. Telephone numbers are zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from examples.region.check_digits import CREDIT_ALPHABET, credit_code, identity_number

PartyCategory = Literal["legal_org", "natural_person", "individual_business"]
PlateColor = Literal["blue", "yellow", "green"]
Body = Literal["tractor_unit", "dump_truck", "stake_truck", "medium_truck", "car"]

_STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_NUMERALS: Final = "一二三四五六七八九十"
_TRADES: Final = (
    "物流有限公司",
    "运输有限公司",
    "建材有限公司",
    "货运服务部",
    "供应链管理有限公司",
)
_PLATE_CHARS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"  # GA 36 has no I and O
# Who is known on both sides of a border is older than everybody else.
BORN: Final = (1955, 2003)
BORN_KNOWN: Final = (1940, 1954)
_BODY: Final[dict[int, Body]] = {
    2: "medium_truck",
    3: "stake_truck",
    4: "dump_truck",
    5: "tractor_unit",
    6: "tractor_unit",
}
# letters that no city of the province has: 浙 ends at L, 皖 at S, 苏 at N, 赣 at M, 豫 at U
_UNUSED_LETTERS: Final = "XYW"
_PROVINCES: Final = ("浙", "皖", "苏", "赣", "豫")
# the owner's home for each plate province: one of the region's own counties, or a city elsewhere
_REGISTRATION: Final[dict[str, tuple[str, ...]]] = {
    "浙": ("330523",),
    "皖": ("341881", "341882"),
    "苏": ("320100",),
    "赣": ("360100",),
    "豫": ("410100",),
}


@dataclass(frozen=True, slots=True)
class Party:
    """A party to a case. ``number`` is a credit code or an identity number."""

    category: PartyCategory
    name: str
    number: str
    legal_representative: str | None


@dataclass(frozen=True, slots=True)
class Driver:
    """Who drove. ``number`` is the driving licence's, which is the identity number."""

    name: str
    number: str


@dataclass(frozen=True, slots=True)
class Vehicle:
    plate: str
    color: PlateColor
    body: Body
    axles: int
    certificate_no: str
    registration_division: str


def person_name(rng: Random) -> str:
    return f"测试{rng.choice(_STEMS)}{rng.choice(_NUMERALS)}"


def person_number(rng: Random, third: int, born: tuple[int, int] = BORN) -> str:
    """``third`` 0, 1 or 2: an agency's own third of the numbers: nobody is in two by chance."""
    birth = f"{rng.randint(*born)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    return identity_number(f"999999{birth}{rng.randrange(third + 1, 1_000, 3):03}")


def company(rng: Random, category: PartyCategory) -> Party:
    stems = "".join(rng.choices(_STEMS, k=2))
    trade = "货运服务部" if category == "individual_business" else rng.choice(_TRADES)
    first = "92" if category == "individual_business" else "91"
    body = "".join(rng.choices(CREDIT_ALPHABET, k=9))
    return Party(
        category=category,
        name=f"测试{stems}{trade}",
        number=credit_code(f"{first}999999{body}"),
        legal_representative=person_name(rng),
    )


def person(rng: Random, third: int, born: tuple[int, int] = BORN) -> Party:
    return Party("natural_person", person_name(rng), person_number(rng, third, born), None)


def party(rng: Random, third: int, born: tuple[int, int] = BORN) -> Party:
    kind = rng.random()
    if kind < 0.5:
        return company(rng, "legal_org")
    return company(rng, "individual_business") if kind < 0.6 else person(rng, third, born)


def driver(rng: Random, owner: Party, third: int) -> Driver:
    """A person drives himself, a firm's driver is somebody else."""
    if owner.category == "natural_person":
        return Driver(owner.name, owner.number)
    return Driver(person_name(rng), person_number(rng, third))


def plate_province(rng: Random, home: str) -> str:
    return home if rng.random() < 0.55 else rng.choice(_PROVINCES)


def registered_in(plate: str) -> str:
    """Where a vehicle is registered, by its plate: always the same place for the same plate."""
    places = _REGISTRATION[plate[0]]
    return places[ord(plate[-1]) % len(places)]


def truck(rng: Random, home: str) -> Vehicle:
    """A goods vehicle of 2 to 6 axles; most in overload checks have six."""
    province = plate_province(rng, home)
    axles = rng.choices((2, 3, 4, 5, 6), weights=(12, 10, 18, 10, 50))[0]
    plate = province + rng.choice(_UNUSED_LETTERS) + "".join(rng.choices(_PLATE_CHARS, k=5))
    return Vehicle(
        plate=plate,
        color="yellow",
        body=_BODY[axles],
        axles=axles,
        certificate_no=f"999999{rng.randint(0, 999_999):06}",
        registration_division=registered_in(plate),
    )


def car(rng: Random, home: str) -> Vehicle:
    """A passenger car; new-energy cars have eight characters and green plates."""
    province = plate_province(rng, home)
    head = province + rng.choice(_UNUSED_LETTERS)
    electric = rng.random() < 0.6
    plate = head + (f"D{rng.randint(0, 99_999):05}" if electric else f"{rng.randint(0, 99_999):05}")
    return Vehicle(
        plate=plate,
        color="green" if electric else "blue",
        body="car",
        axles=2,
        certificate_no=f"999999{rng.randint(0, 999_999):06}",
        registration_division=registered_in(plate),
    )
