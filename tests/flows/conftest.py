"""Worlds to run the flows in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flows_hotline import Hotline, serving
from flows_world import TOKEN, URL_VARIABLE, World, make_world


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
