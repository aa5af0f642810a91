"""Bringing the case index up to date from the lake: what is new becomes one more part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cooperation.referral.leads import lead_number_sql
from flows.case_index import Wanted, create_view, live_sql, pair_keys
from flows.case_parts import File, Manifest, Part, finished, new_name
from flows.case_rows import COLUMNS, KEYS, RECORD_TYPES, rows_sql
from flows.subject_key import subject_key
from flows.workspace import workspace
from hefu.node import Node
from lake import delta
from lake.store import Lake
from schemas.identities.tokens import set_token_key, token_sql
from schemas.sql import literal

if TYPE_CHECKING:
    import duckdb
    from deltalake import DeltaTable

#: A part is merged with the new one while it has at most so many times its rows: every row is then
#: written a number of times that grows with the logarithm of all rows, and parts stay few.
_GROWTH = 4
#: A part is written anew when more than this share of its rows no longer counts.
_WORN = 0.25
_ROW_GROUP = 61_440
HASHES = (
    "hash(no) AS _no_hash, hash(vehicle_key) AS _vehicle_hash, hash(party_key) AS _party_hash, "
    "hash(driver_key) AS _driver_hash, hash(source_org_code, record_id) AS _record_hash"
)
# Where the time of the act is not known, the nearest that is: rows of one time lie together.
_ABOUT_TIME = (
    "coalesce(act_time, filing_time, CAST(decision_date AS TIMESTAMPTZ), source_updated_time) "
    "AS about_time"
)


class _FilesGoneError(Exception):
    """Files of a table were taken away: rows may have been erased, so nothing old counts."""


def refresh(node: Node, folder: Path, before: Manifest | None, wanted: Wanted) -> Manifest:
    """The manifest of an index that has all that the lake has. ``before``: what is there and can
    be used; None: nothing. Its files are on the disk; making it count is the caller's."""
    try:
        return _refresh(node, folder, before or _empty(wanted), wanted)
    except _FilesGoneError:
        return _refresh(node, folder, _empty(wanted), wanted)


def _empty(wanted: Wanted) -> Manifest:
    return Manifest(wanted.layout, wanted.keys, dict.fromkeys(RECORD_TYPES), None)


def _refresh(node: Node, folder: Path, before: Manifest, wanted: Wanted) -> Manifest:
    with workspace(node) as (con, _):
        # As in wanted_of: the ledger first. It may have grown since; then what it grew by is read
        # twice, now and when it is next asked for.
        lake = Lake(node.place("lake"))
        entries = lake.ledger.entries()
        bundles = frozenset(entry.bundle_id for entry in entries)
        taken = {e.publisher: e.received_time.isoformat() for e in reversed(entries)}
        versions = {name: lake.version(name) for name in RECORD_TYPES}
        waiting: dict[str, tuple[int | None, tuple[str, ...]]] = {}
        attached = []
        for name, until in versions.items():
            if until is None:
                continue
            since, waits = _since(con, lake, name, before, until, bundles)
            if waits[1]:
                waiting[name] = waits
            if since == until:
                continue
            between = None if since is None else (since, until)
            lake.attach(con, name, at_version=until, between=between)
            attached.append(name)
        after = replace(
            before, versions=versions, ledger=wanted.ledger, waiting=waiting, taken=taken
        )
        if not attached:
            return after
        _load(con, attached, node.agency.code)
        return _Writer(con, folder, after, node.agency.code).write(
            subject_key(node), pair_keys(node)
        )


def _since(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    name: str,
    before: Manifest,
    until: int,
    bundles: frozenset[str],
) -> tuple[int | None, tuple[int | None, tuple[str, ...]]]:
    """From which version on the table has to be read, and which bundles still wait for the ledger.

    Rows of a bundle are in the table before the ledger names it; if they were there already when
    the index was last brought up to date, they are read from where they came.
    """
    since = before.versions.get(name)
    began, unseen = before.waiting.get(name, (since, ()))
    new = _files(lake, name, until)
    old = _files(lake, name, since) if since is not None else set()
    if old - new:
        raise _FilesGoneError
    came = (
        _bundles_in(con, sorted(new - old)) if since is not None else _bundles_in(con, sorted(new))
    )
    waits = tuple(sorted({*unseen, *came} - bundles))
    start = began if any(one in bundles for one in unseen) else since
    return start, (began if waits else until, waits)


def _files(lake: Lake, name: str, version: int) -> set[str]:
    table: DeltaTable | None = delta.open_table(
        f"{lake.root}/{name}", lake.storage_options, version
    )
    return set() if table is None else set(table.file_uris())


def _bundles_in(con: duckdb.DuckDBPyConnection, files: Sequence[str]) -> set[str]:
    if not files:
        return set()
    paths = ", ".join(literal(path.removeprefix("file://")) for path in files)
    rows = con.execute(
        f"SELECT DISTINCT _bundle_id FROM (SELECT * FROM read_parquet([{paths}], "
        "union_by_name = true) UNION ALL BY NAME SELECT NULL::VARCHAR AS _bundle_id WHERE false) "
        "WHERE _bundle_id IS NOT NULL"
    ).fetchall()
    return {row[0] for row in rows}


def _load(con: duckdb.DuckDBPyConnection, record_types: Sequence[str], own_org: str) -> None:
    """Table ``fresh``: the rows of what is new, still with numbers and partners' tokens."""
    rows = " UNION ALL ".join(rows_sql(name, own_org) for name in record_types)
    con.execute(f"CREATE TEMP TABLE fresh AS {rows}")


class _Writer:
    """One refresh: ``fresh`` becomes files beside those of ``before``."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, folder: Path, before: Manifest, own_org: str
    ):
        self.con, self.folder, self.before, self.own_org = con, folder, before, own_org

    def write(self, own_key: bytes, partners: Mapping[str, bytes]) -> Manifest:
        create_view(self.con, self.folder, self.before, "indexed")
        self._keep_what_is_no_copy()
        self._name_persons(own_key, partners)
        self._key_rows()
        self._key_late_rows()
        counts = self._counts()
        parts = self._mark_gone()
        names = self._write_names()
        return replace(self.before, parts=self._merge(parts), names=names, counts=counts)

    def _keep_what_is_no_copy(self) -> None:
        """``copy_of`` of partners' leads stays where the record is here: else the lead is all that
        is known of the act. A count of cases is no act, so what was made of one is always a copy.

        Where a partner does not grant of what a lead was made, its number still says so: it
        follows from the record (cooperation.referral.leads.lead_number).
        """
        self.con.execute(
            "CREATE TEMP TABLE untold AS SELECT source_org_code AS org, record_id, no, act_time "
            "FROM fresh WHERE NOT is_own AND copy_of IS NULL AND made_of = 'untold'"
        )
        self.con.execute(
            "CREATE TEMP TABLE leads_copied AS SELECT source_org_code AS org, record_id, copy_of, "
            "hash(source_org_code, copy_of) AS _origin_hash FROM fresh "
            "WHERE NOT is_own AND copy_of IS NOT NULL "
            "AND made_of IS DISTINCT FROM 'accumulation_snapshot'"
        )
        if self._rows_of("untold"):
            self._find_origins()
        if not self._rows_of("leads_copied"):
            return
        self.con.execute(
            "UPDATE fresh SET copy_of = l.copy_of FROM (SELECT org, record_id, CASE WHEN "
            "_origin_hash IN (SELECT hash(source_org_code, record_id) FROM fresh) OR _origin_hash "
            "IN (SELECT _record_hash FROM indexed SEMI JOIN leads_copied "
            "ON _record_hash = _origin_hash) THEN copy_of END AS copy_of FROM leads_copied) AS l "
            "WHERE fresh.source_org_code = l.org AND fresh.record_id = l.record_id"
        )

    def _find_origins(self) -> None:
        number = lead_number_sql("u.org", "r.record_id", literal(self.own_org))
        records = " UNION ALL ".join(
            f"SELECT source_org_code, record_id, act_time FROM {one} "
            f"WHERE record_type <> 'lead' AND NOT is_own AND act_time IN "
            "(SELECT act_time FROM untold)"
            for one in ("fresh", "indexed")
        )
        self.con.execute(
            "INSERT INTO leads_copied SELECT u.org, u.record_id, r.record_id, "
            f"hash(u.org, r.record_id) FROM untold AS u JOIN ({records}) AS r "
            f"ON r.source_org_code = u.org AND r.act_time = u.act_time WHERE u.no = {number}"
        )

    def _name_persons(self, own_key: bytes, partners: Mapping[str, bytes]) -> None:
        """``persons`` (kind, number, own) and ``learnt`` (token, own): a partner's token for each
        person that was not known before."""
        asked = " UNION ".join(
            f"SELECT {key}_kind AS kind, {key}_number AS number FROM fresh "
            f"WHERE {key}_kind IS NOT NULL"
            for key in ("party", "driver", "operator")
        )
        set_token_key(self.con, own_key)
        self.con.execute(
            f"CREATE TEMP TABLE persons AS SELECT *, {token_sql('kind', 'number')} AS own "
            f"FROM ({asked})"
        )
        self.con.execute("CREATE TEMP TABLE learnt (token VARCHAR, own VARCHAR)")
        for key in partners.values():
            set_token_key(self.con, key)
            self.con.execute(
                f"INSERT INTO learnt SELECT DISTINCT {token_sql('kind', 'number')} AS token, own "
                "FROM persons WHERE own IS NOT NULL"
            )
        known = self._names_sql()
        self.con.execute(
            f"DELETE FROM learnt WHERE token IN (SELECT k.token FROM {known} AS k "
            "SEMI JOIN learnt AS l ON k._token_hash = hash(l.token))"
        )
        self.con.execute(
            f"CREATE TEMP VIEW named AS SELECT token, own, _token_hash FROM {known} "
            "UNION ALL SELECT token, own, hash(token) FROM learnt"
        )

    def _names_sql(self) -> str:
        files = ", ".join(literal(str(self.folder / one.name)) for one in self.before.names)
        if not files:
            return (
                "(SELECT NULL::VARCHAR AS token, NULL::VARCHAR AS own, "
                "NULL::UBIGINT AS _token_hash WHERE false)"
            )
        return f"read_parquet([{files}])"

    def _key_rows(self) -> None:
        """Table ``keyed``: rows as they are stored."""
        joins, keys = [], []
        for key in ("party", "driver", "operator"):
            joins.append(
                f"LEFT JOIN persons AS {key}_p ON {key}_p.kind = {key}_kind "
                f"AND {key}_p.number = {key}_number "
                f"LEFT JOIN named AS {key}_n ON {key}_n._token_hash = hash({key}_token) "
                f"AND {key}_n.token = {key}_token"
            )
            keys.append(f"coalesce({key}_p.own, {key}_n.own, {key}_token) AS {key}_key")
        columns = ", ".join(COLUMNS)
        self.con.execute(
            f"CREATE TEMP TABLE keyed AS SELECT *, {HASHES}, {_ABOUT_TIME} FROM "
            f"(SELECT {columns}, {', '.join(keys)} FROM fresh {' '.join(joins)})"
        )

    def _key_late_rows(self) -> None:
        """Rows that were indexed before their person was known here get the own key now."""
        if not self.before.parts or not self.con.execute("SELECT 1 FROM learnt LIMIT 1").fetchone():
            return
        keys = [*COLUMNS, *KEYS]
        found = ", ".join(
            f"coalesce({name[0]}.own, late.{name}) AS {name}"
            if name in KEYS[:2]
            else f"late.{name}"
            for name in keys
        )
        self.con.execute(
            f"INSERT INTO keyed SELECT *, {HASHES}, {_ABOUT_TIME} FROM (SELECT {found} FROM "
            "(SELECT * FROM indexed WHERE _party_hash IN (SELECT hash(token) FROM learnt) "
            "OR _driver_hash IN (SELECT hash(token) FROM learnt)) AS late "
            "LEFT JOIN learnt AS p ON p.token = late.party_key "
            "LEFT JOIN learnt AS d ON d.token = late.driver_key "
            "WHERE NOT EXISTS (FROM keyed WHERE keyed._record_hash = late._record_hash))"
        )

    def _counts(self) -> dict[str, int]:
        """Rows that count, by agency, after this refresh."""
        rows = self.con.execute(
            "SELECT source_org_code, count(*) FROM keyed ANTI JOIN "
            "(SELECT i._record_hash FROM indexed AS i SEMI JOIN keyed USING (_record_hash)) "
            "USING (_record_hash) GROUP BY ALL"
        ).fetchall()
        counts = dict(self.before.counts)
        for org, number in rows:
            counts[org] = counts.get(org, 0) + number
        return counts

    def _mark_gone(self) -> list[Part]:
        """The older parts, without the rows that ``keyed`` has anew."""
        return [self._without_replaced(part) for part in self.before.parts]

    def _without_replaced(self, part: Part) -> Part:
        alone = live_sql(self.folder, replace(self.before, parts=(part,)))
        listed = alone.replace("* EXCLUDE (file_row_number)", "file_row_number AS row_no")
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE replaced AS {listed} "
            "WHERE _record_hash IN (SELECT _record_hash FROM keyed)"
        )
        rows = self._rows_of("replaced")
        if not rows:
            return part
        return Part(
            part.file, (*part.gone, self._copy("gone", "SELECT row_no FROM replaced", rows))
        )

    def _write_names(self) -> tuple[File, ...]:
        rows = self._rows_of("learnt")
        if not rows:
            return self.before.names
        kept, source, total = list(self.before.names), ["SELECT * FROM learnt"], rows
        while kept and kept[-1].rows <= _GROWTH * total:
            last = kept.pop()
            total += last.rows
            source.append(f"SELECT token, own FROM read_parquet({self._path(last)})")
        union = " UNION ALL ".join(source)
        sql = f"SELECT token, own, hash(token) AS _token_hash FROM ({union}) ORDER BY _token_hash"
        return (*kept, self._copy("names", sql, total))

    def _merge(self, parts: list[Part]) -> tuple[Part, ...]:
        """The parts, with ``keyed`` and those that are small beside it as one."""
        sources, rows = ["SELECT * FROM keyed"], self._rows_of("keyed")
        kept = [p for p in parts if p.live >= (1 - _WORN) * p.file.rows]
        worn = [p for p in parts if p not in kept]
        while kept and kept[-1].live <= _GROWTH * (rows + sum(p.live for p in worn)):
            worn.append(kept.pop())
        for part in worn:
            sources.append(live_sql(self.folder, replace(self.before, parts=(part,))))
            rows += part.live
        if not rows:
            return tuple(kept)
        sql = f"{' UNION ALL BY NAME '.join(sources)} ORDER BY about_time"
        written = Part(self._copy("part", sql, rows))
        return tuple(sorted([*kept, written], key=lambda p: -p.live))

    def _copy(self, kind: str, sql: str, rows: int) -> File:
        name = new_name(kind)
        self.con.execute(
            f"COPY ({sql}) TO {literal(str(self.folder / name))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
        )
        return finished(self.folder, name, rows)

    def _rows_of(self, table: str) -> int:
        found = self.con.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(found[0]) if found else 0

    def _path(self, file: File) -> str:
        return literal(str(self.folder / file.name))
