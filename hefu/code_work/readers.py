"""Which of a node's mappings read which list, and by which scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import ConfigError

if TYPE_CHECKING:
    import duckdb

    from hefu.node import Node, Source

CodeCall = tuple[str, str, str]


def code_calls_of(con: duckdb.DuckDBPyConnection, source: Source) -> tuple[CodeCall, ...]:
    """(field, list, scheme) of every translation in a source's mapping.

    Empty for a mapping that is missing or wrong: what records hold can be told without it, and
    ``hefu check`` says what is wrong.
    """
    from schemas.contract import load_contract
    from schemas.mapping import parse_mapping
    from schemas.mapping_codes import code_calls

    path = source.mapping_path
    try:
        sql = path.read_text(encoding="utf-8")
        contract = load_contract(source.config.record_type)
        return code_calls(con, parse_mapping(con, sql, str(path), contract))
    except (ConfigError, OSError, UnicodeDecodeError):
        return ()


def readers(node: Node, code_list: str, scheme: str) -> list[str]:
    """The streams whose mapping reads ``code_list`` by ``scheme``, in order."""
    from schemas.sql import connect

    con = connect(codes=node.codes())
    try:
        return [
            source.stream_id
            for source in node.sources()
            if any(call[1:] == (code_list, scheme) for call in code_calls_of(con, source))
        ]
    finally:
        con.close()
