"""Record identity and content hash, as SQL over typed columns.

Defined to the byte in ``docs/record-digest.md`` and tested against the ``rfc8785`` package:
both are SHA-256 over RFC 8785 JSON, written by DuckDB at the speed of a column store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence

from schemas.contract import Contract, Field
from schemas.sql import ident, literal

# to_json writes these with upper-case hex digits, RFC 8785 (3.2.2.2) with lower-case ones. The
# other controls have no letters in their code or a short form (\b \t \n \f \r) in both.
_UPPER_HEX = ("0B", "0E", "0F", "1A", "1B", "1C", "1D", "1E", "1F")


def record_id_sql(
    org: str = "source_org_code",
    record_type: str = "record_type",
    system: str = "source_system",
    record: str = "source_record_id",
) -> str:
    """SQL of the record identifier: 32 hex digits. The arguments are SQL expressions of texts."""
    parts = " || ',' || ".join(
        f"CAST(to_json({e}) AS VARCHAR)" for e in (org, record_type, system, record)
    )
    array = f"('[' || {parts} || ']')"
    return f"left(sha256({_lower_hex(array)}), 32)"


def content_hash_sql(contract: Contract, names: Collection[str]) -> str:
    """SQL of the content hash over those of ``names`` that are content: 64 hex digits.

    Node-filled fields among ``names`` are left out. Whether ``source_updated_time`` belongs to
    the content is the caller's to say, by naming it or not.
    """
    return hash_of(content_json_sql(contract, names))


def hash_of(json_sql: str) -> str:
    """SQL of the SHA-256 of a JSON text as ``to_json`` writes it, brought to RFC 8785."""
    return f"sha256({_lower_hex(json_sql)})"


def object_sql(fields: Sequence[Field]) -> str:
    """SQL of the RFC 8785 JSON object of these fields as in the content; NULL if all are."""
    ordered = sorted(fields, key=lambda f: f.name)
    if not ordered:
        return "NULL::VARCHAR"
    return _lower_hex(f"nullif({_object(ordered, {}, lambda f: [value_json_sql(f)])}, '{{}}')")


def content_json_sql(
    contract: Contract, names: Collection[str], constants: Mapping[str, str] | None = None
) -> str:
    """SQL of the JSON object of the non-null content fields, sorted by name, all as strings.

    ``constants`` are texts that are the same in every row, by field; they need no column.

    Most rows have nothing to escape. Whether one has is told by one ``to_json`` over all its
    texts together; then the members are put together as they are, which takes a third of
    the time.
    """
    fixed = constants or {}
    wanted = set(names) | fixed.keys()
    fields = sorted(
        (f for f in contract.content_fields() if f.name in wanted), key=lambda f: f.name
    )
    if not fields:
        return "'{}'"
    careful = _object(fields, fixed, lambda f: [value_json_sql(f)])
    texts = [f for f in fields if f.duckdb_type == "VARCHAR" and f.name not in fixed]
    if not texts:
        return careful
    joined = f"concat({', '.join(ident(f.name) for f in texts)})"
    return (
        f"CASE WHEN strlen(CAST(to_json({joined}) AS VARCHAR)) = strlen({joined}) + 2 "
        f"THEN {_object(fields, fixed, _plain)} ELSE {careful} END"
    )


def _object(
    fields: list[Field], fixed: Mapping[str, str], value: Callable[[Field], list[str]]
) -> str:
    """A JSON object. concat leaves out NULL, so a member without a value leaves no trace.

    The comma stands before a member, but behind those that come before the first constant:
    that one is always there. Without a constant the first comma is trimmed off.
    """
    anchor = next((i for i, f in enumerate(fields) if f.name in fixed), None)
    parts = _Parts("{" if anchor is not None else "")
    for position, field in enumerate(fields):
        leads = anchor is not None and position <= anchor
        key = f'"{field.name}":' if leads else f',"{field.name}":'
        if field.name in fixed:
            parts.text(key + json.dumps(fixed[field.name], ensure_ascii=False))
            continue
        there = f"{ident(field.name)} IS NOT NULL"
        parts.sql(f"CASE WHEN {there} THEN {literal(key)} END", *value(field))
        if leads:
            parts.sql(f"CASE WHEN {there} THEN ',' END")
    if anchor is not None:
        parts.text("}")
        return f"concat({parts})"
    return f"concat('{{', ltrim(concat({parts}), ','), '}}')"


class _Parts:
    """Arguments of a concat; texts that follow each other become one."""

    def __init__(self, text: str) -> None:
        self._done: list[str] = []
        self._text = text

    def text(self, more: str) -> None:
        self._text += more

    def sql(self, *expressions: str) -> None:
        self._flush()
        self._done += expressions

    def __str__(self) -> str:
        self._flush()
        return ", ".join(self._done)

    def _flush(self) -> None:
        if self._text:
            self._done.append(literal(self._text))
            self._text = ""


def _plain(field: Field) -> list[str]:
    """The parts of a value's JSON if it has nothing to escape."""
    name = ident(field.name)
    quote = f"CASE WHEN {name} IS NOT NULL THEN '\"' END"
    match field.duckdb_type:
        case "VARCHAR":
            return [quote, name, quote]
        case "BIGINT" | "BOOLEAN" | "DATE" | "DECIMAL(16,2)" | "DECIMAL(6,4)":
            return [quote, f"CAST({name} AS VARCHAR)", quote]
        case _:
            return [value_json_sql(field)]


def value_json_sql(field: Field, column: str | None = None) -> str:
    """SQL of one value as JSON: a string, or an array of strings for a list. NULL stays NULL."""
    name = column or ident(field.name)
    match field.duckdb_type:
        case "VARCHAR" | "VARCHAR[]":
            return f"CAST(to_json({name}) AS VARCHAR)"
        case "BIGINT[]":
            return f"CAST(to_json(CAST({name} AS VARCHAR[])) AS VARCHAR)"
        case "TIMESTAMPTZ":
            return f"strftime(make_timestamp(epoch_us({name})), '\"%Y-%m-%dT%H:%M:%S.%fZ\"')"
        case _:
            return f"'\"' || CAST({name} AS VARCHAR) || '\"'"


def _lower_hex(json_sql: str) -> str:
    # A backslash of the text itself is written as two; they are set aside (as a control that
    # JSON text can't contain) so that only real escapes are rewritten.
    fixed = f"replace({json_sql}, '\\\\', chr(1))"
    for code in _UPPER_HEX:
        fixed = f"replace({fixed}, '\\u00{code}', '\\u00{code.lower()}')"
    fixed = f"replace({fixed}, chr(1), '\\\\')"
    return f"CASE WHEN contains({json_sql}, '\\u00') THEN {fixed} ELSE {json_sql} END"
