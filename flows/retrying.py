"""How Prefect's view of a task becomes ours."""

from __future__ import annotations

from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from flows.asking import PostponedError
from flows.outcome import Outcome
from flows.progress import is_watched
from schemas.errors import HefuError, RetryableError


def is_retryable(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Only what may heal by itself is tried again; the error's type says so.

    A person at a terminal is told at once and decides; connectors have made their own short
    retries by then.
    """
    del task, run
    if is_watched():
        return False
    return isinstance(state.result(raise_on_failure=False), RetryableError)


def outcome_of(subject: str, state: State[Any]) -> Outcome:
    """The outcome of a finished task.

    Only our own errors are outcomes; anything else is a defect and is raised as it is.
    """
    result = state.result(raise_on_failure=False)
    if isinstance(result, PostponedError):
        return Outcome(subject, postponed=result)
    if isinstance(result, HefuError):
        return Outcome(subject, error=result)
    if isinstance(result, BaseException):
        raise result
    return Outcome(subject, result=result)
