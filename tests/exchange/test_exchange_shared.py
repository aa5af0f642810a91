"""What a partner may see of a row: raw texts only of granted fields, tokens of our own making."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from exchange.agreement.model import Grant
from exchange.agreement.project import project, shared_sql, token_fields
from schemas.contract import Contract, load_contract
from schemas.identities.tokens import party_token, set_token_key
from schemas.sql import connect, ident

KEY = bytes(range(32))
CREDIT_CODE = "91999900MA00000006"
CONTRACT = load_contract("case_result")
RAW_VALUES = ["fine_amount_cny=0.15 万元", "vehicle_plate_color=渐变=绿"]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect(threads=1)
    yield con
    con.close()


def grant(*fields: str) -> Grant:
    return Grant.model_validate(
        {
            "from": "11999900MB0000000G",
            "to": "11999900MB0000001E",
            "purpose": "test",
            "legal_basis": "无",
            "records": {"case_result": fields},
        }
    )


def lake_row(con: duckdb.DuckDBPyConnection, contract: Contract, **values: str) -> None:
    columns = ", ".join(
        f"{values.get(f.name, 'NULL')}::{f.duckdb_type} AS {ident(f.name)}" for f in contract.fields
    )
    con.execute(f"CREATE TABLE lake_rows AS SELECT {columns}")


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        (("raw_values", "fine_amount_cny", "vehicle_plate_color"), RAW_VALUES),
        (("raw_values", "fine_amount_cny"), RAW_VALUES[:1]),
        (("raw_values", "vehicle_plate_color"), RAW_VALUES[1:]),
        (("raw_values", "vehicle_plate_no"), None),
    ],
)
def test_raw_texts_only_of_granted_fields(
    con: duckdb.DuckDBPyConnection, fields: tuple[str, ...], kept: list[str] | None
) -> None:
    lake_row(con, CONTRACT, raw_values=str(RAW_VALUES))
    con.execute(f"CREATE TABLE shared AS {shared_sql('lake_rows', CONTRACT, grant(*fields))}")
    (row,) = project(con, "shared", CONTRACT, grant(*fields)).read_all().to_pylist()
    assert row["raw_values"] == kept


def test_the_number_need_not_be_granted_and_what_the_lake_holds_is_not_used(
    con: duckdb.DuckDBPyConnection,
) -> None:
    given = grant("party_id_token", "case_no")
    lake_row(
        con,
        CONTRACT,
        party_id_type="'uscc'",
        party_id_no=f"'{CREDIT_CODE}'",
        party_id_token="'hs256:of-another-pair'",
    )
    assert token_fields(CONTRACT, given) == ("party_id_token",)
    set_token_key(con, KEY)
    con.execute(f"CREATE TABLE shared AS {shared_sql('lake_rows', CONTRACT, given)}")
    (row,) = project(con, "shared", CONTRACT, given).read_all().to_pylist()
    assert row["party_id_token"] == party_token(KEY, "uscc", CREDIT_CODE)
    assert "party_id_no" not in row


def test_without_a_token_no_key_is_asked_for(con: duckdb.DuckDBPyConnection) -> None:
    given = grant("case_no", "party_id_no")
    lake_row(con, CONTRACT)
    assert token_fields(CONTRACT, given) == ()
    assert len(con.execute(shared_sql("lake_rows", CONTRACT, given)).fetchall()) == 1
