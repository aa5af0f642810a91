"""The table of a procedure: states, which act by whom leads from one to another, and clocks.

One TOML file each in ``tables/``; code paths, commands, diagrams and property tests come from it.

    [[state]]   name, labels, phase, what to do next, whether fines are frozen in it
    [[row]]     from (states), act, by (roles), needs, guards -> to (state); addresses (a role)
    [[clock]]   runs in states, who must end it, its length: a parameter of the rule packs
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cooperation.procedures.act import Act
from schemas.errors import ConfigError
from schemas.text import Text
from schemas.toml import parse_toml

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Label = Annotated[str, Field(min_length=1)]
#: Before the first act.
START = "start"
#: Rank of acts that give way to others: withdrawing, closing.
LEAVING = 9


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Labelled(_Model):
    label_zh: Label
    label_en: Label

    @property
    def label(self) -> Text:
        return Text(en=self.label_en, zh=self.label_zh)


class Role(_Labelled):
    """A part that a body plays in a matter. ``outside``: it may have no node, and then a party
    enters what its papers say. ``loses``: the side of a dispute that turned out not to be
    competent; no act names it."""

    name: Name
    outside: bool = False
    loses: bool = False


class State(_Labelled):
    """``phase``: ended states need nobody. ``freezes``: whose fines for the act are held up.

    ``next``: who has to do what now, in words.
    """

    name: Name
    phase: Literal["open", "ended"] = "open"
    freezes: Literal["nobody", "all", "not_competent"] = "nobody"
    next_zh: str = ""
    next_en: str = ""

    @property
    def next(self) -> Text:
        return Text(en=self.next_en, zh=self.next_zh)


class Row(_Labelled):
    """From any state of ``from_states``, ``act`` done by one of the roles ``by`` leads to ``to``.

    ``needs``: fields of the act that must be given; ``guards``: names of
    :mod:`cooperation.procedures.guards`, asked before the act is made. ``decision``: a named person
    decides, and the decision is signed. ``addresses``: the act's ``to_org`` plays this role from
    now on. ``rank``: of acts that did not know of each other the lower is applied first.
    ``enters``: who is addressed may have none of the earlier acts, which were not for it; where
    this act is the first that is known, the matter begins with it.
    """

    from_states: Annotated[tuple[Name, ...], Field(alias="from", min_length=1)]
    act: Name
    by: Annotated[tuple[Name, ...], Field(min_length=1)]
    to: Name
    needs: tuple[Name, ...] = ()
    guards: tuple[Name, ...] = ()
    decision: bool = False
    addresses: Name | None = None
    enters: bool = False
    rank: int = 5
    source: str = ""


class ClockRow(_Labelled):
    """Runs from the act that led into one of ``states`` until they are left.

    ``parameter``: its length in the rule packs; ``unit`` says how it is counted, ``days`` as the
    choice ``transfer_days`` says. ``statutory`` false: the parties' agreement may fix another.
    ``since_act``: runs from the last act of that code instead of the one that led here.
    ``only_if``: the duty exists only where it ends with this act, so it shows when that is done.
    ``given_by``: acts whose own ``due_time``, where the last of them names one, goes before the
    parameter: what a hotline order or a letter says itself. Never where the law fixes the length.
    """

    name: Name
    states: Annotated[tuple[Name, ...], Field(min_length=1)]
    who: Name
    unit: Literal["days", "natural_days", "working_days", "hours", "months"]
    parameter: Name
    statutory: bool
    since_act: Name | None = None
    only_if: Name | None = None
    given_by: tuple[Name, ...] = ()
    duty_zh: Label
    duty_en: Label

    @property
    def duty(self) -> Text:
        return Text(en=self.duty_en, zh=self.duty_zh)


class Procedure(_Labelled):
    """A whole table. ``prefix`` begins the numbers of its matters; ``source``: the law."""

    name: Name
    prefix: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    source: str
    roles: Annotated[tuple[Role, ...], Field(alias="role")]
    states: Annotated[tuple[State, ...], Field(alias="state")]
    rows: Annotated[tuple[Row, ...], Field(alias="row")]
    clocks: Annotated[tuple[ClockRow, ...], Field(alias="clock")] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for problem in _problems(self):
            raise ValueError(problem)
        return self

    def state(self, name: str) -> State:
        return next(s for s in self.states if s.name == name)

    def role(self, name: str) -> Role:
        return next(r for r in self.roles if r.name == name)

    def acts(self) -> tuple[str, ...]:
        """The acts, each once, in the order of the table."""
        return tuple(dict.fromkeys(row.act for row in self.rows))

    def row(self, state: str, act: str) -> Row | None:
        """The row of an act in a state; None if the act can't be done there."""
        return next((r for r in self.rows if r.act == act and state in r.from_states), None)

    def possible(self, state: str) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if state in r.from_states)

    def rows_of(self, act: str) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if r.act == act)

    def next_roles(self, state: str) -> tuple[str, ...]:
        """Who has to do what comes next: the roles of the acts that lead on. Acts that only end
        the matter early (rank from :data:`LEAVING`) count where there is no other."""
        rows = self.possible(state)
        leading = [row for row in rows if row.rank < LEAVING] or rows
        return tuple(dict.fromkeys(role for row in leading for role in row.by))


def _problems(table: Procedure) -> Iterator[str]:
    states = [s.name for s in table.states]
    roles = {r.name for r in table.roles}
    for name in {n for n in states if states.count(n) > 1} | {START} & set(states):
        yield f"state {name} is declared twice"
    seen: set[tuple[str, str]] = set()
    for row in table.rows:
        for state in (*(s for s in row.from_states if s != START), row.to):
            if state not in states:
                yield f"act {row.act} names the unknown state {state}"
        for role in {*row.by, *([row.addresses] if row.addresses else [])} - roles:
            yield f"act {row.act} names the unknown role {role}"
        for state in row.from_states:
            if (state, row.act) in seen:
                yield f"two rows for act {row.act} in state {state}"
            seen.add((state, row.act))
    for clock in table.clocks:
        yield from _clock_problems(table, clock)
    yield from _dead_ends(table)


def _clock_problems(table: Procedure, clock: ClockRow) -> Iterator[str]:
    for state in set(clock.states) - {s.name for s in table.states}:
        yield f"clock {clock.name} names the unknown state {state}"
    if clock.who not in {r.name for r in table.roles}:
        yield f"clock {clock.name} names the unknown role {clock.who}"
    for act in {clock.since_act, clock.only_if, *clock.given_by} - {None, *table.acts()}:
        yield f"clock {clock.name} names the unknown act {act}"
    if clock.statutory and clock.given_by:
        yield f"clock {clock.name} is the law's: no act may give another time"


def _dead_ends(table: Procedure) -> Iterator[str]:
    """States that no act leads to, open ones that no act leads out of for good, and fields that
    no act has."""
    reached, ending = _reached(table), _ending(table)
    for state in table.states:
        if state.name not in reached:
            yield f"no act leads to state {state.name}"
        if state.name not in ending:
            yield f"no act leads from state {state.name} to an end"
    known = {field.name for field in fields(Act)}
    for row in table.rows:
        for name in set(row.needs) - known:
            yield f"act {row.act} needs the unknown field {name}"


def _reached(table: Procedure) -> set[str]:
    found = {START}
    while more := {r.to for r in table.rows if found & set(r.from_states)} - found:
        found |= more
    return found


def _ending(table: Procedure) -> set[str]:
    """States from which the matter can still come to an end."""
    found = {state.name for state in table.states if state.phase == "ended"}
    while more := {s for r in table.rows if r.to in found for s in r.from_states} - found:
        found |= more
    return found


@cache
def procedures() -> dict[str, Procedure]:
    """All procedures by name, in alphabetical order."""
    folder = files("cooperation.procedures").joinpath("tables")
    names = sorted(p.name for p in folder.iterdir() if p.name.endswith(".toml"))
    tables = [_read(name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names]
    return {table.name: table for table in tables}


def _read(name: str, text: str) -> Procedure:
    return parse_toml(text, Procedure, Path("cooperation/procedures/tables", name))


def procedure(name: str) -> Procedure:
    """One procedure. Raises ``ConfigError`` for a name that there is none of."""
    found = procedures().get(name)
    if found is None:
        known = ", ".join(procedures())
        raise ConfigError(
            Text(en=f"there is no procedure {name!r}", zh=f"没有名为 {name!r} 的办理程序"),
            hint=Text(en=f"known: {known}", zh=f"现有：{known}"),
        )
    return found
