"""What is not granted is in no byte that leaves: pages are unpacked, and everything is searched.

Every field of a record type that can hold a text or a large number holds a value of its own that
occurs nowhere else. Two fields are granted. The search is held to find these two where they are.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flows_agreed import STREAM, Office, agreement, lay_out, paper
from flows_world import NIGHT, NOW, World, history, opened

from examples.region.check_digits import credit_code, identity_number
from exchange.agreement.model import load_agreement
from exchange.bundle.footer import read_footer
from exchange.bundle.thrift import Reader, Spec
from schemas.contract import Contract, load_contract
from schemas.sql import literal

RECORD_TYPE = "case_result"
#: Beside what must be there: a personal one, so that the bundle is encrypted, and an internal one.
GRANTED = ("case_no", "party_name", "decision_type", "violation_type", "raw_values")
#: Fields with a form: invented values of it. No division begins with 99.
FORMED = {
    "supervision_item_code": "98765432104711",
    "supersedes_record_id": "c0ffee00c0ffee11c0ffee22c0ffee33",
    "party_id_no": identity_number("99990018000229123"),
    "legal_representative_id_no": identity_number("99990018000229345"),
    "party_phone": "13900004711",
    "vehicle_plate_no": "示A4711Z",
    "trailer_plate_no": "示A0815挂",
    "vin": "LZZZZZZZ9Z0004711",
    "vehicle_operator_uscc": credit_code("11999900CANARYAA1"),
    "penalty_org_uscc": credit_code("11999900CANARYAA2"),
    "entrusted_org_uscc": credit_code("11999900CANARYAA3"),
    "reporting_org_uscc": credit_code("11999900CANARYAA4"),
}
#: What the technical columns are made of, and fields that are no text or have a list of codes.
PLAIN = {
    "decision_type": "'penalty'",
    "fine_amount_cny": "yuan('76543.21')",
    "decision_date": "date_ymd('2020-09-17')",
}

_PAGE: Spec = {
    1: "i32",
    2: "i32",
    3: "i32",
    4: "i32",
    5: {1: "i32", 2: "i32", 3: "i32", 4: "i32", 5: {}},
    7: {1: "i32", 2: "i32", 3: "bool"},
}


def canaries(contract: Contract) -> dict[str, str]:
    """A value for each field that can hold one, by the field's name."""
    names = [
        f.name
        for f in contract.givable_fields()
        if not f.technical
        and f.code_list is None
        and f.duckdb_type in ("VARCHAR", "VARCHAR[]")
        and not f.name.endswith("_token")
    ]
    return {name: FORMED.get(name, f"CANARY{n:03d}QZX") for n, name in enumerate(names)}


def mapping(contract: Contract, values: Mapping[str, str]) -> str:
    """A mapping in which every field is given; a code that no list knows leaves a raw value."""
    lines = ["txt(no) AS source_record_id", "ts_cn(updated) AS source_updated_time"]
    lines += [f"{sql} AS {name}" for name, sql in PLAIN.items()]
    for name, value in values.items():
        if name == "source_record_id":
            continue
        field = contract.field(name)
        text = literal(value) + (" || txt(no)" if name == "case_no" else " || ''")
        listed = field.duckdb_type.endswith("[]")
        lines.append(f"[{text}] AS {name}" if listed else f"{text} AS {name}")
    lines.append("code('review_status', 'zh', 'CANARYCODE') AS review_status")
    return "SELECT\n    " + ",\n    ".join(lines) + "\nFROM raw\n"


@dataclass(frozen=True)
class Left:
    """All that left A or was said on the way: what partners can fetch, and what people see."""

    world: World
    values: dict[str, str]
    bundle: bytes
    published: bytes
    said: str


@pytest.fixture(scope="module")
def left(
    new_world: Callable[[], World], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Left]:
    contract = load_contract(RECORD_TYPE)
    values = canaries(contract)
    world = new_world()
    lay_out(world)
    office = Office(world)
    folder = world.root / "a/sources" / STREAM
    toml = (folder / "source.toml").read_text(encoding="utf-8")
    (folder / "source.toml").write_text(toml.replace('"correction"', f'"{RECORD_TYPE}"'))
    (folder / "mapping.sql").write_text(mapping(contract, values), encoding="utf-8")
    listed = ", ".join(f'"{name}"' for name in GRANTED)
    office.agree(agreement(records=f"{RECORD_TYPE} = [{listed}]"))
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    logging.getLogger().addHandler(handler)
    try:
        run = office.write("1.csv", paper(1), paper(2))
        assert (run.accepted, run.quarantined) == (2, 0), run.reasons
        would = office.publish(dry_run=True)
        done = office.publish()
    finally:
        logging.getLogger().removeHandler(handler)
    assert done.path is not None
    said = heard.getvalue() + repr(would) + repr(done) + repr(run.to_json())
    return Left(world, values, opened(world.a, done.stream, 1), done.path.read_bytes(), said)


def spellings(value: str) -> tuple[bytes, ...]:
    """How a value may stand in bytes: in the usual encodings, and as what it can be guessed by."""
    plain = value.encode()
    digest = hashlib.sha256(plain)
    encoded = [value.encode(e) for e in ("utf-8", "gb18030", "utf-16-le")]
    whole = [base64.b64encode(plain).rstrip(b"="), plain.hex().encode(), value[::-1].encode()]
    guesses = [digest.digest(), digest.hexdigest().encode(), hashlib.md5(plain).digest()]  # noqa: S324
    return (*encoded, *whole, *guesses, value.encode("unicode_escape"))


def found_in(data: bytes, values: Mapping[str, str]) -> set[str]:
    """The fields whose value is in ``data`` in any spelling."""
    return {name for name, value in values.items() if any(s in data for s in spellings(value))}


def pages(table: bytes) -> Iterator[tuple[str, bytes]]:
    """(column, unpacked bytes) of every page of every column chunk, by the page headers."""
    view = memoryview(table)
    names = pq.read_metadata(io.BytesIO(table)).schema
    for group in read_footer(view).groups:
        for nth, chunk in enumerate(group.chunks):
            position, end = chunk.start, chunk.start + chunk.packed_size
            while position < end:
                reader = Reader(view, position, end)
                header = reader.struct(_PAGE)
                body = view[reader.position : reader.position + header[3]]
                codec = pa.Codec("zstd")
                yield names.column(nth).path, codec.decompress(body, header[2], asbytes=True)
                position = reader.position + header[3]
            assert position == end


def unfolded(bundle: bytes) -> Iterator[tuple[str, bytes]]:
    """(where, bytes) of all there is in a bundle: names, entries, and pages of tables."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as container:
        for name in container.namelist():
            data = container.read(name)
            yield f"name {name}", name.encode()
            yield name, data
            if name.endswith(".parquet"):
                yield from ((f"{name} {column}", page) for column, page in pages(data))


def searched(bundle: bytes, values: Mapping[str, str]) -> dict[str, set[str]]:
    """The fields whose value was found, by where; a column has a page for its dictionary too."""
    found: dict[str, set[str]] = {}
    for where, data in unfolded(bundle):
        found.setdefault(where, set()).update(found_in(data, values))
    return found


def not_granted(left: Left) -> dict[str, str]:
    return {name: value for name, value in left.values.items() if name not in GRANTED}


def not_shown(left: Left) -> dict[str, str]:
    """All but the granted values that are no person's: a sample may show those."""
    return {n: v for n, v in left.values.items() if n not in ("case_no", "violation_type")}


def test_the_canaries_are_in_the_lake(left: Left) -> None:
    stored = repr(history(left.world.a, RECORD_TYPE))
    missing = [n for n, v in left.values.items() if v not in stored and n != "source_record_id"]
    assert missing == []
    assert len(not_granted(left)) > 50
    assert "CANARYCODE" in stored


def test_no_byte_of_a_bundle_holds_what_is_not_granted(left: Left) -> None:
    hidden = not_granted(left) | {"review_status": "CANARYCODE"}
    leaks = {where: names for where, names in searched(left.bundle, hidden).items() if names}
    assert leaks == {}


def test_the_search_finds_what_is_granted_where_it_is(left: Left) -> None:
    """It unpacks every column, so it would find another value as well."""
    granted = {name: left.values[name] for name in ("case_no", "party_name")}
    found = searched(left.bundle, granted)
    entry = f"records/{RECORD_TYPE}.parquet"
    assert found[f"{entry} party_name"] == {"party_name"}
    assert found[f"{entry} case_no"] == {"case_no"}
    grant = load_agreement(left.world.root / "a/agreements/a-b.toml").grants[0]
    granted_columns = set(grant.columns(load_contract(RECORD_TYPE)))
    columns = {where.removeprefix(f"{entry} ").split(".")[0] for where in found}
    assert granted_columns <= columns


def test_the_search_finds_a_leak_in_any_spelling(left: Left) -> None:
    for spelling in spellings(left.values["party_address"]):
        assert found_in(b"\x00\x01" + spelling + b"\x02", not_granted(left)) == {"party_address"}


@pytest.fixture
def office(left: Left, tmp_path: Path) -> Office:
    """The same nodes once more, to go on with."""
    shutil.copytree(left.world.root, tmp_path / "w")
    return Office(World(tmp_path / "w"))


def test_a_leak_through_a_granted_column_is_found(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Software that forgets to cut the raw values to the granted fields."""
    from exchange.agreement import project

    monkeypatch.setattr(project, "raw_values_sql", lambda *_: "raw_values")
    office.write("2.csv", paper(3), now=NOW + NIGHT)
    done = office.publish(NOW + NIGHT)
    found = searched(opened(office.world.a, done.stream, 2), {"review_status": "CANARYCODE"})
    assert found[f"records/{RECORD_TYPE}.parquet raw_values.list.element"] == {"review_status"}


def test_who_gets_hold_of_the_file_reads_nothing(left: Left) -> None:
    """Encrypted, for a name is granted: not even the granted values, nor what is in each bundle."""
    assert found_in(left.published, left.values) == set()
    assert b"PAR1" not in left.published
    assert b"statement.dsse.json" not in left.published


def test_nothing_else_that_left_or_was_said_holds_a_value(left: Left) -> None:
    """The repository with its lists and names, what is kept of what was sent, results and logs."""
    node = left.world.a
    for place in ("repository", "sent", "reports"):
        for path in node.place(place).rglob("*"):
            name = str(path.relative_to(node.root)).encode()
            data = path.read_bytes() if path.is_file() else b""
            assert found_in(name + b"\n" + data, left.values) == set(), path
    assert found_in(left.said.encode(), not_shown(left)) == set()


def test_the_command_shows_no_value_of_a_person(
    left: Left, office: Office, hefu: Callable[..., Any]
) -> None:
    office.write("3.csv", paper(4), now=NOW + NIGHT)
    where = ("--verbose", "--node", str(office.world.root / "a"))
    for words in (("--dry-run",), ("--dry-run", "--json"), ()):
        said = hefu(*where, "publish", *words)
        assert said.code == 0, said.err
        assert found_in((said.out + said.err).encode(), not_shown(left)) == set()
        assert ("party_name" in said.out) == ("--dry-run" in words)
