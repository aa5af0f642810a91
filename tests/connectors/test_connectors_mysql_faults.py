"""Each fault on a real server: the right retry or none, a clear message, nothing half taken."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pymysql
import pytest
from connectors_mysql_world import Table, table
from servers.mariadb import PASSWORD, USER, MariaDb, mariadb, running

from connectors.config import load_source
from connectors.database.faults import ConnectionLostError, TookTooLongError
from schemas.errors import ConfigError, HefuError, OutsideError, RefusedError

__all__ = ["mariadb"]

ONE = "CREATE TABLE {s}.cases AS SELECT 1 AS id, TIMESTAMP'2026-05-01 00:00:00' AS updated_at"
PERSON = "invented-person-999999"
# More than the driver and the sockets between can hold.
LARGE = "query = \"SELECT seq AS id, REPEAT('x', 4000) AS word FROM seq_1_to_20000\"\n"
LARGE += "rows_per_object = 1000\n"


def said(error: HefuError) -> str:
    """All that a person sees of an error; never a secret nor a value of a row."""
    assert error.__cause__ is None
    assert error.__context__ is None  # a driver's error may quote both
    text = f"{error} {error.as_dict()!r}"
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


def test_nobody_listens(mariadb: MariaDb, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        source = table(mariadb, tmp_path, port=str(port))
        error = fails(source, ConnectionLostError, "the database can't be reached (2003)")
    assert f"mysql://127.0.0.1:{port}/{source.database}" in str(error)
    assert source.waits == [0.5, 1.0, 2.0]


def test_no_such_name(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, host='"front.invalid"', retries="0")
    fails(source, ConnectionLostError, "the database can't be reached (DNS)")


def test_somebody_listens_and_says_nothing(mariadb: MariaDb, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        source = table(mariadb, tmp_path, port=port, connect_seconds="0.5", retries="0")
        fails(source, ConnectionLostError, "the database can't be reached (2013)")


def test_something_else_listens(mariadb: MariaDb, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:

        def answer() -> None:
            connection, _ = web.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 40)

        port = str(web.getsockname()[1])
        source = table(mariadb, tmp_path, port=port, connect_seconds="2", retries="0")
        thread = Thread(target=answer)
        thread.start()
        with pytest.raises(OutsideError) as caught:
            source.pull()
        thread.join()
    assert "mysql://127.0.0.1" in said(caught.value)


def test_wrong_password_is_tried_once(mariadb: MariaDb, tmp_path: Path) -> None:
    """Trying again would lock the account."""
    source = table(mariadb, tmp_path, user='"somebody"')
    before = _refused(mariadb)
    fails(source, RefusedError, "the database refuses user or password (1045)")
    assert source.waits == []
    assert _refused(mariadb) == before + 1


def _refused(server: MariaDb) -> int:
    ((_, value),) = server.execute("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")
    return int(value)


def test_no_password(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path)
    text = (source.folder / "source.toml").read_text().replace("password =", "# ")
    (source.folder / "source.toml").write_text(text)
    source.config = load_source(source.folder)
    fails(source, RefusedError, "the database refuses user or password")


def test_no_such_database(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, database='"fornt"')
    fails(source, RefusedError, "there is no such database, or the account may not use it (1044)")


def test_no_such_table(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, 'table = "case"\n')
    source.execute(ONE)
    error = fails(source, ConfigError, "there is no table or view case")
    assert error.hint is not None
    assert error.hint.en == "did you mean cases?"


def test_no_right_to_a_table(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, 'table = "mysql.global_priv"\n')
    fails(source, RefusedError, "the account may not read mysql.global_priv (1142)")
    assert source.waits == []


def test_no_right_to_a_column(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, rest="")
    source.execute(
        ONE,
        f"REVOKE ALL ON {{s}}.* FROM {USER}@'127.0.0.1'",
        f"GRANT SELECT (id) ON {{s}}.cases TO {USER}@'127.0.0.1'",
    )
    fails(source, RefusedError, "the account may not read cases")
    some = 'query = "SELECT id FROM cases"\n'
    text = (source.folder / "source.toml").read_text().replace('table = "cases"\n', some)
    (source.folder / "source.toml").write_text(text)
    source.config = load_source(source.folder)
    assert source.ids(source.pull()) == [1]


def test_a_locked_table(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, lock_seconds="1")
    source.execute(ONE)
    with closing(mariadb.connect(source.database)) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLES cases WRITE")
        fails(source, TookTooLongError, "the table stayed locked for 1 seconds (1205)")
        cursor.execute("UNLOCK TABLES")
    assert source.ids(source.pull()) == [1]
    assert source.waits == []


def test_a_statement_that_takes_too_long(mariadb: MariaDb, tmp_path: Path) -> None:
    query = 'query = "SELECT id, SLEEP(30) AS s FROM cases"\n'
    source = table(mariadb, tmp_path, query, rest="", statement_seconds="0.2")
    source.execute(ONE)
    fails(source, TookTooLongError, "a statement took longer than 0.2 seconds (1969)")
    assert source.waits == []


def test_time_out_while_rows_come(mariadb: MariaDb, tmp_path: Path) -> None:
    """Part of the rows are here already: none of them is taken."""
    query = 'query = "SELECT seq AS id, IF(seq > 19000, SLEEP(1), 0) AS s FROM seq_1_to_20000"\n'
    source = table(mariadb, tmp_path, query, rest="", statement_seconds="0.5", count="false")
    fails(source, TookTooLongError, "a statement took longer than 0.5 seconds (1969)")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM cases FOR UPDATE", "would change the database (1792)"),
        ("SELECT 1 AS id; DROP TABLE cases", "can't run this query (1064)"),
        ("SELECT 1 AS id) x; DROP TABLE cases; -- ", "can't run this query (1064)"),
        ("DELETE FROM cases RETURNING id", "can't run this query (1064)"),
        ("SELECT nobody FROM cases", "can't run this query (1054)"),
        ("SELECT id FROM nowhere", "can't run this query (1146)"),
        ("SELECT 1 AS id, 2 AS id", "can't run this query (1060)"),
        (f"SELECT {PERSON} AS id", "can't run this query (1054)"),
    ],
)
def test_a_query_that_is_none(mariadb: MariaDb, tmp_path: Path, query: str, words: str) -> None:
    source = table(mariadb, tmp_path, f'query = "{query}"\n', rest="")
    source.execute(ONE, f"GRANT ALL ON {{s}}.* TO {USER}@'127.0.0.1'")
    fails(source, ConfigError, words)
    assert source.execute("SELECT count(*) FROM {s}.cases") == [(1,)]


def test_a_value_that_the_server_quotes_is_not_told(mariadb: MariaDb, tmp_path: Path) -> None:
    query = 'query = "SELECT EXTRACTVALUE(word, word) AS id FROM cases"\n'
    source = table(mariadb, tmp_path, query, rest="")
    source.execute(f"CREATE TABLE {{s}}.cases AS SELECT '{PERSON}(' AS word")
    with pytest.raises(HefuError) as caught:
        source.pull()
    said(caught.value)


def test_too_many_connections(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path)
    account = f"{USER}@'127.0.0.1'"
    source.execute(ONE, f"ALTER USER {account} WITH MAX_USER_CONNECTIONS 1")
    only = pymysql.connect(
        host=mariadb.host,
        port=mariadb.port,
        user=USER,
        password=PASSWORD.encode(),
        ssl_disabled=True,
    )
    with closing(only):
        fails(source, ConnectionLostError, "takes no more connections (1226)")
    source.execute(f"ALTER USER {account} WITH MAX_USER_CONNECTIONS 0")
    assert len(source.waits) == 3


# --- the connection is lost while rows come


def test_a_connection_that_is_ended_while_it_is_read(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, LARGE, rest="")
    killed: list[int] = []

    def kill(done: int, _total: int | None) -> None:
        if done == 2 and not killed:
            killed.append(mariadb.kill_connections())

    delivery = source.pull(landed=kill)
    assert killed == [1]
    assert source.waits == [0.5]
    assert source.ids(delivery) == list(range(1, 20001))
    assert len(delivery.objects) == 20


def test_a_connection_that_is_ended_again_and_again(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, LARGE, rest="", retries="1")
    landed: list[int] = []

    def kill(done: int, _total: int | None) -> None:
        landed.append(done)
        if done == 1:
            mariadb.kill_connections()

    with pytest.raises(ConnectionLostError) as caught:
        source.pull(landed=kill)
    assert "the database ended the connection" in said(caught.value)
    assert source.waits == [0.5]
    assert max(landed) < 20


def test_a_query_that_an_operator_ends(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, LARGE, rest="", retries="0")

    def end(done: int, _total: int | None) -> None:
        if done == 1:
            (number,) = mariadb.connections()
            mariadb.execute(f"KILL QUERY {number}")

    with pytest.raises(ConnectionLostError) as caught:
        source.pull(landed=end)
    assert "the database ended the connection (1317)" in said(caught.value)


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_a_server_that_restarts_while_it_is_read(
    mariadb: MariaDb, tmp_path: Path, how: str
) -> None:
    """It is down when it is asked again, and back by the time of the second wait."""
    source = table(mariadb, tmp_path, LARGE, rest="")
    down: list[bool] = []

    def stop(done: int, _total: int | None) -> None:
        if done == 2 and not down:
            down.append(True)
            getattr(mariadb, how)()

    def wait(seconds: float) -> None:
        source.waits.append(seconds)
        if len(source.waits) == 2:
            mariadb.start()

    delivery = source.pull(landed=stop, sleep=wait)
    assert source.waits == [0.5, 1.0]
    assert source.ids(delivery) == list(range(1, 20001))


def test_a_read_that_is_left_in_the_middle(mariadb: MariaDb, tmp_path: Path) -> None:
    """As when a person stops it: the rest is not waited for, and nothing is left open here."""
    source = table(mariadb, tmp_path, LARGE, rest="")

    def stop(done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        source.pull(landed=stop)
    assert len(source.ids(source.pull())) == 20000


# --- TLS


def with_tls(server: MariaDb, folder: Path, tls: str, **changed: str) -> Table:
    source = table(server, folder, tls=f'"{tls}"', **changed)
    source.execute(ONE)
    return source


@pytest.mark.parametrize("tls", ["prefer", "require"])
def test_an_encrypted_connection(mariadb: MariaDb, tmp_path: Path, tls: str) -> None:
    source = with_tls(mariadb, tmp_path, tls)
    account = f"{USER}@'127.0.0.1'"
    source.execute(f"ALTER USER {account} REQUIRE SSL")
    try:
        assert source.ids(source.pull()) == [1]
        plain = with_tls(mariadb, tmp_path / "plain", "disable")
        fails(plain, RefusedError, "the database refuses user or password (1045)")
    finally:
        source.execute(f"ALTER USER {account} REQUIRE NONE")


@pytest.mark.parametrize("tls", ["prefer", "require", "verify-full"])
def test_a_certificate_of_a_private_authority(mariadb: MariaDb, tmp_path: Path, tls: str) -> None:
    source = with_tls(mariadb, tmp_path, tls, ca_file='"partner ca.pem"')
    fails(source, ConfigError, "ca_file can't be read")
    shutil.copy(mariadb.ca_file, source.folder / "partner ca.pem")
    assert source.ids(source.pull()) == [1]


def test_a_certificate_for_another_name(mariadb: MariaDb, tmp_path: Path) -> None:
    source = with_tls(mariadb, tmp_path, "verify-full", ca_file='"ca.pem"', host='"localhost"')
    shutil.copy(mariadb.ca_file, source.folder / "ca.pem")
    fails(source, RefusedError, "no trusted encrypted connection")


def test_a_certificate_of_nobody_known(mariadb: MariaDb, tmp_path: Path) -> None:
    source = with_tls(mariadb, tmp_path, "verify-full")
    fails(source, RefusedError, "no trusted encrypted connection")
    assert source.waits == []


@pytest.fixture(scope="module")
def without_tls(mariadb: MariaDb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    with running(tmp_path_factory.mktemp("plain"), tls=False) as server:
        yield server


@pytest.mark.parametrize("tls", ["require", "verify-full"])
def test_a_server_without_tls_is_not_told_the_password(
    without_tls: MariaDb, tmp_path: Path, tls: str
) -> None:
    source = with_tls(without_tls, tmp_path, tls)
    error = fails(source, RefusedError, "no trusted encrypted connection")
    assert 'tls = "disable"' in str(error.hint)


@pytest.mark.parametrize("tls", ["disable", "prefer"])
def test_a_server_without_tls(without_tls: MariaDb, tmp_path: Path, tls: str) -> None:
    source = with_tls(without_tls, tmp_path, tls)
    assert source.ids(source.pull()) == [1]
