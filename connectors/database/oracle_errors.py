"""What an Oracle error means, by its code; its text is not looked at.

ORA-…: Oracle, "Database Error Messages". DPY-…: the driver's own (python-oracledb, thin mode).
"""

from __future__ import annotations

from connectors.database import faults
from connectors.database.drivers import snapshot_lost
from connectors.database.settings import DatabaseReader
from schemas.errors import HefuError, RefusedError, Where
from schemas.text import Text

NO_TABLE = "ORA-00942"


def _ora(*numbers: int) -> frozenset[str]:
    return frozenset(f"ORA-{number:05d}" for number in numbers)


_PASSWORD = _ora(1005, 1017, 1045, 28000, 28001, 28002)
_UNKNOWN_SERVICE = _ora(12505, 12514) | {"DPY-6001", "DPY-6003"}
_UNREACHABLE = _ora(1033, 1034, 12170, 12541, 12545) | {"DPY-6000", "DPY-6005"}
_GONE = _ora(28, 1012, 1013, 1089, 1090, 1092, 2396, 3113, 3114, 3135, 12537) | {
    *("DPY-1001", "DPY-4010", "DPY-4011"),
}
_CROWDED = _ora(18, 20, 2391, 12516, 12519, 12520)
_TIMEOUT = _ora(40, 2393, 3136) | {"DPY-4024"}
_LOCKED = _ora(54, 2049, 4021, 30006)
_SNAPSHOT = _ora(1466, 1555, 8103, 8176, 22924)
_FORBIDDEN = _ora(942, 1031)
_READ_ONLY = _ora(1456, 16000)
_BAD_QUERY = _ora(
    *(900, 903, 904, 905, 907, 911, 918, 923, 933, 936, 942, 957, 998, 1747, 3048, 3049)
)
_TOO_OLD = "DPY-3010"
_NATIVE_ENCRYPTION = "DPY-3001"


def code_of(error: Exception) -> str:
    """``ORA-…`` or ``DPY-…``; empty if the driver's error carries none."""
    first = error.args[0] if error.args else None
    return str(getattr(first, "full_code", "") or "")


def oracle_fault(error: Exception, reader: DatabaseReader, address: str) -> HefuError:
    """Why connecting, a statement, or the reading of its rows failed."""
    code = code_of(error)
    if code in (_TOO_OLD, _NATIVE_ENCRYPTION):
        return _not_spoken(address, code)
    if code in _UNREACHABLE:
        return faults.unreachable(address, code)
    if code in _GONE:
        return faults.gone(address, code)
    if code in _PASSWORD:
        return faults.wrong_password(address, code)
    if code in _UNKNOWN_SERVICE:
        return faults.unknown_database(address, code)
    if code in _CROWDED:
        return faults.too_many_connections(address, code)
    return _statement_fault(code or type(error).__name__, reader, address)


def _statement_fault(code: str, reader: DatabaseReader, address: str) -> HefuError:
    if code in _TIMEOUT:
        return faults.statement_timeout(address, reader.statement_seconds, code)
    if code in _LOCKED:
        return faults.table_locked(address, reader.lock_seconds, code)
    if code in _SNAPSHOT:
        return snapshot_lost(address, code)
    if code in _READ_ONLY:
        return faults.not_read_only(address, code)
    if code in _BAD_QUERY and reader.query is not None:
        return faults.bad_query(address, code)
    if code in _FORBIDDEN:
        return faults.no_permission(address, reader.table or "query", code)
    return faults.server_error(address, code)


def _not_spoken(address: str, code: str) -> RefusedError:
    return RefusedError(
        Text(
            en=f"this Oracle server can't be read directly ({code})",
            zh=f"无法直接读取该 Oracle 服务器（{code}）",
        ),
        where=Where(address),
        hint=Text(
            en="it is older than 12.1, or demands Oracle's own network encryption; ask the "
            "operator for TLS (TCPS), or for an export to a folder",
            zh="服务器版本低于 12.1，或强制使用 Oracle 专有网络加密；请管理方启用 TLS（TCPS），"
            "或改为定期导出文件到文件夹",
        ),
    )
