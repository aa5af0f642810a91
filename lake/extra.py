"""Fields that a partner sent before our contract knew them.

They were kept in ``_extra``, a JSON object with values as in the content hash
(``docs/record-digest.md``). Once our contract has the field, the views show it from there, so
nothing needs to be sent again; ``_extra`` itself stays as it was taken in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.shape import EXTRA
from schemas.contract import Contract
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb


def filled(con: duckdb.DuckDBPyConnection, contract: Contract, rows: str) -> dict[str, str]:
    """SQL by name, for those of the contract's fields that some row has in ``_extra``.

    ``rows`` is a relation in SQL. Looks through the one column, which is nearly always NULL.
    """
    found = con.execute(
        f"SELECT DISTINCT unnest(json_keys({EXTRA})) FROM {rows} WHERE {EXTRA} IS NOT NULL"
    ).fetchall()
    came = {name for (name,) in found}
    return {
        field.name: f"COALESCE({ident(field.name)}, {_value(field.name, field.duckdb_type)}) "
        f"AS {ident(field.name)}"
        for field in contract.fields
        if field.name in came
    }


def _value(name: str, kind: str) -> str:
    # TRY_CAST, as one value that does not fit must not make the whole view unreadable; it
    # can still be read in _extra.
    path = literal(f'$."{name}"')
    if kind.endswith("[]"):
        return f"TRY_CAST(TRY_CAST(json_extract({EXTRA}, {path}) AS VARCHAR[]) AS {kind})"
    return f"TRY_CAST(json_extract_string({EXTRA}, {path}) AS {kind})"
