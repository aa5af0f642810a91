"""Every clock at its edge; the days are those of the State Council's notices for 2026."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from cooperation_acts import CST, KEY, POLICE, T0, A, B, act, sent, walk, way_to
from hypothesis import given
from hypothesis import strategies as st

from cooperation.clocks.cases import Begun, case_clocks
from cooperation.procedures.clocks import SKEW, Clock, Law, clocks, due_time, open_clocks
from cooperation.procedures.escalation import OUTSIDE, OWN, PARTNER, told_to
from cooperation.procedures.fold import Matter, fold
from cooperation.procedures.rates import rates
from cooperation.procedures.table import procedure, procedures
from schemas.law.calendar import load_calendar
from schemas.rule_entries import Choice
from schemas.rulepack import load_rule_pack

LAW = Law()
TICK = timedelta(microseconds=1)
ALL_CLOCKS = [
    pytest.param(table.name, clock.name, id=f"{table.name}.{clock.name}")
    for table in procedures().values()
    for clock in table.clocks
    if clock.only_if is None
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CST)


@pytest.mark.parametrize(
    ("started", "length", "unit", "last", "provisional"),
    [
        # Friday evening: Saturday 7 and Sunday 8 March are no working days
        ("2026-03-06 23:59:59", 2, "working_days", "2026-03-10", False),
        # one second later is Saturday, and the same two days
        ("2026-03-07 00:00:00", 2, "working_days", "2026-03-10", False),
        # before National Day: 1 to 7 October are off, Saturday 10 October is worked
        ("2026-09-30 17:00:00", 1, "working_days", "2026-10-08", False),
        ("2026-09-30 17:00:00", 3, "working_days", "2026-10-10", False),
        # the make-up Saturday itself counts as a day to begin after
        ("2026-10-10 09:00:00", 1, "working_days", "2026-10-12", False),
        # the make-up Sunday 20 September before Mid-Autumn
        ("2026-09-18 18:00:00", 1, "working_days", "2026-09-20", False),
        # the next year's notice may still move the last days of December
        ("2026-12-24 09:00:00", 1, "working_days", "2026-12-25", True),
        ("2026-12-31 23:59:59", 3, "working_days", "2027-01-05", True),
        # natural days are counted whatever they are
        ("2026-12-31 23:59:59", 3, "natural_days", "2027-01-03", False),
        ("2026-09-30 17:00:00", 3, "natural_days", "2026-10-03", False),
        ("2026-08-24 09:00:00", 90, "natural_days", "2026-11-22", False),
        # months end on the same day, or on the last one of a shorter month
        ("2026-12-31 09:00:00", 2, "months", "2027-02-28", False),
        ("2027-12-31 09:00:00", 2, "months", "2028-02-29", False),
        ("2026-11-30 09:00:00", 3, "months", "2027-02-28", False),
        ("2026-01-15 09:00:00", 12, "months", "2027-01-15", False),
    ],
)
def test_the_last_day_of_a_period(
    started: str, length: int, unit: str, last: str, provisional: bool
) -> None:
    due, is_provisional, version = due_time(at(started), length, unit, LAW)
    assert due == at(last) + timedelta(days=1)
    assert (due - TICK).date().isoformat() == last
    assert is_provisional is provisional
    assert bool(version) is (unit != "months")


def test_hours_run_through_a_weekend_to_the_second() -> None:
    due, provisional, _ = due_time(at("2026-03-06 18:30:15"), 24, "hours", LAW)
    assert (due, provisional) == (at("2026-03-07 18:30:15"), False)


def test_a_moment_of_another_zone_begins_on_the_chinese_day() -> None:
    """23:30 in Greenwich is the next morning here."""
    started = datetime.fromisoformat("2026-03-05T23:30:00+00:00")
    assert due_time(started, 1, "working_days", LAW)[0] == at("2026-03-10")


def _at_start(name: str, clock: str) -> Matter:
    table = procedure(name)
    row = next(c for c in table.clocks if c.name == clock)
    made = walk(table, way_to(table, row.states[0]))
    return fold(made[0].matter, name, made)


def _only(found: list[Clock], name: str) -> Clock:
    (clock,) = [c for c in found if c.row.name == name and c.stopped is None]
    return clock


@pytest.mark.parametrize(("name", "clock"), ALL_CLOCKS)
def test_every_clock_runs_where_its_table_says_and_turns_at_its_due_time(
    name: str, clock: str
) -> None:
    matter = _at_start(name, clock)
    due = _only(clocks(matter, LAW, T0), clock).due
    standing = {
        now: _only(clocks(matter, LAW, now), clock).standing
        for now in (T0 + timedelta(hours=9), due - TICK, due, due + timedelta(days=1))
    }
    assert list(standing.values())[1:] == ["due_soon", "overdue", "overdue"]
    found = _only(open_clocks([matter], LAW, due), clock)
    assert found.org is not None or matter.table.role(found.who).loses
    assert _only(clocks(matter, LAW, due), clock).last_day == (due - TICK).date()


@pytest.mark.parametrize(("name", "clock"), ALL_CLOCKS)
def test_every_clock_is_kept_in_the_last_moment_and_late_in_the_next(name: str, clock: str) -> None:
    table, before = procedure(name), _at_start(name, clock)
    row = next(c for c in table.clocks if c.name == clock)
    leaving = [r for r in table.rows if before.state_name in r.from_states]
    leaving = [r for r in leaving if r.to not in row.states]
    if not leaving:  # it runs on through the next states
        return
    rows = [*way_to(table, before.state_name), leaving[0]]
    due = _only(clocks(before, LAW, T0), clock).due
    times = [a.act.act_time for a in before.applied]
    for ended, wanted in ((due - TICK, "kept"), (due, "late")):
        made = walk(table, rows, [*times, ended])
        found = clocks(fold(made[0].matter, name, made), LAW, due + timedelta(days=30))
        (one,) = [c for c in found if c.row.name == clock]
        assert (one.standing, one.stopped) == (wanted, ended)


@pytest.mark.parametrize("name", sorted(procedures()))
@given(days=st.integers(0, 800))
def test_in_every_state_that_a_clock_names_it_runs_at_any_date(name: str, days: int) -> None:
    table, now = procedure(name), T0 + timedelta(days=days)
    for state in table.states:
        made = walk(table, way_to(table, state.name))
        matter = fold(made[0].matter, name, made)
        running = {c.row.name for c in clocks(matter, LAW, now) if c.stopped is None}
        wanted = {c.name for c in table.clocks if state.name in c.states and c.only_if is None}
        assert running == wanted


def _choosing(value: str) -> Law:
    """The national pack with another reading of “days”."""
    pack = load_rule_pack()
    changed: Callable[[object], object] = lambda entry: (  # noqa: E731
        entry.model_copy(update={"value": value})
        if isinstance(entry, Choice) and entry.name == "transfer_days"
        else entry
    )
    rows = tuple(changed(e) for e in pack.choices)
    return Law(packs=(pack.model_copy(update={"choices": rows}),))


@pytest.mark.parametrize(
    ("reading", "last"), [("natural", "2026-10-03"), ("working", "2026-10-10")]
)
def test_days_of_the_transfer_are_counted_as_the_pack_reads_them(reading: str, last: str) -> None:
    table = procedure("transfer")
    rows = way_to(table, "reported")
    made = walk(
        table, rows, [at("2026-09-30 09:00") + timedelta(hours=n) for n in range(len(rows))]
    )
    matter = fold(made[0].matter, "transfer", made)
    clock = _only(clocks(matter, _choosing(reading), at("2026-09-30 20:00")), "transfer_approval")
    assert clock.last_day == date.fromisoformat(last)
    assert clock.unit == f"{reading}_days"


def test_a_calendar_file_of_the_node_settles_what_was_provisional(tmp_path: Path) -> None:
    file = tmp_path / "2027.toml"
    file.write_text(
        'version = "own-1"\ncomplete_years = [2027]\n'
        '[[day]]\ndate = 2027-01-01\nworking = false\nsource = "notice"\n'
    )
    law = Law(calendar=load_calendar(file))
    due, provisional, version = due_time(at("2026-12-30 09:00"), 2, "working_days", law)
    assert (due, provisional) == (at("2027-01-05"), False)
    assert version.endswith("own-1")
    assert due_time(at("2026-12-30 09:00"), 2, "working_days", LAW)[:2] == (at("2027-01-02"), True)


def test_agencies_may_agree_on_another_length_but_not_where_the_law_fixes_it() -> None:
    acts = [sent(act_time=at("2026-03-02 10:00"))]
    parties = frozenset({A, B})
    law = Law(agreed={(parties, "referral_sign_working_days"): 1, (parties, "decision_days"): 1})
    now = at("2026-03-02 12:00")
    signing = _only(clocks(fold(KEY, "referral", acts), law, now), "referral_sign")
    assert (signing.length, signing.agreed, signing.last_day) == (1, True, date(2026, 3, 3))
    acts += [act("sign", 2, B, act_time=now), act("file", 3, B, act_time=now)]
    deciding = _only(clocks(fold(KEY, "referral", acts), law, now), "referral_decide")
    assert (deciding.length, deciding.agreed) == (90, False)
    others = Law(agreed={(frozenset({A, "9" * 18}), "referral_sign_working_days"): 1})
    assert not _only(clocks(fold(KEY, "referral", acts[:1]), others, now), "referral_sign").agreed


def test_a_time_in_the_future_does_not_put_a_period_off() -> None:
    far = at("2099-01-01 09:00")
    acts = [sent(act_time=T0), act("sign", 2, B, act_time=far)]
    matter = fold(KEY, "referral", acts)
    now = T0 + timedelta(days=60)
    verify = _only(clocks(matter, LAW, now), "referral_verify")
    assert verify.started == T0
    assert verify.standing == "overdue"
    assert verify.doubtful
    # Clocks of two agencies may differ a little.
    near = fold(KEY, "referral", [sent(act_time=now + SKEW)])
    assert not _only(clocks(near, LAW, now), "referral_sign").doubtful


def test_a_time_before_the_letter_keeps_no_more_than_the_letter_itself() -> None:
    acts = [sent(act_time=T0), act("sign", 2, B, act_time=T0 - timedelta(days=9))]
    (signing,) = [
        c
        for c in clocks(fold(KEY, "referral", acts), LAW, T0 + timedelta(days=1))
        if c.row.name == "referral_sign"
    ]
    assert (signing.standing, signing.stopped) == ("kept", T0)


def test_what_was_entered_after_the_end_says_so() -> None:
    acts = [
        sent(act_time=T0),
        act("sign", 2, B, act_time=T0 + timedelta(hours=1), recorded_time=T0 + timedelta(days=20)),
    ]
    found = clocks(fold(KEY, "referral", acts), LAW, T0 + timedelta(days=30))
    assert [(c.standing, c.entered_late) for c in found if c.row.name == "referral_sign"] == [
        ("kept", True)
    ]


def test_a_day_before_the_law_does_not_stop_the_others() -> None:
    matter = fold(KEY, "referral", [sent(act_time=at("1950-01-01 00:00"))])
    (clock,) = clocks(matter, LAW, T0)
    assert clock.doubtful
    assert clock.standing == "overdue"


def test_the_police_that_a_case_was_forwarded_to_has_its_own_period() -> None:
    table, other = procedure("transfer"), "9" * 18
    acts = walk(table, way_to(table, "receipt_signed"))
    number = len(acts) + 1
    forwarded = act("forward_to_competent", number, POLICE, source_org=A, to_org=other,
                    procedure="transfer")  # fmt: skip
    again = act("sign_receipt", number + 1, other, source_org=A, procedure="transfer")
    found = clocks(fold(KEY, "transfer", [*acts, forwarded, again]), LAW, T0)
    filing = [(c.org, c.stopped is None) for c in found if c.row.name == "police_filing"]
    assert filing == [(POLICE, False), (other, True)]


@pytest.mark.parametrize(("competent", "losing"), [(A, B), (B, A), ("9" * 18, None)])
def test_the_side_that_is_not_competent_hands_over(competent: str, losing: str | None) -> None:
    made = [
        act("raise", 1, A, to_org=B, procedure="jurisdiction"),
        act("escalate", 2, A, to_org=POLICE, procedure="jurisdiction"),
        act("designate", 3, POLICE, source_org=A, procedure="jurisdiction",
            competent_org=competent),
    ]  # fmt: skip
    matter = fold(KEY, "jurisdiction", made)
    assert _only(clocks(matter, LAW, T0), "jurisdiction_handover").org == losing


def test_who_is_told_follows_from_whose_duty_it_was() -> None:
    matter = fold(KEY, "referral", [sent()])
    (clock,) = clocks(matter, LAW, T0)
    assert (told_to(clock, B), told_to(clock, A)) == (OWN, PARTNER)
    waiting = _at_start("transfer", "police_filing")
    assert told_to(_only(clocks(waiting, LAW, T0), "police_filing"), A) == OUTSIDE


def test_rates_have_a_numerator_and_a_denominator_and_leave_out_what_still_runs() -> None:
    def signed(after: timedelta | None, start: datetime = T0) -> list[Clock]:
        acts = [sent(act_time=start)]
        if after is not None:
            acts.append(act("sign", 2, B, act_time=start + after))
        found = clocks(fold(KEY, "referral", acts), LAW, at("2026-03-20 12:00"))
        return [c for c in found if c.row.name == "referral_sign"]

    day = timedelta(days=1)
    all_of_them = [
        *signed(day), *signed(day), *signed(9 * day), *signed(None),
        *signed(None, at("2026-03-20 09:00")),  # still runs
        *signed(day, at("2026-01-05 09:00")),  # of another month
    ]  # fmt: skip
    (rate,) = rates(all_of_them, date(2026, 3, 1), date(2026, 3, 31))
    assert (rate.org, rate.kept, rate.late, rate.overdue, rate.of) == (B, 2, 1, 1, 4)
    assert rate.share == 0.5
    assert rates([], date(2026, 3, 1), date(2026, 3, 31)) == []


@pytest.mark.parametrize(
    ("kind", "started", "last", "unit"),
    [
        ("decision", "2026-08-24 09:00", "2026-11-22", "natural_days"),
        ("delivery", "2026-09-29 00:00", "2026-10-14", "working_days"),
        ("limitation", "2024-02-29 09:00", "2026-02-28", "years"),
        ("limitation", "2024-10-01 09:00", "2026-10-01", "years"),
    ],
)
def test_the_periods_of_a_single_case(kind: str, started: str, last: str, unit: str) -> None:
    begun = Begun(kind, "0" * 32, "A-1", "330523", at(started))  # type: ignore[arg-type]
    end = at(last) + timedelta(days=1)
    for now, standing in ((end - TICK, "due_soon"), (end, "overdue")):
        (clock,) = case_clocks([begun], LAW, now)
        assert (clock.due, clock.unit, clock.standing) == (end, unit, standing)
        assert clock.basis.article


def test_a_case_of_before_the_law_still_has_a_period() -> None:
    (clock,) = case_clocks(
        [Begun("decision", "0" * 32, "A", "330523", at("1950-01-01 00:00"))], LAW, T0
    )
    assert clock.standing == "overdue"


def _order(due: datetime | None, accepted: datetime = T0) -> Matter:
    order = act(
        "accept_order", 1, procedure="hotline", subject_record_ids=("1" * 32,), act_time=accepted,
        due_time=due,
    )  # fmt: skip
    return fold(KEY, "hotline", [order])


@pytest.mark.parametrize(
    ("given", "last", "is_given"),
    [
        ("2026-03-06 17:30:00", "2026-03-06", True),
        ("2026-03-06 23:59:59", "2026-03-06", True),
        # a day without an hour is meant whole
        ("2026-03-06 00:00:00", "2026-03-06", True),
        # what had passed when the order came says nothing; ten natural days are the default
        ("2026-03-03 17:30:00", "2026-03-14", False),
        (None, "2026-03-14", False),
    ],
)
def test_the_time_that_an_order_names_goes_before_the_default(
    given: str | None, last: str, is_given: bool
) -> None:
    (clock,) = clocks(_order(at(given) if given else None), LAW, T0)
    assert (clock.last_day.isoformat(), clock.given) == (last, is_given)


def test_an_order_answered_in_its_last_second_is_in_time() -> None:
    due = at("2026-03-06 17:30:00")
    (clock,) = clocks(_order(due), LAW, due)
    assert clock.standing == "due_soon"
    (clock,) = clocks(_order(due), LAW, due + timedelta(seconds=1))
    assert clock.standing == "overdue"


def test_a_letter_may_give_more_days_than_were_agreed_but_not_less() -> None:
    agreed = Law(agreed={(frozenset({A, B}), "referral_verify_working_days"): 3})
    signed = act("sign", 2, B)

    def last_day(due: str, law: Law) -> str:
        matter = fold(KEY, "referral", [sent(due_time=at(due)), signed])
        found = {c.row.name: c for c in clocks(matter, law, T0)}
        return found["referral_verify"].last_day.isoformat()

    assert last_day("2026-03-05 18:00:00", LAW) == "2026-03-05"
    assert last_day("2026-03-05 18:00:00", agreed) == "2026-03-09"
    assert last_day("2026-03-20 18:00:00", agreed) == "2026-03-20"
