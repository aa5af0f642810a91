"""The flows as Prefect runs them, and what the command line makes of them.

One temporary server for all tests of this file: it takes a dozen seconds to come up.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flows_hotline import Hotline, serving
from flows_world import CASES, LEADS, TOKEN, URL_VARIABLE, World, case, history, order

from exchange.repository.local import refresh
from lake.runs import RunRecord
from lake.store import Lake
from schemas.errors import ConfigError, RefusedError

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def up() -> Iterator[Hotline]:
    with serving(Hotline(TOKEN)) as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL_VARIABLE, running.url)
        yield running


def nodes(world: World) -> tuple[str, str]:
    """Flows read the clock themselves, so both repositories are signed as of now."""
    for node in (world.a, world.b):
        now = datetime.now(UTC)
        refresh(node.place("repository"), node.signers(), node.periods(), now)
    return str(world.root / "a"), str(world.root / "b")


def test_a_night_at_both_nodes(world: World, up: Hotline) -> None:
    from flows.run_nightly import run_nightly

    up.token, up.orders = TOKEN, [order(1), order(2)]
    world.drop("1.csv", [case(1), case(2)])
    a, b = nodes(world)
    night = [(o.subject, o.result) for o in run_nightly(a)]
    at_a = dict(night)
    assert [at_a[CASES].accepted, at_a[LEADS].accepted] == [2, 2]
    # Published twice: the records, then what was done with them, which is nothing here.
    early, late = (result.counts for subject, result in night if subject == world.stream)
    assert early == {"case_result": 2, "lead": 2}
    assert not any(late.values())
    at_b = {o.subject: o.result for o in run_nightly(b)}
    assert [t.sequence for t in at_b[world.stream]] == [1]
    assert (len(history(world.b)), len(history(world.b, "lead"))) == (2, 2)


def test_one_source_that_fails_does_not_stop_the_others(world: World, up: Hotline) -> None:
    from flows.outcome import PartsFailedError
    from flows.run_nightly import run_nightly
    from flows.sync_sources import sync_sources

    up.token = "another"
    world.drop("1.csv", [case(1)])
    a, _ = nodes(world)
    with pytest.raises(PartsFailedError, match=f"1 of 2 failed: {LEADS}") as told:
        sync_sources(a)
    assert told.value.exit_code == 3
    found = {o.subject: o for o in told.value.outcomes}
    assert isinstance(found[LEADS].error, RefusedError)
    assert isinstance(found[CASES].result, RunRecord)
    assert len(history(world.a)) == 1
    # the whole night: what is there is published all the same
    with pytest.raises(PartsFailedError, match=f"1 of [0-9]+ failed: {LEADS}"):
        run_nightly(a)
    assert world.bundle(1).exists()


class Slow(Hotline):
    """Answers only when ``others_done`` is set."""

    others_done = Event()

    def answer(self, query: dict[str, str]) -> tuple[int, bytes, str]:
        self.others_done.wait(60)
        return super().answer(query)


def test_a_slow_source_delays_none_of_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``zz/decided`` comes after the slow one in the list, and is stored before it answers."""
    from flows.progress import Step, listening
    from flows.sync_sources import sync_sources

    sources = world.root / "a/sources"
    shutil.copytree(sources / CASES, sources / "zz/decided")
    toml = sources / "zz/decided/source.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace('system = "cases"', 'system = "zz"'), encoding="utf-8")
    world.drop("1.csv", [case(1)])
    slow = Slow(TOKEN, [order(1)])

    def follow(step: Step) -> None:
        if (step.subject, step.stage, step.done) == ("zz/decided", "store", 1):
            slow.others_done.set()

    with serving(slow), listening(follow):
        monkeypatch.setenv(URL_VARIABLE, slow.url)
        done = sync_sources(str(world.root / "a"))
    assert {o.subject: o.result.accepted for o in done} == {CASES: 1, LEADS: 1, "zz/decided": 1}
    assert slow.others_done.is_set()


def test_a_backfill_counts_unless_told_to_store(world: World) -> None:
    from flows.backfill_source import backfill_source

    world.drop("1.csv", [case(1), case(2), case(3)])
    a, _ = nodes(world)
    window = (date(2020, 9, 2), date(2020, 9, 3))
    (would,) = backfill_source(a, CASES, *window)
    assert (would.result.accepted, Lake(world.a.place("lake")).version("case_result")) == (2, None)
    (did,) = backfill_source(a, CASES, *window, dry_run=False)
    assert did.result.accepted == 2
    assert len(history(world.a)) == 2
    with pytest.raises(ConfigError, match=r"ends .* before it begins"):
        backfill_source(a, CASES, *window[::-1])


def test_what_was_received_is_normalised_again_without_dates(world: World) -> None:
    from flows.outcome import PartsFailedError
    from flows.renormalise_source import renormalise_source

    world.drop("1.csv", [case(1), case(2), case(3)])
    a, _ = nodes(world)
    with pytest.raises(PartsFailedError, match="1 of 1 failed"):
        renormalise_source(a, CASES)  # nothing was received yet
    world.sync()
    (again,) = renormalise_source(a, CASES, dry_run=False)
    assert (again.result.received, again.result.unchanged) == (3, 3)


def test_the_backfills_parameters_are_a_form() -> None:
    """Prefect's UI draws the form from the deployment's schema."""
    from flows.backfill_source import backfill_source

    deployment = backfill_source.to_deployment("backfill")
    schema: dict[str, Any] = deployment._parameter_openapi_schema.model_dump()
    fields = schema["properties"]
    assert set(schema["required"]) == {"node", "source", "since", "until"}
    assert {fields[name]["format"] for name in ("since", "until")} == {"date"}
    assert (fields["dry_run"]["type"], fields["dry_run"]["default"]) == ("boolean", True)
    assert all(field["description"] for field in fields.values())


def test_only_what_may_heal_is_tried_again() -> None:
    from prefect.states import Failed

    from flows.retrying import is_retryable
    from flows.sync_sources import sync_source
    from schemas.errors import RetryableError
    from schemas.text import Text

    text = Text(en="away", zh="不可达")
    unused: Any = None
    for error, again in ((RetryableError(text), True), (RefusedError(text), False)):
        assert is_retryable(sync_source, unused, Failed(data=error)) is again


# ---- the command line --------------------------------------------------------------------------

Hefu = Callable[..., Any]


def test_a_source_out_of_reach_is_exit_code_3(world: World, up: Hotline, hefu: Hefu) -> None:
    up.token = "another"
    world.drop("1.csv", [case(1), case(2, decided="2026-02-30")])
    said = hefu("--node", nodes(world)[0], "sync", "--json")
    assert said.code == 3
    assert [run["stream_id"] for run in said.data["runs"]] == [CASES]
    (error,) = said.data["errors"]
    assert (error["subject"], error["error"]) == (LEADS, "HttpRefusedError")
    assert "the server answers 401" in said.err
    assert TOKEN not in said.err + said.out


def test_a_host_that_is_down_is_told_at_once(
    world: World, hefu: Hefu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:1")
    said = hefu("--node", nodes(world)[0], "sync", LEADS, "--json")
    assert (said.code, said.data["errors"][0]["retryable"]) == (3, True)


def test_a_closed_gate_is_exit_code_1_until_somebody_gives_a_reason(
    world: World, hefu: Hefu
) -> None:
    a, _ = nodes(world)
    toml = world.source_toml.read_text(encoding="utf-8")
    world.source_toml.write_text(toml.replace("0.9", "0.1"), encoding="utf-8")
    world.drop("1.csv", [case(1), case(2, fine="-1")])
    said = hefu("--node", a, "sync", CASES)
    assert said.code == 1
    assert "1 of 2 rows are quarantined (50.0%); 10.0% is allowed" in said.err
    said = hefu("--node", a, "publish", "--json")
    assert (said.code, said.data["errors"][0]["error"]) == (1, "GateClosedError")
    said = hefu("--node", a, "publish", "--override-gate", "已核对", "--json")
    assert (said.code, said.data["published"][0]["status"]) == (0, "published")


def test_a_refused_bundle_is_exit_code_1_of_receive_and_4_of_verify(
    world: World, hefu: Hefu
) -> None:
    world.drop("1.csv", [case(1)])
    now = datetime.now(UTC)
    world.sync(now=now)
    world.publish(now=now)
    bundle = world.bundle(1)
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[:-1] + b"x")
    receive = ("--node", nodes(world)[1], "receive", "--json")
    trust = str(next((world.root / "b/partners").iterdir()))
    keys = world.root / "b/keys"
    opens = ("--identity", str(keys / "identity.pem"), "--passphrase", f"file:{keys}/passphrase")
    lists = ("--repository", str(world.root / "a/repository"))
    said = hefu("verify", str(bundle), "--trust", trust, *lists, *opens, "--json")
    assert (said.code, said.data["step"]) == (4, "decrypt"), said
    said = hefu(*receive)
    assert (said.code, said.data["taken_in"]) == (1, [])
    assert said.data["errors"][0]["step"] == "trust"
    assert "hint:" in said.err
    bundle.write_bytes(whole)
    said = hefu(*receive)
    assert (said.code, [t["sequence"] for t in said.data["taken_in"]]) == (0, [1])
    said = hefu(*receive)
    assert (said.code, said.data["taken_in"], said.data["errors"]) == (0, [], [])
    assert [one["stale"] for one in said.data["read"]] == [False]


def test_a_misspelt_key_is_exit_code_2(world: World, hefu: Hefu) -> None:
    config = world.root / "a/hefu.toml"
    text = config.read_text(encoding="utf-8").replace("division_code", "divison_code")
    config.write_text(text, encoding="utf-8")
    said = hefu("--node", str(world.root / "a"), "sync", "--json")
    assert (said.code, said.data["error"]) == (2, "ConfigError")
    assert said.data["hint"]["en"] == "did you mean 'division_code'?"
    assert Path(said.data["where"].partition(",")[0]) == config
