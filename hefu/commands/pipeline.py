"""Running a Prefect flow on behalf of a person at a terminal.

The flows are the same that the schedule runs. Here Prefect's temporary server stays silent,
steps become progress on stderr, and one part's failure is told beside the others' results.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hefu.terminal import console, say, say_error, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from flows.outcome import Outcome
    from flows.progress import Step
    from hefu.node import Node

_STAGES = {
    "pull": ("pulling", "拉取"),
    "replay": ("normalising again", "重新规范化"),
    "read": ("reading", "读取"),
    "check": ("checking", "校验"),
    "judge": ("judging", "核对"),
    "store": ("storing", "入湖"),
    "collect": ("collecting", "汇集"),
    "sign": ("signing", "签名"),
    "fetch": ("fetching", "获取"),
    "verify": ("verifying", "验证"),
    "take_in": ("taking in", "接收"),
}
_UNITS = {
    "rows": ("rows", "行"),
    "bytes": ("bytes", "字节"),
    "objects": ("objects", "个对象"),
    "bundles": ("bundles", "个数据包"),
    "runs": ("runs", "次运行"),
}

#: Libraries of the extra ``hefu[node]``, which a partner who only verifies does not install.
_EXTRA = {
    "prefect",
    "great_expectations",
    "deltalake",
    "duckdb_sqlalchemy",
    "sqlalchemy",
    "paramiko",
    "obstore",
    "pyzipper",
    "msoffcrypto",
    "xlrd",
}


@contextmanager
def node_extra() -> Iterator[None]:
    """Turn a missing pipeline library into advice."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise ConfigError(
            Text(
                en=f"this command needs the pipeline ({error.name} is not installed)",
                zh=f"此命令需要完整节点组件（未安装 {error.name}）",
            ),
            hint=Text(en="install hefu[node]", zh="请安装 hefu[node]"),
        ) from error


def run_flow(
    node: Node, what: str, call: Callable[[], Sequence[Outcome]], *, verbose: bool
) -> list[Outcome]:
    """Run ``call`` (which imports its flow itself) and return every part's outcome.

    ``what`` says in the reader's language what is going on. Failures of parts are among the
    outcomes; other errors are raised.
    """
    with node_extra():
        from flows.outcome import PartsFailedError
        from flows.quiet import quiet_prefect

        if verbose:
            os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
        quiet_prefect(node.place("tmp") / "prefect")
        with _following(what), _only_warnings(verbose):
            try:
                return list(call())
            except PartsFailedError as error:
                return list(error.outcomes)


@contextmanager
def _only_warnings(verbose: bool) -> Iterator[None]:
    """Libraries announce temporary folders and versions as news; ``--verbose`` lets them."""
    before = logging.root.manager.disable
    logging.disable(before if verbose else max(before, logging.INFO))
    try:
        yield
    finally:
        logging.disable(before)


def tell_failures(outcomes: Sequence[Outcome]) -> int:
    """Say on stderr which parts failed and why; returns the gravest exit code (0 for none)."""
    code = 0
    for outcome in outcomes:
        if outcome.error is not None:
            say(f"{outcome.subject}:")
            say_error(outcome.error)
            code = max(code, outcome.error.exit_code)
    return code


def errors_as_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The failed parts for ``--json``."""
    return [
        {"subject": outcome.subject, **outcome.error.as_dict()}
        for outcome in outcomes
        if outcome.error is not None
    ]


@contextmanager
def _following(what: str) -> Iterator[None]:
    from flows.progress import listening

    if not sys.stderr.isatty():
        say(what)
        with listening(lambda step: None):
            yield
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        console=console(sys.stderr),
        transient=True,
    )
    with bar:
        start = bar.add_task(
            tr(f"{what} (starting Prefect)", f"{what}（正在启动 Prefect）"), total=None, count=""
        )
        tasks: dict[tuple[str, str], Any] = {}

        def follow(step: Step) -> None:
            bar.update(start, visible=False)
            key = (step.subject, step.stage)
            if key not in tasks:
                for other, task in tasks.items():
                    if other[0] == step.subject:
                        bar.update(task, visible=False)
                tasks[key] = bar.add_task(
                    f"{step.subject}: {tr(*_STAGES[step.stage])}", total=step.total, count=""
                )
            bar.update(tasks[key], completed=step.done, total=step.total, count=_count(step))

        with listening(follow):
            yield


def _count(step: Step) -> str:
    """``12,000 / 20,000 rows`` when the total is known, else what is done so far."""
    unit = tr(*_UNITS[step.unit])
    if step.total is not None:
        return f"{step.done:,} / {step.total:,} {unit}"
    return tr(f"{step.done:,} {unit} so far", f"已处理 {step.done:,} {unit}") if step.done else ""
