"""A clock in words: until when, how it stands, how long, by which article."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hefu.terminal import show_time, tr

if TYPE_CHECKING:
    from cooperation.procedures.clocks import Clock


def end_of(clock: Clock) -> str:
    """Until when, and whether that may still change."""
    if clock.row.unit == "hours":
        text = tr(f"before {show_time(clock.due)}", f"{show_time(clock.due)} 前")
    else:
        text = clock.last_day.isoformat()
    return text + (tr(" (provisional)", "（暂定）") if clock.provisional else "")


def standing_words(clock: Clock) -> str:
    """How a clock stands, in words."""
    words = {
        "running": tr("running", "进行中"),
        "due_soon": tr("due soon", "即将到期"),
        "overdue": tr("overdue", "已逾期"),
        "kept": tr("kept", "按期"),
        "late": tr("late", "逾期办理"),
    }
    text = words[clock.standing]
    if clock.entered_late:
        text += tr(" (entered after the end)", "（届满后补登）")
    if clock.doubtful:
        text += tr(" (time to be checked)", "（时间存疑，请核实）")
    return text


_UNITS = {
    "natural_days": ("days", "日"),
    "working_days": ("working days", "个工作日"),
    "days": ("days", "日"),
    "hours": ("hours", "小时"),
    "months": ("months", "个月"),
    "years": ("years", "年"),
}


def length_words(length: int, unit: str) -> str:
    """``3 working days``."""
    en, zh = _UNITS[unit]
    return tr(f"{length} {en}", f"{length}{zh}")


def length_of(clock: Clock) -> str:
    """How long a period is; where an act said until when, that."""
    if clock.given:
        return tr("as it says itself", "载明的期限")
    return length_words(clock.length, clock.unit)


def article_of(clock: Clock) -> str:
    """What a period rests on."""
    if clock.given:
        return tr("order or letter", "工单、函件载明")
    if clock.agreed:
        return tr("agreement", "合作协议")
    return short_article(clock.basis.article)


_DEFAULT = "本项目默认值"


def short_article(article: str) -> str:
    """An article as it fits a table: without the years and numbers of the text, which --json and
    ``hefu rules`` have."""
    if article.startswith(_DEFAULT):
        return tr("default, may be agreed", "默认值，可约定")
    short = re.sub(r"（[^）]*）", "", article.split("；")[0])
    return short.removeprefix("中华人民共和国")
