"""The one screen with which the demonstration ends, for a person who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text as Cell

from schemas.text import Text


@dataclass(frozen=True, slots=True)
class SourceLine:
    """What became of one source's rows. ``reasons``: rows by reason, in words."""

    agency: str
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

    sender: str
    receiver: str
    bundles: int
    verified: int
    records: int


@dataclass(frozen=True, slots=True)
class Night:
    """A night of the region, and where to look at what it left behind.

    ``target`` is the folder of the region as the reader would type it.
    """

    sources: Sequence[SourceLine]
    exchanges: Sequence[ExchangeLine]
    target: Path
    seconds: float


def show(night: Night, console: Console) -> None:
    """Print the screen on ``console``, in the reader's language."""
    console.print(closing_screen(night))


def closing_screen(night: Night) -> RenderableType:
    """The screen: what came in, what was exchanged, where it lies, what to try."""
    return Group(
        _headline(night),
        _sources_table(night.sources),
        _exchanges_table(night.exchanges),
        _places(night.target),
    )


def _headline(night: Night) -> Cell:
    received = sum(line.received for line in night.sources)
    quarantined = sum(line.quarantined for line in night.sources)
    balanced = all(line.balanced for line in night.sources)
    text = Text(
        en=f"The night is done in {night.seconds:.0f} s: {received:,} rows from "
        f"{len(night.sources)} sources, {quarantined:,} set aside for a person to look at.",
        zh=f"夜间作业用时 {night.seconds:.0f} 秒："
        f"{len(night.sources)} 个来源共收到 {received:,} 行，其中 {quarantined:,} 行隔离，待人工核对。",
    )
    account = (
        Text(en=" Every row is accounted for.", zh="每一行都有去向。")
        if balanced
        else Text(en=" THE COUNTS DO NOT BALANCE.", zh="数量不平衡！")
    )
    return Cell(f"\n{text}{account}", style="bold" if balanced else "bold red")


def _sources_table(lines: Sequence[SourceLine]) -> Table:
    table = _table(
        Text(en="From the agencies' own systems", zh="从各单位自有系统取得"),
        (Text(en="agency", zh="单位"), "left"),
        (Text(en="source", zh="来源"), "left"),
        (Text(en="received", zh="收到"), "right"),
        (Text(en="accepted", zh="入库"), "right"),
        (Text(en="unchanged", zh="未变"), "right"),
        (Text(en="duplicate", zh="重复"), "right"),
        (Text(en="quarantined", zh="隔离"), "right"),
        (Text(en="most frequent reason", zh="隔离的主要原因"), "left"),
    )
    before = ""
    for line in lines:
        counts = (
            line.received,
            line.accepted,
            line.unchanged,
            line.duplicate,
            line.quarantined,
        )
        table.add_row(
            Cell("" if line.agency == before else line.agency),
            Cell(line.source),
            *(Cell(f"{count:,}") for count in counts),
            Cell(_top_reason(line.reasons)),
        )
        before = line.agency
    return table


def _top_reason(reasons: Mapping[Text, int]) -> str:
    if not reasons:
        return ""
    reason, count = max(reasons.items(), key=lambda item: (item[1], item[0].en))
    more = len(reasons) - 1
    if not more:
        return f"{reason} ×{count:,}"
    return str(
        Text(
            en=f"{reason} ×{count:,}, {more} more",
            zh=f"{reason} ×{count:,}，另有 {more} 种",
        )
    )


def _exchanges_table(lines: Sequence[ExchangeLine]) -> Table:
    table = _table(
        Text(en="Between the agencies", zh="单位之间交换"),
        (Text(en="from", zh="发送"), "left"),
        (Text(en="to", zh="接收"), "left"),
        (Text(en="bundles sent", zh="发出数据包"), "right"),
        (Text(en="verified and taken in", zh="验签并接收"), "right"),
        (Text(en="records taken in", zh="接收记录"), "right"),
        (Text(en="", zh=""), "left"),
    )
    for line in lines:
        whole = line.bundles == line.verified
        verdict = (
            Text(en="all signatures good", zh="签名全部有效")
            if whole
            else Text(en="NOT ALL TAKEN IN", zh="未全部接收")
        )
        table.add_row(
            Cell(line.sender),
            Cell(line.receiver),
            Cell(f"{line.bundles:,}"),
            Cell(f"{line.verified:,}"),
            Cell(f"{line.records:,}"),
            Cell(str(verdict), style="green" if whole else "bold red"),
        )
    return table


def _places(target: Path) -> Cell:
    rows: tuple[tuple[Text, str], ...] = (
        (Text(en="the three nodes", zh="三个节点"), f"{target}/anji  guangde  ningguo"),
        (Text(en="published bundles", zh="已发布的数据包"), f"{target}/anji/repository/streams"),
        (Text(en="defects put in", zh="人为放入的差错"), f"{target}/ground-truth.json"),
    )
    tries: tuple[tuple[Text, str], ...] = (
        (
            Text(en="how a node is", zh="查看节点状态"),
            f".venv/bin/hefu --node {target}/anji status",
        ),
        (
            Text(en="what is wrong with a row", zh="查看隔离原因"),
            f".venv/bin/hefu --node {target}/guangde quarantine list",
        ),
        (
            Text(en="a second night", zh="再过一夜"),
            f".venv/bin/python -m examples.region --target {target} --next-night",
        ),
    )
    title = Text(en="Where it is", zh="文件在哪里")
    next_title = Text(en="What to try", zh="接下来可以试试")
    lines = [f"\n{title}", *(f"  {path:<38} {what}" for what, path in rows)]
    lines += [f"{next_title}", *(f"  {command:<64} # {what}" for what, command in tries)]
    return Cell("\n".join(lines) + "\n")


def _table(title: Text, *columns: tuple[Text, str]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, title=str(title), title_justify="left", title_style="bold",
        pad_edge=False,
    )  # fmt: skip
    for name, justify in columns:
        table.add_column(
            Cell(str(name)),
            justify="right" if justify == "right" else "left",
            no_wrap=justify == "right",
        )
    return table
