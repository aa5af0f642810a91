"""Which code lists a mapping reads its source's codes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.mapping_expressions import Expressions
from schemas.mapping_tree import outputs, select_node

if TYPE_CHECKING:
    import duckdb

    from schemas.mapping import Mapping


def code_calls(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
) -> tuple[tuple[str, str, str], ...]:
    """(field, list, scheme) of every ``code``, ``code_on`` and ``codes`` in a mapping.

    In the order of the outputs, each once. A translation in a WITH clause is found by the
    names through which it reaches the field; a name that could mean two columns means both.
    """
    expressions = Expressions(mapping.tree)
    found = [
        (field, code_list, scheme)
        for field, expression in outputs(select_node(mapping.tree), mapping.path)
        for code_list, scheme in sorted(set(expressions.code_calls(expression)))
    ]
    return tuple(found)
