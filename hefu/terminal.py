"""How the command line speaks: data on stdout, talk on stderr, in the reader's language.

Nothing else of ``hefu`` writes to the terminal, so the separation holds by construction:
:func:`say_data` and :func:`say_json` are what another program may read, everything else here
goes to stderr. Rich is imported only by the functions that draw.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TextIO

from schemas.errors import HefuError, VerificationError, plain
from schemas.text import Text

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.table import Table

#: Beijing time, in which every moment is shown.
CST = timezone(timedelta(hours=8))

#: Width for a pipe or a file: wide enough that no row of a table wraps.
_PIPE_WIDTH = 10_000


#: Left as they are by JSON: control characters from 7F on, marks that turn a line round.
_STEERING = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def tr(en: str, zh: str) -> str:
    """``en`` or ``zh``, whichever the reader's language is."""
    return str(Text(en=en, zh=zh))


def say_data(text: str) -> None:
    """One line (or block) of data on stdout; a terminal is not steered by it."""
    _write(plain(text, "\n\t") if sys.stdout.isatty() else text)


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


def say_json(value: Any) -> None:
    """A value as indented JSON on stdout; Chinese stays readable, and nothing steers a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=_jsonable)
    say_data(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def say(text: str) -> None:
    """Talk: one line on stderr."""
    sys.stderr.write(plain(text, "\n\t") + "\n")
    sys.stderr.flush()


def say_warning(text: str, hint: str | None = None) -> None:
    """A warning, and what to do about it, on stderr."""
    say(tr(f"warning: {text}", f"注意：{text}"))
    if hint:
        say(tr(f"hint: {hint}", f"提示：{hint}"))


def say_error(error: HefuError) -> None:
    """An error and its hint on stderr; for a failed verification also the step."""
    say(tr(f"error: {error}", f"错误：{error}"))
    if isinstance(error, VerificationError):
        say(tr(f"  step:     {error.step}", f"  步骤：{error.step}"))
        say(tr(f"  expected: {error.expected}", f"  应为：{error.expected}"))
        say(tr(f"  found:    {error.found}", f"  实为：{error.found}"))
    if error.hint:
        say(tr(f"hint: {error.hint}", f"提示：{error.hint}"))


def show_time(moment: datetime | None) -> str:
    """``2026-11-22 09:30`` in Beijing time; ``–`` for none."""
    return moment.astimezone(CST).strftime("%Y-%m-%d %H:%M") if moment else "–"


def show_count(number: int) -> str:
    return f"{number:,}"


def console(stream: TextIO) -> Console:
    """A Rich console on ``stream`` that neither wraps nor colours what goes into a pipe."""
    from rich.console import Console

    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def say_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    numbers: Sequence[int] = (),
    empty: str | None = None,
) -> None:
    """A table on stdout. ``numbers``: columns set to the right; ``empty``: said instead of a
    table without rows, the empty text for nothing at all.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text as Cell

    cells = list(rows)
    if not cells and empty is not None:
        if empty:
            say(empty)
        return
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for index, name in enumerate(columns):
        side: JustifyMethod = "right" if index in numbers else "left"
        # On a narrow screen cells fold; the name of a row stays in one piece.
        table.add_column(Cell(name), justify=side, overflow="fold", no_wrap=index == 0)
    for row in cells:
        # Cells are data: never read as markup.
        table.add_row(*(Cell(plain(value, "\n")) for value in row))
    _print_table(table)


def _print_table(table: Table) -> None:
    screen = console(sys.stdout)
    with screen.capture() as captured:
        screen.print(table)
    lines = (line.rstrip() for line in captured.get().splitlines())
    _write("\n".join(line for line in lines if line))  # with the colours of its own


@contextmanager
def busy(what: str) -> Iterator[None]:
    """A line on stderr while something without a measure is under way."""
    if not sys.stderr.isatty():
        say(what)
        yield
        return
    with console(sys.stderr).status(what):
        yield


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(CST).isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
