"""What a new count says beside the last snapshot: news, or nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pytest

from cooperation.accumulation.following import Earlier, news_of
from cooperation.accumulation.law import Laws
from cooperation.accumulation.model import Accumulation, CountedCase

DAY = date(2026, 11, 22)


def counted(records: str) -> Accumulation:
    """A count of one vehicle; each letter is a record."""
    law = Laws(None, DAY).of("341882")
    cases = tuple(
        CountedCase(r, "org", r, None, None, "overload_road", "v", None, None, None, None)
        for r in records
    )
    return Accumulation(
        kind="vehicle",
        key="v",
        division=None,
        law=law,
        window=law.window(),
        by_violation=len(records),
        by_decision=len(records),
        standing="exceeded" if len(records) > 3 else "below",
        other_standing="below",
        cases=cases,
    )


def before(records: str, *, exceeded: bool = True) -> Earlier:
    return Earlier(
        "id", "LJ-1", "vehicle", "hs256:0", "violation", "rolling_year", DAY, exceeded,
        frozenset(records), ("id",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "again", "earlier", "change"),
    [
        (["abcd"], None, None, "crossed"),
        ([], None, None, None),
        (["abcd"], "abcd", before("abcd"), None),
        (["abcde"], "abcd", before("abcd"), "more"),
        ([], "abcd", before("abcd"), None),  # time went by: nothing is taken back
        (["bcde"], "abcde", before("abcde"), None),
        ([], "abc", before("abcd"), "below"),
        (["bcde"], "bcde", before("abcde"), "corrected"),
        ([], "bcde", before("abcde"), "corrected"),
        ([], "abcde", before("abcd"), "more"),  # came late, into the window of then
        ([], None, before("abc", exceeded=False), None),
        (["abcd"], None, before("abc", exceeded=False), "crossed"),
        (["abcd", "abcde"], None, None, "crossed"),
        (["efgh"], "abcd", before("abcd"), "more"),  # another year
    ],
)
def test_only_what_records_changed_is_news(
    found: Collection[str], again: str | None, earlier: Earlier | None, change: str | None
) -> None:
    anew = None if again is None else counted(again)
    news = news_of([counted(f) for f in found], anew, earlier)
    assert (None if news is None else news.change) == change
    if news is not None and change != "below":
        assert news.accumulation.standing == "exceeded"
        assert news.accumulation.count == max(len(f) for f in (*found, again or ""))
