"""``make demo``: the whole region on this machine.

python -m examples.region [--target demo] [--seed 1] [--records 20000]
python -m examples.region --next-night      one more day passes, then the night runs again
python -m examples.region --story           the cases of docs/cooperation.md happen, then the night
python -m examples.region --round           what the nodes have done goes over and is worked on
python -m examples.region --systems         only keep the systems running, to try hefu by hand
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from examples.region.generator import DEFAULT_RECORDS
from examples.region.night import exchange_lines, parts, source_lines, states
from examples.region.region import Region, clear, is_region, next_night, open_region, set_up
from examples.region.screen import Night, show
from examples.region.story import tell
from examples.region.systems.running import Systems
from schemas.errors import AccountingError, HefuError
from schemas.text import Text

if TYPE_CHECKING:
    from flows.outcome import Outcome
    from flows.progress import Step


def main(argv: Sequence[str]) -> int:
    options = _options(argv)
    talk = Console(stderr=True, highlight=False)
    try:
        if options.systems:
            return _keep_systems(open_region(options.target), talk)
        if options.round:
            return _round(open_region(options.target), talk)
        return _demonstrate(options, talk)
    except HefuError as error:
        talk.print(str(Text(en="error: ", zh="错误：")) + str(error), style="red", markup=False)
        if error.hint:
            talk.print(str(Text(en="hint: ", zh="提示：")) + str(error.hint), markup=False)
        return error.exit_code


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.region",
        description=str(
            Text(
                en="three agencies, their systems, and one night of exchange",
                zh="三个单位、各自的系统，以及一夜的数据交换",
            )
        ),
    )
    parser.add_argument("--target", type=Path, default=Path("demo"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=DEFAULT_RECORDS)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--next-night", action="store_true")
    which.add_argument("--story", action="store_true")
    which.add_argument("--round", action="store_true")
    which.add_argument("--systems", action="store_true")
    return parser.parse_args(argv)


def _demonstrate(options: argparse.Namespace, talk: Console) -> int:
    started = time.monotonic()
    with _bars(talk) as bars:
        if options.next_night:
            region = open_region(options.target)
            next_night(region)
        elif options.story and is_region(options.target):
            region = open_region(options.target)
        else:
            clear(options.target)
            region = _set_up(options, bars)
        if options.story:
            tell(region, datetime.now(UTC))
        with Systems(region.root) as systems:
            os.environ.update(systems.addresses)
            outcomes = _night(region, bars)
    from examples.region.findings import against_the_law, shared_lines, unknown_lines

    known = states(region, datetime.now(UTC))
    night = Night(
        sources=source_lines(known),
        exchanges=exchange_lines(known),
        unknown=unknown_lines(region),
        against_the_law=against_the_law(region),
        shared=shared_lines(region),
        target=options.target,
        seconds=time.monotonic() - started,
        first=not options.next_night,
    )
    return _close(night, outcomes, talk)


def _round(region: Region, talk: Console) -> int:
    from examples.region.rounds import go_round

    for line in go_round(region, datetime.now(UTC)):
        talk.print(str(line), markup=False)
    return 0


def _set_up(options: argparse.Namespace, bars: Progress) -> Region:
    task = bars.add_task(str(Text(en="laying out the region", zh="布置示例区域")), unit="")

    def report(done: int, total: int) -> None:
        bars.update(task, completed=done, total=total, unit=_rows())

    return set_up(options.target, options.seed, datetime.now(UTC), options.records, report)


def _night(region: Region, bars: Progress) -> list[Outcome]:
    from flows.progress import listening
    from flows.quiet import quiet_prefect

    quiet_prefect(region.root / "prefect")
    todo = list(parts(region))
    whole = bars.add_task(
        str(Text(en="the night", zh="夜间作业")),
        total=sum(part.size for part in todo),
        unit=str(Text(en="sources and streams", zh="个来源与数据流")),
    )
    now = bars.add_task("", total=None, unit="", visible=False)

    def follow(step: Step) -> None:
        bars.update(
            now,
            completed=step.done,
            total=step.total,
            unit=_rows() if step.unit == "rows" else "",
            visible=True,
        )

    outcomes: list[Outcome] = []
    with listening(follow):
        for part in todo:
            bars.update(now, description=f"{part.agency.label} {part.step}", total=None)
            outcomes += part.run()
            bars.advance(whole, part.size)
    bars.update(now, visible=False)
    return outcomes


def _close(night: Night, outcomes: Sequence[Outcome], talk: Console) -> int:
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    subjects = {outcome.subject for outcome in failed}
    show(replace(night, failed=len(subjects)), Console(highlight=False))
    # A stream that can't be published fails in both passes of the night: once is enough to say.
    for message in dict.fromkeys(f"{outcome.subject}: {outcome.error}" for outcome in failed):
        talk.print(message, style="red", markup=False)
    balanced = all(line.balanced for line in night.sources)
    codes = [outcome.error.exit_code for outcome in failed if outcome.error is not None]
    return max([*codes, 0 if balanced else AccountingError.exit_code])


def _keep_systems(region: Region, talk: Console) -> int:
    with Systems(region.root) as systems:
        for name, address in systems.addresses.items():
            sys.stdout.write(f"export {name}={shlex.quote(address)}\n")
        sys.stdout.flush()
        talk.print(
            str(
                Text(
                    en="The systems are running. Paste the lines above into another terminal and "
                    "use hefu there; Ctrl-C ends them.",
                    zh="各系统正在运行。请把上面几行粘贴到另一个终端后使用 hefu；按 Ctrl-C 结束。",
                )
            ),
            markup=False,
        )
        try:
            systems.wait()
        except KeyboardInterrupt:
            return 0
    return 0


@contextmanager
def _bars(talk: Console) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        MofNCompleteColumn(separator=" / "),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=talk, transient=True) as bars:
        yield bars


def _rows() -> str:
    return str(Text(en="rows", zh="行"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
