"""DuckDB connections as every room uses them, and quoting.

In-memory on purpose: with a memory limit and a temporary directory an in-memory database
still spills, and it takes the rows of a run more than twice as fast as a database file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.codes import CodeRow, all_codes

if TYPE_CHECKING:
    import duckdb

SESSION_TIME_ZONE = "Asia/Shanghai"

Codes = Mapping[str, Sequence[CodeRow]]


def ident(name: str) -> str:
    """``name`` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """``text`` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def connect(
    memory_limit: str = "1GB",
    temp_directory: Path | None = None,
    threads: int | None = None,
    codes: Codes | None = None,
) -> duckdb.DuckDBPyConnection:
    """An in-memory database with our macros and code lists.

    It may read files (the loader needs that) but installs and loads no extension from
    outside. Without ``temp_directory`` it never spills and fails when memory runs out.
    ``codes``: the lists by name, a node's own rows among them (``Node.codes()``); without it
    those of the package.
    """
    con = connect_plain(memory_limit, temp_directory, threads)
    install(con, codes)
    return con


def connect_plain(
    memory_limit: str = "1GB", temp_directory: Path | None = None, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """As :func:`connect`, without macros and code lists: a tenth of the time, where only stored
    records are read."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(temp_directory) if temp_directory else "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads is not None:
        config["threads"] = threads
    con = duckdb.connect(":memory:", config=config)
    con.execute(f"SET TimeZone = {literal(SESSION_TIME_ZONE)}")
    con.execute("SET enable_progress_bar = false")
    return con


def seal(con: duckdb.DuckDBPyConnection) -> None:
    """From here on nothing outside the database can be reached, nor a setting changed.

    For the connection that runs a foreign ``mapping.sql``; call it after loading raw rows.
    """
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def install(con: duckdb.DuckDBPyConnection, codes: Codes | None = None) -> None:
    """The tables of code lists (``schemas.code_tables``) and the macros (``macros.sql``)."""
    from schemas.code_tables import install_codes

    install_codes(con, all_codes() if codes is None else codes)
    con.execute(macros())


@cache
def macros() -> str:
    """Text of ``macros.sql``, then the macros of ``schemas.identities``."""
    from schemas.identities import identity_macros

    text = files("schemas").joinpath("macros.sql").read_text(encoding="utf-8")
    return text + identity_macros()
