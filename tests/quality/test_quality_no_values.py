"""An expression that stops at a row's value: the value must not come along with the error."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from quality.check import create_checked
from schemas.errors import ConfigError

MARKER = "99999919990101999X"


@pytest.mark.parametrize(
    "expression",
    ["strptime(v, '%Y')", "json_extract_string(v, '$.a')", "CAST(v AS INTEGER)", "error(v)"],
)
def test_an_error_never_quotes_the_value(con: Any, expression: str) -> None:
    con.execute("CREATE OR REPLACE TABLE values_of_rows AS SELECT ? AS v", [MARKER])
    candidates = (
        f"SELECT 'r' AS record_id, 'h' AS content_hash, {expression} AS party_name, "
        "0 AS _object, 1::BIGINT AS _row FROM values_of_rows"
    )
    with pytest.raises(ConfigError, match="fails on some row") as told:
        create_checked(con, candidates, [])
    assert MARKER not in "".join(traceback.format_exception(told.value))
