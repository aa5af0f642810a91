"""The one screen with which the demonstration ends, for a person who decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text as Cell

from schemas.text import Text

TOP_REASONS: Final = 5
TOP_REASONS_OF_SOURCE: Final = 2
WIDE_COLUMNS: Final = 130
WHY: Final = Text(en="why", zh="隔离的主要原因")


@dataclass(frozen=True, slots=True)
class SourceLine:
    """What became of one source's rows. ``reasons``: rows by reason, in words."""

    agency: Text
    source: str
    received: int
    accepted: int
    unchanged: int
    duplicate: int
    quarantined: int
    reasons: Mapping[Text, int]

    @property
    def balanced(self) -> bool:
        """Every row that came in went somewhere."""
        return self.received == (self.accepted + self.unchanged + self.duplicate + self.quarantined)


@dataclass(frozen=True, slots=True)
class ExchangeLine:
    """What went from one agency to another. ``records`` are those the receiver took in."""

    sender: Text
    receiver: Text
    bundles: int
    verified: int
    records: int


@dataclass(frozen=True, slots=True)
class UnknownLine:
    """Texts of an agency's own records that no code list knows, and the values they stand in."""

    agency: Text
    texts: int
    records: int


@dataclass(frozen=True, slots=True)
class SharedLine:
    """How many parties two agencies both have cases of, as the tokens say."""

    one: Text
    other: Text
    parties: int


@dataclass(frozen=True, slots=True)
class Night:
    """A night of the region, and where to look at what it left behind.

    ``target`` is the folder of the region as the reader would type it; ``first`` says whether
    there is another night to come. ``failed``: sources and streams that ended in an error.
    ``against_the_law``: records by the article, in words.
    """

    sources: Sequence[SourceLine]
    exchanges: Sequence[ExchangeLine]
    unknown: Sequence[UnknownLine]
    against_the_law: Mapping[Text, int]
    shared: Sequence[SharedLine]
    target: Path
    seconds: float
    first: bool = True
    failed: int = 0


def show(night: Night, console: Console) -> None:
    """Print the screen on ``console``, in the reader's language."""
    console.print(closing_screen(night, wide=console.width >= WIDE_COLUMNS))


def closing_screen(night: Night, *, wide: bool) -> RenderableType:
    """The screen: what came in, why rows wait, what was exchanged, what was found, what to try.

    ``wide``: each source's reasons stand beside its counts; else they are added up below.
    """
    sources = _sources_table(night.sources, wide=wide)
    return Group(
        _headline(night),
        *((sources,) if wide else (sources, _reasons(night.sources))),
        _exchanges_table(night.exchanges),
        *_findings(night),
        *_places(night.target, first=night.first),
    )


def _headline(night: Night) -> Cell:
    received = sum(line.received for line in night.sources)
    quarantined = sum(line.quarantined for line in night.sources)
    balanced = all(line.balanced for line in night.sources)
    text = Text(
        en=f"The night took {night.seconds:.0f} s. {received:,} rows came from "
        f"{len(night.sources)} sources, {quarantined:,} wait for a person.",
        zh=f"夜间作业用时 {night.seconds:.0f} 秒，{len(night.sources)} 个来源共收到 "
        f"{received:,} 行，其中 {quarantined:,} 行隔离待核对。",
    )
    account = (
        Text(en="Every row is accounted for.", zh="每一行都有去向。")
        if balanced
        else Text(en="THE COUNTS DO NOT BALANCE.", zh="数量不平衡！")
    )
    failed = Text(
        en=f"{night.failed} PARTS OF THE NIGHT FAILED, see below.",
        zh=f"有 {night.failed} 项作业失败，见下文。",
    )
    if night.failed:
        account = failed
    good = balanced and not night.failed
    return Cell(f"\n{text}\n{account}\n", style="bold" if good else "bold red")


def _sources_table(lines: Sequence[SourceLine], *, wide: bool) -> Table:
    table = _table(
        (Text(en="own systems", zh="自有系统"), "left"),
        (Text(en="received", zh="收到"), "right"),
        (Text(en="accepted", zh="入库"), "right"),
        (Text(en="unchanged", zh="未变"), "right"),
        (Text(en="duplicate", zh="重复"), "right"),
        (Text(en="quarantined", zh="隔离"), "right"),
        *(((WHY, "left"),) if wide else ()),
    )
    before = None
    for line in lines:
        if line.agency != before:
            table.add_row(Cell(str(line.agency), style="bold"))
            before = line.agency
        counts = (line.received, line.accepted, line.unchanged, line.duplicate, line.quarantined)
        cells = [Cell(f"  {line.source}"), *(Cell(f"{count:,}") for count in counts)]
        table.add_row(*cells, *((Cell(_reasons_of(line)),) if wide else ()))
    return table


def _most(reasons: Mapping[Text, int]) -> list[tuple[Text, int]]:
    return sorted(reasons.items(), key=lambda item: (-item[1], item[0].en))


def _reasons_of(line: SourceLine) -> str:
    most = _most(line.reasons)
    shown = [f"{reason} ×{count:,}" for reason, count in most[:TOP_REASONS_OF_SOURCE]]
    if len(most) > TOP_REASONS_OF_SOURCE:
        shown.append("…")
    return str(Text(en="; ", zh="；")).join(shown)


def _reasons(lines: Sequence[SourceLine]) -> Cell:
    counted: Counter[Text] = Counter()
    for line in lines:
        counted.update(line.reasons)
    most = _most(counted)
    shown = [f"  {count:>6,}  {reason}" for reason, count in most[:TOP_REASONS]]
    if len(most) > TOP_REASONS:
        rest = sum(count for _, count in most[TOP_REASONS:])
        more = len(most) - TOP_REASONS
        shown.append(f"  {rest:>6,}  {Text(en=f'{more} other reasons', zh=f'其他 {more} 种原因')}")
    title = Text(en="Why rows are in quarantine", zh="隔离的主要原因")
    return Cell("\n".join([str(title), *shown, ""]))


def _exchanges_table(lines: Sequence[ExchangeLine]) -> Table:
    table = _table(
        (Text(en="exchange", zh="单位之间"), "left"),
        (Text(en="bundles sent", zh="发出数据包"), "right"),
        (Text(en="verified", zh="验签接收"), "right"),
        (Text(en="records", zh="接收记录"), "right"),
        (Text(en="", zh=""), "left"),
    )
    for line in lines:
        whole = line.bundles == line.verified
        verdict = Text(en="NOT ALL TAKEN IN", zh="未全部接收")
        if whole:
            verdict = Text(en="signatures good", zh="签名有效")
        if not line.bundles:
            verdict = Text(en="nothing sent", zh="没有发出")
        table.add_row(
            Cell(f"{line.sender} → {line.receiver}"),
            Cell(f"{line.bundles:,}"),
            Cell(f"{line.verified:,}"),
            Cell(f"{line.records:,}"),
            Cell(str(verdict), style="green" if whole and line.bundles else "bold red"),
        )
    return table


def _findings(night: Night) -> tuple[RenderableType, ...]:
    """Three short lists: nothing in them was refused, all of it is for a person to look at."""
    colon = Text(en=": ", zh="：")
    comma = Text(en="; ", zh="；")
    codes = str(comma).join(
        f"{line.agency}{colon}"
        + str(
            Text(
                en=f"{line.texts} in {line.records:,} records",
                zh=f"{line.texts} 种写法，{line.records:,} 条",
            )
        )
        for line in night.unknown
    )
    law = [f"  {count:>4,}  {what}" for what, count in _most(night.against_the_law)]
    shared = str(comma).join(
        f"{line.one} – {line.other}{colon}{line.parties:,}" for line in night.shared
    )
    return (
        _finding(
            Text(
                en="Codes that no list knows yet (accepted, the source's text kept)",
                zh="代码表尚不认识的写法（照常入库，保留原文）",
            ),
            f"  {codes}",
        ),
        _finding(
            Text(
                en="Results that their own law does not give (accepted and flagged)",
                zh="与本地适用的规定不一致的处理结果（照常入库并标记）",
            ),
            *law,
        ),
        _finding(
            Text(
                en="The same parties on both sides, by token (no number went over)",
                zh="两地都有案件的当事人（按标识比对，证件号码不出本单位）",
            ),
            f"  {shared}",
        ),
        Cell(""),
    )


def _finding(title: Text, *lines: str) -> Cell:
    return Cell("\n".join([str(title), *(lines or (f"  {Text(en='none', zh='没有')}",))]))


def _places(target: Path, *, first: bool) -> tuple[RenderableType, ...]:
    where = (
        (Text(en="nodes", zh="三个节点"), f"{target}/anji  {target}/guangde  {target}/ningguo"),
        (Text(en="bundles", zh="数据包"), f"{target}/anji/repository/targets/streams"),
        (Text(en="what was put in", zh="放入的差错"), f"{target}/ground-truth.json"),
    )
    again = "" if target == Path("demo") else f" --target {target}"
    later = (
        Text(en="one more night", zh="再过一夜"),
        f".venv/bin/python -m examples.region --next-night{again}",
    )
    afresh = (Text(en="start afresh", zh="重新开始"), f".venv/bin/python -m examples.region{again}")
    tries = (
        (Text(en="a node's state", zh="节点状态"), f".venv/bin/hefu status --node {target}/anji"),
        (
            Text(en="rows that wait", zh="待核对的行"),
            f".venv/bin/hefu quarantine list --node {target}/guangde",
        ),
        (
            Text(en="unknown codes", zh="未识别的代码"),
            f".venv/bin/hefu codes unmapped --node {target}/guangde",
        ),
        later if first else afresh,
    )
    return (
        Cell(str(Text(en="Where it is", zh="文件在哪里"))),
        _pairs(where),
        Cell("\n" + str(Text(en="What to try", zh="接下来可以试试"))),
        _pairs(tries),
    )


def _pairs(rows: Sequence[tuple[Text, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        grid.add_row(Cell(f"  {name}"), Cell(value))
    return grid


def _table(*columns: tuple[Text, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in columns:
        right = justify == "right"
        table.add_column(Cell(str(name)), justify="right" if right else "left", no_wrap=name != WHY)
    return table
