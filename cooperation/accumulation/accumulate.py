"""The count: who exceeds what article 66 says, on a day, with the cases that it rests on.

Two steps, so that the cost follows those that may exceed it: a count by subject over all cases
that could count gives an upper bound; only who reaches the limit by it is looked at case by case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from cooperation.accumulation.acts import roots
from cooperation.accumulation.judging import (
    COLUMNS,
    KEY_COLUMN,
    act_sql,
    judged_sql,
    known_sql,
    moment_sql,
    possible_sql,
)
from cooperation.accumulation.law import (
    KINDS,
    AccumulationLaw,
    Base,
    Kind,
    Laws,
    WindowKind,
    years_before,
)
from cooperation.accumulation.model import Accumulations, Uncounted
from cooperation.accumulation.subjects import Subject, read_subjects
from schemas.rulepack import RulePack
from schemas.sql import ident

if TYPE_CHECKING:
    import duckdb

#: Pairs of record identifiers that are the same act, found among the rows of a relation.
SameAct = Callable[["duckdb.DuckDBPyConnection", str], Iterable[tuple[str, str]]]

_EMPTY_LICENCES = """
SELECT NULL::VARCHAR AS kind, NULL::VARCHAR AS key, NULL::VARCHAR AS operator_key,
  NULL::VARCHAR AS division, NULL::BOOLEAN AS is_goods, NULL::DATE AS first_issue_date,
  NULL::DATE AS valid_from, NULL::DATE AS valid_to, NULL::DATE AS ended_on WHERE FALSE
"""
#: So many operators without a known fleet are listed; all are counted.
FLEETS_UNKNOWN_LISTED = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked besides the day. ``near``: also who stands one below. ``subjects``: these
    alone, however few cases they have. ``decided_by``: decisions until that day are known, by
    default until the day of the count. ``licences``, ``same_act``: see :func:`accumulate`."""

    kinds: Sequence[Kind] = KINDS
    near: bool = False
    window: WindowKind | None = None
    licences: str | None = None
    same_act: SameAct | None = None
    subjects: Mapping[Kind, Sequence[str]] | None = None
    decided_by: date | None = None


def accumulate(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    packs: Iterable[RulePack] | None,
    division: str,
    as_of: date,
    base: Base | None = None,
    asked: Asked | None = None,
) -> Accumulations:
    """Vehicles and drivers with more than N illegal overloads, operators with more than the ratio
    of their goods vehicles overloaded, within the window that ends on ``as_of``.

    Args:
        relation: a table or view with the columns of view ``cases`` (docs/interfaces.md).
        packs: the rule packs; those of the place of registration decide, on the day ``as_of``.
        division: GB/T 2260 of the own agency, whose law holds where no registration is known.
        base: by which date cases count; without it as the packs say. Both counts are made.
        asked: ``licences`` names a relation (kind, key, operator_key, division, is_goods,
            first_issue_date, valid_from, valid_to, ended_on), one row per licence, kind as that of
            the subject; ``same_act`` finds pairs of records of one act.

    Temporary tables with names ``acc_…`` are made on the connection and dropped.
    Raises ``ConfigError`` if no rule is in force on the day.
    """
    question = asked or Asked()
    run = _Run(con, relation, Laws(packs, as_of, base, question.window), division, as_of, question)
    try:
        return run.all()
    finally:
        for table in ("cand", "row", "subject", "act", "judged", "fleet", "caught", "chosen"):
            con.execute(f"DROP TABLE IF EXISTS acc_{table}")
        con.execute("DROP VIEW IF EXISTS acc_licence")


@dataclass(slots=True)
class _Run:
    con: duckdb.DuckDBPyConnection
    relation: str
    laws: Laws
    division: str
    as_of: date
    asked: Asked
    fleet_unknown: int = 0
    _all_laws: Sequence[AccumulationLaw] = ()
    _known: Mapping[tuple[str, str], Subject] = field(default_factory=dict)

    def all(self) -> Accumulations:
        self._licences()
        possible = self._possible()
        self._candidates(possible)
        self._fleets("(SELECT key FROM acc_cand WHERE kind = 'transport_enterprise')")
        self._rows()
        self._subjects()
        self._acts()
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE acc_judged AS "
            + judged_sql(
                "acc_row", "acc_subject", "acc_act", self.as_of, self.asked.decided_by or self.as_of
            )
        )
        found = read_subjects(
            self.con, self._subject_of, self.as_of, self._wanted, self._coloured()
        )
        by_kind = {kind: tuple(a for a in found if a.kind == kind) for kind in KINDS}
        return Accumulations(
            as_of=self.as_of,
            vehicles=by_kind["vehicle"],
            drivers=by_kind["driver"],
            operators=by_kind["transport_enterprise"],
            fleet_unknown=self.fleet_unknown,
            uncounted=self._uncounted(possible),
        )

    def _coloured(self) -> frozenset[str]:
        """Vehicles whose plate has cases in another colour."""
        rows = self.con.execute(
            f"""
            WITH asked AS (SELECT key, split_part(key, '/', 1) AS plate FROM acc_cand
              WHERE kind = 'vehicle')
            SELECT DISTINCT asked.key FROM asked JOIN {ident(self.relation)} r
              ON r.vehicle_plate_no = asked.plate
            WHERE r.record_type = 'case_result' AND r.vehicle_key <> asked.key
            """
        ).fetchall()
        return frozenset(row[0] for row in rows)

    def _wanted(self, standing: str) -> bool:
        if self.asked.subjects is not None or standing == "exceeded":
            return True
        return self.asked.near and standing != "below"

    def _licences(self) -> None:
        given = self.asked.licences
        source = f"FROM {ident(given)}" if given else _EMPTY_LICENCES
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW acc_licence AS {source}")

    def _fleets(self, operators: str) -> None:
        """Table ``acc_fleet`` of some operators: goods vehicles, and such as may be none.

        A suspended vehicle is still the operator's: only what ended leaves the fleet.
        """
        day = f"DATE '{self.as_of}'"
        self.con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE acc_fleet AS
            SELECT operator_key AS key, count(*) FILTER (goods) AS goods,
              count(*) FILTER (NOT goods) AS unclear
            FROM (
              SELECT operator_key, key, bool_or(coalesce(is_goods, FALSE)) AS goods
              FROM acc_licence
              WHERE kind = 'vehicle' AND key IS NOT NULL
                AND operator_key IN (SELECT key FROM {operators})
                AND is_goods IS DISTINCT FROM FALSE
                AND (coalesce(valid_from, first_issue_date) IS NULL
                  OR coalesce(valid_from, first_issue_date) <= {day})
                AND (valid_to IS NULL OR valid_to >= {day})
                AND (ended_on IS NULL OR ended_on > {day})
              GROUP BY operator_key, key)
            GROUP BY operator_key
            """
        )

    def _possible(self) -> str:
        rows = self.con.execute(
            f"SELECT DISTINCT vehicle_registration_division FROM {ident(self.relation)} "
            "WHERE vehicle_registration_division IS NOT NULL "
            "UNION SELECT DISTINCT division FROM acc_licence WHERE division IS NOT NULL"
        ).fetchall()
        self._all_laws = [self.laws.of(d) for d in {self.division, *(row[0] for row in rows)}]
        return possible_sql(self._all_laws)

    def _candidates(self, possible: str) -> None:
        self.con.execute("CREATE OR REPLACE TEMP TABLE acc_cand (kind VARCHAR, key VARCHAR)")
        for kind in self.asked.kinds:
            if self.asked.subjects is not None:
                keys = sorted(set(self.asked.subjects.get(kind, ())))
                self.con.execute(
                    "INSERT INTO acc_cand SELECT ?, unnest(CAST(? AS VARCHAR[]))", [kind, keys]
                )
            elif kind == "transport_enterprise":
                self._operators(possible)
            else:
                self._times(kind, possible)

    def _times(self, kind: Kind, possible: str) -> None:
        least = min(int(law.limits[kind]) for law in self._all_laws)
        column = KEY_COLUMN[kind]
        self.con.execute(
            f"INSERT INTO acc_cand SELECT '{kind}', {column} FROM {ident(self.relation)} "
            f"WHERE {possible} AND {known_sql(column)} GROUP BY {column} "
            f"HAVING count(*) >= {least if self.asked.near else least + 1}"
        )

    def _operators(self, possible: str) -> None:
        """An operator whose fleet is unknown is none of the candidates but for the most notable."""
        ratio = min(law.limits["transport_enterprise"] for law in self._all_laws)
        number, of = ratio.as_integer_ratio()
        more = 1 if self.asked.near else 0
        self.con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE acc_caught AS
            SELECT key, count(*) AS vehicles FROM (
              SELECT DISTINCT operator_key AS key, vehicle_key FROM {ident(self.relation)}
              WHERE {possible} AND {known_sql("operator_key")} AND {known_sql("vehicle_key")})
            GROUP BY key
            """
        )
        self._fleets("acc_caught")
        self.con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE acc_chosen AS
            SELECT v.key, v.vehicles, f.goods FROM acc_caught v LEFT JOIN acc_fleet f USING (key)
            WHERE f.key IS NULL OR (v.vehicles + {more}) * {of} > f.goods * {number}
            """
        )
        counted = self.con.execute("SELECT count(*) FROM acc_chosen WHERE goods IS NULL").fetchone()
        self.fleet_unknown = counted[0] if counted else 0
        self.con.execute(
            "INSERT INTO acc_cand SELECT 'transport_enterprise', key FROM acc_chosen "
            "WHERE goods IS NOT NULL"
        )
        if self.asked.near:
            self.con.execute(
                "INSERT INTO acc_cand SELECT 'transport_enterprise', key FROM acc_chosen "
                "WHERE goods IS NULL AND vehicles > 1 ORDER BY vehicles DESC, key "
                f"LIMIT {FLEETS_UNKNOWN_LISTED}"
            )

    def _rows(self) -> None:
        columns = ", ".join(f"r.{column}" for column in COLUMNS)
        recent = "" if self.asked.subjects is not None else f" AND {self._recent()}"
        parts = (
            f"SELECT '{kind}' AS kind, r.{KEY_COLUMN[kind]} AS key, {columns} "
            f"FROM {ident(self.relation)} r WHERE r.record_type = 'case_result' "
            f"AND r.{KEY_COLUMN[kind]} IN (SELECT key FROM acc_cand WHERE kind = '{kind}'){recent}"
            for kind in self.asked.kinds
        )
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE acc_row AS {' UNION ALL BY NAME '.join(parts)}"
        )

    def _recent(self) -> str:
        """Of years gone by a list of many subjects tells one, who is asked for alone all."""
        first = years_before(min(law.earliest for law in self._all_laws), 1)
        return (
            f"(r.act_time >= {moment_sql(first)} OR r.decision_date >= DATE '{first}' "
            "OR (r.act_time IS NULL AND r.decision_date IS NULL))"
        )

    def _subjects(self) -> None:
        """Each candidate with its place, its law and its window."""
        import pyarrow as pa

        found = self.con.execute(
            """
            WITH seen AS (
              SELECT kind, key,
                arg_max(vehicle_registration_division, coalesce(act_time, filing_time))
                  FILTER (vehicle_registration_division IS NOT NULL) AS place
              FROM acc_row GROUP BY kind, key),
            issued AS (
              SELECT kind, key, arg_max(division, coalesce(valid_from, DATE '0001-01-01'))
                  FILTER (division IS NOT NULL) AS division,
                min(first_issue_date) AS first_issue_date
              FROM acc_licence SEMI JOIN acc_cand USING (kind, key) GROUP BY kind, key)
            , fleets AS (
              SELECT operator_key AS key, mode(division ORDER BY division) AS division
              FROM acc_licence WHERE kind = 'vehicle' AND operator_key IN (
                SELECT key FROM acc_cand WHERE kind = 'transport_enterprise')
              GROUP BY operator_key)
            SELECT c.kind, c.key, coalesce(l.division, CASE c.kind
              WHEN 'transport_enterprise' THEN f.division END), s.place, l.first_issue_date
            FROM acc_cand c LEFT JOIN seen s USING (kind, key) LEFT JOIN issued l USING (kind, key)
            LEFT JOIN fleets f ON f.key = c.key
            """
        ).fetchall()
        self._known = {
            (row[0], row[1]): Subject(
                licence_division=row[2],
                seen_division=row[3],
                law=(law := self.laws.of(row[2] or row[3] or self.division)),
                window=law.window(row[4]),
            )
            for row in found
        }
        laws = [s.law for s in self._known.values()]
        table = pa.table(
            {
                "kind": pa.array([k for k, _ in self._known], pa.string()),
                "key": pa.array([k for _, k in self._known], pa.string()),
                "start": pa.array([s.window.start for s in self._known.values()], pa.date32()),
                "causes": pa.array([list(x.causes) for x in laws], pa.list_(pa.string())),
                "warnings_count": pa.array([x.warnings_count for x in laws], pa.bool_()),
                "pending_count": pa.array([x.pending_count for x in laws], pa.bool_()),
            }
        )
        self.con.register("acc_arrow", table)
        self.con.execute("CREATE OR REPLACE TEMP TABLE acc_subject AS FROM acc_arrow")
        self.con.unregister("acc_arrow")

    def _subject_of(self, kind: Kind, key: str) -> Subject:
        return self._known[kind, key]

    def _acts(self) -> None:
        """What other means know to be one act, beyond what the agencies themselves say."""
        import pyarrow as pa

        pairs = list(self.asked.same_act(self.con, "acc_row")) if self.asked.same_act else []
        joined: dict[str, str] = {}
        if pairs:
            listed = sorted({record for pair in pairs for record in pair})
            named: defaultdict[str, list[str]] = defaultdict(list)
            for record, act in self.con.execute(
                f"SELECT DISTINCT record_id, {act_sql('r')} FROM acc_row r "
                "WHERE record_id IN (SELECT unnest(CAST(? AS VARCHAR[])))",
                [listed],
            ).fetchall():
                named[record].append(act)
            joined = roots((one, two) for a, b in pairs for one in named[a] for two in named[b])
        table = pa.table(
            {
                "act": pa.array(list(joined), pa.string()),
                "root": pa.array(list(joined.values()), pa.string()),
            }
        )
        self.con.register("acc_arrow", table)
        self.con.execute("CREATE OR REPLACE TEMP TABLE acc_act AS FROM acc_arrow")
        self.con.unregister("acc_arrow")

    def _uncounted(self, possible: str) -> tuple[Uncounted, ...]:
        unknown = [f"count(*) FILTER (NOT {known_sql(c)})" for c in KEY_COLUMN.values()]
        some = " OR ".join(f"NOT {known_sql(c)}" for c in KEY_COLUMN.values())
        rows = self.con.execute(
            f"SELECT source_org_code, {', '.join(unknown)} FROM {ident(self.relation)} "
            f"WHERE {possible} AND ({some}) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return tuple(Uncounted(*row) for row in rows)


def limit_text(limit: Decimal, *, is_ratio: bool) -> str:
    """``3`` or ``10 %``."""
    return f"{(limit * 100).normalize():f} %" if is_ratio else f"{limit.normalize():f}"
