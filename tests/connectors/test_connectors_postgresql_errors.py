"""Words of libpq and of servers that speak Chinese; a real server is in the tests of faults."""

from __future__ import annotations

import pytest

from connectors.config import SourceConfig
from connectors.database.faults import ConnectionLostError
from connectors.database.postgresql_errors import not_connected, translated
from connectors.reader_config import DatabaseReader
from schemas.errors import HefuError, RefusedError

ADDRESS = "postgresql://10.0.8.21:5432/front"
BEFORE = '连接到"10.0.8.21"上的服务器，端口5432失败：'


@pytest.fixture
def reader() -> DatabaseReader:
    source = SourceConfig.model_validate(
        {
            "system": "front",
            "stream": "cases",
            "record_type": "case_result",
            "reader": {
                "kind": "postgresql",
                "host": "10.0.8.21",
                "database": "front",
                "user": "hefu",
                "table": "cases",
            },
        }
    )
    assert isinstance(source.reader, DatabaseReader)
    return source.reader


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ('致命错误:  用户 "hefu" Password 认证失败', RefusedError, "user or password"),
        ('致命错误:  数据库 "fornt" 不存在', RefusedError, "no such database"),
        ("致命错误:  数据库系统正在启动", ConnectionLostError, "ended the connection"),
        ("致命错误:  数据库系统正在关闭", ConnectionLostError, "ended the connection"),
        ("致命错误:  对不起, 已经有太多的客户", ConnectionLostError, "no more connections"),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.8.99", user "hefu", SSL encryption',
            RefusedError,
            "user or password",
        ),
        ("FATAL:  the database system is starting up", ConnectionLostError, "ended the"),
        ("FATAL:  remaining connection slots are reserved", ConnectionLostError, "no more conn"),
        ("certificate verify failed", RefusedError, "no trusted encrypted connection"),
        ("No route to host", ConnectionLostError, "can't be reached"),
        ("something that nobody has seen yet", ConnectionLostError, "can't be reached"),
    ],
)
def test_failures_to_connect(
    reader: DatabaseReader, words: str, kind: type[HefuError], said: str
) -> None:
    error = not_connected(Exception(BEFORE + words), ADDRESS, reader)
    assert type(error) is kind
    assert said in str(error)
    assert "10.0.8.99" not in str(error)


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("57P01", ConnectionLostError, "ended the connection (57P01)"),
        ("08006", ConnectionLostError, "ended the connection (08006)"),
        ("40001", ConnectionLostError, "ended the connection (40001)"),
        ("53200", ConnectionLostError, "could not answer (53200)"),
        ("53300", ConnectionLostError, "no more connections (53300)"),
        ("XX001", RefusedError, "could not answer (XX001)"),
        ("42P01", RefusedError, "could not answer (42P01)"),
        ("", ConnectionLostError, "ended the connection"),
    ],
)
def test_failures_of_a_statement(
    reader: DatabaseReader, code: str, kind: type[HefuError], said: str
) -> None:
    words = f"ERROR: what the server says. SQLSTATE: {code}" if code else "server closed"
    error = translated(OSError(words), ADDRESS, reader)
    assert type(error) is kind
    assert said in str(error)
    assert "what the server says" not in str(error)
