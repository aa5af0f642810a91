"""A connection with nothing known yet, and a way to fill it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from quality_samples import YAML, candidate_sql

from schemas.contract import Contract, parse_contract
from schemas.sql import connect


@pytest.fixture
def contract() -> Contract:
    return parse_contract(YAML.encode())


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = connect(threads=2)
    connection.execute(
        "CREATE TABLE known (record_id VARCHAR, content_hash VARCHAR, "
        "source_updated_time TIMESTAMPTZ, received_time TIMESTAMPTZ)"
    )
    yield connection
    connection.close()


Load = Callable[..., str]


@pytest.fixture
def load(con: duckdb.DuckDBPyConnection) -> Load:
    """Fills raw and raw_reject and gives the candidate SQL over them.

    A row is (key, day or None, party_name, colour, fine, date); ``day`` is the source's clock.
    """

    def fill(rows: Sequence[tuple[Any, ...]], *, clock: bool = True, rejects: int = 0) -> str:
        con.execute(
            "CREATE OR REPLACE TABLE raw (key VARCHAR, day VARCHAR, name VARCHAR, "
            "colour VARCHAR, fine VARCHAR, date VARCHAR, _object INTEGER, _row BIGINT)"
        )
        con.execute(
            "CREATE OR REPLACE TABLE raw_reject (_object INTEGER, _row BIGINT, "
            "rule_id VARCHAR, detail VARCHAR, raw_text VARCHAR)"
        )
        names = ("key", "day", "name", "colour", "fine", "date")
        columns = {n: pa.array([r[i] for r in rows], pa.string()) for i, n in enumerate(names)}
        con.register("given", pa.table(columns))
        con.execute("INSERT INTO raw SELECT *, 0, row_number() OVER () FROM given")
        con.unregister("given")
        for i in range(rejects):
            con.execute(
                "INSERT INTO raw_reject VALUES (0, ?, 'read:columns', '5 of 6', 'a;b')",
                [len(rows) + i + 1],
            )
        return candidate_sql(clock=clock)

    return fill
