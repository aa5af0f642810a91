"""The state of a matter, computed from its acts.

The result depends on the set of acts alone, not on their order of arrival: whoever has the same
records sees the same state. Acts are taken in the order of their ``sequence``, which says what each
answers to; what was done by two agencies side by side is taken by the rank of its row, then by
organisation and record. An act that does not fit is kept and told, never applied and never lost.
What needs a rule pack (how many officers, which head) is not judged here but before an act is made
(:mod:`cooperation.procedures.guards`): two nodes may hold different packs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.table import START, Procedure, Row, State, procedure, procedures
from schemas.contract import load_contract
from schemas.text import Text

ORIGIN = "origin"
RECORD_TYPE = "procedure_act"
#: Where an act's field has another name in the contract.
_FIELD = {"materials": "material_kinds"}


@dataclass(frozen=True, slots=True)
class Applied:
    """An act and the row by which it changed the state."""

    act: Act
    row: Row


@dataclass(frozen=True, slots=True)
class Overtaken:
    """An act that did not fit the state that the matter was in, and why."""

    act: Act
    reason: Text


@dataclass(frozen=True, slots=True)
class Matter:
    """``orgs``: who plays which role now. ``last`` is the sequence of the newest act, also of one
    that was overtaken."""

    key: MatterKey
    table: Procedure
    state_name: str
    since: datetime | None
    orgs: Mapping[str, str]
    applied: tuple[Applied, ...] = ()
    overtaken: tuple[Overtaken, ...] = ()
    last: int = 0

    @property
    def state(self) -> State:
        return self.table.state(self.state_name)

    @property
    def is_open(self) -> bool:
        return self.state_name == START or self.state.phase == "open"

    @property
    def opening(self) -> Act:
        return self.applied[0].act

    @property
    def latest(self) -> Act:
        return self.applied[-1].act

    @property
    def party_orgs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.orgs.values()))

    def roles_of(self, org: str) -> tuple[str, ...]:
        return tuple(role for role, code in self.orgs.items() if code == org)

    def possible(self) -> tuple[Row, ...]:
        return self.table.possible(self.state_name)

    def last_of(self, act: str) -> Act | None:
        """The newest applied act of that code."""
        return next((a.act for a in reversed(self.applied) if a.act.code == act), None)


@dataclass(slots=True)
class _Folding:
    key: MatterKey
    table: Procedure
    state: str = START
    since: datetime | None = None
    orgs: dict[str, str] = field(default_factory=dict)
    applied: list[Applied] = field(default_factory=list)
    overtaken: list[Overtaken] = field(default_factory=list)

    def take(self, act: Act) -> None:
        refusal = refused(self.table, self.state, self.orgs, act)
        row = self.table.row(self.state, act.code)
        if refusal is not None or row is None:
            self.overtaken.append(Overtaken(act, refusal or not_possible(self.table, self.state)))
            return
        self.state, self.since = row.to, act.act_time
        if row.addresses and act.to_org:
            self.orgs[row.addresses] = act.to_org
        self.applied.append(Applied(act, row))


def fold(key: MatterKey, name: str, acts: Iterable[Act]) -> Matter:
    """The matter that these acts make. Acts of one record are one act."""
    folding = _Folding(key, procedure(name), orgs={ORIGIN: key.org})
    unique = {act.record_id: act for act in acts}
    ordered = sorted(unique.values(), key=lambda act: _order(folding.table, act))
    folding.state = _entrance(folding.table, ordered)
    for act in ordered:
        folding.take(act)
    return Matter(
        key=key,
        table=folding.table,
        state_name=folding.state,
        since=folding.since,
        orgs=dict(folding.orgs),
        applied=tuple(folding.applied),
        overtaken=tuple(folding.overtaken),
        last=max((act.sequence for act in unique.values()), default=0),
    )


def fold_all(acts: Iterable[Act]) -> list[Matter]:
    """Every matter that has an act that opened it, the most recently moved first."""
    by_matter: defaultdict[tuple[str, MatterKey], list[Act]] = defaultdict(list)
    for act in acts:
        if act.procedure in procedures():
            by_matter[act.procedure, act.matter].append(act)
    found = [fold(key, name, of_it) for (name, key), of_it in by_matter.items()]
    return sorted(found, key=lambda m: (m.since is None, m.key))


def _entrance(table: Procedure, ordered: Sequence[Act]) -> str:
    """Where the fold begins: in the middle for a body that was brought in later (``enters``)."""
    if not ordered or table.row(START, ordered[0].code) is not None:
        return START
    entering = (row for row in table.rows_of(ordered[0].code) if row.enters)
    return next((row.from_states[0] for row in entering), START)


def _order(table: Procedure, act: Act) -> tuple[int, int, str, str]:
    ranks = [row.rank for row in table.rows_of(act.code)]
    return act.sequence, min(ranks, default=0), act.source_org, act.record_id


def refused(table: Procedure, state: str, orgs: Mapping[str, str], act: Act) -> Text | None:
    """Why an act can't be done in this state by who did it; None if it can."""
    row = table.row(state, act.code)
    if row is None:
        return not_possible(table, state)
    who = {orgs.get(role) for role in row.by}
    if act.acting_org not in who and not _names_itself(table, row, orgs):
        roles = [table.role(role).label for role in row.by]
        return Text(
            en=f"{act.code} is for {', '.join(r.en for r in roles)}",
            zh=f"该环节应由{'、'.join(r.zh for r in roles)}办理",
        )
    if not _may_record(table, row, orgs, act):
        return Text(
            en="it was recorded by an organisation that may not record it",
            zh="登记该环节的机关无权登记",
        )
    if row.addresses and not act.to_org:
        return Text(en=f"{act.code} names no addressee", zh="该环节没有写明对方机关")
    return None


def lacking(row: Row, act: Act) -> Text | None:
    """What the row needs and the act does not say; asked before it is made, not in the fold: not
    every field of an act goes to every partner."""
    missing = [name for name in row.needs if not getattr(act, name, None)]
    if not missing:
        return None
    labels = [load_contract(RECORD_TYPE).field(_FIELD.get(n, n)).label_zh for n in missing]
    return Text(en=f"{act.code} lacks {', '.join(missing)}", zh=f"该环节缺少：{'、'.join(labels)}")


def not_possible(table: Procedure, state: str) -> Text:
    """Why an act without a row for the state is refused."""
    if state == START:
        return Text(en="the matter was not opened", zh="该事项尚未发起")
    label = table.state(state).label
    return Text(
        en=f"it is not possible in state “{label.en}”", zh=f"在“{label.zh}”状态下不能进行该环节"
    )


def _names_itself(table: Procedure, row: Row, orgs: Mapping[str, str]) -> bool:
    """A body outside the exchange that nobody has addressed yet: whoever acts in its role is it."""
    return any(table.role(role).outside and role not in orgs for role in row.by)


def _may_record(table: Procedure, row: Row, orgs: Mapping[str, str], act: Act) -> bool:
    if act.source_org == act.acting_org:
        return True
    is_outside = any(table.role(role).outside for role in row.by)
    parties = {code for role, code in orgs.items() if not table.role(role).outside}
    return is_outside and act.source_org in parties
