"""The state of a matter, computed from its acts.

The result depends on the set of acts alone, not on their order of arrival: whoever has the same
records sees the same state. Acts are taken in the order of their ``sequence``, which says what each
answers to; what was done by two agencies side by side is taken by the rank of its row, then by
organisation and record. An act that does not fit is kept and told, never applied and never lost;
one from an organisation that is no party, or whose number leaps ahead, also moves nobody else's
number. A record that was taken back no longer counts, unless another organisation answered it.
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
_TAKEN_BACK = Text(
    en="who recorded it has taken the record back", zh="登记该环节的机关已撤回该记录"
)
#: How far the number of an act may be ahead of the acts that are known. Acts may be missing (they
#: were not for us, or are under way); a number far beyond would push all later ones with it.
LEAP = 100
#: The greatest number of an act that brings a body in, which has none of those before it.
LATEST_ENTRANCE = 10_000


@dataclass(frozen=True, slots=True)
class Applied:
    """An act and the row by which it changed the state; ``orgs``: who played which role then."""

    act: Act
    row: Row
    orgs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Overtaken:
    """An act that did not fit the state that the matter was in, and why."""

    act: Act
    reason: Text


@dataclass(frozen=True, slots=True)
class Matter:
    """``orgs``: who plays which role now. ``last`` is the sequence of the newest act, also of one
    that was overtaken; the next act has the one after it."""

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
        return self.state_name != START and self.state.phase == "open"

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

    def awaits(self, org: str) -> bool:
        """Whether ``org`` has to do what comes next."""
        return self.is_open and bool(
            {*self.roles_of(org)} & {*self.table.next_roles(self.state_name)}
        )

    def last_of(self, act: str) -> Act | None:
        """The newest applied act of that code."""
        return next((a.act for a in reversed(self.applied) if a.act.code == act), None)


@dataclass(slots=True)
class _Folding:
    key: MatterKey
    table: Procedure
    state: str = START
    since: datetime | None = None
    reached: int = 0
    orgs: dict[str, str] = field(default_factory=dict)
    parties: set[str] = field(default_factory=set)
    applied: list[Applied] = field(default_factory=list)
    overtaken: list[Overtaken] = field(default_factory=list)

    def take(self, act: Act, counts: bool) -> None:
        """Apply an act or say why not; ``counts`` is false for one that was taken back."""
        outside = self._outside(act)
        refusal = outside or refused(self.table, self.state, self.orgs, act)
        if outside is None:
            self.reached = max(self.reached, act.sequence)
            refusal = refusal if counts else _TAKEN_BACK
        row = self.table.row(self.state, act.code)
        if refusal is not None or row is None:
            self.overtaken.append(Overtaken(act, refusal or not_possible(self.table, self.state)))
            return
        self.state, self.since = row.to, act.act_time
        self._note_parties(act, row)
        self.applied.append(Applied(act, row, dict(self.orgs)))

    def _outside(self, act: Act) -> Text | None:
        """Why an act moves nothing at all, not even the count."""
        if act.source_org not in self.parties:
            return Text(
                en="it was recorded by an organisation that is no party of the matter",
                zh="登记该环节的机关不是该事项的当事各方",
            )
        if act.sequence > self.reached + LEAP:
            return Text(
                en=f"its number {act.sequence} leaps far ahead of the acts that are known",
                zh=f"序号 {act.sequence} 远超已知环节，中间环节到齐之前不计入",
            )
        return None

    def _note_parties(self, act: Act, row: Row) -> None:
        for role in row.by:
            if self.table.role(role).outside and act.acting_org not in self.orgs.values():
                self.orgs.setdefault(role, act.acting_org)
        if row.addresses and act.to_org:
            self.orgs[row.addresses] = act.to_org
        self.parties |= {*self.orgs.values(), *act.party_orgs}


def fold(key: MatterKey, name: str, acts: Iterable[Act]) -> Matter:
    """The matter that these acts make. Acts of one record are one act."""
    table = procedure(name)
    unique = {act.record_id: act for act in acts}
    ordered = sorted(unique.values(), key=lambda act: _order(table, act))
    folding = _folded(key, table, ordered, frozenset())
    gone = {act.record_id for act in ordered if act.taken_back}
    if gone:
        folding = _folded(key, table, ordered, frozenset(gone - _answered(folding.applied)))
    return Matter(
        key=key,
        table=table,
        state_name=folding.state,
        since=folding.since,
        orgs=dict(folding.orgs),
        applied=tuple(folding.applied),
        overtaken=tuple(folding.overtaken),
        last=folding.reached,
    )


def _folded(
    key: MatterKey, table: Procedure, ordered: Sequence[Act], gone: frozenset[str]
) -> _Folding:
    folding = _Folding(key, table, orgs={ORIGIN: key.org}, parties={key.org})
    kept = [act for act in ordered if act.record_id not in gone]
    entrance = _entrance(table, folding.orgs, kept)
    for act in ordered:
        if entrance is not None and act is entrance[0]:
            folding.state, folding.reached = entrance[1], act.sequence
        folding.take(act, act.record_id not in gone)
    return folding


def _answered(applied: Sequence[Applied]) -> set[str]:
    """Acts on which another organisation has acted since: the record of a letter can't be taken
    back from who has answered it."""
    found: set[str] = set()
    later: set[str] = set()
    for one in reversed(applied):
        if later - {one.act.source_org}:
            found.add(one.act.record_id)
        later.add(one.act.source_org)
    return found


def fold_all(acts: Iterable[Act]) -> list[Matter]:
    """Every matter that an act has opened, in the order of their keys."""
    return [matter for matter in _all(acts) if matter.applied]


def unopened(acts: Iterable[Act]) -> list[Matter]:
    """Acts that belong to no matter that was opened: their letter is still under way, was taken
    back, or never was one. They are all ``overtaken`` and told."""
    return [matter for matter in _all(acts) if not matter.applied]


def _all(acts: Iterable[Act]) -> list[Matter]:
    by_matter: defaultdict[tuple[str, MatterKey], list[Act]] = defaultdict(list)
    for act in acts:
        if act.procedure in procedures():
            by_matter[act.procedure, act.matter].append(act)
    return [fold(key, name, of_it) for (name, key), of_it in sorted(by_matter.items(), key=_first)]


def _first(item: tuple[tuple[str, MatterKey], list[Act]]) -> tuple[str, MatterKey]:
    return item[0]


def _entrance(
    table: Procedure, orgs: Mapping[str, str], ordered: Sequence[Act]
) -> tuple[Act, str] | None:
    """Which act begins the matter in the middle, and in which state, for a body that was brought
    in later (``enters``); None where it was opened from the start."""
    for act in ordered:
        if refused(table, START, orgs, act) is None:
            return None
        if act.source_org not in orgs.values() or act.sequence > LATEST_ENTRANCE:
            continue
        states = [row.from_states[0] for row in table.rows_of(act.code) if row.enters]
        for state in states:
            if refused(table, state, orgs, act) is None:
                return act, state
    return None


def _order(table: Procedure, act: Act) -> tuple[int, int, str, str]:
    ranks = [row.rank for row in table.rows_of(act.code)]
    return act.sequence, min(ranks, default=0), act.source_org, act.record_id


def refused(table: Procedure, state: str, orgs: Mapping[str, str], act: Act) -> Text | None:
    """Why an act can't be done in this state by who did it; None if it can."""
    row = table.row(state, act.code)
    if row is None:
        return not_possible(table, state)
    who = {orgs.get(role) for role in row.by}
    if act.acting_org not in who and not _names_itself(table, row, orgs, act.acting_org):
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


def _names_itself(table: Procedure, row: Row, orgs: Mapping[str, str], org: str) -> bool:
    """A body outside the exchange that nobody has addressed yet: whoever acts in its role is it,
    but none of those that have another part in the matter."""
    is_free = any(table.role(role).outside and role not in orgs for role in row.by)
    return is_free and org not in orgs.values()


def _may_record(table: Procedure, row: Row, orgs: Mapping[str, str], act: Act) -> bool:
    if act.source_org == act.acting_org:
        return True
    is_outside = any(table.role(role).outside for role in row.by)
    parties = {code for role, code in orgs.items() if not table.role(role).outside}
    return is_outside and act.source_org in parties
