"""Files and answers that can't be taken in: one named error, and the lake stays as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flows_hotline import Hotline, Mood
from flows_world import (
    CASE_COLUMNS,
    LEADS,
    NIGHT,
    NOW,
    TOKEN,
    URL_VARIABLE,
    World,
    case,
    counts,
    csv_text,
    history,
    order,
)

from flows.outgoing import GateClosedError
from lake.store import Lake
from schemas.errors import ConfigError, HefuError, RefusedError, RetryableError

# ---- the case system's files -----------------------------------------------------------------


def nothing_stored(world: World, record_type: str = "case_result") -> bool:
    return Lake(world.a.place("lake")).runs(record_type) == []


def test_an_empty_file_is_one_quarantined_entry_and_the_files_beside_it_go_through(
    world: World,
) -> None:
    world.drop("1.csv", [case(1), case(2)])
    world.drop("2.csv", b"")
    first = world.sync()
    assert counts(first) == (3, 2, 0, 0, 1)
    assert first.reasons == {"read:file": 1}
    assert counts(world.sync()) == (0, 0, 0, 0, 0)
    world.drop("2.csv", [case(3)])
    assert counts(world.sync()) == (1, 1, 0, 0, 0)


def test_a_renamed_header_is_named_and_nothing_is_stored(world: World) -> None:
    world.drop("1.csv", csv_text([case(1)]).replace("fine", "fine_amount", 1))
    with pytest.raises(ConfigError, match="fine") as told:
        world.sync()
    assert told.value.exit_code == 2
    assert "mapping.sql" in str(told.value.where)
    assert nothing_stored(world)
    world.drop("1.csv", [case(1)])
    assert counts(world.sync()) == (1, 1, 0, 0, 0)


def test_a_column_gone_from_one_of_two_files_is_told(world: World) -> None:
    world.drop("1.csv", [case(1)])
    fewer = tuple(c for c in CASE_COLUMNS if c != "violation")
    rows = [{k: v for k, v in case(2).items() if k != "violation"}]
    world.drop("2.csv", csv_text(rows, fewer))
    run = world.sync()
    assert counts(run) == (2, 1, 0, 0, 1)
    assert dict(run.reasons) == {"required:violation_type": 1}
    assert run.drift.missing == ("violation",)


def test_a_misspelt_key_is_named_with_its_line(world: World) -> None:
    toml = world.source_toml.read_text(encoding="utf-8")
    world.source_toml.write_text(toml.replace("pattern =", "patern ="), encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key 'patern'") as told:
        world.sync()
    assert told.value.exit_code == 2
    assert told.value.where is not None
    assert told.value.where.row == 1 + toml[: toml.index("pattern")].count("\n")
    assert str(told.value.hint) == "did you mean 'pattern'?"
    assert nothing_stored(world)


def test_a_misspelt_key_of_an_agreement_or_a_node_is_named(world: World) -> None:
    agreement = world.root / "a/agreements/a-b.toml"
    text = agreement.read_text(encoding="utf-8")
    agreement.write_text(text.replace("valid_until", "valid_untill"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"valid_untill|valid_until"):
        world.publish()
    config = world.root / "a/hefu.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("memory_limit", "memory_limits"), encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key 'memory_limits'"):
        world.sync()


# ---- a file that shrank, and the gate ----------------------------------------------------------


@pytest.fixture(scope="module")
def shrunk(new_world: Callable[[], World]) -> World:
    """Three ordinary nights of twenty rows, then one of two."""
    world = new_world()
    for night in range(3):
        world.drop("all.csv", [case(i, day=1 + night) for i in range(20)])
        assert world.sync(now=NOW + night * NIGHT).gate_passed
    world.drop("all.csv", [case(i, day=5) for i in range(2)])
    run = world.sync(now=NOW + 3 * NIGHT)
    assert counts(run) == (2, 2, 0, 0, 0)
    assert not run.gate_passed
    return world


def test_a_file_that_shrank_to_a_tenth_holds_its_records_back(shrunk: World) -> None:
    (run, *_) = Lake(shrunk.a.place("lake")).runs("case_result")
    (reason,) = run.gate_reasons
    assert "2 rows came, 90% fewer than the usual 20" in reason.en
    with pytest.raises(GateClosedError, match="90% fewer") as told:
        shrunk.publish(now=NOW + 3 * NIGHT)
    assert told.value.exit_code == 1
    assert "--override-gate" in str(told.value.hint)
    assert not (shrunk.root / "a/repository/targets/streams").exists()


def test_a_night_without_a_file_does_not_open_the_gate(shrunk: World) -> None:
    run = shrunk.sync(now=NOW + 4 * NIGHT)
    assert counts(run) == (0, 0, 0, 0, 0)
    assert not run.gate_passed
    with pytest.raises(GateClosedError):
        shrunk.publish(now=NOW + 4 * NIGHT)


def test_a_persons_reason_opens_the_gate_and_is_written_into_the_verdict(shrunk: World) -> None:
    reason = "国庆假期停运，数量属实"
    (published,) = shrunk.publish(now=NOW + 4 * NIGHT, override_gate=reason)
    assert published.counts == {"case_result": 20}
    data = shrunk.plain(1)
    assert reason.encode() in data
    (taken,) = shrunk.receive(now=NOW + 5 * NIGHT)
    assert taken.counts["case_result"].accepted == 20


def test_the_gate_opens_by_itself_when_the_source_is_right_again(shrunk: World) -> None:
    shrunk.drop("all.csv", [case(i, day=6) for i in range(20)])
    assert shrunk.sync(now=NOW + 6 * NIGHT).gate_passed
    (published,) = shrunk.publish(now=NOW + 6 * NIGHT)
    assert (published.status, published.sequence) == ("published", 2)


# ---- the hotline's API -------------------------------------------------------------------------

Failure = tuple[Mood, type[HefuError], str]
FAILURES: tuple[Failure, ...] = (
    ("endless", RefusedError, "the list never ends"),
    ("truncated", RetryableError, "the JSON is cut off"),
    ("broken_off", RetryableError, "the answer broke off"),
    ("html", RefusedError, "the server answers an HTML page, not the list"),
)


@pytest.mark.parametrize(("mood", "error", "message"), FAILURES, ids=lambda v: str(v))
def test_an_answer_that_is_wrong_is_named_and_not_taken(
    world: World, hotline: Hotline, mood: Mood, error: type[HefuError], message: str
) -> None:
    hotline.orders = [order(i) for i in range(3)]
    hotline.mood = mood
    refused(world, error, message)


def test_a_wrong_token_is_named_without_being_shown(world: World, hotline: Hotline) -> None:
    hotline.token = "another token"
    told = refused(world, RefusedError, "the server answers 401")
    assert TOKEN not in str(told.as_dict())
    assert "token is wrong or has run out" in str(told.hint)


def test_a_host_that_is_down_may_be_up_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:1")
    refused(world, RetryableError, "the server can't be reached")


def refused(world: World, error: type[HefuError], message: str) -> HefuError:
    """A sync fails outside, as ``error`` exactly, and stores nothing."""
    with pytest.raises(error, match=message) as told:
        world.sync(LEADS)
    assert told.value.exit_code == 3
    assert nothing_stored(world, "lead")
    return told.value


def test_after_a_failure_the_next_run_takes_all(world: World, hotline: Hotline) -> None:
    hotline.orders = [order(i) for i in range(5)]
    hotline.mood = "endless"
    refused(world, RefusedError, "never ends")
    hotline.mood = "busy_once"
    assert counts(world.sync(LEADS)) == (5, 5, 0, 0, 0)


def test_a_page_with_a_bad_record_beside_good_ones(world: World, hotline: Hotline) -> None:
    hotline.orders = [order(1), order(2, found="昨天"), order(3), order(4, suspected=None)]
    run = world.sync(LEADS)
    assert counts(run) == (4, 2, 0, 0, 2)
    assert dict(run.reasons) == {
        "required:discovered_time": 1,
        "required:suspected_violation": 1,
        "type:discovered_time": 1,
    }
    assert counts(world.sync(LEADS)) == (4, 0, 2, 0, 2)
    assert len(history(world.a, "lead")) == 2
