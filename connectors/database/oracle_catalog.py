"""What Oracle is asked about itself: its clock, open transactions, tables and columns."""

from __future__ import annotations

from connectors.database.oracle_dialect import literal

_UTC = "'YYYY-MM-DD HH24:MI:SS.FF6'"

CLOCK = f"SELECT TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), {_UTC}) FROM dual"

OLDEST = (
    "SELECT TO_CHAR(SYS_EXTRACT_UTC(FROM_TZ(CAST(MIN(start_date) AS TIMESTAMP), "
    f"TO_CHAR(SYSTIMESTAMP, 'TZH:TZM'))), {_UTC}) FROM gv$transaction"
)
"""``start_date`` is in the time of the server's machine, as SYSTIMESTAMP is."""

_SYSTEM = (
    "'SYS', 'SYSTEM', 'XDB', 'MDSYS', 'CTXSYS', 'ORDSYS', 'ORDDATA', 'ORDPLUGINS', 'OLAPSYS', "
    "'WMSYS', 'DBSNMP', 'OUTLN', 'LBACSYS', 'DVSYS', 'DVF', 'GSMADMIN_INTERNAL', 'APPQOSSYS', "
    "'AUDSYS', 'EXFSYS', 'OJVMSYS', 'SI_INFORMTN_SCHEMA', 'SYSMAN', 'DBSFWUSER'"
)
_KEY = """CASE WHEN EXISTS (
    SELECT 1 FROM all_constraints k
    JOIN all_cons_columns m ON m.owner = k.owner AND m.constraint_name = k.constraint_name
    WHERE k.constraint_type = 'P' AND k.owner = c.owner AND k.table_name = c.table_name
      AND m.column_name = c.column_name) THEN '1' ELSE '0' END"""
_COMMENTS = """LEFT JOIN all_col_comments d
    ON d.owner = c.owner AND d.table_name = c.table_name AND d.column_name = c.column_name"""

TABLES = f"""SELECT c.owner, c.table_name, t.comments, n.num_rows,
    c.column_name, c.data_type, d.comments, {_KEY}
FROM all_tab_columns c
{_COMMENTS}
LEFT JOIN all_tab_comments t ON t.owner = c.owner AND t.table_name = c.table_name
LEFT JOIN all_tables n ON n.owner = c.owner AND n.table_name = c.table_name
WHERE c.owner NOT IN ({_SYSTEM})
ORDER BY c.owner, c.table_name, c.column_id"""


def table_query(schema: str | None, table: str) -> str:
    """Name, comment and whether it is in the key, of each column of one table."""
    owner = literal(schema) if schema else "SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')"
    return f"""SELECT c.column_name, d.comments, {_KEY}
FROM all_tab_columns c
{_COMMENTS}
WHERE c.owner = {owner} AND c.table_name = {literal(table)}"""
