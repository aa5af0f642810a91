"""What an error of SQL Server means, by its number; its text is not looked at.

Numbers: SQL Server, "Database Engine events and errors"; 20000 and above are the driver's
(FreeTDS' DB-Library).
"""

from __future__ import annotations

from connectors.database import faults
from connectors.database.drivers import snapshot_lost
from connectors.database.settings import DatabaseReader
from schemas.errors import ConfigError, HefuError, Where
from schemas.text import Text

_PASSWORD = frozenset({18450, 18452, 18456, 18461, 18470, 18486, 18487, 18488})
_UNREACHABLE = frozenset({20002, 20009, 20012, 20013, 20015})
_GONE = frozenset({596, 6005, 20003, 20004, 20006, 20017, 20047})
_CROWDED = frozenset({17809, 10928})
_TIMEOUT = frozenset({20003, 8649})
_LOCKED = frozenset({1222})
_SNAPSHOT = frozenset({601, 1205, 3951, 3958, 3960, 3961, 3966})
_FORBIDDEN = frozenset({229, 230, 262, 297, 300, 916})
_BAD_QUERY = frozenset({102, 105, 156, 170, 207, 208, 209, 319, 1033, 8155, 8156, 11529})
_READ_ONLY = frozenset({3906})
_UNKNOWN_DATABASE = frozenset({911, 4060, 4063})
FORBIDDEN = _FORBIDDEN


def code_of(error: Exception) -> int | None:
    """The number in a driver's error: ``(number, text)``, which it may wrap once more."""
    first = error.args[0] if error.args else None
    if isinstance(first, tuple) and first:
        first = first[0]
    return first if isinstance(first, int) else None


def connect_fault(error: Exception, reader: DatabaseReader, address: str) -> HefuError:
    """Why no connection came about."""
    number = code_of(error)
    if number in _UNREACHABLE or number in _GONE:
        return faults.unreachable(address, str(number))
    return statement_fault(error, reader, address)


def statement_fault(error: Exception, reader: DatabaseReader, address: str) -> HefuError:
    """Why a statement, or the reading of its rows, failed."""
    number = code_of(error)
    if number is None:
        return faults.server_error(address, type(error).__name__)
    code = str(number)
    if number in _PASSWORD:
        return faults.wrong_password(address, code)
    if number in _UNKNOWN_DATABASE:
        return faults.unknown_database(address, code)
    if number in _TIMEOUT:
        return faults.statement_timeout(address, reader.statement_seconds, code)
    if number in _GONE or number in _UNREACHABLE:
        return faults.gone(address, code)
    return _limit_fault(number, reader, address) or _query_fault(number, reader, address)


def _limit_fault(number: int, reader: DatabaseReader, address: str) -> HefuError | None:
    code = str(number)
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


def no_snapshots(address: str, database: str) -> ConfigError:
    """Without row versions a read sees rows twice, or not at all, when they are moved by it."""
    return ConfigError(
        Text(
            en="this database can't be read at one moment: it keeps no row versions",
            zh="该数据库未启用行版本，无法读取同一时刻的数据",
        ),
        where=Where(address),
        hint=Text(
            en=f"ask the operator for: ALTER DATABASE [{database}] "
            "SET ALLOW_SNAPSHOT_ISOLATION ON; it changes nothing for other programs",
            zh=f"请管理方执行：ALTER DATABASE [{database}] SET ALLOW_SNAPSHOT_ISOLATION ON；"
            "对其他程序没有影响",
        ),
    )


def cannot_verify(address: str, field: str) -> ConfigError:
    """The driver encrypts, but has no way to check a server's certificate per connection."""
    return ConfigError(
        Text(
            en="the certificate of an SQL Server can't be checked",
            zh="无法校验 SQL Server 的证书",
        ),
        where=Where(address, field=field),
        hint=Text(
            en='tls = "require" encrypts without checking it; on a network that is not trusted '
            "put a VPN before it",
            zh='tls = "require" 会加密但不校验证书；网络不可信时请使用 VPN',
        ),
    )
