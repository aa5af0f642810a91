"""Which source columns each output field of a mapping is made of.

Shown by ``hefu check``, and the ground on which a raw value is masked: a source column is as
private as the most private field that is made of it, and one that no field uses is private.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from schemas.contract import Contract

PRIVATE = frozenset({"personal", "sensitive"})


def lineage(
    con: duckdb.DuckDBPyConnection, sql: str, raw_columns: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Output field → the source columns in its expression, sorted.

    ``sql`` is a mapping that parses. Names are followed through common table expressions and
    subqueries by name alone; where a name could mean two things both are given.
    """
    row = con.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    tree = json.loads(row[0]) if row else {}
    statements = tree.get("statements") or []
    if tree.get("error") or not statements:
        return {}
    node = statements[0]["node"]
    inner: dict[str, set[str]] = {}
    known = {name.lower(): name for name in raw_columns}
    for select in _selects(node):
        if select is not node:
            for name, columns in _outputs(select, known, inner).items():
                inner.setdefault(name.lower(), set()).update(columns)
    return {name: tuple(sorted(columns)) for name, columns in _outputs(node, known, inner).items()}


def private_columns(
    made_of: Mapping[str, Collection[str]], contract: Contract, raw_columns: Collection[str]
) -> frozenset[str]:
    """The source columns whose values must be masked.

    A yes or no opens nothing: that a complainant is known says not who it is.
    """
    open_columns: set[str] = set()
    hidden: set[str] = set()
    classes = {field.name: field.classification for field in contract.fields}
    facts = {field.name for field in contract.fields if field.duckdb_type == "BOOLEAN"}
    for field, columns in made_of.items():
        if classes.get(field, "sensitive") in PRIVATE:
            hidden.update(columns)
        elif field not in facts:
            open_columns.update(columns)
    return frozenset(c for c in raw_columns if c in hidden or c not in open_columns)


def _outputs(
    select: Mapping[str, Any], known: Mapping[str, str], inner: Mapping[str, set[str]]
) -> dict[str, set[str]]:
    """Name of each item of a select list → raw columns it is made of."""
    found: dict[str, set[str]] = {}
    for item in select.get("select_list", []):
        name = item.get("alias") or (item.get("column_names") or [""])[-1]
        if name:
            found[name] = set(_columns(item, known, inner))
    return found


def _columns(item: Any, known: Mapping[str, str], inner: Mapping[str, set[str]]) -> Iterator[str]:
    for node in _walk(item):
        for part in node.get("column_names") or []:
            if part.lower() in known:
                yield known[part.lower()]
            yield from inner.get(part.lower(), ())


def _selects(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every SELECT in a tree, innermost (and so first defined) first, the tree's own last."""
    if isinstance(node, dict):
        for value in node.values():
            yield from _selects(value)
        if node.get("type") == "SELECT_NODE":
            yield node
    elif isinstance(node, list):
        for value in node:
            yield from _selects(value)


def _walk(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)
