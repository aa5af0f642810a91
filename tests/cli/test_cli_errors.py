"""Every failure ends in words and a promised exit code; a trace is never shown."""

from __future__ import annotations

import json
import stat
import tempfile
from pathlib import Path

import pytest
import typer
from cli_world import Hefu

from hefu.commands.options import find_node
from hefu.node import Node
from hefu.terminal import say_error, say_json, say_table
from schemas.errors import (
    AccountingError,
    ConfigError,
    DataError,
    HefuError,
    RefusedError,
    RetryableError,
    VerificationError,
    Where,
)
from schemas.text import Text

SAID = Text(en="it went wrong", zh="出错了")
ERRORS: list[tuple[Exception, int]] = [
    (DataError(SAID), 1),
    (ConfigError(SAID), 2),
    (RetryableError(SAID), 3),
    (RefusedError(SAID), 3),
    (VerificationError(SAID, step="size", expected="1", found="2"), 4),
    (AccountingError(SAID), 70),
]


def failing_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Makes ``hefu`` an application whose every command raises ``error``."""

    def build_app() -> typer.Typer:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.command()
        def fail(node: Path | None = None, json: bool = False) -> None:
            raise error

        return app

    monkeypatch.setattr("hefu.cli.build_app", build_app)


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda e: type(e).__name__)
def test_each_class_of_error_has_its_exit_code(
    hefu: Hefu, monkeypatch: pytest.MonkeyPatch, error: HefuError, code: int
) -> None:
    failing_with(monkeypatch, error)
    ran = hefu()
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("error: it went wrong\n")


def test_an_error_speaks_chinese(hefu: Hefu, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_with(monkeypatch, ConfigError(SAID, hint=Text(en="do this", zh="请这样做")))
    monkeypatch.setenv("HEFU_LANG", "zh")
    assert hefu().err == "错误：出错了\n提示：请这样做\n"


def test_an_unexpected_failure_leaves_its_trace_in_a_private_file(
    hefu: Hefu, monkeypatch: pytest.MonkeyPatch, node: Node
) -> None:
    failing_with(monkeypatch, RuntimeError("a row was quoted here"))
    ran = hefu("--node", node.root, "--json")
    assert ran.code == 70
    assert "a row was quoted here" not in ran.out + ran.err
    assert json.loads(ran.out)["error"] == "HefuError"
    (trace,) = node.place("reports").iterdir()
    assert str(trace) in ran.err
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    assert "a row was quoted here" in trace.read_text(encoding="utf-8")


def test_without_a_node_the_trace_goes_to_the_temporary_folder(
    hefu: Hefu, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failing_with(monkeypatch, RuntimeError("unexpected"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert hefu().code == 70
    (trace,) = tmp_path.rglob("failure-*.txt")
    assert "unexpected" in trace.read_text(encoding="utf-8")


def test_an_interrupted_command_is_130(hefu: Hefu, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_with(monkeypatch, KeyboardInterrupt())
    ran = hefu()
    assert (ran.code, ran.out) == (130, "")
    assert "Traceback" not in ran.err


def test_the_option_comes_before_the_variable_and_that_before_the_folder(
    tmp_path: Path, node: Node
) -> None:
    inside = node.root / "sources"
    assert find_node(tmp_path / "a", inside, "b") == tmp_path / "a"
    assert find_node(None, inside, "b") == Path("b")
    assert find_node(None, inside, None) == node.root
    with pytest.raises(ConfigError):
        find_node(None, tmp_path, None)


def test_the_node_may_be_named_before_or_after_the_command(hefu: Hefu, node: Node) -> None:
    before = hefu("--node", node.root, "status")
    after = hefu("status", "--node", node.root)
    assert before == after
    assert before.code == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["quarantine", "show"], "缺少参数 ID"),
        (["codes", "accept", "plate_color", "zh", "黄", "yellow"], "缺少选项 --by"),
        (["rules", "overload", "--weight", "31"], "没有选项 --weight"),
        (["rules", "fine"], "没有命令 fine"),
        (["init", "a", "b"], "多余的参数：b"),
    ],
)
def test_wrong_use_is_said_in_chinese(
    hefu: Hefu, monkeypatch: pytest.MonkeyPatch, command: list[str], said: str
) -> None:
    monkeypatch.setenv("HEFU_LANG", "zh")
    ran = hefu(*command)
    assert ran.code == 2
    assert ran.err.startswith(f"错误：{said}\n")


EVIL = "a\x1b[2J\x9b31m\u202ecsv.\nerror: all is well"


def test_a_name_from_outside_steers_no_terminal_and_makes_no_line_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say_error(DataError(SAID, where=Where(EVIL)))
    say_table(("name",), [(EVIL,)])
    say_json({"name": EVIL})
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    for steering in "\x1b\x9b\u202e":
        assert steering not in shown.err + shown.out
    assert json.loads(shown.out[shown.out.index("{") :]) == {"name": EVIL}
