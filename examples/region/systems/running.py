"""Starts the web interfaces of a region as processes of their own, and ends them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from examples.region import feeds
from examples.region.feeds import Feed
from schemas.errors import RefusedError, Where
from schemas.text import Text

_PROJECT: Final = Path(__file__).parents[3]
_TOKEN_ENV: Final = "HEFU_EXAMPLE_TOKEN"  # noqa: S105  the name of a variable
_STOP_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Api:
    """A web interface: what it serves, and the variable by which its node finds it."""

    feed: Feed[Any]
    profile: str
    address_variable: str


APIS: Final = (
    Api(feeds.ZHICHAO, "zhichao", "ANJI_ZHICHAO_URL"),
    Api(feeds.ANJI_HOTLINE, "hotline", "ANJI_HOTLINE_URL"),
    Api(feeds.CHAOGAO, "chaogao", "GUANGDE_CHAOGAO_URL"),
    Api(feeds.ANJIAN, "anjian", "NINGGUO_ANJIAN_URL"),
)


def data_path(root: Path, api: Api) -> Path:
    """The file with what the interface has in store."""
    return root / "systems" / api.feed.agency.folder / f"{api.feed.system}.jsonl"


def token_path(root: Path, api: Api) -> Path:
    """The access token, where the node's ``source.toml`` names it."""
    return root / api.feed.agency.folder / "keys" / f"{api.feed.system}.token"


class Systems:
    """The running interfaces of the region in ``root``; a context manager.

    ``addresses`` maps each node's variable to the address: put it into the environment of
    whatever runs the nodes. The processes end with the block, and also if this process is
    killed, because they watch their standard input.
    """

    def __init__(self, root: Path, *arguments: str) -> None:
        """``arguments`` go to every process, such as ``--fail-every 0``."""
        self._root = root
        self._arguments = arguments
        self._stack = ExitStack()
        self.addresses: dict[str, str] = {}
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Systems:
        with ExitStack() as starting:
            # All are started before the first is waited for: a start takes a quarter second.
            running = [(api, self._start(starting, api)) for api in APIS]
            for api, process in running:
                self.addresses[api.address_variable] = _address(process)
            self._processes = [process for _, process in running]
            self._stack = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def process_ids(self) -> tuple[int, ...]:
        return tuple(process.pid for process in self._processes)

    def wait(self) -> None:
        """Return when the first of the processes has ended."""
        self._processes[0].wait()

    def _start(self, stack: ExitStack, api: Api) -> subprocess.Popen[bytes]:
        token = token_path(self._root, api).read_text(encoding="ascii").strip()
        # fmt: off
        command = [
            sys.executable, "-m", "examples.region.systems.case_api",
            "--profile", api.profile, "--port", "0",
            "--data", str(data_path(self._root, api)),
            "--token-env", _TOKEN_ENV, "--until-stdin-closes", *self._arguments,
        ]
        # fmt: on
        process = subprocess.Popen(  # noqa: S603  our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_PROJECT,
            env={**os.environ, _TOKEN_ENV: token},
        )
        stack.callback(_stop, process)
        return process


def _address(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None  # noqa: S101  we asked for a pipe
    line = process.stdout.readline().strip()
    if not line.isdigit():
        raise RefusedError(
            Text(en="an example system did not start", zh="示例系统未能启动"),
            where=Where("examples.region.systems.case_api"),
            hint=Text(en="its own message stands above", zh="请看上方该系统自己输出的信息"),
        )
    return f"http://127.0.0.1:{int(line)}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
