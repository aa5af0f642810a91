"""``prefect.yaml`` says what Prefect will understand: its models drop a misspelt key in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.cli.deploy._models import (
    ConcurrencyLimitSpec,
    DeploymentConfig,
    PrefectYamlModel,
    RawScheduleConfig,
    WorkPoolConfig,
)
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

ROOT = Path(__file__).resolve().parents[2]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS: list[dict[str, Any]] = CONFIG["deployments"]
each_deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])


def test_prefect_knows_every_key() -> None:
    known = {field.alias or name for name, field in PrefectYamlModel.model_fields.items()}
    assert CONFIG.keys() - {"definitions"} <= known
    assert len(PrefectYamlModel.model_validate(CONFIG).deployments) == len(DEPLOYMENTS)


@each_deployment
def test_prefect_knows_every_key_of(deployment: dict[str, Any]) -> None:
    assert deployment.keys() <= DeploymentConfig.model_fields.keys()
    assert deployment["work_pool"].keys() <= WorkPoolConfig.model_fields.keys()
    assert deployment["concurrency_limit"].keys() <= ConcurrencyLimitSpec.model_fields.keys()


@each_deployment
def test_the_entrypoint_is_a_flow_that_takes_the_parameters(deployment: dict[str, Any]) -> None:
    """A parameter of a type that Prefect can't describe would be a free text in its form."""
    flow: Flow[..., Any] = load_flow_from_entrypoint(deployment["entrypoint"])
    form = parameter_schema(flow).model_dump()
    assert deployment["parameters"].keys() <= form["properties"].keys()
    assert "node" in form["required"]
    untyped = [
        name
        for name, field in form["properties"].items()
        if not field.keys() & {"type", "anyOf", "allOf", "$ref", "enum"}
    ]
    assert untyped == []
    unexplained = [n for n, field in form["properties"].items() if not field.get("description")]
    assert unexplained == []


def test_the_backfill_asks_for_source_and_dates_and_stores_nothing_unless_told() -> None:
    (backfill,) = (d for d in DEPLOYMENTS if d["name"] == "backfill")
    assert "schedules" not in backfill
    fields = parameter_schema(load_flow_from_entrypoint(backfill["entrypoint"])).properties
    assert {fields[name]["format"] for name in ("since", "until")} == {"date"}
    assert fields["dry_run"]["type"] == "boolean"
    assert fields["dry_run"]["default"] is True


def schedules() -> list[tuple[str, dict[str, Any]]]:
    return [(d["name"], s) for d in DEPLOYMENTS for s in d.get("schedules", ())]


@pytest.mark.parametrize(("name", "schedule"), schedules())
def test_a_schedule_has_a_slug_and_the_zone_of_the_agencies(
    name: str, schedule: dict[str, Any]
) -> None:
    told = RawScheduleConfig.model_validate(schedule)
    assert told.slug
    assert told.cron is not None
    assert told.timezone == "Asia/Shanghai"
    CronSchedule(cron=told.cron, timezone=told.timezone)


def test_the_slugs_are_those_that_servers_already_know() -> None:
    """Renaming one leaves its twin running on every server: change it with a migration."""
    assert {s["slug"]: s["cron"] for _, s in schedules()} == {
        "nightly-sync": "30 1 * * *",
        "nightly-publish": "0 3 * * *",
        "nightly-receive": "30 4 * * *",
        "nightly-cooperate": "0 5 * * *",
        "nightly-publish-acts": "20 5 * * *",
        "nightly-prune": "30 5 * * *",
    }


def test_nothing_is_pulled_and_the_worker_is_told_where_to_start() -> None:
    assert CONFIG["pull"] == []
    for deployment in DEPLOYMENTS:
        assert deployment["work_pool"]["job_variables"]["working_dir"]
