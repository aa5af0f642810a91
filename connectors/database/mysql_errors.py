"""What an error of MySQL's protocol means, by its number; its text is not looked at.

Numbers: MySQL manual, "Server Error Message Reference"; MariaDB, "Error Codes". 2000 to 2999
are the client's own.
"""

from __future__ import annotations

import socket
import ssl

from connectors.database import faults
from connectors.database.drivers import snapshot_lost
from connectors.database.settings import DatabaseReader
from schemas.errors import HefuError, RefusedError, Where
from schemas.text import Text

_PASSWORD = frozenset({1045, 1130, 1698, 1820, 1862, 3118, 4151})
_UNREACHABLE = frozenset({2002, 2003, 2005})
_GONE = frozenset({1053, 1152, 1158, 1159, 1160, 1161, 1317, 1927, 2006, 2013, 2055, 4031})
_CROWDED = frozenset({1040, 1203, 1226})
_TIMEOUT = frozenset({1969, 3024, 4012})
_LOCKED = frozenset({1205, 3572})
_FORBIDDEN = frozenset({1142, 1143, 1227, 1356, 1370})
_UNKNOWN_DATABASE = frozenset({1044, 1049})
_SNAPSHOT = frozenset({1213, 1412, 8028})
_TLS = frozenset({2026, 3159})
_READ_ONLY = frozenset({1290, 1792, 1836})
_UNKNOWN_SETTING = frozenset({1064, 1193, 1231, 1232})
NO_TABLE = 1146
_BAD_QUERY = frozenset({1054, 1060, 1064, 1146, 1166, 1235, 1241, 1248, 1305})


def code_of(error: Exception) -> int | None:
    """The number that a driver's error carries."""
    given = error.args[0] if error.args else None
    return given if isinstance(given, int) else None


def connect_fault(error: Exception, reader: DatabaseReader, address: str) -> HefuError:
    """Why no connection came about."""
    number = code_of(error)
    cause = getattr(error, "original_exception", error)
    if number in _TLS or isinstance(cause, ssl.SSLError):
        return faults.tls_failed(address, reader.tls)
    if isinstance(cause, socket.gaierror):
        return faults.unreachable(address, "DNS")
    if number in _UNREACHABLE or number in _GONE:
        return faults.unreachable(address, str(number))
    return statement_fault(error, reader, address)


def statement_fault(error: Exception, reader: DatabaseReader, address: str) -> HefuError:
    """Why a statement, or the reading of its rows, failed."""
    number = code_of(error)
    if number is None:
        return faults.server_error(address, type(error).__name__)
    code = str(number)
    if number in _GONE or number in _UNREACHABLE or number == 0:
        return faults.gone(address, code)  # 0: the driver's word for a connection that is closed
    if number in _PASSWORD:
        return faults.wrong_password(address, code)
    if number in _UNKNOWN_DATABASE:
        return _no_database(address, code)
    if number in _TLS:
        return faults.tls_failed(address, reader.tls)
    return _limit_fault(number, reader, address) or _query_fault(number, reader, address)


def _no_database(address: str, code: str) -> RefusedError:
    """MySQL says the same of both to an account that may not see which databases there are."""
    return RefusedError(
        Text(
            en=f"there is no such database, or the account may not use it ({code})",
            zh=f"没有该数据库，或该账号无权使用（{code}）",
        ),
        where=Where(address, field="reader.database"),
        hint=Text(
            en="check reader.database, and ask the operator to grant SELECT on it",
            zh="请检查 reader.database，并请管理方将该库的 SELECT 权限授予该账号",
        ),
    )


def _limit_fault(number: int, reader: DatabaseReader, address: str) -> HefuError | None:
    code = str(number)
    if number in _TIMEOUT:
        return faults.statement_timeout(address, reader.statement_seconds, code)
    if number in _LOCKED:
        return faults.table_locked(address, reader.lock_seconds, code)
    if number in _CROWDED:
        return faults.too_many_connections(address, code)
    return snapshot_lost(address, code) if number in _SNAPSHOT else None


def _query_fault(number: int, reader: DatabaseReader, address: str) -> HefuError:
    code = str(number)
    if number in _FORBIDDEN:
        return faults.no_permission(address, reader.table or "query", code)
    if number in _READ_ONLY:
        return faults.not_read_only(address, code)
    if number in _BAD_QUERY and reader.query is not None:
        return faults.bad_query(address, code)
    return faults.server_error(address, code)


def is_unknown_setting(error: Exception) -> bool:
    return code_of(error) in _UNKNOWN_SETTING
