"""The DuckDB database that one run works in, and the files it spills."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hefu.node import Node

if TYPE_CHECKING:
    import duckdb


@contextmanager
def workspace(node: Node) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """An in-memory database within the node's memory limit, and a folder of its own to spill to.

    In memory because a file costs nearly three times as much on the same rows; it spills
    all the same. The folder goes when the run ends; one left by a killed run goes with the next.
    The database knows the node's own code rows. Raises ``ConfigError`` if one can't be used.
    """
    from schemas.sql import connect

    codes = node.codes()
    with scratch_folder(node) as folder:
        con = connect(
            memory_limit=node.config.node.memory_limit,
            temp_directory=folder,
            threads=node.config.node.threads,
            codes=codes,
        )
        try:
            yield con, folder
        finally:
            con.close()


@contextmanager
def reading(node: Node) -> Iterator[duckdb.DuckDBPyConnection]:
    """As :func:`workspace`, for who only reads records of the lake: no code lists, no macros.

    An act of an officer opens several; the lists are most of what each of them costs.
    """
    from schemas.sql import connect_plain

    with scratch_folder(node) as folder:
        con = connect_plain(
            memory_limit=node.config.node.memory_limit,
            temp_directory=folder,
            threads=node.config.node.threads,
        )
        try:
            yield con
        finally:
            con.close()


@contextmanager
def scratch_folder(node: Node) -> Iterator[Path]:
    """A folder of this process's own, for its owner alone; gone at the end, also after a kill."""
    tmp = node.place("tmp") / "runs"
    tmp.mkdir(parents=True, exist_ok=True)
    _sweep(tmp)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=tmp))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(tmp: Path) -> None:
    """Remove what runs left that are no longer alive (raw rows hold personal data)."""
    for folder in tmp.iterdir():
        pid = folder.name.partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
