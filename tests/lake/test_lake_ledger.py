"""A bundle's rows are seen from the moment that it is in the ledger, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lake_samples import START, bundle_run, contract, lake_at, query, reader, row, run

from lake.ledger import Entry, LedgerError
from lake.store import Lake

PUBLISHER, PART = "341882", "ag-1"


def entry(sequence: int, bundle_id: str) -> Entry:
    return Entry(
        publisher=PUBLISHER,
        stream=PART,
        sequence=sequence,
        bundle_id=bundle_id,
        statement_digest=f"digest of {bundle_id}",
        received_time=START,
        counts={"thing": 2},
        verdict_digest="v",
        file_digest="f",
    )


def take_in(lake: Lake, bundle_id: str, sequence: int, *, ledger: bool = True) -> None:
    rows = [row(f"{bundle_id}-{i}", 1) for i in range(2)]
    lake.append(contract(), reader(rows), bundle_run(bundle_id, 2), sequence=sequence)
    if ledger:
        lake.ledger.add(entry(sequence, bundle_id))


def visible(lake: Lake) -> list[str]:
    found = query(lake, "SELECT DISTINCT _bundle_id FROM thing_current ORDER BY 1 NULLS FIRST")
    return [bundle for (bundle,) in found]


def test_rows_of_a_bundle_appear_with_the_ledger(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    lake.append(contract(), reader([row("own", 1)]), run("r1", 1), sequence=1)
    take_in(lake, "b1", 1, ledger=False)
    assert visible(lake) == [None]
    assert query(lake, "SELECT count(*) FROM known") == [(1,)]
    lake.ledger.add(entry(1, "b1"))
    assert visible(lake) == [None, "b1"]
    assert query(lake, "SELECT count(*) FROM known") == [(3,)]


def test_taking_in_again_after_a_crash_doubles_nothing(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    take_in(lake, "b1", 1, ledger=False)
    take_in(lake, "b1", 1)
    take_in(lake, "b1", 1)
    assert query(lake, "SELECT count(*) FROM thing_history") == [(2,)]
    assert len(lake.ledger.entries()) == 1


def test_rows_of_a_bundle_that_never_came_to_the_ledger_stay_unseen(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    take_in(lake, "lost", 1, ledger=False)
    take_in(lake, "b1", 1)
    take_in(lake, "b2", 2)
    assert visible(lake) == ["b1", "b2"]
    assert query(lake, "SELECT count(*) FROM thing_history") == [(4,)]


def test_the_head_is_the_newest_bundle_of_its_stream(tmp_path: Path) -> None:
    ledger = lake_at(tmp_path).ledger
    assert ledger.head(PUBLISHER, PART) is None
    assert ledger.entries() == []
    for i in (1, 2):
        ledger.add(entry(i, f"b{i}"))
    ledger.add(replace(entry(1, "other"), stream="ag-2"))
    assert ledger.head(PUBLISHER, PART) == (2, "digest of b2")
    assert ledger.head(PUBLISHER, "ag-3") is None
    assert [e.bundle_id for e in ledger.entries()] == ["other", "b2", "b1"]
    assert ledger.entries()[2] == entry(1, "b1")


@pytest.mark.parametrize(("sequence", "bundle_id"), [(1, "x"), (2, "x"), (4, "x"), (0, "x")])
def test_a_bundle_that_does_not_follow_is_refused(
    tmp_path: Path, sequence: int, bundle_id: str
) -> None:
    ledger = lake_at(tmp_path).ledger
    for i in (1, 2):
        ledger.add(entry(i, f"b{i}"))
    with pytest.raises(LedgerError):
        ledger.add(entry(sequence, bundle_id))
    assert ledger.head(PUBLISHER, PART) == (2, "digest of b2")


def test_a_bundle_twice_is_one(tmp_path: Path) -> None:
    ledger = lake_at(tmp_path).ledger
    for i in (1, 2):
        ledger.add(entry(i, f"b{i}"))
    ledger.add(entry(1, "b1"))
    assert len(ledger.entries()) == 2
