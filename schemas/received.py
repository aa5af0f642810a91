"""A partner's rows by our code lists.

A partner whose lists are newer than ours sends codes that we do not have. They become
``unmapped`` here as an unknown code of a source does, and what was sent is kept in ``raw_values``
beside the entries that the partner sent itself.
"""

from __future__ import annotations

from collections.abc import Collection

from schemas.codes import UNMAPPED
from schemas.contract import Contract, Field
from schemas.raw_values import (
    RAW_VALUES,
    entry,
    is_no_code,
    is_translated,
    is_unknown,
    keeps_raw_values,
)
from schemas.sql import ident, literal


def received_columns(contract: Contract, names: Collection[str]) -> dict[str, str]:
    """SQL expressions of those fields whose received value is not simply taken over.

    ``names``: the columns that the received relation has, typed as the contract says. The
    expressions are over that relation: one for each translated code field among ``names`` whose
    list may not know the value, and one for ``raw_values``, also if it is not among ``names``.
    Empty for a contract without ``raw_values``.

    A value that can't be a code at all (over 64 characters, control characters) is left as it is:
    the rules ``type:code`` and ``text:control`` then put the row into quarantine.
    """
    if not keeps_raw_values(contract):
        return {}
    own = ident(RAW_VALUES) if RAW_VALUES in names else "NULL::VARCHAR[]"
    fields = [f for f in contract.fields if f.name in names and is_translated(contract, f)]
    if not fields:
        return {RAW_VALUES: own} if RAW_VALUES not in names else {}
    columns = {f.name: _column(f) for f in fields}
    return columns | {RAW_VALUES: _raw_values(contract, fields, own)}


def _foreign(field: Field, value: str, *, in_lambda: bool = False) -> str:
    """SQL: a code that our list does not have, and that is not ``unmapped`` already."""
    unknown = is_unknown(field.code_list or "", value, in_lambda=in_lambda)
    return (
        f"{value} <> {literal(UNMAPPED)} AND {value} <> '' AND {unknown} "
        f"AND NOT ({is_no_code(value)})"
    )


def _is_foreign(field: Field) -> str:
    name = ident(field.name)
    if field.duckdb_type.endswith("[]"):
        return f"len(list_filter({name}, lambda e: {_foreign(field, 'e', in_lambda=True)})) > 0"
    return _foreign(field, name)


def _column(field: Field) -> str:
    name, unmapped = ident(field.name), literal(UNMAPPED)
    if field.duckdb_type.endswith("[]"):
        test = _foreign(field, "e", in_lambda=True)
        return (
            f"CASE WHEN {_is_foreign(field)} THEN list_transform({name}, "
            f"lambda e: CASE WHEN {test} THEN {unmapped} ELSE e END) ELSE {name} END"
        )
    return f"CASE WHEN {_foreign(field, name)} THEN {unmapped} ELSE {name} END"


def _entries(field: Field) -> str:
    name = ident(field.name)
    if field.duckdb_type.endswith("[]"):
        test = _foreign(field, "e", in_lambda=True)
        return (
            f"list_transform(list_filter({name}, lambda e: {test}), "
            f"lambda e: {entry(field.name, 'e')})"
        )
    return f"[{entry(field.name, name)}]"


def _raw_values(contract: Contract, fields: list[Field], own: str) -> str:
    """The partner's entries and ours, by the contract's order of fields; unknown names last."""
    any_of = " OR ".join(f"({_is_foreign(f)})" for f in fields)
    ours = ", ".join(f"CASE WHEN {_is_foreign(f)} THEN {_entries(f)} ELSE [] END" for f in fields)
    order = f"[{', '.join(literal(n) for n in contract.names())}]"
    place = f"coalesce(list_position({order}, split_part(e, '=', 1)), {len(contract.names()) + 1})"
    every = f"flatten([coalesce({own}, []), {ours}])"
    sorted_entries = (
        f"list_transform(list_sort(list_transform({every}, "
        f"lambda e, i: {{'place': {place}, 'i': i, 'e': e}})), lambda s: s.e)"
    )
    return f"CASE WHEN {any_of} THEN {sorted_entries} ELSE {own} END"
