"""Each identity is one definition: the SQL macro and the Python function answer alike.

Inputs are near misses of every form: right ones, spelt in all ways, and with one thing wrong.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from schemas import identities as ids
from schemas.identities import characters
from schemas.identities.characters import PROVINCE_LETTERS, SEPARATORS
from schemas.identities.plates import KINDS
from schemas.identities.tokens import party_token, set_token_key, token_sql

SEED = 20261122
DAY = date(2026, 11, 22)
SERIAL = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
NAMES = [
    *(
        "示例物流有限公司",
        "示例物流有限责任公司",
        "示例（安徽）物流有限责任公司",
        "示例物流股份有限公司",
    ),
    *(
        "示例 物流(皖)有限公司",
        "示例・物流有限责任",
        "示例ABC物流有限公司",
        "ｓｈｉli物流 有限责任公司广德分公司",
    ),
    *("", "　", "()", "㈱示例", "示例'公司\"", "e\u0301示例"),
]
UNREAD = ["未识别", "无牌", "车牌", "默A00000", " 默A", "????", "00000", "－", "—", "", " ", "　?*"]
KINDS_OF_NUMBERS = [
    *("resident_id", "driver_license", "uscc", "org_code", "business_licence", "tax_no"),
    *("passport", "vehicle", "other", "unmapped", "", "nothing"),
]


def _some(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def _id_no(rng: random.Random) -> str:
    """Of a region that is none; of a day that may not be."""
    year = rng.choice(("1800", "1900", "2000", "2024", "2100", "2999", "0000", "3000", "1899"))
    day = f"{rng.choice((0, 1, 2, 4, 12, 13)):02}{rng.choice((0, 1, 28, 29, 30, 31, 32)):02}"
    body = rng.choice(("999999", "330184", "110101")) + year + day + _some(rng, "0123456789", 3)
    return body + rng.choice((ids.id_check(body), rng.choice("0123456789X")))


def _old_id_no(rng: random.Random) -> str:
    return (
        "999999"
        + _some(rng, "0123456789", 2)
        + rng.choice(("0101", "0229", "1331", "0931"))
        + "000"
    )


def _credit_code(rng: random.Random) -> str:
    body = _some(rng, CREDIT, 17)
    return body + rng.choice((ids.credit_check(body), rng.choice(CREDIT)))


def _org_code(rng: random.Random) -> str:
    body = _some(rng, "0123456789ABCXYZ", 8)
    return (
        body + rng.choice(("", "-")) + rng.choice((ids.org_check(body), rng.choice("0123456789XY")))
    )


def _vin(rng: random.Random) -> str:
    return _some(rng, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 17)


def _certificate(rng: random.Random) -> str:
    digits = _some(rng, "0123456789", rng.choice((11, 12, 12, 12, 13)))
    return rng.choice(("{}", "皖交运管宣字{}号", "皖交运管货字 {} 号", "(浙)第{}", "№{}")).format(
        digits
    )


def _plate(rng: random.Random) -> str:
    head = rng.choice(PROVINCE_LETTERS) + rng.choice(SERIAL)
    ends = ("", "", "", *"挂学警港澳超试领临使DFK", "应急")
    starts = (head, head, head, f"{head}D", "使", "WJ", "WJ皖", "临", "临皖A", "苏01", "")
    serial = _some(rng, rng.choice((SERIAL, "0123456789")), rng.choice((4, 4, 5, 5, 5, 6)))
    return rng.choice(starts) + serial + rng.choice(ends)


MAKERS: list[Callable[[random.Random], str]] = [
    *(_id_no, _old_id_no, _credit_code, _org_code, _vin, _certificate, _plate, _plate),
    lambda rng: rng.choice(NAMES),
    lambda rng: rng.choice(UNREAD),
    lambda rng: _some(rng, SERIAL + "OI号牌ſı·é中　", rng.randrange(20)),
]


def _spelt(rng: random.Random, given: str) -> str:
    """As somebody may have written it."""
    match rng.randrange(6):
        case 0:
            return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in given)
        case 1:
            return given.lower()
        case 2:
            where = rng.randrange(len(given) + 1)
            return given[:where] + rng.choice(SEPARATORS) + given[where:]
        case 3:
            return rng.choice(SEPARATORS) + given + rng.choice(SEPARATORS)
        case _:
            return given


def samples(count: int) -> list[str]:
    rng = random.Random(SEED)  # noqa: S311 (test data)
    return [_spelt(rng, MAKERS[i % len(MAKERS)](rng)) for i in range(count)]


@pytest.fixture(scope="module")
def given(shared_con: duckdb.DuckDBPyConnection) -> list[str | None]:
    values = [None, *samples(20_000)]
    shared_con.execute("CREATE TABLE given AS SELECT unnest($x::VARCHAR[]) AS x", {"x": values})
    return values


@pytest.mark.parametrize(
    "name",
    [
        *("plate", "plate_ok", "plate_unread", "plate_kind", "plate_division"),
        *("credit_code", "credit_code_ok", "org_code", "org_code_ok", "org_match_key"),
        *("id_no", "id_no_ok", "id_no_18", "id_birth_date", "id_region_known"),
        *("vin", "vin_ok", "vin_check_ok", "transport_certificate_no"),
    ],
)
def test_sql_and_python_answer_alike(
    shared_con: duckdb.DuckDBPyConnection, given: list[str | None], name: str
) -> None:
    function = getattr(ids, name)
    found = shared_con.execute(f"SELECT {name}(x) FROM given").fetchall()
    different = [
        (x, sql, function(x))
        for x, (sql,) in zip(given, found, strict=True)
        if sql != function(x) or type(sql) is not type(function(x))
    ]
    assert different == []
    assert len({sql for (sql,) in found}) > 1


@pytest.mark.parametrize(
    "name",
    [
        *("plate", "credit_code", "org_code", "org_match_key", "id_no", "id_no_18", "vin"),
        "transport_certificate_no",
    ],
)
def test_what_is_put_right_stays_as_it_is(given: list[str | None], name: str) -> None:
    function = getattr(ids, name)
    assert [x for x in given if function(function(x)) != function(x)] == []


def test_keys_of_vehicles_and_births_by_a_day(
    shared_con: duckdb.DuckDBPyConnection, given: list[str | None]
) -> None:
    colours = [None, "", "yellow", " blue ", "other", "unmapped", "unmapped:渐变"]
    for colour in colours:
        found = shared_con.execute("SELECT vehicle_key(x, $1::VARCHAR) FROM given", [colour])
        assert [k for (k,) in found.fetchall()] == [ids.vehicle_key(x, colour) for x in given]
    born = shared_con.execute("SELECT id_born_by(x, $1) FROM given", [DAY]).fetchall()
    assert [b for (b,) in born] == [ids.id_born_by(x, DAY) for x in given]
    assert {b for (b,) in born} == {None, True, False}


def test_tokens_are_the_same_by_sql_and_by_python(
    shared_con: duckdb.DuckDBPyConnection, given: list[str | None]
) -> None:
    key = bytes(range(32))
    set_token_key(shared_con, key)
    numbers = given[:5_000]
    made = 0
    for kind in [None, *KINDS_OF_NUMBERS]:
        found = shared_con.execute(
            f"SELECT {token_sql('$1::VARCHAR', 'x')} FROM (FROM given LIMIT 5000)", [kind]
        ).fetchall()
        expected = [party_token(key, kind, x) for x in numbers]
        assert [t for (t,) in found] == expected
        made += sum(t is not None for t in expected)
    assert made > 500


def test_every_character_is_read_alike(shared_con: duckdb.DuckDBPyConnection) -> None:
    points = [p for p in range(1, sys.maxunicode + 1) if not 0xD800 <= p <= 0xDFFF]
    found = shared_con.execute(
        "SELECT half_width(chr(p)), bare(chr(p)) FROM (SELECT unnest($p::INTEGER[]) AS p)",
        {"p": points},
    ).fetchall()
    expected = [(characters.half_width(chr(p)), characters.bare(chr(p))) for p in points]
    assert found == expected


def test_no_plate_has_two_kinds() -> None:
    rng = random.Random(SEED)  # noqa: S311 (test data)
    from schemas.identities.plates import _KIND

    plates = [p for p in (_plate(rng) for _ in range(20_000)) if ids.plate_ok(p)]
    assert {ids.plate_kind(p) for p in plates} == set(KINDS)
    assert [p for p in plates if sum(bool(f.fullmatch(p)) for f in _KIND.values()) != 1] == []
