"""Each fault on a real server: the right retry or none, a clear message, nothing half taken."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from connectors_postgresql_world import Table, table
from servers.postgresql import PASSWORD, USER, Postgresql, postgresql, run
from servers.postgresql_tls import TlsDoor, tls_door

from connectors.config import load_source
from connectors.database.faults import ConnectionLostError, TookTooLongError
from schemas.errors import ConfigError, HefuError, RefusedError

__all__ = ["postgresql"]

ONE = "CREATE TABLE {s}.cases AS SELECT 1 AS id, timestamp '2026-05-01' AS updated_at"
PERSON = "invented-person-999999"
# More than the driver and the sockets between can hold.
LARGE = (
    "query = \"SELECT i AS id, repeat('x', 4000) AS word FROM generate_series(1, 20000) g (i)\"\n"
    "rows_per_object = 1000\n"
)


def said(error: HefuError) -> str:
    """All that a person sees of an error; never a secret nor a value of a row."""
    parts = [str(error), repr(error.as_dict()), repr(error.__cause__), repr(error.__context__)]
    text = " ".join(parts)
    assert PASSWORD not in text
    assert PERSON not in text
    return text


def fails(source: Table, kind: type[HefuError], words: str) -> HefuError:
    with pytest.raises(kind) as caught:
        source.pull()
    assert type(caught.value) is kind
    assert words in said(caught.value)
    assert caught.value.hint is not None
    return caught.value


def test_nobody_listens(postgresql: Postgresql, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        source = table(postgresql, tmp_path, port=str(port))
        error = fails(source, ConnectionLostError, "the database can't be reached")
    assert f"postgresql://127.0.0.1:{port}/front" in str(error)
    assert source.waits == [0.5, 1.0, 2.0]


def test_waits_have_a_bound(postgresql: Postgresql, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
        source = table(postgresql, tmp_path, port=port, retries="5", backoff_max_seconds="3")
        fails(source, ConnectionLostError, "can't be reached")
    assert source.waits == [0.5, 1.0, 2.0, 3, 3]


def test_no_such_name(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, host='"front.invalid"')
    fails(source, ConnectionLostError, "the database can't be reached")


def test_somebody_listens_and_says_nothing(postgresql: Postgresql, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        source = table(postgresql, tmp_path, port=port, connect_seconds="1", retries="0")
        fails(source, ConnectionLostError, "the database can't be reached")


def test_wrong_password(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, user='"somebody"')
    fails(source, RefusedError, "the database refuses user or password")
    assert source.waits == []


def test_no_password(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path)
    text = (source.folder / "source.toml").read_text().replace("password =", "# ")
    (source.folder / "source.toml").write_text(text)
    source.config = load_source(source.folder)
    fails(source, RefusedError, "the database refuses user or password")


def test_no_such_database(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, database='"fornt"')
    fails(source, RefusedError, "the server has no such database")


def test_no_such_table(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, 'table = "{s}.case"\n')
    source.execute(ONE)
    error = fails(source, ConfigError, "there is no table or view")
    assert error.hint is not None
    assert error.hint.en == f"did you mean {source.schema}.cases?"
    bare = table(postgresql, tmp_path, 'table = "no_such_table"\n')
    assert "it can see" in str(fails(bare, ConfigError, "no table or view").hint)


def test_no_right_to_the_table(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path)
    source.execute(ONE, f"REVOKE SELECT ON {{s}}.cases FROM {USER}")
    error = fails(source, RefusedError, "may not read")
    assert f"{source.schema}.cases (42501)" in str(error)
    assert source.waits == []


def test_no_right_to_the_schema(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path)
    source.execute(ONE, f"REVOKE USAGE ON SCHEMA {{s}} FROM {USER}")
    fails(source, RefusedError, "may not read")


def test_a_locked_table(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, lock_seconds="0.1")
    source.execute(ONE)
    with closing(postgresql.connect(autocommit=False)) as holder:
        run(holder, f"LOCK TABLE {source.schema}.cases IN ACCESS EXCLUSIVE MODE")
        fails(source, TookTooLongError, "the table stayed locked for 0.1 seconds (55P03)")
        holder.rollback()
    assert source.ids(source.pull()) == [1]
    assert source.waits == []


def test_a_statement_that_takes_too_long(postgresql: Postgresql, tmp_path: Path) -> None:
    query = 'query = "SELECT id, pg_sleep(30)::text AS s FROM {s}.cases"\n'
    source = table(postgresql, tmp_path, query, rest="", statement_seconds="0.1")
    source.execute(ONE)
    fails(source, TookTooLongError, "a statement took longer than 0.1 seconds (57014)")
    assert source.waits == []


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        ("SELECT nextval('{s}.numbers') AS id", ConfigError, "would change the database (25006)"),
        ("SELECT * FROM {s}.cases FOR UPDATE", ConfigError, "would change the database (25006)"),
        ("DELETE FROM {s}.cases RETURNING id", ConfigError, "can't run this query"),
        ("SELECT 1 AS id; DROP TABLE {s}.cases", ConfigError, "can't run this query"),
        ("SELECT 1 AS id) x; DROP TABLE {s}.cases; --", ConfigError, "can't run this query"),
        ("SELECT nobody FROM {s}.cases", ConfigError, "can't run this query (42703)"),
        ("SELECT id FROM {s}.nowhere", ConfigError, "can't run this query (42P01)"),
        ("SELECT 1/(id - 1) AS id FROM {s}.cases", ConfigError, "can't run this query (22012)"),
        ("SELECT 1 AS id, 2 AS id", ConfigError, "can't run this query"),
        (f"SELECT '{PERSON}'::int AS id", ConfigError, "can't run this query (22P02)"),
    ],
)
def test_a_query_that_is_none(
    postgresql: Postgresql, tmp_path: Path, query: str, kind: type[HefuError], words: str
) -> None:
    source = table(postgresql, tmp_path, f'query = "{query}"\n', rest="")
    source.execute(ONE, "CREATE SEQUENCE {s}.numbers", f"GRANT ALL ON {{s}}.numbers TO {USER}")
    source.execute(f"GRANT ALL ON {{s}}.cases TO {USER}")
    fails(source, kind, words)
    assert source.execute("SELECT count(*) FROM {s}.cases") == [(1,)]


def test_a_value_that_the_server_quotes_is_not_told(postgresql: Postgresql, tmp_path: Path) -> None:
    query = 'query = "SELECT word::int AS id FROM {s}.cases"\n'
    source = table(postgresql, tmp_path, query, rest="")
    source.execute(f"CREATE TABLE {{s}}.cases AS SELECT '{PERSON}' AS word")
    fails(source, ConfigError, "can't run this query (22P02)")


def test_too_many_connections(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path)
    source.execute(ONE, f"ALTER ROLE {USER} CONNECTION LIMIT 0")
    fails(source, ConnectionLostError, "takes no more connections")
    source.execute(f"ALTER ROLE {USER} CONNECTION LIMIT -1")
    assert len(source.waits) == 3


# --- the connection is lost while rows come


def test_a_connection_that_is_ended_while_it_is_read(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    source = table(postgresql, tmp_path, LARGE, rest="")
    killed: list[int] = []

    def kill(done: int, _total: int | None) -> None:
        if done == 2 and not killed:
            killed.append(postgresql.kill_connections())

    delivery = source.pull(landed=kill)
    assert killed == [1]
    assert source.waits == [0.5]
    assert source.ids(delivery) == list(range(1, 20001))
    assert len(delivery.objects) == 20


def test_a_connection_that_is_ended_again_and_again(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, LARGE, rest="", retries="1")
    landed: list[int] = []

    def kill(done: int, _total: int | None) -> None:
        landed.append(done)
        if done == 1:
            postgresql.kill_connections()

    with pytest.raises(ConnectionLostError) as caught:
        source.pull(landed=kill)
    assert "the database ended the connection" in said(caught.value)
    assert source.waits == [0.5]
    assert max(landed) < 20
    assert postgresql.connections() == 0


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_a_server_that_restarts_while_it_is_read(
    postgresql: Postgresql, tmp_path: Path, how: str
) -> None:
    """It is down when it is asked again, and back by the time of the second wait."""
    source = table(postgresql, tmp_path, LARGE, rest="")
    down: list[bool] = []

    def stop(done: int, _total: int | None) -> None:
        if done == 2 and not down:
            down.append(True)
            getattr(postgresql, "stop" if how == "restart" else "crash")()

    def wait(seconds: float) -> None:
        source.waits.append(seconds)
        if len(source.waits) == 2:
            postgresql.start()

    delivery = source.pull(landed=stop, sleep=wait)
    assert source.waits == [0.5, 1.0]
    assert source.ids(delivery) == list(range(1, 20001))


def test_a_disk_that_is_full_while_rows_land(postgresql: Postgresql, tmp_path: Path) -> None:
    """The greatest size of a file is bounded for a process of its own."""
    reader = LARGE.replace("repeat('x', 4000)", "md5(i::text)").replace("1000\n", "10000\n")
    source = table(postgresql, tmp_path, reader, rest="")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FULL, str(source.folder)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": ".", "FRONT_PASSWORD": PASSWORD, "HEFU_LANG": "en", "PATH": ""},
    )
    assert done.stderr == ""
    assert "RetryableError" in done.stdout
    assert "the disk of landing/ is full" in done.stdout
    assert not [p for p in (source.folder / "landing/objects").rglob("*") if p.is_file()]
    assert source.ids(source.pull()) == list(range(1, 20001))


_FULL = """
import os, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from connectors.config import load_source
from connectors.delivery import PullRequest
from connectors.landing import Landing
from connectors.pull import pull
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = Path(sys.argv[1])
request = PullRequest("cursor", None, None, None, datetime(2026, 5, 20, tzinfo=UTC))
landing = Landing(folder / "landing")
try:
    pull(load_source(folder), folder, request, landing, secrets=lambda r: os.environ[r[4:]])
except Exception as error:
    print(type(error).__name__, error)
"""


# --- TLS


@pytest.fixture(scope="module")
def door(postgresql: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsDoor]:
    with tls_door(tmp_path_factory.mktemp("door"), postgresql.port) as one:
        yield one


def behind(door: TlsDoor, server: Postgresql, folder: Path, tls: str, **changed: str) -> Table:
    source = table(server, folder, tls=f'"{tls}"', port=str(door.port), **changed)
    source.execute(ONE)
    return source


@pytest.mark.parametrize("tls", ["prefer", "require"])
def test_an_encrypted_connection(
    postgresql: Postgresql, door: TlsDoor, tmp_path: Path, tls: str
) -> None:
    source = behind(door, postgresql, tmp_path, tls)
    assert source.ids(source.pull()) == [1]


def test_a_certificate_of_a_private_authority(
    postgresql: Postgresql, door: TlsDoor, tmp_path: Path
) -> None:
    source = behind(door, postgresql, tmp_path, "verify-full", ca_file='"partner ca.pem"')
    with pytest.raises(ConfigError, match=r"partner ca\.pem is missing"):
        source.pull()
    (source.folder / "partner ca.pem").write_bytes(door.ca_file.read_bytes())
    assert source.ids(source.pull()) == [1]


def test_a_certificate_for_another_name(
    postgresql: Postgresql, door: TlsDoor, tmp_path: Path
) -> None:
    source = behind(
        door, postgresql, tmp_path, "verify-full", ca_file='"ca.pem"', host='"localhost"'
    )
    (source.folder / "ca.pem").write_bytes(door.ca_file.read_bytes())
    fails(source, RefusedError, "no trusted encrypted connection")


def test_a_certificate_of_nobody_known(
    postgresql: Postgresql, door: TlsDoor, tmp_path: Path
) -> None:
    source = behind(door, postgresql, tmp_path, "verify-full")
    fails(source, RefusedError, "no trusted encrypted connection")
    assert source.waits == []


def test_a_server_without_encryption(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, tls='"require"')
    fails(source, RefusedError, "no trusted encrypted connection")
    open_one = table(postgresql, tmp_path, tls='"prefer"')
    open_one.execute(ONE)
    assert open_one.ids(open_one.pull()) == [1]
