"""What libpq and the server say, to our own errors, by SQLSTATE and never by quoting them.

Only a failure to connect has no SQLSTATE here; what it was is told from its words, in English
or Chinese, and the words are then thrown away.
"""

from __future__ import annotations

import re

from connectors.database import faults
from connectors.database.settings import DatabaseReader
from schemas.errors import HefuError, Where

_SQLSTATE = re.compile(r"SQLSTATE: ([0-9A-Z]{5})")
_GONE = ("08", "57P", "40")
_ROOM = "53"


def translated(error: Exception, address: str, reader: DatabaseReader) -> HefuError:
    """An error of a statement."""
    code = sqlstate(error)
    if not code or code.startswith(_GONE):
        return faults.gone(address, code)
    known = _by_code(code, address, reader)
    if known is not None:
        return known
    if code.startswith(_ROOM):
        return faults.ConnectionLostError(
            faults.server_error(address, code).message, where=Where(address)
        )
    if code.startswith(("42", "22", "0A")) and reader.query is not None:
        return faults.bad_query(address, code)
    return faults.server_error(address, code)


def _by_code(code: str, address: str, reader: DatabaseReader) -> HefuError | None:
    what = reader.table or "query"
    if code == "57014":
        return faults.statement_timeout(address, reader.statement_seconds, code)
    if code == "55P03":
        return faults.table_locked(address, reader.lock_seconds, code)
    if code == "42501":
        return faults.no_permission(address, what, code)
    if code == "25006":
        return faults.not_read_only(address, code)
    if code == "53300":
        return faults.too_many_connections(address, code)
    return None


def sqlstate(error: Exception) -> str:
    """The five characters, empty if the server had no time to say them."""
    told = getattr(error, "sqlstate", None)
    if told and told != "00000":
        return str(told)
    found = _SQLSTATE.search(str(error))
    return found.group(1) if found else ""


_TLS = ("ssl", "certificate", "tls")
_NETWORK = (
    "could not translate host name",
    "connection refused",
    "timeout expired",
    "timed out",
    "no route to host",
    "unreachable",
    "connection reset",
    "server closed the connection",
)
_NOT_NOW = ("starting up", "shutting down", "recovery", "正在启动", "正在关闭", "恢复")
_FULL = ("too many", "connection slots", "太多", "连接槽")
_NO_DATABASE = re.compile(r'database ".*" does not exist|数据库.*不存在')
_ANSWERED = ("FATAL", "致命错误", "password", "authentication", "pg_hba.conf")


def not_connected(error: Exception, address: str, reader: DatabaseReader) -> HefuError:
    """An error of connecting."""
    words = str(error)
    low = words.lower()
    if any(w in low for w in _NETWORK):
        return faults.unreachable(address)
    if any(w in low for w in _TLS) and "pg_hba" not in low:
        return faults.tls_failed(address, reader.tls)
    if any(w in low for w in _NOT_NOW):
        return faults.gone(address)
    if any(w in low for w in _FULL):
        return faults.too_many_connections(address)
    if _NO_DATABASE.search(words):
        return faults.unknown_database(address)
    if any(w in words for w in _ANSWERED):
        return faults.wrong_password(address)
    return faults.unreachable(address)
