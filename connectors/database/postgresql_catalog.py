"""What a PostgreSQL server tells of itself: its clock, its open transactions, its tables.

Every value comes as text, in a form that no setting of the server changes. Only catalogs that
old relatives of PostgreSQL have, too.
"""

CLOCK = """
SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
       pg_is_in_recovery()::text,
       EXISTS (
         SELECT 1 FROM pg_catalog.pg_roles r
         WHERE (r.rolname = current_user AND r.rolsuper)
            OR (r.rolname = 'pg_read_all_stats' AND pg_has_role(current_user, r.oid, 'USAGE'))
       )::text
"""
"""The server's clock (UTC), whether it is a standby, whether others' transactions are visible."""

OLDEST = """
SELECT to_char(least(
         (SELECT min(a.xact_start) FROM pg_catalog.pg_stat_activity a
          WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
            AND a.usename IS NOT NULL
            AND NOT (a.application_name = 'hefu' AND a.usename = current_user)),
         (SELECT min(p.prepared) - interval '1 day' FROM pg_catalog.pg_prepared_xacts p
          WHERE p.database = current_database())
       ) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
"""
"""When the oldest transaction of others began (UTC), NULL if none is open or can be seen.

One that has only read so far counts: what it writes later carries the time of its beginning.
Of a prepared one, the server only tells when it was prepared; a day before is ample.
"""

_COLUMN_FACTS = """
       EXISTS (SELECT 1 FROM pg_catalog.pg_index i
               WHERE i.indrelid = c.oid AND i.indisprimary
                 AND a.attnum = ANY (i.indkey))::text"""

_COLUMNS_OF = """
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p')"""

COLUMNS = f"""
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
       coalesce(b.typname, t.typname)::text, pg_catalog.col_description(c.oid, a.attnum),
       {_COLUMN_FACTS}, a.attnotnull::text
{_COLUMNS_OF} AND c.relname = {{table}} AND {{where}}
ORDER BY a.attnum
"""
"""Columns of one table: name, type, name of the base type, comment, in the key, NOT NULL."""

TABLES = f"""
SELECT n.nspname::text, c.relname::text, pg_catalog.obj_description(c.oid, 'pg_class'),
       CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm', 'p')
            THEN c.reltuples::bigint::text END,
       a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
       pg_catalog.col_description(c.oid, a.attnum), {_COLUMN_FACTS}
{_COLUMNS_OF} AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
ORDER BY 1, 2, a.attnum
"""
"""Columns of all readable tables: schema, table, comment, rows (estimate), column, type,
comment, in the key."""
