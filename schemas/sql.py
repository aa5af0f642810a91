"""DuckDB connections as every room uses them, and quoting.

In-memory on purpose: with a memory limit and a temporary directory an in-memory database
still spills, and it takes the rows of a run more than twice as fast as a database file.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.codes import all_codes

if TYPE_CHECKING:
    import duckdb

SESSION_TIME_ZONE = "Asia/Shanghai"


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
) -> duckdb.DuckDBPyConnection:
    """An in-memory database with our macros and code lists.

    It may read files (the loader needs that) but installs and loads no extension from
    outside. Without ``temp_directory`` it never spills and fails when memory runs out.
    """
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
    install(con)
    return con


def seal(con: duckdb.DuckDBPyConnection) -> None:
    """From here on nothing outside the database can be reached, nor a setting changed.

    For the connection that runs a foreign ``mapping.sql``; call it after loading raw rows.
    """
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def install(con: duckdb.DuckDBPyConnection) -> None:
    """Macros (``macros.sql``) and the table of code lists that ``code()`` looks into."""
    maps: dict[str, dict[str, str]] = {}
    for name, rows in all_codes().items():
        for row in rows:
            maps.setdefault(f"{name}/{row.scheme}", {})[row.raw] = row.code
    values = ", ".join(f"({literal(key)}, {_map(m)})" for key, m in sorted(maps.items()))
    con.execute(
        f"CREATE OR REPLACE TABLE hefu_code_map AS SELECT * FROM (VALUES {values}) v(k, entries)"
    )
    con.execute(macros())


def _map(entries: dict[str, str]) -> str:
    pairs = ", ".join(f"{literal(raw)}: {literal(code)}" for raw, code in entries.items())
    return f"MAP {{{pairs}}}"


@cache
def macros() -> str:
    """Text of ``macros.sql``, then the macros of ``schemas.identities``."""
    from schemas.identities import identity_macros

    text = files("schemas").joinpath("macros.sql").read_text(encoding="utf-8")
    return text + identity_macros()
