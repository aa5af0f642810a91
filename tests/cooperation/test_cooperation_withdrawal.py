"""What a correction makes of a record, who sees it applied, and how the matter goes."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.clocks import Law, clocks
from cooperation.procedures.fold import Matter, fold
from cooperation.withdrawal.effects import (
    DOCUMENTED,
    RESULTING_STATUS,
    Correction,
    is_applied,
    opening_act,
    resulting_status,
    standing,
)
from schemas.codes import canonical

A, B = "113305230000000HFG", "113418820000000HFY"
#: Thursday, before the National Day holiday of 2026 (1 to 7 October, make-up day 10 October).
EVE = datetime(2026, 9, 30, 8, tzinfo=UTC)
KEY = MatterKey(A, "CH-330523-0000000000")
KINDS = sorted(row.code for row in canonical("correction_type"))


def act(sequence: int, code: str, org: str, when: datetime, **more: Any) -> Act:
    return Act(
        f"{sequence}{code}{org}", org, "withdrawal", KEY, code, sequence, when, org, (A, B), **more
    )


def opened(code: str = "revoke") -> Act:
    return act(1, code, A, EVE, to_org=B, reason_code="decision_revoked")


SENT = act(2, "send_withdrawal", A, EVE + timedelta(days=9))
CONFIRMED = act(2, "confirm_applied", B, EVE + timedelta(days=10))


def matter(*acts: Act) -> Matter:
    return fold(KEY, "withdrawal", acts)


def test_every_kind_of_the_list_is_known() -> None:
    assert set(RESULTING_STATUS) | {"publicity_expired"} == set(KINDS)
    assert set(KINDS) > DOCUMENTED
    # a person reads the kind as the ground of the matter
    assert {row.code for row in canonical("act_reason")} > set(KINDS)
    statuses = {row.code for row in canonical("data_status")}
    assert set(RESULTING_STATUS.values()) <= statuses
    assert [k for k in KINDS if opening_act(k) == "erase"] == ["retention_deleted"]
    folder = files("schemas").joinpath("codes/correction_type.csv")
    assert len({r["code"] for r in csv.DictReader(folder.read_text().splitlines())}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_shows_it_when_it_has_the_status_or_is_gone(kind: str) -> None:
    code, wanted = opening_act(kind), resulting_status(kind)
    assert is_applied(code, kind, None)
    assert is_applied(code, kind, "removed")
    assert is_applied(code, kind, "valid") == (wanted is None)
    if wanted is not None:
        assert is_applied(code, kind, wanted)
    # who was not told the kind sees at least that it is not as it was
    assert not is_applied(code, None, "valid")


def test_the_correction_that_took_effect_last_holds() -> None:
    def one(name: str, day: int, received: int) -> Correction:
        when, came = EVE + timedelta(days=day), EVE + timedelta(days=received)
        return Correction(name, name, "r", "lead", "void", "1", when, came, "revoked")

    first, second, third = one("a", 1, 9), one("b", 2, 3), one("c", 2, 4)
    assert standing([third, first, second]) == {"r": third}
    assert standing([]) == {}


@given(st.permutations([opened(), SENT, CONFIRMED]))
def test_both_sides_agree_whoever_was_first(acts: list[Act]) -> None:
    """The partner may prove it before it hears that it was sent, and at the same moment."""
    found = matter(*acts)
    assert (found.state_name, found.overtaken) == ("applied", ())
    assert matter(*(a for a in acts if a != SENT)).state_name == "applied"


def test_giving_up_and_a_proof_at_the_same_time_is_a_proof() -> None:
    gave_up = act(2, "close", A, EVE, reason_text="协议已终止")
    assert matter(opened(), gave_up).state_name == "closed"
    both = matter(opened(), gave_up, CONFIRMED)
    assert both.state_name == "applied"
    assert [o.act.code for o in both.overtaken] == ["close"]


def test_what_could_not_be_applied_is_sent_anew() -> None:
    failed = act(3, "report_not_applied", B, EVE + timedelta(days=11), reason_text="x")
    assert matter(opened(), SENT, failed).state_name == "not_applied"
    again = act(4, "send_withdrawal", A, EVE + timedelta(days=12))
    assert matter(opened(), SENT, failed, again).state_name == "sent"


@pytest.mark.parametrize(
    ("moment", "standing_at"),
    [
        ("2026-10-09T15:59:59+00:00", "running"),
        ("2026-10-10T15:59:59+00:00", "due_soon"),
        ("2026-10-10T16:00:00+00:00", "overdue"),
    ],
)
def test_three_working_days_over_the_holiday(moment: str, standing_at: str) -> None:
    """From the document's day, 30 September: the 8th, 9th and 10th (a make-up Saturday) count."""
    (clock,) = clocks(matter(opened()), Law(), datetime.fromisoformat(moment))
    assert (clock.row.name, clock.who, clock.length) == ("withdrawal_send", "origin", 3)
    assert clock.basis.article.endswith("第四十八条")
    assert clock.standing == standing_at
