"""``prefect.yaml`` on a real server: what an operator sees, and what a second deploy does."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

ROOT = Path(__file__).resolve().parents[2]
NODE = "/srv/hefu/anji"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A Prefect server of this test's own, with ``prefect.yaml`` deployed to it."""

    url: str
    environment: dict[str, str]
    session: requests.Session

    def prefect(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def deployments(self) -> dict[str, dict[str, Any]]:
        answer = self.session.post(f"{self.url}/deployments/filter", json={}, timeout=30)
        return {deployment["name"]: deployment for deployment in answer.json()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment = kept | {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "HEFU_NODE": NODE,
        "HEFU_HOME": str(ROOT),
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--no-services"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with requests.Session() as session:
            # refused connections are tried again until the server listens
            patient = Retry(total=120, connect=120, backoff_factor=0.5, backoff_max=0.5)
            session.mount("http://", HTTPAdapter(max_retries=patient))
            session.get(f"{url}/health", timeout=60).raise_for_status()
            here = Server(url, environment, session)
            here.prefect("work-pool", "create", "hefu", "--type", "process")
            here.prefect("deploy", "--all")
            yield here
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_the_deployments_know_node_zone_and_folder(server: Server) -> None:
    found = server.deployments()
    assert {
        (name, schedule["slug"], schedule["schedule"]["cron"], schedule["schedule"]["timezone"])
        for name, deployment in found.items()
        for schedule in deployment["schedules"]
        if schedule["active"]
    } == {
        ("nightly-sync", "nightly-sync", "30 1 * * *", "Asia/Shanghai"),
        ("publish", "nightly-publish", "0 3 * * *", "Asia/Shanghai"),
        ("receive", "nightly-receive", "30 4 * * *", "Asia/Shanghai"),
        ("cooperate", "nightly-cooperate", "0 5 * * *", "Asia/Shanghai"),
        ("publish-acts", "nightly-publish-acts", "20 5 * * *", "Asia/Shanghai"),
        ("prune-landing", "nightly-prune", "30 5 * * *", "Asia/Shanghai"),
    }
    by_hand = {"sync", "backfill", "renormalise", "whole-night", "approve-transfer"}
    nightly = {"nightly-sync", "publish", "receive", "cooperate", "publish-acts", "prune-landing"}
    assert found.keys() == nightly | by_hand
    for deployment in found.values():
        assert deployment["parameters"] == {"node": NODE}
        assert deployment["job_variables"]["working_dir"] == str(ROOT)
        assert deployment["pull_steps"] in ([], None)
        assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"


def test_a_short_interval_is_one_command(server: Server) -> None:
    """As docs/schedules.md says it; what the test gives, it takes back."""
    (command,) = re.findall(
        r"^prefect (deployment schedule create .*)$",
        (ROOT / "docs/schedules.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    server.prefect(*shlex.split(command))
    (schedule,) = server.deployments()["sync"]["schedules"]
    assert schedule["schedule"]["interval"] == 300
    server.prefect("deployment", "schedule", "clear", "-y", "sync sources/sync")


def test_the_backfill_form_is_refused_before_a_run_exists_when_incomplete(server: Server) -> None:
    backfill = server.deployments()["backfill"]
    answer = server.session.post(
        f"{server.url}/deployments/{backfill['id']}/create_flow_run",
        json={"parameters": {"node": NODE, "source": "case/results"}},
        timeout=30,
    )
    assert answer.status_code == requests.codes.conflict
    assert "since" in answer.text
    runs = server.session.post(f"{server.url}/flow_runs/count", json={}, timeout=30)
    assert runs.json() == 0


def test_deploying_again_adds_nothing_and_wakes_no_paused_schedule(server: Server) -> None:
    before = server.deployments()["receive"]["schedules"]
    name = "receive bundles/receive"
    server.prefect("deployment", "schedule", "pause", name, before[0]["id"])
    server.prefect("deploy", "--name", "receive")
    (after,) = server.deployments()["receive"]["schedules"]
    assert (after["id"], after["active"]) == (before[0]["id"], False)
    server.prefect("deployment", "schedule", "resume", name, after["id"])
