"""What SQL Server is asked about itself: its clock, snapshots, transactions, tables, columns."""

from __future__ import annotations

from connectors.database.sqlserver_dialect import literal

CLOCK = "SELECT CONVERT(varchar(27), SYSUTCDATETIME(), 121)"

SNAPSHOTS = (
    "SELECT snapshot_isolation_state, CAST(is_read_committed_snapshot_on AS int) "
    "FROM sys.databases WHERE database_id = DB_ID()"
)
"""Whether a transaction, and whether a statement, can read one moment without locks."""

OLDEST = (
    "SELECT CONVERT(varchar(27), DATEADD(second, DATEDIFF(second, GETDATE(), GETUTCDATE()), "
    "MIN(a.transaction_begin_time)), 121) FROM sys.dm_tran_active_transactions AS a "
    "JOIN sys.dm_tran_database_transactions AS d ON d.transaction_id = a.transaction_id "
    "WHERE d.database_id = DB_ID() AND d.database_transaction_log_record_count > 0"
)
"""``transaction_begin_time`` is in the time of the server's machine. Needs VIEW SERVER STATE."""

# An alias is shown as the type that it stands for; 240 are the types of the CLR (geometry …).
_TYPE = """COALESCE(t.name, 'other') + CASE
    WHEN t.name IN ('decimal', 'numeric') THEN CONCAT('(', c.precision, ',', c.scale, ')')
    WHEN t.name IN ('datetime2', 'datetimeoffset', 'time') THEN CONCAT('(', c.scale, ')')
    ELSE '' END"""
_KEY = """CASE WHEN EXISTS (
    SELECT 1 FROM sys.indexes AS i JOIN sys.index_columns AS k
      ON k.object_id = i.object_id AND k.index_id = i.index_id
    WHERE i.is_primary_key = 1 AND k.object_id = c.object_id AND k.column_id = c.column_id)
    THEN '1' ELSE '0' END"""
_COLUMNS = f"""c.name, {_TYPE}, CAST(c.is_nullable AS int), CONVERT(nvarchar(4000), p.value), {_KEY}
FROM sys.columns AS c
LEFT JOIN sys.types AS t ON t.user_type_id
    = CASE c.system_type_id WHEN 240 THEN c.user_type_id ELSE c.system_type_id END
LEFT JOIN sys.extended_properties AS p ON p.class = 1 AND p.name = 'MS_Description'
    AND p.major_id = c.object_id AND p.minor_id = c.column_id"""

TABLES = f"""SELECT s.name, o.name, CASE WHEN s.name = SCHEMA_NAME() THEN 1 ELSE 0 END,
    CONVERT(nvarchar(4000), q.value),
    (SELECT SUM(r.rows) FROM sys.partitions AS r
     WHERE r.object_id = o.object_id AND r.index_id IN (0, 1)),
    {_COLUMNS}
JOIN sys.objects AS o ON o.object_id = c.object_id
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
LEFT JOIN sys.extended_properties AS q ON q.class = 1 AND q.name = 'MS_Description'
    AND q.major_id = o.object_id AND q.minor_id = 0
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0
ORDER BY 3 DESC, s.name, o.name, c.column_id"""


def table_query(relation: str) -> str:
    """Name, type, nullable, comment and whether in the key, of each column of one table."""
    return (
        f"SELECT {_COLUMNS}\nWHERE c.object_id = OBJECT_ID({literal(relation)})\n"
        "ORDER BY c.column_id"
    )


def query_columns(query: str) -> str:
    """Name, type, nullable of each column of a SELECT, without running it."""
    return (
        "SELECT name, system_type_name, CAST(is_nullable AS int) "
        f"FROM sys.dm_exec_describe_first_result_set({literal(query)}, NULL, 0) "
        "WHERE is_hidden = 0 ORDER BY column_ordinal"
    )
