"""Building: the same bytes for the same input, and nothing that was not granted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bundles import (
    GRANTED,
    KEY_A,
    NOW,
    RECEIVER,
    SENDER,
    agreement,
    contents,
    entries_of,
    good,
    rows,
)

from exchange.agreement.project import project
from exchange.bundle.build import build_bundle
from exchange.bundle.parquet import ROW_GROUP_ROWS, write_parquet
from exchange.bundle.policy import ChainHead, Policy, Trust
from exchange.bundle.verify import VerifiedBundle, verify_bundle
from schemas.contract import Contract, load_contract
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
    one, count = write_parquet(table, table.schema)
    two, _ = write_parquet(table.to_reader(4321), table.schema)
    assert count == number
    assert one == two


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
