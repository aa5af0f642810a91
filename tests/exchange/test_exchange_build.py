"""Building: the same bytes for the same input, and nothing that was not granted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bundles import (
    GRANTED,
    KEY_A,
    KEY_B,
    NOW,
    RECEIVER,
    RECORDS,
    SENDER,
    agreement,
    contents,
    entries_of,
    good,
    payload_of,
    rows,
)

from exchange.agreement.project import project
from exchange.bundle.build import build_bundle, resign, write_bundle
from exchange.bundle.container import STATEMENT_ENTRY, write_container
from exchange.bundle.parquet import ROW_GROUP_ROWS, write_parquet
from exchange.bundle.policy import ChainHead, Policy, Trust
from exchange.bundle.verify import VerifiedBundle, verify_bundle
from schemas.contract import Contract, load_contract
from schemas.errors import VerificationError
from schemas.identity import content_hash_sql
from schemas.sql import connect, ident

Check = Callable[..., VerifiedBundle]


def test_the_same_input_gives_the_same_bytes() -> None:
    table = rows(500)
    whole = good(tables={"note": table})
    assert good(tables={"note": table}) == whole
    assert good(tables={"note": table.to_reader(7)}) == whole
    chunked = pa.concat_tables([table.slice(0, 3), table.slice(3)])
    assert good(tables={"note": chunked}) == whole


def test_batches_do_not_show_across_row_groups() -> None:
    number = ROW_GROUP_ROWS + 17
    table = pa.table({"n": pa.array(range(number)), "t": pa.array(map(str, range(number)))})
    one, two = BytesIO(), BytesIO()
    assert write_parquet(table, table.schema, one) == number
    assert write_parquet(table.to_reader(4321), table.schema, two) == number
    assert one.getvalue() == two.getvalue()


def test_a_written_file_has_the_bytes_of_a_built_bundle(tmp_path: Path, check: Check) -> None:
    """An attachment may lie in a file; nothing but the bundle is left beside it."""
    document = tmp_path / "scan.pdf"
    document.write_bytes(b"%PDF-" + bytes(3_000_000))
    made = contents(tables={"note": rows(500)}, attachments=[("pdf", document), ("txt", b"text")])
    target = tmp_path / "bundle.hefu"
    written = write_bundle(made, [KEY_A.signer], NOW, target)
    data = target.read_bytes()
    in_memory = replace(made, attachments=[("pdf", document.read_bytes()), ("txt", b"text")])
    assert data == build_bundle(in_memory, [KEY_A.signer], NOW)
    assert (written.path, written.size) == (target, len(data))
    assert written.sha256 == hashlib.sha256(data).hexdigest()
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle.hefu", "scan.pdf"]
    verified = check(data)
    assert verified.statement == written.statement.predicate
    assert verified.statement_sha256 == hashlib.sha256(written.payload).hexdigest()


def test_nothing_is_left_of_a_bundle_that_cannot_be_written(tmp_path: Path) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from rows().to_batches()
        raise OSError("the lake is gone")

    reader = pa.RecordBatchReader.from_batches(rows().schema, broken())
    with pytest.raises(OSError, match="the lake is gone"):
        write_bundle(contents(tables={"note": reader}), [KEY_A.signer], NOW, tmp_path / "b.hefu")
    assert list(tmp_path.iterdir()) == []


def test_resigned_is_the_same_statement_under_another_name(tmp_path: Path, check: Check) -> None:
    before = good(tables={"note": rows(9)})
    written = resign(before, [KEY_B.signer], tmp_path / "again.hefu")
    after = written.path.read_bytes()
    old, new = check(before), check(after, trust=Trust(SENDER, (KEY_B.public,)))
    assert new.head == old.head
    assert written.payload == payload_of(before)
    assert entries_of(after) == entries_of(before) | {
        STATEMENT_ENTRY: entries_of(after)[STATEMENT_ENTRY]
    }
    with pytest.raises(VerificationError) as caught:
        check(after)
    assert caught.value.step == "signature"


def test_what_is_damaged_is_not_signed_again(tmp_path: Path) -> None:
    entries = entries_of(good())
    damaged = write_container(entries | {RECORDS: entries[RECORDS][:-1] + b"x"})
    with pytest.raises(VerificationError) as caught:
        resign(damaged, [KEY_B.signer], tmp_path / "again.hefu")
    assert caught.value.step == "subjects"
    assert list(tmp_path.iterdir()) == []


def test_everything_that_can_vary_is_signed(check: Check) -> None:
    assert good() != good(now=datetime(2026, 11, 22, 1, 0, 1, tzinfo=UTC))
    first, second = check(good()), check(good(lake_versions={"note": 8}))
    assert first.statement.bundle_id != second.statement.bundle_id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tables": {"note": rows().append_column("party_phone", pa.array(["x"] * 3))}}, "columns"),
        ({"tables": {"note": rows().drop_columns(["place"])}}, "columns"),
        ({"tables": {"note": rows().select(rows().schema.names[::-1])}}, "columns"),
        ({"tables": {}}, "at least one table"),
        ({"tables": {"ghost": rows()}}, "different record types"),
        ({"lake_versions": {}}, "different record types"),
        ({"grant": agreement(id="other").grants[0].model_copy(update={"purpose": "x"})}, "grant"),
    ],
)
def test_contents_that_do_not_fit_are_a_defect(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        good(**change)


def test_a_signer_is_needed() -> None:
    with pytest.raises(ValueError, match="signer"):
        build_bundle(contents(), [], NOW)


def test_attachments_travel_under_their_digest(check: Check) -> None:
    verified = check(good(attachments=[("pdf", b"%PDF")]))
    names = [n for n in verified.entries if n.startswith("attachments/")]
    assert [bytes(verified.entries[n]) for n in names] == [b"%PDF"]


# The leak rule, on real contracts: an invented marker in every field that is not granted.

MARKER = "zzleakzz"
NUMBER = 7_777_777_777_777
AMOUNT = Decimal("7777777.77")


def lake_rows(record: Contract, granted: set[str]) -> dict[str, pa.Array]:
    """Two rows; each text field that may not go over holds a marker of its own."""
    columns: dict[str, pa.Array] = {}
    for field in record.fields:
        shared = field.technical or field.name in granted
        value: object = f"ok {field.name}" if shared else f"{MARKER}{field.name}"
        match field.duckdb_type:
            case "VARCHAR[]":
                value = [value]
            case "BIGINT" | "BIGINT[]":
                value = 1 if shared else NUMBER
                value = [value] if field.duckdb_type.endswith("[]") else value
            case "DATE":
                value = datetime(2026, 1, 1, tzinfo=UTC).date()
            case "TIMESTAMPTZ":
                value = NOW
            case "BOOLEAN":
                value = True
            case kind if kind.startswith("DECIMAL"):
                value = Decimal("1.25") if shared or "(16" not in kind else AMOUNT
        columns[field.name] = pa.array([value, value], field.arrow_type)
    columns["record_id"] = pa.array(["b" * 32, "a" * 32])
    return columns


@pytest.mark.parametrize("record_type", ["case_result", "lead", "inspection"])
def test_what_is_not_granted_is_not_in_the_bytes(record_type: str) -> None:
    record = load_contract(record_type)
    shareable = [f.name for f in record.fields if not f.technical]
    granted = tuple(shareable[::3])
    deal = agreement(
        grants=[
            {
                "from": SENDER,
                "to": RECEIVER,
                "purpose": "leak_test",
                "legal_basis": "x",
                "records": {record_type: granted},
            }
        ]
    )
    grant = deal.grants[0]
    con = connect()
    con.register("given", pa.table(lake_rows(record, set(granted))))
    con.execute("CREATE TABLE kept AS SELECT * FROM given")
    bundle = build_bundle(
        contents(
            agreement=deal,
            tables={record_type: project(con, "kept", record, grant)},
            contracts={record_type: record},
            lake_versions={record_type: 0},
        ),
        [KEY_A.signer],
        NOW,
    )
    policy = Policy({record_type: record}, RECEIVER, (deal,), ChainHead.start())
    table = verify_bundle(bundle, Trust(SENDER, (KEY_A.public,)), policy, NOW).tables[record_type]
    assert set(table.schema.names).isdisjoint(set(shareable) - set(granted))
    # The bundle's pages are compressed: written again without, nothing can hide in them.
    # That no byte of the bundle lies outside of its pages is for the vectors to show.
    plain = pa.BufferOutputStream()
    pq.write_table(table, plain, compression="none", use_dictionary=False)
    for data in (bundle, plain.getvalue().to_pybytes(), *entries_of(bundle).values()):
        assert MARKER.encode() not in data
        assert NUMBER.to_bytes(8, "little") not in data
    assert str(AMOUNT) not in str(table.to_pylist())


def test_projected_rows_are_sorted_and_hashed_anew() -> None:
    record = load_contract("case_result")
    deal = agreement(
        grants=[
            {
                "from": SENDER,
                "to": RECEIVER,
                "purpose": "x",
                "legal_basis": "x",
                "records": {"case_result": ["penalty_decision_no"]},
            }
        ]
    )
    grant = deal.grants[0]
    con = connect()
    con.register("given", pa.table(lake_rows(record, {"penalty_decision_no"})))
    con.execute("CREATE TABLE kept AS SELECT * FROM given")
    table = project(con, "kept", record, grant).read_all()
    assert table.schema.equals(record.arrow_schema(grant.columns(record)))
    assert table.column("record_id").to_pylist() == ["a" * 32, "b" * 32]
    names = table.schema.names
    con.register("projected", table)
    again = con.sql(f"SELECT {content_hash_sql(record, names)} AS h FROM projected").fetchall()
    assert [h for (h,) in again] == table.column("content_hash").to_pylist()
    # Other values in fields that are not shared: the same rows, the same hashes.
    hidden = [f.name for f in record.fields if f.name not in names and f.duckdb_type == "VARCHAR"]
    con.execute("UPDATE kept SET " + ", ".join(f"{ident(n)} = 'other'" for n in hidden))
    assert project(con, "kept", record, grant).read_all().equals(table)


def test_readers_of_one_connection_are_read_one_after_another() -> None:
    record = load_contract("lead")
    deal = agreement(
        grants=[
            {
                "from": SENDER,
                "to": RECEIVER,
                "purpose": "x",
                "legal_basis": "x",
                "records": {"lead": ["lead_no"]},
            }
        ]
    )
    con = connect()
    con.register("given", pa.table(lake_rows(record, set(GRANTED))))
    con.execute("CREATE TABLE one AS SELECT * FROM given")
    con.execute("CREATE TABLE two AS SELECT * FROM given LIMIT 1")
    readers = [project(con, name, record, deal.grants[0]) for name in ("one", "two")]
    assert con.execute("SELECT 42").fetchone() == (42,)
    assert [r.read_all().num_rows for r in readers] == [2, 1]
