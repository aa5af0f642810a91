"""What several tests of the examples look at. Made once: it is never changed."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from examples_constants import NOW, SMALL

from examples.region.generator import Generated, generate
from examples.region.region import Region, set_up
from schemas.sql import connect


@pytest.fixture(scope="session")
def generated() -> Generated:
    """The region as the demo makes it."""
    return generate(1, 20_000, NOW)


@pytest.fixture(scope="session")
def small_region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """A small region on disk. Tests read it and never run anything in it."""
    return set_up(tmp_path_factory.mktemp("small") / "region", 7, NOW, SMALL)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = connect()
    yield connection
    connection.close()
