"""Two and three nodes that act, delay, lose, repeat, forge and take back: one set, one state.

Everything is generated from the tables as they are; nothing here knows a procedure.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cooperation_acts import KEY, POLICE, STRANGER, T0, A, B, C, gist
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.clocks import Law, clocks
from cooperation.procedures.fold import LEAP, Matter, fold
from cooperation.procedures.table import START, Row, procedure, procedures

LAW = Law()
OUTSIDE = (POLICE, "11999905HEFUCOOPF6")
TABLES = st.sampled_from(sorted(procedures()))


class Exchange(RuleBasedStateMachine):
    """``nodes``: what each agency has, by record. ``written``: every record that there is."""

    agencies: tuple[str, ...] = (A, B)

    @initialize(name=TABLES, data=st.data())
    def begin(self, name: str, data: st.DataObject) -> None:
        self.table = procedure(name)
        self.nodes: dict[str, dict[str, Act]] = {org: {} for org in self.agencies}
        self.written: dict[str, Act] = {}
        row = data.draw(st.sampled_from(self.table.possible(START)))
        self._write(A, self._act(A, row, A, data))

    def _fold(self, org: str, *more: Act) -> Matter:
        return fold(KEY, self.table.name, [*self.nodes[org].values(), *more])

    def _write(self, org: str, act: Act) -> None:
        self.written[act.record_id] = act
        self.nodes[org][act.record_id] = act

    def _act(self, org: str, row: Row, acting: str, data: st.DataObject, **given: Any) -> Act:
        """What the node ``org`` enters next by its own knowledge."""
        to = None
        if row.addresses:
            is_outside = self.table.role(row.addresses).outside
            others = OUTSIDE if is_outside else [o for o in self.agencies if o != org]
            to = data.draw(st.sampled_from(others))
        number = len(self.written) + 1
        hours = data.draw(st.integers(-48, 24 * 40))
        values: dict[str, Any] = {
            "record_id": f"{number:032x}",
            "source_org": org,
            "procedure": self.table.name,
            "matter": KEY,
            "code": row.act,
            "sequence": self._fold(org).last + 1,
            "act_time": T0 + timedelta(hours=hours),
            "recorded_time": T0 + timedelta(hours=number),
            "acting_org": acting,
            "party_orgs": self.agencies,
            "to_org": to,
            "competent_org": data.draw(st.sampled_from(self.agencies)),
        }
        return Act(**(values | given))

    def _doable(self, org: str) -> list[tuple[Row, str]]:
        """What the node may do or enter by its own knowledge, and in whose name."""
        matter, found = self._fold(org), []
        for row in matter.possible() if matter.applied else ():
            for role in row.by:
                if matter.orgs.get(role) == org:
                    found.append((row, org))
                elif self.table.role(role).outside and org in matter.orgs.values():
                    found.append((row, matter.orgs.get(role, OUTSIDE[0])))
        return [(row, who) for row, who in found if self._counts(matter, org, row, who)]

    def _counts(self, matter: Matter, org: str, row: Row, who: str) -> bool:
        """A body that has another part already can't take this one."""
        roles = [role for role in row.by if self.table.role(role).outside]
        named = any(matter.orgs.get(role) == who for role in row.by)
        return who == org or named or (bool(roles) and who not in matter.orgs.values())

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """Somebody does what the table lets him, as far as he knows."""
        org = data.draw(st.sampled_from(self.agencies))
        doable = self._doable(org)
        if not doable:
            return
        row, who = data.draw(st.sampled_from(doable))
        one = self._act(org, row, who, data)
        before, after = self._fold(org), self._fold(org, one)
        self._write(org, one)
        assert after.latest is one, "what the table lets one do counts on one's own node"
        assert after.last == before.last + 1

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Some of what one has goes to another: others are late, lost, or come twice."""
        sender, receiver = data.draw(st.permutations(self.agencies))[:2]
        has = sorted(self.nodes[sender])
        for record_id in data.draw(st.lists(st.sampled_from(has), max_size=6)) if has else ():
            self.nodes[receiver][record_id] = self.nodes[sender][record_id]

    @rule(data=st.data())
    def deliver_all(self, data: st.DataObject) -> None:
        sender, receiver = data.draw(st.permutations(self.agencies))[:2]
        self.nodes[receiver] |= self.nodes[sender]

    @rule(data=st.data())
    def forge(self, data: st.DataObject) -> None:
        """A party or a stranger enters what it may not."""
        row = data.draw(st.sampled_from(self.table.rows))
        acting = data.draw(st.sampled_from((*self.agencies, STRANGER, *OUTSIDE)))
        source = data.draw(st.sampled_from((*self.agencies, STRANGER)))
        sequence = data.draw(st.sampled_from((1, 2, 3, 50, LEAP, 10**6, 2**62)))
        org = data.draw(st.sampled_from(self.agencies))
        far = data.draw(st.sampled_from((T0, T0 + timedelta(days=40_000), T0 - timedelta(9_000))))
        forged = self._act(org, row, acting, data, source_org=source, sequence=sequence,
                           act_time=far)  # fmt: skip
        if source not in self.agencies or source == org:
            self._write(org, forged)

    @precondition(lambda self: self.written)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        """Who recorded an act takes the record back; the others learn of it like of any other."""
        record_id = data.draw(st.sampled_from(sorted(self.written)))
        gone = replace(self.written[record_id], taken_back=True)
        self.written[record_id] = gone
        if gone.source_org in self.nodes:
            self.nodes[gone.source_org][record_id] = gone

    @invariant()
    def the_same_set_is_the_same_state(self) -> None:
        for has in self.nodes.values():
            acts = list(has.values())
            forward = fold(KEY, self.table.name, acts)
            again = fold(KEY, self.table.name, [*reversed(acts), *acts])
            assert gist(forward) == gist(again)

    @invariant()
    def no_act_is_lost_and_none_counts_twice(self) -> None:
        for org, has in self.nodes.items():
            matter = self._fold(org)
            told = [a.act.record_id for a in matter.applied]
            told += [o.act.record_id for o in matter.overtaken]
            assert sorted(told) == sorted(has)
            assert all(o.reason.zh and o.reason.en for o in matter.overtaken)

    @invariant()
    def what_counts_is_a_way_through_the_table(self) -> None:
        for org in self.agencies:
            matter = self._fold(org)
            for before, after in zip(matter.applied, matter.applied[1:], strict=False):
                assert before.row.to in after.row.from_states
            assert matter.state_name == (matter.applied[-1].row.to if matter.applied else START)

    @invariant()
    def nobody_speaks_for_another_agency(self) -> None:
        for org in self.agencies:
            for applied in self._fold(org).applied:
                one, roles = applied.act, applied.row.by
                is_outside = any(self.table.role(role).outside for role in roles)
                assert one.source_org == one.acting_org or is_outside
                assert one.source_org in {A, *self.agencies}

    @invariant()
    def a_stranger_changes_nothing(self) -> None:
        for org in self.agencies:
            clean = [a for a in self.nodes[org].values() if a.source_org in self.agencies]
            without, matter = fold(KEY, self.table.name, clean), self._fold(org)
            assert gist(without)[:4] == gist(matter)[:4]
            assert without.last == matter.last
            assert matter.last < 2**62

    @invariant()
    def no_clock_is_missed(self) -> None:
        for org in self.agencies:
            matter = self._fold(org)
            found = clocks(matter, LAW, T0 + timedelta(days=10))
            running = {clock.row.name for clock in found if clock.stopped is None}
            wanted = {c.name for c in self.table.clocks if matter.state_name in c.states}
            assert running == {c.name for c in self.table.clocks if c.only_if is None} & wanted
            assert all(c.stopped is None or c.started <= c.stopped for c in found)

    def teardown(self) -> None:
        """Once everything has arrived everywhere, all see the same."""
        if not hasattr(self, "nodes"):
            return
        known: dict[str, Act] = {}
        for has in self.nodes.values():
            known |= has
        for record_id in known:
            known[record_id] = self.written[record_id]
        states = []
        for org in self.agencies:
            self.nodes[org] = dict(known)
            states.append(gist(self._fold(org)))
        assert all(state == states[0] for state in states)
        assert self._fold(self.agencies[0]).key == MatterKey(*KEY)


class OfThree(Exchange):
    agencies = (A, B, C)


_SETTINGS = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestTwo = Exchange.TestCase
TestTwo.settings = _SETTINGS
TestThree = OfThree.TestCase
TestThree.settings = _SETTINGS
