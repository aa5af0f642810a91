"""A few rows of what would leave, as a person may see them: for ``hefu publish --dry-run``.

They are read from the very table that a bundle would be made of, projected as the bundle would
have them, and masked before they leave this module: no run result, log or screen has the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.agreement.model import Grant
from exchange.agreement.project import projection_sql
from flows.collecting import Collected
from schemas.masking import masked
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

_ROWS = 3


@dataclass(frozen=True, slots=True)
class Sampled:
    """One column of the sample. ``values``: one for each row, masked; None where there is none."""

    name: str
    label: Text
    classification: str
    values: tuple[str | None, ...]


def sample(
    con: duckdb.DuckDBPyConnection, collected: Collected, grant: Grant, rows: int = _ROWS
) -> tuple[Sampled, ...]:
    """The first ``rows`` rows of the bundle's table, column by column; nothing if it is empty."""
    if not collected.rows:
        return ()
    contract = collected.contract
    found = con.execute(
        f"SELECT * FROM ({projection_sql(collected.table, contract, grant)}) LIMIT {rows}"
    ).fetchall()
    fields = [contract.field(name) for name in grant.columns(contract)]
    return tuple(
        Sampled(
            field.name,
            Text(en=field.label_en, zh=field.label_zh),
            field.classification,
            tuple(masked(row[index], field.classification) for row in found),
        )
        for index, field in enumerate(fields)
    )
