"""Programs that tests need and that no Python package brings.

Without them the tests that need them are left out, and the end of the run says so: whoever has
no root can still run all the others. When ``CI`` is set nothing is left out, and they fail.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

NEEDED = {"mariadb": (("mariadbd", "mariadb-install-db"), "mariadb-server")}
"""Fixture → the programs that it starts, and the Debian package that brings them."""


def found(name: str) -> str | None:
    # Debian keeps servers in /usr/sbin, which is not on everybody's PATH.
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")


def missing(fixture: str) -> list[str]:
    """The programs of ``fixture`` that are not on this machine."""
    return [name for name in NEEDED[fixture][0] if found(name) is None]


class LeftOut:
    """Leaves out what can't run here, and says how many that were."""

    def __init__(self) -> None:
        self.tests = 0

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        lacking = {fixture for fixture in NEEDED if missing(fixture)}
        gone = [item for item in items if lacking & set(getattr(item, "fixturenames", ()))]
        if not gone:
            return
        items[:] = [item for item in items if item not in set(gone)]
        self.tests = len(gone)
        config.hook.pytest_deselected(items=gone)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["hefu_left_out"] = self.tests

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # With pytest-xdist each worker collects all of them.
        self.tests = max(self.tests, getattr(node, "workeroutput", {}).get("hefu_left_out", 0))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.tests:
            packages = {NEEDED[fixture][1] for fixture in NEEDED if missing(fixture)}
            terminalreporter.write_line(
                f"{self.tests} tests were left out: they need the Debian package "
                f"{', '.join(sorted(packages))}",
                yellow=True,
            )


def register(config: pytest.Config) -> None:
    """In CI every test runs: what a test needs and is not there is then its failure."""
    if not os.environ.get("CI"):
        config.pluginmanager.register(LeftOut(), "left-out")
