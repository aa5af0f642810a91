"""The closing screen in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from examples.region.agencies import ANJI, GUANGDE
from examples.region.screen import (
    ExchangeLine,
    Night,
    SharedLine,
    SourceLine,
    UnknownLine,
    show,
)
from schemas.text import Text

ARTICLE = Text(en="浙江省公路条例第五十三条, overload fine", zh="浙江省公路条例第五十三条")
WORDS = {
    "zh": (
        "每一行都有去向",
        "罚款金额小于零",
        "安吉县 → 广德市",
        "签名有效",
        "隔离",
        "3 种写法，17 条",
        "12  浙江省公路条例第五十三条",
        "安吉县 – 广德市：50",
    ),
    "en": (
        "Every row is accounted for",
        "the fine is negative",
        "Anji → Guangde",
        "quarantined",
        "3 in 17 records",
        "12  浙江省公路条例第五十三条, overload fine",
        "Anji – Guangde: 50",
    ),
}
REASON = Text(en="the fine is negative", zh="罚款金额小于零")


def _night(*, accepted: int = 95, verified: int = 2) -> Night:
    return Night(
        sources=[SourceLine(ANJI.label, "治超系统", 100, accepted, 1, 1, 3, {REASON: 3})],
        exchanges=[ExchangeLine(ANJI.label, GUANGDE.label, 2, verified, 95)],
        unknown=[UnknownLine(ANJI.label, 3, 17), UnknownLine(GUANGDE.label, 2, 9)],
        against_the_law={ARTICLE: 12},
        shared=[SharedLine(ANJI.label, GUANGDE.label, 50)],
        target=Path("demo"),
        seconds=61.7,
    )


def _shown(night: Night, width: int) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        show(night, console)
    return capture.get()


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_says_everything_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch, language: str, width: int
) -> None:
    monkeypatch.setenv("HEFU_LANG", language)
    shown = _shown(_night(), width)
    for word in (*WORDS[language], "demo/anji", "hefu status", "hefu codes unmapped", "95", "62"):
        assert word in shown


def test_it_does_not_hide_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEFU_LANG", "en")
    shown = _shown(_night(accepted=90, verified=1), 80)
    assert "THE COUNTS DO NOT BALANCE" in shown
    assert "NOT ALL TAKEN IN" in shown
