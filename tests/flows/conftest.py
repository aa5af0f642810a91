"""Worlds to run the flows in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flows_hotline import Hotline, serving
from flows_world import TOKEN, URL_VARIABLE, World, make_world
from servers.postgresql import postgresql

__all__ = ["postgresql"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nodes that never ran. Copied, never changed: making keys takes its time."""
    return make_world(tmp_path_factory.mktemp("template") / "world").root


@pytest.fixture(scope="session")
def new_world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], World]:
    """Makes another world like the template."""

    def make() -> World:
        root = tmp_path_factory.mktemp("world") / "w"
        shutil.copytree(template, root)
        return World(root)

    return make


@pytest.fixture
def world(new_world: Callable[[], World]) -> World:
    return new_world()


@pytest.fixture
def hotline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hotline]:
    """The hotline's API, up and well."""
    with serving(Hotline(TOKEN)) as running:
        monkeypatch.setenv(URL_VARIABLE, running.url)
        yield running


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prefect's temporary server for all tests that ask for it: some seconds to come up.

    The environment is only set while Prefect reads it, so that processes which other tests
    start find it as it was.
    """
    with restored_environment():
        from flows.quiet import quiet_prefect

        quiet_prefect(tmp_path_factory.mktemp("prefect"))
        from prefect.testing.utilities import prefect_test_harness

        harness = prefect_test_harness(server_startup_timeout=120)
        harness.__enter__()
    try:
        yield
    finally:
        harness.__exit__(None, None, None)


@contextmanager
def restored_environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True)
class Said:
    """What a command left behind: its exit code, its standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@pytest.fixture
def hefu(
    prefect_server: None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Said]]:
    """Runs one ``hefu`` command, in English."""
    from hefu.cli import run

    def call(*words: str) -> Said:
        capfd.readouterr()
        code = run(words)
        return Said(code, *capfd.readouterr())

    with restored_environment():
        monkeypatch.setenv("HEFU_LANG", "en")
        yield call
