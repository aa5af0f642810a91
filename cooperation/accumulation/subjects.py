"""From judged rows to accumulations: counts, standing, doubts, cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cooperation.accumulation.law import AccumulationLaw, Kind, Window
from cooperation.accumulation.model import Accumulation, CountedCase, Fleet, Standing

if TYPE_CHECKING:
    import duckdb

_OPERATOR = "transport_enterprise"
#: Values go from one query to the next in lists of so many.
_AT_ONCE = 5_000

Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """Where it belongs: by its licence, else by its cases; the law there and its window."""

    licence_division: str | None
    seen_division: str | None
    law: AccumulationLaw
    window: Window

    @property
    def division(self) -> str | None:
        return self.licence_division or self.seen_division


def standing_of_times(count: int, limit: Decimal) -> Standing:
    """More than 3 is the fourth."""
    if count > limit:
        return "exceeded"
    return "near" if count + 1 > limit else "below"


def standing_of_ratio(vehicles: int, fleet: Fleet | None, ratio: Decimal) -> Standing:
    """Exactly 10 % does not exceed 10 %: whole numbers are compared, no quotient.

    Whether some vehicles are goods vehicles may not be known: what holds for both numbers of the
    fleet holds, all else is unknown.
    """
    if fleet is None:
        return "fleet_unknown"
    number, of = ratio.as_integer_ratio()

    def over(some: int, fleet_vehicles: int) -> bool:
        return some * of > fleet_vehicles * number

    if over(vehicles, fleet.vehicles):
        return "exceeded"
    if fleet.unclear and over(vehicles, fleet.vehicles - fleet.unclear):
        return "fleet_unknown"
    return "near" if vehicles and over(vehicles + 1, fleet.vehicles) else "below"


def read_subjects(
    con: duckdb.DuckDBPyConnection,
    subject_of: Callable[[Kind, str], Subject],
    as_of: date,
    wanted: Callable[[str], bool],
    coloured: frozenset[str] = frozenset(),
) -> list[Accumulation]:
    """The accumulations out of ``acc_judged``, whose standing is wanted, highest count first.

    ``coloured``: vehicles whose plate has cases in another colour.
    """
    fleets = {
        key: Fleet(goods + unclear, unclear, as_of)
        for key, goods, unclear in con.execute(
            "SELECT key, goods, unclear FROM acc_fleet"
        ).fetchall()
    }
    counted: list[tuple[Key, Accumulation]] = []
    for kind, key, *counts in _counts(con):
        subject = subject_of(kind, key)
        fleet = fleets.get(key) if kind == _OPERATOR else None
        made = _accumulation(kind, key, subject, fleet, counts)
        if kind == "vehicle" and key in coloured:
            made = replace(made, doubts=(*made.doubts, "several_colours"))
        if wanted(made.standing) or (wanted(made.other_standing) and made.other_standing == "near"):
            counted.append(((kind, key), made))
    return _with_cases(con, counted)


def _counts(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    def of(base: str) -> str:
        counts = f"j.record_id IS NOT NULL AND {base} IS NULL"
        return (
            f"CASE WHEN c.kind = '{_OPERATOR}' "
            f"THEN count(DISTINCT j.vehicle_key) FILTER ({counts}) "
            f"ELSE count(*) FILTER ({counts}) END"
        )

    return con.execute(
        f"""
        SELECT c.kind, c.key, {of("j.violation")}, {of("j.decision")},
          count(DISTINCT j.operator_key), count(DISTINCT j.vehicle_registration_division)
        FROM acc_subject c LEFT JOIN acc_judged j USING (kind, key)
        GROUP BY c.kind, c.key
        """
    ).fetchall()


def _accumulation(
    kind: Kind, key: str, subject: Subject, fleet: Fleet | None, counts: list[int]
) -> Accumulation:
    by_violation, by_decision, operators, places = counts
    law = subject.law
    limit = law.limits[kind]

    def standing(count: int) -> Standing:
        if kind == _OPERATOR:
            return standing_of_ratio(count, fleet, limit)
        return standing_of_times(count, limit)

    first, second = by_violation, by_decision
    if law.base == "decision":
        first, second = second, first
    grave = (
        kind == _OPERATOR
        and law.revocation_ratio is not None
        and standing_of_ratio(first, fleet, law.revocation_ratio) == "exceeded"
    )
    return Accumulation(
        kind=kind,
        key=key,
        division=subject.division,
        law=law,
        window=subject.window,
        by_violation=by_violation,
        by_decision=by_decision,
        standing=standing(first),
        other_standing=standing(second),
        fleet=fleet,
        grave=grave,
        doubts=_doubts(kind, subject, fleet, first, operators, places),
    )


def _doubts(
    kind: Kind, subject: Subject, fleet: Fleet | None, count: int, operators: int, places: int
) -> tuple[str, ...]:
    licensed = subject.licence_division is not None
    tests = {
        "several_operators": kind == "vehicle" and operators > 1,
        "registration_unknown": subject.division is None,
        "registration_differs": kind == "vehicle" and not licensed and places > 1,
        "office_by_vehicle": kind != "vehicle" and not licensed and subject.division is not None,
        "fleet_class_unknown": fleet is not None and fleet.unclear > 0,
        "more_than_fleet": fleet is not None and count > fleet.vehicles,
    }
    return tuple(name for name, holds in tests.items() if holds)


def _with_cases(
    con: duckdb.DuckDBPyConnection, counted: list[tuple[Key, Accumulation]]
) -> list[Accumulation]:
    cases = _cases(con, [key for key, _ in counted])
    made = [replace(a, cases=tuple(cases[key])) for key, a in counted]
    return sorted(made, key=lambda a: (-a.count, a.key))


def _cases(con: duckdb.DuckDBPyConnection, keys: list[Key]) -> defaultdict[Key, list[CountedCase]]:
    found: defaultdict[Key, list[CountedCase]] = defaultdict(list)
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        rows = con.execute(
            """
            SELECT kind, key, record_id, source_org_code, no, act_time, decision_date, cause,
              vehicle_key, act, accumulation_reason, violation, decision
            FROM acc_judged SEMI JOIN (
              SELECT unnest(CAST(? AS VARCHAR[])) AS kind, unnest(CAST(? AS VARCHAR[])) AS key)
              USING (kind, key)
            ORDER BY kind, key, act_time NULLS LAST, source_org_code, record_id
            """,
            [[kind for kind, _ in some], [key for _, key in some]],
        ).fetchall()
        for kind, key, *values in rows:
            found[kind, key].append(CountedCase(*values))
    return found
