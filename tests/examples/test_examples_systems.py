"""The web interfaces as real processes on free ports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from examples_constants import NOW

from examples.region.drops import write_api_data
from examples.region.generator import Entry, generate
from examples.region.region import Region
from examples.region.systems.limits import RateLimit, Stumble
from examples.region.systems.profiles import PROFILES
from examples.region.systems.running import APIS, Systems, data_path, token_path

PROJECT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "examples.region.systems.case_api")
TOKEN = "a-token-for-tests"
CALM = ("--burst", "100000", "--fail-every", "0")


@contextmanager
def serving(data: Path, *arguments: str) -> Iterator[str]:
    """One interface with ``arguments``; yields its address."""
    process = subprocess.Popen(
        [*PROGRAM, "--data", str(data), "--port", "0", "--token-env", "TEST_TOKEN", *arguments],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        env={**os.environ, "TEST_TOKEN": TOKEN},
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _entries(feed: str) -> tuple[Entry, ...]:
    return generate(5, 2_000, NOW).feeds[feed]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "zhichao.jsonl"
    write_api_data(path, _entries("anji/zhichao/cases"))
    return path


def _key(profile: str) -> dict[str, str]:
    header = PROFILES[profile].key_header
    return {header: f"Bearer {TOKEN}" if header == "Authorization" else TOKEN}


def _by_page(get: Callable[..., requests.Response], path: str) -> Iterator[list[Any]]:
    page = 1
    while rows := get(path, page=page).json()["data"]["records"]:
        yield rows
        page += 1


def _by_offset(get: Callable[..., requests.Response], path: str) -> Iterator[list[Any]]:
    offset = 0
    while rows := get(path, offset=offset).json()["workorders"]:
        yield rows
        offset += len(rows)


def _by_token(get: Callable[..., requests.Response], path: str) -> Iterator[list[Any]]:
    token: str | None = ""
    while token is not None:
        body = get(path, PageToken=token).json()
        yield body["List"]
        token = body["NextPageToken"]


def _by_link(get: Callable[..., requests.Response], path: str) -> Iterator[list[Any]]:
    target: str | None = path
    while target is not None:
        response = get(target)
        yield response.json()
        target = response.links.get("next", {}).get("url")


WALKS = {"page": _by_page, "offset": _by_offset, "token": _by_token, "link": _by_link}


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.profile)
def test_all_pages_together_are_all_rows_in_order(tmp_path: Path, api: Any) -> None:
    entries = _entries(api.feed.name)
    path = tmp_path / "data.jsonl"
    write_api_data(path, entries)
    profile = PROFILES[api.profile]
    with serving(path, "--profile", api.profile, *CALM) as address, requests.Session() as session:
        session.headers.update(_key(api.profile))

        def get(target: str, **parameters: Any) -> requests.Response:
            query = (
                {"size": 7, profile.size_parameter: 7, **parameters}
                if target == (profile.path)
                else None
            )
            response = session.get(urljoin(address, target), params=query, timeout=10)
            assert response.status_code == 200
            return response

        rows = [row for page in WALKS[profile.pages_by](get, profile.path) for row in page]
    assert rows == [entry.row for entry in entries]


def test_a_wrong_token_is_refused_and_an_unknown_path_is_not_found(data: Path) -> None:
    with serving(data, *CALM) as address:
        bad = requests.get(
            f"{address}/api/cases", headers={"Authorization": "Bearer no"}, timeout=9
        )
        none = requests.get(f"{address}/api/cases", timeout=9)
        lost = requests.get(f"{address}/api/casses", headers=_key("zhichao"), timeout=9)
    assert (bad.status_code, none.status_code, lost.status_code) == (401, 401, 404)


def test_too_many_requests_are_told_when_to_come_back(data: Path) -> None:
    with serving(data, "--burst", "3", "--per-second", "0.001", "--fail-every", "0") as address:
        answers = [
            requests.get(f"{address}/api/cases", headers=_key("zhichao"), timeout=9)
            for _ in range(5)
        ]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    assert answers[3].headers["Retry-After"] == "1"


def test_each_so_many_requests_one_fails(data: Path) -> None:
    arguments = ("--burst", "100", "--fail-every", "4", "--fail-first", "2")
    with serving(data, *arguments) as address:
        codes = [
            requests.get(f"{address}/api/cases", headers=_key("zhichao"), timeout=9).status_code
            for _ in range(7)
        ]
    assert codes == [200, 500, 200, 200, 200, 500, 200]


def test_only_what_changed_since_and_only_the_days_asked_for(data: Path) -> None:
    entries = _entries("anji/zhichao/cases")
    since = entries[len(entries) // 2].updated_at
    with serving(data, *CALM) as address:

        def total(**query: str) -> int:
            response = requests.get(
                f"{address}/api/cases", params=query, headers=_key("zhichao"), timeout=9
            )
            return int(response.json()["data"]["total"])

        changed = total(updated_since=since.isoformat())
        days = total(decided_from="2026-09-01", decided_to="2026-09-30")
        unreadable = requests.get(
            f"{address}/api/cases",
            params={"updated_since": "yesterday"},
            headers=_key("zhichao"),
            timeout=9,
        )
    assert changed == sum(entry.updated_at >= since for entry in entries)
    assert days == sum("2026-09-01" <= e.row["decision_date"] <= "2026-09-30" for e in entries)
    assert unreadable.status_code == 400


def test_a_day_passes_while_it_runs(data: Path) -> None:
    entries = _entries("anji/zhichao/cases")
    with serving(data, *CALM) as address:

        def total() -> int:
            response = requests.get(f"{address}/api/cases", headers=_key("zhichao"), timeout=9)
            return int(response.json()["data"]["total"])

        before = total()
        write_api_data(data, entries[:5])
        after = total()
    assert (before, after) == (len(entries), 5)


def test_without_its_token_it_says_so_and_does_not_start(data: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "--data", str(data), "--token-env", "NO_SUCH_TOKEN"],
        cwd=PROJECT,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    assert b"NO_SUCH_TOKEN is not set" in done.stderr


def test_the_systems_of_a_region_answer_their_nodes_keys_and_end(small_region: Region) -> None:
    root = small_region.root
    with Systems(root, *CALM) as systems:
        assert set(systems.addresses) == {api.address_variable for api in APIS}
        for api in APIS:
            profile = PROFILES[api.profile]
            token = token_path(root, api).read_text(encoding="ascii").strip()
            key = f"Bearer {token}" if profile.key_header == "Authorization" else token
            response = requests.get(
                systems.addresses[api.address_variable] + profile.path,
                headers={profile.key_header: key},
                timeout=9,
            )
            assert response.status_code == 200
            assert data_path(root, api).is_file()
        processes = systems.process_ids
    assert len(processes) == len(APIS)
    for process_id in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process_id, 0)


def test_an_interface_ends_with_the_process_that_started_it(data: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "--data", str(data), "--token-env", "TEST_TOKEN", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        env={**os.environ, "TEST_TOKEN": TOKEN},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()


def test_a_rate_limit_fills_up_again_by_its_clock() -> None:
    clock = iter([0.0, 0.0, 0.0, 0.0, 0.4, 0.5, 10.0, 10.0, 10.0])
    limit = RateLimit(burst=2, per_second=2, clock=lambda: next(clock))
    assert [limit.admits() for _ in range(8)] == [True, True, False, False, True, True, True, False]


def test_a_stumble_can_be_switched_off() -> None:
    assert not any(Stumble(every=0, first=1).falls() for _ in range(40))


def test_data_keep_their_times(data: Path) -> None:
    with data.open(encoding="utf-8") as lines:
        times = [datetime.fromisoformat(json.loads(line)["updated_at"]) for line in lines]
    assert times == sorted(times)
    assert all(time.utcoffset() == timedelta(hours=8) for time in times if time < NOW)
