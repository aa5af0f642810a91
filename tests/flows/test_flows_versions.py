"""Two nodes with different minor versions of a contract: what each sees of the other's records.

One is this software, the other is it with the next version of ``case_result`` (flows_future).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flows_future import NEW_CODE, NEW_FIELDS, NEXT, PRESENT, FutureHefu, make_future
from flows_world import CASES, CASES_SQL, GRANTED, World, agreement_text, case, counts, query

from schemas.compatibility import compare, required_bump
from schemas.contract import load_contract
from schemas.foreign import parse_foreign

NAMES = [name for name, *_ in NEW_FIELDS]
EXTRA = {name: shown for name, _, _, shown in NEW_FIELDS}
OWN = "SELECT case_no, fine_amount_cny::INT, schema_version, _extra FROM case_result_{} ORDER BY 1"
TEXTS = ", ".join(f"{n}::VARCHAR" for n in NAMES if n != "test_time")
NEW = f"SELECT case_no, {TEXTS}, epoch(test_time)::BIGINT FROM case_result_current ORDER BY 1"
#: The new fields as NEW shows them.
VALUES = ["rain", "150", "0.5000", "2020-09-02", "false", """[S1, '"S2"']""", 1599004800]
EMPTY = [None] * len(VALUES)


@pytest.fixture(scope="module")
def future_schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_future(tmp_path_factory.mktemp("future"))


@pytest.fixture(scope="module")
def future(future_schemas: Path) -> Iterator[FutureHefu]:
    with closing(FutureHefu(future_schemas)) as running:
        yield running


@pytest.fixture
def shared(world: World) -> World:
    """A world whose agreement grants the new fields, too, on both sides."""
    text = agreement_text()
    listed = ", ".join(f'"{n}"' for n in GRANTED["case_result"])
    more = ", ".join(f'"{n}"' for n in NAMES)
    text = text.replace(f"[{listed}]", f"[{listed}, {more}]")
    for folder in ("a", "b"):
        path = world.root / folder / "agreements" / "a-b.toml"
        path.write_text(f'{text}\n[contracts]\ncase_result = "{NEXT}"\n', encoding="utf-8")
    return world


def _map_new_fields(world: World) -> None:
    columns = "".join(f",\n    {sql} AS {name}" for name, _, sql, _ in NEW_FIELDS)
    path = world.root / "a/sources" / CASES / "mapping.sql"
    sql = CASES_SQL.replace("\nFROM raw", f"{columns}\nFROM raw")
    decided = f"CASE WHEN fine = '900' THEN '{NEW_CODE}' ELSE 'penalty' END"
    path.write_text(sql.replace("'penalty'", decided), encoding="utf-8")


def _rows(numbers: Iterable[int], **more: Any) -> list[dict[str, str]]:
    return [case(n, **more) for n in numbers]


def _no(number: int) -> str:
    return case(number)["no"]


def test_the_next_version_differs_by_a_minor_one_and_is_read_by_this_one(
    future_schemas: Path,
) -> None:
    data = (future_schemas / "schemas/contracts/case_result.odcs.yaml").read_bytes()
    theirs = parse_foreign(data)
    assert (theirs.version, theirs.yaml_bytes) == (NEXT, data)
    assert required_bump(compare(load_contract("case_result"), theirs)) == "minor"


def test_a_newer_contract_is_read_and_what_it_adds_is_kept(
    shared: World, future: FutureHefu
) -> None:
    world = shared
    _map_new_fields(world)
    version, _, synced, published = future(
        world.root,
        ["version"], ["drop", "1.csv", [*_rows([1]), *_rows([2], fine="900")]], ["sync"],
        ["publish"],
    )  # fmt: skip
    assert (version, synced) == (NEXT, [2, 2, 0, 0, 0])
    assert published[0][:2] == ["published", {"case_result": 2}]

    # the older one takes all rows in, says so, and keeps what it does not know
    (taken,) = world.receive()
    assert counts(taken.counts["case_result"]) == (2, 2, 0, 0, 0)
    (warning,) = taken.warnings
    assert NEXT in warning.en
    assert PRESENT in warning.en
    rows = query(world.b, "case_result", OWN.format("history"))
    assert [row[:3] for row in rows] == [(_no(1), 200, NEXT), (_no(2), 900, NEXT)]
    for *_, extra in rows:
        assert json.loads(extra) == EXTRA
        assert extra == json.dumps(EXTRA, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # a code of theirs that is not ours: kept, and counted as any other unknown one
    codes = "SELECT decision_type, raw_values FROM case_result_history ORDER BY case_no"
    assert query(world.b, "case_result", codes) == [
        ("penalty", None), ("unmapped", [f"decision_type={NEW_CODE}"]),
    ]  # fmt: skip
    assert taken.counts["case_result"].soft["code:decision_type"] == 1
    receipts = "SELECT DISTINCT _extra FROM receipt_history"
    assert query(world.b, "receipt", receipts) == [(None,)]

    # upgraded, it sees the fields of the rows that it has, and stores those of later ones
    _, synced, _, (again,), new, own = future(
        world.root,
        ["drop", "2.csv", [*_rows([2], day=3, fine="500"), *_rows([3])]], ["sync"], ["publish"],
        ["receive"], ["query", "b", NEW], ["query", "b", OWN.format("current")],
    )  # fmt: skip
    assert synced == [2, 2, 0, 0, 0]
    assert again == {"counts": {"case_result": [2, 2, 0, 0, 0]}, "warnings": []}
    assert new == [[_no(n), *VALUES] for n in (1, 2, 3)]
    assert [row[1] for row in own] == [200, 500, 200]
    # what was taken in stays as it was taken in
    assert [row[3] is None for row in own] == [False, True, True]

    # read by the older software again: it sees all versions, and the fields that it knows
    assert len(query(world.b, "case_result", OWN.format("history"))) == 4
    _, compacted = future(world.root, ["compact"], ["query", "b", NEW])
    assert compacted == new


def test_an_older_contract_is_read_and_an_upgrade_makes_no_new_versions(
    shared: World, future: FutureHefu
) -> None:
    world = shared
    world.drop("1.csv", _rows([1, 2]))
    assert counts(world.sync()) == (2, 2, 0, 0, 0)
    (published, *_) = world.publish()
    assert published.counts["case_result"] == 2
    hashes = "SELECT case_no, content_hash FROM case_result_history ORDER BY ALL"
    before = [list(row) for row in query(world.a, "case_result", hashes)]
    # taken in, but not published before the upgrade
    world.drop("2.csv", _rows([3]))
    assert counts(world.sync()) == (1, 1, 0, 0, 0)

    (taken,), new, own, pulled, hashed, sent, _, synced, resent = future(
        world.root,
        ["receive"], ["query", "b", NEW], ["query", "b", OWN.format("history")],
        ["backfill", "2020-09-01", "2020-09-30"],
        ["query", "a", hashes.replace(" ORDER", f" WHERE case_no <> '{_no(3)}' ORDER")],
        ["publish"],
        ["drop", "3.csv", _rows([4])], ["sync"], ["publish"],
    )  # fmt: skip
    assert taken["counts"] == {"case_result": [2, 2, 0, 0, 0]}
    assert PRESENT in taken["warnings"][0]
    assert new == [[_no(n), *EMPTY] for n in (1, 2)]
    assert own == [[_no(n), 200, PRESENT, None] for n in (1, 2)]
    # pulled again with the newer contract: the content is what it was
    assert pulled == [3, 0, 3, 0, 0]
    assert hashed == before
    assert (sent[0][1], synced, resent[0][1]) == (
        {"case_result": 1}, [1, 1, 0, 0, 0], {"case_result": 1},
    )  # fmt: skip

    # rows of the older contract in a bundle of the newer one, read by a node that went back
    third, fourth = world.receive()
    assert [counts(t.counts["case_result"]) for t in (third, fourth)] == [(1, 1, 0, 0, 0)] * 2
    rows = query(world.b, "case_result", OWN.format("current"))
    assert [(row[0], row[2]) for row in rows] == [
        (_no(1), PRESENT), (_no(2), PRESENT), (_no(3), PRESENT), (_no(4), NEXT),
    ]  # fmt: skip
    assert {row[3] for row in rows} == {None}
