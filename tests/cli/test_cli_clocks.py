"""Matters and clocks on the command line: an officer sees what to do next, and what is over."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from call_commands import call

from schemas.text import Text

sys.path.append(str(Path(__file__).parents[1] / "flows"))

from flows_matters import Two, make_two
from flows_world import NOW, A, B

from flows.acting import do, opening

NO = "甲交案〔2026〕1号"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """A referral from A that B has, and has not signed for."""
    world = make_two(tmp_path_factory.mktemp("clocks"))
    first = opening(
        world.a, "referral", "send", NOW, to_org=B.code, subject_record_ids=("0" * 32,),
        subject_nos=(NO,), subject_record_type="lead",
    )  # fmt: skip
    do(world.a, first, NOW)
    world.carry(world.a, world.b)
    return world


def hefu(two: Two, side: str, *words: str) -> tuple[int, str, str]:
    return call(["--node", str(two.root / side), *words])


def number(two: Two) -> str:
    code, out, _ = hefu(two, "b", "refer", "list", "--json")
    assert code == 0
    (found,) = json.loads(out)
    return str(found["number"])


def test_a_list_says_whose_turn_it_is_and_until_when(two: Two) -> None:
    code, out, err = hefu(two, "b", "refer", "list")
    assert code == 0
    assert NO in out
    assert "2026-10-12" in out
    assert "OVERDUE" in out
    assert "1 wait for this agency" in err
    assert json.loads(hefu(two, "a", "refer", "list", "--mine", "--json")[1]) == []


def test_what_is_over_is_exit_code_1_and_says_who_is_told(two: Two) -> None:
    ours, theirs = hefu(two, "b", "clocks"), hefu(two, "a", "clocks")
    assert (ours[0], theirs[0]) == (1, 1)
    assert "report it to this agency's head" in ours[2]
    assert "remind the partner" in theirs[2]
    code, out, _ = hefu(two, "a", "clocks", "--json")
    said = json.loads(out)
    assert (code, said["overdue"]) == (1, 1)
    (clock,) = said["clocks"]
    assert (clock["org"], clock["last_day"], clock["provisional"]) == (B.code, "2026-10-12", False)
    assert clock["calendar_version"]
    assert clock["article"]


def test_mine_leaves_out_what_others_have_to_do(two: Two) -> None:
    code, out, _ = hefu(two, "a", "clocks", "--mine", "--json")
    assert (code, json.loads(out)["clocks"]) == (0, [])


@pytest.mark.parametrize(
    ("day", "standing"),
    [("2026-10-10", "running"), ("2026-10-12", "due_soon"), ("2026-10-13", "overdue")],
)
def test_a_day_is_asked_as_it_was(two: Two, day: str, standing: str) -> None:
    code, out, _ = hefu(two, "b", "clocks", "--on", day, "--json")
    (clock,) = json.loads(out)["clocks"]
    assert clock["standing"] == standing
    assert code == (1 if standing == "overdue" else 0)


def test_rates_name_numerator_and_denominator(two: Two) -> None:
    code, out, _ = hefu(
        two, "a", "clocks", "--rates", "--since", "2026-10-01", "--until", "2026-10-31", "--json"
    )
    (rate,) = json.loads(out)["rates"]
    assert code == 0
    assert (rate["org"], rate["clock"], rate["kept"], rate["of"]) == (B.code, "referral_sign", 0, 1)
    assert "0.0%" in hefu(two, "a", "clocks", "--rates", "--until", "2026-10-31")[1]


def test_the_status_counts_matters_and_periods(two: Two) -> None:
    code, out, err = hefu(two, "b", "status", "--json")
    matters = json.loads(out)["matters"]
    assert code == 1
    assert matters["open"] == {"referral": {"open": 1, "ours": 1}}
    assert matters["clocks"]["own"]["overdue"] == 1
    assert matters["clocks"]["others"] == {"running": 0, "due_soon": 0, "overdue": 0}
    assert "hefu clocks" in hefu(two, "b", "status")[2], err


def test_a_refusal_says_what_is_possible_now(two: Two) -> None:
    code, _, err = hefu(two, "b", "refer", "feed-back", number(two), "--result", "penalty")
    assert code == 2
    assert "sign, reject" in err
    code, _, err = hefu(two, "b", "refer", "reject", number(two), "--reason", "weather")
    assert code == 2
    assert "not_competent" in err
    assert "--reason" in hefu(two, "b", "refer", "reject", number(two))[2]


def test_help_says_who_may_and_what_is_needed(two: Two) -> None:
    out = hefu(two, "b", "refer", "reject", "--help")[1]
    assert "By: receiving agency" in out
    assert "Needs: --reason" in out
    assert {"sign", "start-verification", "show", "list"} <= set(
        hefu(two, "b", "refer", "--help")[1].split()
    )


def test_after_an_act_the_next_step_is_told_and_names_stay_masked(two: Two) -> None:
    no = number(two)
    words = ("refer", "sign", no[-6:], "--time", "2026-10-10 09:00", "--name", "测试甲乙")
    code, _, err = hefu(two, "b", *words)
    assert code == 0
    assert "state: signed for" in err
    assert "next: the receiving agency" in err
    assert "until 2026-10-23" in err
    assert "start-verification" in err
    code, out, _ = hefu(two, "b", "refer", "show", no)
    assert code == 0
    assert "测试甲乙" not in out
    assert "kept (entered after the end)" in out
    revealed = hefu(two, "b", "refer", "show", no, "--reveal", "--json")
    assert "测试甲乙" in revealed[1]
    assert "personal data follows" in revealed[2]
    shown = json.loads(hefu(two, "b", "refer", "show", no, "--json")[1])
    assert [a["code"] for a in shown["acts"]] == ["send", "sign"]
    assert "测试甲乙" not in json.dumps(shown, ensure_ascii=False)


def test_every_word_of_a_clock_is_in_both_languages() -> None:
    from cooperation.procedures.escalation import OUTSIDE, OWN, PARTNER

    for text in (OWN, PARTNER, OUTSIDE):
        assert isinstance(text, Text)
        assert not text.zh.isascii()
        assert A.code not in text.en
