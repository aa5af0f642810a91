"""A partner's system is asked within its limits, and a weak one delays nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from flows_hotline import Hotline
from flows_world import CASES, LEADS, NOW, TOKEN, World, case, order

from connectors.config import Limits
from connectors.pull import PullRequest
from flows.asking import LeftAloneError, PostponedError, asking
from flows.every import sync_every
from flows.ingest import ingest
from flows.locks import holding_one_of
from flows.outcome import Outcome
from hefu.standing import standing_of
from schemas.errors import OutsideError, RefusedError, RetryableError


def limited(world: World, stream: str, **limits: object) -> None:
    path = world.root / "a/sources" / stream / "source.toml"
    lines = [f"{name} = {json.dumps(value)}" for name, value in limits.items()]
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n[limits]\n" + "\n".join(lines) + "\n", encoding="utf-8")


def anyway(world: World, stream: str, now: datetime) -> int:
    (source,) = world.a.sources([stream])
    request = PullRequest("cursor", None, None, None, now, anyway=True)
    return ingest(world.a, source, request, now).accepted


# ---- quiet hours -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "local", "quiet"),
    [
        ("08:00-18:00", "07:59", False),
        ("08:00-18:00", "08:00", True),
        ("08:00-18:00", "17:59", True),
        ("08:00-18:00", "18:00", False),
        ("22:00-06:00", "21:59", False),
        ("22:00-06:00", "22:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("18:00-24:00", "23:59", True),
        ("18:00-24:00", "00:00", False),
    ],
)
def test_quiet_hours_are_local_and_end_to_the_minute(
    world: World, hours: str, local: str, quiet: bool
) -> None:
    limited(world, CASES, quiet_hours=["12:34-12:35", hours])
    (source,) = world.a.sources([CASES])
    now = datetime.fromisoformat(f"2026-10-09T{local}:00+08:00")
    if not quiet:
        with asking(world.a, source, now) as watch:
            watch()
        return
    with (
        pytest.raises(PostponedError, match=f"until {hours[-5:]}") as told,
        asking(world.a, source, now),
    ):
        pytest.fail("it was asked")
    assert told.value.exit_code == 0


def test_quiet_hours_are_no_failure_and_a_person_may_ask_anyway(world: World) -> None:
    world.drop("1.csv", [case(1)])
    limited(world, CASES, quiet_hours=["00:00-24:00"], circuit_failures=1)
    with pytest.raises(PostponedError):
        world.sync()
    assert standing_of(world.a, CASES) is None
    assert anyway(world, CASES, NOW) == 1


def test_a_pull_that_takes_too_long_is_broken_off_and_made_up_for(world: World) -> None:
    world.drop("1.csv", [case(1)])
    before = world.source_toml.read_text(encoding="utf-8")
    limited(world, CASES, run_minutes=1e-9)
    with pytest.raises(RetryableError, match="broken off"):
        world.sync()
    world.source_toml.write_text(before, encoding="utf-8")
    assert world.sync().accepted == 1


# ---- the circuit -------------------------------------------------------------------------------


def test_a_source_that_keeps_failing_is_left_alone_then_tried_once(
    world: World, hotline: Hotline
) -> None:
    hotline.orders = [order(1)]
    limited(world, LEADS, circuit_failures=2, circuit_minutes=60)
    hotline.token = "another"
    for nth in range(2):
        with pytest.raises(RefusedError, match="401"):
            world.sync(LEADS, NOW + timedelta(minutes=nth))
    asked = len(hotline.asked)
    with pytest.raises(LeftAloneError) as told:
        world.sync(LEADS, NOW + timedelta(minutes=60))  # the last try was at :01
    assert len(hotline.asked) == asked
    assert "2 times since 2026-10-09 01:30" in told.value.message.en
    assert "until 2026-10-09 02:31" in told.value.message.en
    assert "401" in told.value.message.zh
    assert told.value.exit_code == 3
    with pytest.raises(RefusedError, match="401"):  # one try, which fails
        world.sync(LEADS, NOW + timedelta(minutes=61))
    with pytest.raises(LeftAloneError, match="3 times since"):
        world.sync(LEADS, NOW + timedelta(minutes=62))
    hotline.token = TOKEN
    assert world.sync(LEADS, NOW + timedelta(minutes=121)).accepted == 1
    assert standing_of(world.a, LEADS) is None
    assert not list((world.root / "a/standing").rglob("*.json"))


def test_a_person_may_ask_one_that_is_left_alone_and_others_are_asked_as_ever(
    world: World, hotline: Hotline
) -> None:
    hotline.orders = [order(1)]
    world.drop("1.csv", [case(1)])
    limited(world, LEADS, circuit_failures=1)
    hotline.token = "another"
    with pytest.raises(OutsideError):
        world.sync(LEADS)
    assert world.sync(CASES).accepted == 1
    hotline.token = TOKEN
    with pytest.raises(LeftAloneError):
        world.sync(LEADS)
    assert anyway(world, LEADS, NOW) == 1


# ---- side by side ------------------------------------------------------------------------------


def test_a_place_is_waited_for(world: World) -> None:
    released, taken = Event(), []

    def wait_for_one() -> None:
        with holding_one_of(world.a, "system/s", 2, pause=0.001):
            taken.append(released.is_set())

    with ExitStack() as both:
        both.enter_context(holding_one_of(world.a, "system/s", 2))
        with holding_one_of(world.a, "system/s", 2):
            waiting = Thread(target=wait_for_one)
            waiting.start()
            released.set()
        waiting.join()
    assert taken == [True]


# ---- at a short interval -----------------------------------------------------------------------


class Impatient(Event):
    """The time until the next round has always come already."""

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return self.is_set()


def test_every_stream_keeps_its_own_rhythm_and_failures_end_nothing(
    world: World, hotline: Hotline
) -> None:
    world.drop("1.csv", [case(1)])
    hotline.token = "another"
    stop, told = Impatient(), []

    def tell(outcome: Outcome) -> None:
        told.append(outcome)
        if outcome.subject == CASES and outcome.result is not None and outcome.result.accepted:
            world.drop("2.csv", [case(2)])
        of = [o.subject for o in told]
        if of.count(CASES) >= 3 and of.count(LEADS) >= 2:
            stop.set()

    sync_every(str(world.root / "a"), [CASES, LEADS], timedelta(minutes=5), stop, tell)
    cases = [o.result for o in told if o.subject == CASES]
    assert [r.accepted for r in cases[:3]] == [1, 1, 0]
    assert all(isinstance(o.error, OutsideError) for o in told if o.subject == LEADS)


def test_a_defect_stops_every_stream_and_is_raised(world: World) -> None:
    stop = Impatient()

    def tell(outcome: Outcome) -> None:
        raise ZeroDivisionError(outcome.subject)

    with pytest.raises(ZeroDivisionError):
        sync_every(str(world.root / "a"), [CASES], timedelta(minutes=5), stop, tell)
    assert stop.is_set()


@pytest.fixture
def running(world: World) -> Iterator[subprocess.Popen[str]]:
    world.drop("1.csv", [case(1)])
    command = [sys.executable, "-m", "hefu.cli", "--node", str(world.root / "a"), "sync", CASES]
    process = subprocess.Popen(
        [*command, "--every", "1h", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"HEFU_LANG": "en"},
        cwd=Path(__file__).parents[2],
    )
    yield process
    process.kill()
    process.communicate()


def test_the_command_writes_a_line_a_round_and_ends_when_told(
    running: subprocess.Popen[str],
) -> None:
    assert running.stdout is not None
    line = json.loads(running.stdout.readline())
    assert (line["subject"], line["run"]["accepted"]) == (CASES, 1)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "every round that had begun is done" in err


def test_limits_are_checked_when_they_are_read() -> None:
    with pytest.raises(ValueError, match="08:00-18:00"):
        Limits(quiet_hours=("8-18",))
