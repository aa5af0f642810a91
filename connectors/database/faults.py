"""What goes wrong with a database, in the same words whatever its protocol.

A driver's text is never passed on: it may quote a row, a key or the connection string. What
it was is told by the protocol's own code (SQLSTATE, ORA-…, the number of an error).
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.contract import did_you_mean
from schemas.errors import ConfigError, OutsideError, RefusedError, RetryableError, Where
from schemas.text import Text


class ConnectionLostError(RetryableError):
    """The server could not be reached, or went away: a pull begins anew by itself."""


class TookTooLongError(RetryableError):
    """The server stopped a statement: worth another run, not another try at once."""


def unreachable(address: str, code: str = "") -> ConnectionLostError:
    """Refused, no route, no answer in time, or no such name."""
    return ConnectionLostError(
        Text(
            en=f"the database can't be reached{_code(code)}",
            zh=f"无法连接数据库{_code(code)}",
        ),
        where=Where(address),
        hint=Text(
            en="check host and port, the network and whether the server is running",
            zh="请检查 host 与 port、网络，以及数据库服务是否在运行",
        ),
    )


def gone(address: str, code: str = "") -> ConnectionLostError:
    """The connection ended in the middle: shut down, restarted, ended by an operator."""
    return ConnectionLostError(
        Text(
            en=f"the database ended the connection{_code(code)}",
            zh=f"数据库中断了连接{_code(code)}",
        ),
        where=Where(address),
        hint=Text(
            en="nothing of this read is used; the next run reads it again",
            zh="本次读取的内容不会采用；下次运行会重新读取",
        ),
    )


def too_many_connections(address: str, code: str = "") -> ConnectionLostError:
    return ConnectionLostError(
        Text(
            en=f"the database takes no more connections{_code(code)}",
            zh=f"数据库连接数已满{_code(code)}",
        ),
        where=Where(address),
        hint=Text(
            en="ask its operator for the account's connection limit, or run at another hour",
            zh="请向数据库管理方确认该账号的连接数限制，或改在其他时段运行",
        ),
    )


def wrong_password(address: str, code: str = "") -> RefusedError:
    return RefusedError(
        Text(
            en=f"the database refuses user or password{_code(code)}",
            zh=f"数据库拒绝该用户名或密码{_code(code)}",
        ),
        where=Where(address),
        hint=Text(
            en="check user and password, and with the operator from which addresses it may log in",
            zh="请检查 user 与 password，并向管理方确认该账号允许登录的地址",
        ),
    )


def unknown_database(address: str, code: str = "") -> RefusedError:
    return RefusedError(
        Text(
            en=f"the server has no such database{_code(code)}",
            zh=f"服务器上没有该数据库{_code(code)}",
        ),
        where=Where(address, field="reader.database"),
        hint=Text(en="check reader.database", zh="请检查 reader.database"),
    )


def tls_failed(address: str, tls: str) -> RefusedError:
    """No TLS at the server, or a certificate that is not trusted."""
    return RefusedError(
        Text(
            en=f'no trusted encrypted connection could be made (tls = "{tls}")',
            zh=f'无法建立可信的加密连接（tls = "{tls}"）',
        ),
        where=Where(address, field="reader.tls"),
        hint=Text(
            en="give the authority's certificate as ca_file with verify-full; a server without "
            'TLS on a closed network needs tls = "disable"',
            zh="verify-full 请用 ca_file 指定签发机构证书；专网内未启用 TLS 的服务器"
            '请写 tls = "disable"',
        ),
    )


def no_permission(address: str, what: str, code: str = "") -> RefusedError:
    """``what``: the table or query as the settings name it."""
    return RefusedError(
        Text(
            en=f"the account may not read {what}{_code(code)}",
            zh=f"该账号无权读取 {what}{_code(code)}",
        ),
        where=Where(address),
        hint=Text(
            en="ask the operator to grant SELECT on it to the account",
            zh="请管理方将该对象的 SELECT 权限授予该账号",
        ),
    )


def unknown_table(address: str, table: str, known: Iterable[str]) -> ConfigError:
    """``known``: tables that the account can read, written as the settings would."""
    names = list(known)
    return ConfigError(
        Text(
            en=f"there is no table or view {table}, or the account can't see it",
            zh=f"没有表或视图 {table}，或该账号不可见",
        ),
        where=Where(address, field="reader.table"),
        hint=did_you_mean(table, names)
        or Text(
            en=f"it can see: {_listed(names)}",
            zh=f"可见的有：{_listed(names, '、')}",
        ),
    )


def unknown_column(address: str, column: str, field: str, known: Iterable[str]) -> ConfigError:
    """``field``: the key of ``source.toml`` that names ``column``."""
    names = list(known)
    return ConfigError(
        Text(
            en=f"the table or query has no column {column!r}",
            zh=f"表或查询中没有列 {column!r}",
        ),
        where=Where(address, field=field),
        hint=did_you_mean(column, names)
        or Text(en=f"columns here: {_listed(names)}", zh=f"现有列：{_listed(names, '、')}"),
    )


def bad_query(address: str, code: str = "") -> ConfigError:
    return ConfigError(
        Text(
            en=f"the database can't run this query{_code(code)}",
            zh=f"数据库无法执行该查询{_code(code)}",
        ),
        where=Where(address, field="reader.query"),
        hint=Text(
            en="it must be one SELECT without a semicolon, with a name for every column; "
            "try it with the database's own client",
            zh="须为一条 SELECT，不带分号，且每列都有名称；请先用数据库自带的客户端试运行",
        ),
    )


def not_read_only(address: str, code: str = "") -> ConfigError:
    return ConfigError(
        Text(
            en=f"this query would change the database{_code(code)}",
            zh=f"该查询会修改数据库{_code(code)}",
        ),
        where=Where(address, field="reader.query"),
        hint=Text(
            en="sources are only read; leave out functions that write, and FOR UPDATE",
            zh="对来源只读不写；请去掉会写入的函数和 FOR UPDATE",
        ),
    )


def statement_timeout(address: str, seconds: float, code: str = "") -> TookTooLongError:
    return TookTooLongError(
        Text(
            en=f"a statement took longer than {seconds:g} seconds{_code(code)}",
            zh=f"一条语句的执行超过 {seconds:g} 秒{_code(code)}",
        ),
        where=Where(address, field="reader.statement_seconds"),
        hint=Text(
            en="ask for an index on the cursor column, read in partitions, "
            "or raise statement_seconds",
            zh="请管理方为游标列建索引，或分区读取，或调大 statement_seconds",
        ),
    )


def table_locked(address: str, seconds: float, code: str = "") -> TookTooLongError:
    return TookTooLongError(
        Text(
            en=f"the table stayed locked for {seconds:g} seconds{_code(code)}",
            zh=f"数据表被锁定超过 {seconds:g} 秒{_code(code)}",
        ),
        where=Where(address, field="reader.lock_seconds"),
        hint=Text(
            en="somebody is altering it; try later, or ask the operator when",
            zh="有人正在修改该表；请稍后再试，或向管理方询问合适的时段",
        ),
    )


def server_error(address: str, code: str) -> OutsideError:
    """What the server said and nothing above fits; its code is for the operator."""
    return RefusedError(
        Text(
            en=f"the database could not answer{_code(code)}",
            zh=f"数据库未能应答{_code(code)}",
        ),
        where=Where(address),
        hint=Text(
            en="look the code up in the database's manual, or tell it to the operator",
            zh="请在数据库手册中查阅该代码，或告知管理方",
        ),
    )


def missing_driver(kind: str, module: str) -> ConfigError:
    return ConfigError(
        Text(
            en=f"reading {kind} needs the pipeline ({module} is not installed)",
            zh=f"读取 {kind} 需要完整节点组件（未安装 {module}）",
        ),
        hint=Text(en="install hefu[node]", zh="请安装 hefu[node]"),
    )


def _code(code: str) -> str:
    return f" ({code})" if code else ""


def _listed(names: list[str], separator: str = ", ") -> str:
    shown = separator.join(names[:20])
    return f"{shown} …" if len(names) > 20 else shown or "-"
