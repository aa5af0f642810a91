"""Acts by hand, for tests of the fold and of clocks; organisations and numbers are invented."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.fold import Matter
from cooperation.procedures.table import START, Procedure, Row

CST = timezone(timedelta(hours=8))
A, B, C = "11999900HEFUCOOPA1", "11999901HEFUCOOPB2", "11999902HEFUCOOPC3"
STRANGER, POLICE = "11999903HEFUCOOPD4", "11999904HEFUCOOPE5"
KEY = MatterKey(A, "XX-999900-0000000001")
T0 = datetime(2026, 3, 4, 10, tzinfo=CST)
_numbers: Iterator[int] = count(1)


def act(code: str, sequence: int, by: str = A, **given: Any) -> Act:
    """One act; recorded by who did it unless ``source_org`` says otherwise."""
    values: dict[str, Any] = {
        "record_id": f"{next(_numbers):032x}",
        "source_org": by,
        "procedure": "referral",
        "matter": KEY,
        "act_time": T0 + timedelta(hours=sequence if sequence < 1000 else 0),
        "party_orgs": (A, B),
    } | given
    return Act(code=code, sequence=sequence, acting_org=by, **values)


def sent(sequence: int = 1, **given: Any) -> Act:
    return act("send", sequence, to_org=B, subject_record_ids=("0" * 32,), **given)


def gist(matter: Matter) -> tuple[object, ...]:
    """All of a matter that two nodes must agree on."""
    return (
        matter.state_name,
        matter.since,
        dict(matter.orgs),
        [a.act.record_id for a in matter.applied],
        [(o.act.record_id, o.reason) for o in matter.overtaken],
        matter.last,
    )


def way_to(table: Procedure, state: str) -> list[Row]:
    """The shortest sequence of rows that leads to a state."""
    ways: dict[str, list[Row]] = {START: []}
    while state not in ways:
        for row in table.rows:
            for before in row.from_states:
                if before in ways and row.to not in ways:
                    ways[row.to] = [*ways[before], row]
    return ways[state]


def walk(table: Procedure, rows: list[Row], times: list[datetime] | None = None) -> list[Act]:
    """Acts that take these rows one after the other, each by the first role that may."""
    orgs = {"origin": A}
    bodies = {role.name: POLICE if role.outside else B for role in table.roles} | orgs
    made: list[Act] = []
    for number, row in enumerate(rows, start=1):
        role = row.by[0]
        who = orgs.setdefault(role, bodies[role])
        to = bodies[row.addresses] if row.addresses else None
        if row.addresses and to:
            orgs[row.addresses] = to
        source = A if table.role(role).outside else who
        when = times[number - 1] if times else T0 + timedelta(hours=number)
        made.append(
            act(row.act, number, who, source_org=source, to_org=to, procedure=table.name,
                act_time=when)
        )  # fmt: skip
    return made
