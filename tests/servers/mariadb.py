"""A real MariaDB server: Debian's ``mariadbd`` as a child process in a temporary folder.

It runs as whoever runs the tests, listens on 127.0.0.1 with TLS by a certificate of a private
authority, and keeps nothing. The administrator comes in by the socket file, without a password.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from servers.debian import found, missing

USER = "hefu_reader"
PASSWORD = "p@ss/w#:rd 1%"
"""With every character that a connection string would have to escape."""
_START_SECONDS = 60
_STOP_SECONDS = 30


@dataclass
class MariaDb:
    """A server; ``ca_file`` is the authority of its certificate (PEM)."""

    folder: Path
    port: int
    tls: bool = True
    ca_file: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    host = "127.0.0.1"

    def __post_init__(self) -> None:
        self.ca_file = self.folder / "ca.pem"

    # --- what tests do to it

    def connect(self, database: str | None = None) -> pymysql.Connection[Any]:
        """The administrator's connection, in which every statement is a transaction; the caller
        closes it. ``begin()`` makes one transaction of several."""
        return pymysql.connect(
            unix_socket=str(self.folder / "sock"),
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
        )

    def execute(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements as the administrator; the rows of the last one."""
        rows: tuple[tuple[Any, ...], ...] = ()
        with contextlib.closing(self.connect(database)) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    rows = cursor.fetchall()
        return list(rows)

    def create_database(self, name: str) -> str:
        """An empty database that the reader's account may SELECT from, dropped if it was there."""
        self.execute(
            f"DROP DATABASE IF EXISTS `{name}`",
            f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4",
            f"GRANT SELECT ON `{name}`.* TO {USER}@'127.0.0.1'",
        )
        return name

    def connections(self, user: str = USER) -> list[int]:
        """Numbers of the connections that an account has now."""
        rows = self.execute(
            f"SELECT id FROM information_schema.processlist WHERE user = '{user}' ORDER BY id"
        )
        return [int(row[0]) for row in rows]

    def kill_connections(self, user: str = USER) -> int:
        """End an account's connections, as an operator would; how many there were."""
        found = self.connections(user)
        for number in found:
            with suppress(pymysql.err.OperationalError):  # gone meanwhile
                self.execute(f"KILL {number}")
        return len(found)

    # --- its life

    def start(self) -> None:
        """Start and wait until it answers."""
        tls = (
            [f"--ssl-cert={self.folder / 'server.pem'}", f"--ssl-key={self.folder / 'server.key'}"]
            if self.tls
            else ["--skip-ssl"]
        )
        command = [
            _program("mariadbd"),
            "--no-defaults",
            *_as_root(),
            f"--datadir={self.folder / 'data'}",
            f"--socket={self.folder / 'sock'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            f"--bind-address={self.host}",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=4M",
            "--innodb-doublewrite=0",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--max-allowed-packet=64M",
            "--performance-schema=0",
            "--skip-log-bin",
            *tls,
        ]
        with (self.folder / "log").open("ab") as log:
            # It may not outlive the tests when they are killed: the kernel ends it with its parent.
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, preexec_fn=_die_with_parent
            )
        self._wait()

    def stop(self) -> None:
        """Stop in good order; kill what does not stop."""
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        """Kill it, as a machine that loses its power."""
        self._end(signal.SIGKILL)

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
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                break
            # It listens on the socket file last; asked by a plain socket, which can be closed.
            with socket.socket(socket.AF_UNIX) as door:
                if door.connect_ex(str(self.folder / "sock")) == 0:
                    return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
        log = (self.folder / "log").read_text(errors="replace")
        self.crash()
        raise RuntimeError(f"mariadbd did not start:\n{log[-2000:]}")


@contextmanager
def running(folder: Path, *, tls: bool = True) -> Iterator[MariaDb]:
    """A new server with its data below ``folder``, stopped at the end, whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    server = MariaDb(folder, _free_port(), tls)
    _write_certificates(folder)
    install = subprocess.run(
        [
            _program("mariadb-install-db"),
            "--no-defaults",
            *_as_root(),
            f"--datadir={folder / 'data'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            "--innodb-log-file-size=4M",
        ],
        capture_output=True,
        text=True,
    )
    if install.returncode:
        raise RuntimeError(f"mariadb-install-db failed:\n{install.stdout}{install.stderr}")
    server.start()
    try:
        server.execute(
            f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT PROCESS ON *.* TO {USER}@'127.0.0.1'",
        )
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """One server for the whole run; each test makes a database of its own."""
    if lacking := missing("mariadb"):
        raise RuntimeError(f"{', '.join(lacking)} not installed (Debian package mariadb-server)")
    with _short_folder(tmp_path_factory) as folder, running(folder) as server:
        yield server


@contextmanager
def _short_folder(factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the server; a socket file's path may have 107 bytes only."""
    folder = factory.mktemp("mariadb")
    if len(str(folder)) > 80:
        raise RuntimeError(f"the temporary folder's name is too long for a socket: {folder}")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    path = found(name)
    if path is None:
        raise FileNotFoundError(name)
    return path


def _as_root() -> list[str]:
    """mariadbd refuses to run as root unless it is told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _write_certificates(folder: Path) -> None:
    """``ca.pem`` of a private authority, and ``server.pem``, ``server.key`` for 127.0.0.1."""
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("Hefu test authority", authority_key, None, authority_key)
    server = _certificate("127.0.0.1", server_key, authority, authority_key)
    (folder / "ca.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(server.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A certificate for ``key``; without ``issuer`` that of an authority."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
