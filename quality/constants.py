"""Columns of a SELECT that are the same literal in every row.

A third of a record's fields is known before the first row is read: who the source is, when it
was fetched, and NULL for each field that the mapping does not give. Kept as literals in a
view they cost no memory, and a rule over them is computed once instead of once a row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from schemas.sql import literal

if TYPE_CHECKING:
    import duckdb


def literal_columns(con: duckdb.DuckDBPyConnection, select: str) -> dict[str, str]:
    """SQL of each column of ``select`` that is a literal or a cast of one, by name.

    A statement that DuckDB cannot take apart (or one with a star) has none: that costs time,
    nothing else.
    """
    tree = _tree(con, select)
    if tree is None:
        return {}
    items = tree["select_list"]
    if any(item.get("class") == "STAR" for item in items):
        return {}
    bare = _tree(con, "SELECT 1")
    found = {}
    for item in items:
        if bare is not None and item.get("alias") and _is_literal(item):
            found[str(item["alias"])] = _sql(con, bare | {"select_list": [item | {"alias": ""}]})
    return found


def _tree(con: duckdb.DuckDBPyConnection, select: str) -> dict[str, Any] | None:
    row = con.execute(f"SELECT json_serialize_sql({literal(select)})").fetchone()
    document: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if document["error"] or len(document["statements"]) != 1:
        return None
    node: dict[str, Any] = document["statements"][0]["node"]
    return node if node["type"] == "SELECT_NODE" else None


def _is_literal(item: dict[str, Any]) -> bool:
    if item.get("class") == "CAST":
        return _is_literal(item["child"])
    return item.get("class") == "CONSTANT"


def _sql(con: duckdb.DuckDBPyConnection, node: dict[str, Any]) -> str:
    document = {"error": False, "statements": [{"node": node}]}
    row = con.execute(f"SELECT json_deserialize_sql({literal(json.dumps(document))})").fetchone()
    return str(row[0]).removeprefix("SELECT ") if row else ""
