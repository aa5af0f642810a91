"""Fixtures of the schemas room."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from schemas.sql import connect


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection as the rooms use it, not sealed."""
    connection = connect(threads=1)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def shared_con() -> Iterator[duckdb.DuckDBPyConnection]:
    """One connection for a module that only asks for values."""
    connection = connect(threads=1)
    yield connection
    connection.close()
