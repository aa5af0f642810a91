"""When ``CI`` is set, a run in which some test did not run is a failed run.

A skipped, an expected-to-fail or a deselected test says nothing about the code, and its silence
looks like success. At a desk all three stay usable, and what needs a program that the machine
lacks is left out (``servers.debian``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from servers import debian


class EveryTestRan:
    """Counts what did not run; with pytest-xdist the workers' counts come with their end."""

    def __init__(self) -> None:
        self.silent: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped or hasattr(report, "wasxfail"):
            self.silent.append(f"did not run: {report.nodeid}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.silent.append(f"was not collected: {report.nodeid}")

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.silent.extend(f"was deselected: {item.nodeid}" for item in items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.silent.extend(getattr(node, "workeroutput", {}).get("hefu_deselected", ()))

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["hefu_deselected"] = [s for s in self.silent if s.startswith("was deselected")]
        yield
        if output is None and self.silent and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in sorted(set(self.silent)):
            terminalreporter.write_line(f"{line} (CI accepts no test that is not run)", red=True)


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI"):
        config.pluginmanager.register(EveryTestRan(), "every-test-ran")
    debian.register(config)
