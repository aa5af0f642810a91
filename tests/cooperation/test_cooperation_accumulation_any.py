"""Any set of cases on any day is counted as the words of the law read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
import pytest
from cooperation_cases import case
from cooperation_counts import CHINA, count
from hypothesis import given, settings
from hypothesis import strategies as st

from cooperation.accumulation.law import Base
from schemas.sql import connect


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect(threads=1)
    yield con
    con.close()


def midnight(day: date) -> datetime:
    """In Chinese time, as Hypothesis wants it: without its offset."""
    return datetime.combine(day, time())


MOMENTS = st.one_of(
    st.datetimes(midnight(date(2024, 2, 25)), midnight(date(2026, 12, 31))),
    st.builds(
        lambda day, second: midnight(day) + timedelta(seconds=second),
        st.sampled_from(
            [date(2025, 3, 1), date(2025, 2, 28), date(2024, 2, 29), date(2025, 11, 22)]
        ),
        st.sampled_from([0, 86_399]),
    ),
)
CASES = st.fixed_dictionaries(
    {
        "moment": MOMENTS,
        "decided_after": st.one_of(st.none(), st.integers(0, 400)),
        "vehicle": st.sampled_from(["示A00001/yellow", "示A00001/blue", None]),
        "status": st.sampled_from(["valid", "valid", "valid", "corrected", "revoked"]),
        "type": st.sampled_from(["penalty", "penalty", "penalty", "no_penalty_first", None]),
        "fine": st.sampled_from(["500", "500", None, "0"]),
        "word": st.sampled_from([None, None, True, False]),
        "review": st.sampled_from([None, None, "upheld", "pending", "revoked"]),
        "act": st.sampled_from([None, None, "g", "h"]),
    }
)
DAYS = st.one_of(
    st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    st.sampled_from([date(2024, 2, 29), date(2026, 2, 28), date(2025, 2, 28), date(2026, 11, 22)]),
)


def by_the_law(cases: list[dict[str, Any]], plate: str, as_of: date, base: Base) -> int:
    """公路安全保护条例 art. 66 as it reads, and what the rule packs note to it: how many illegal
    overloads within one year. Plain Python, on purpose nothing of the engine's."""
    try:
        year_ago = as_of.replace(year=as_of.year - 1)
    except ValueError:
        year_ago = date(as_of.year - 1, 2, 28)
    acts: dict[object, date] = {}
    for n, c in enumerate(cases):
        if c["vehicle"] != plate or c["type"] != "penalty" or c["status"] == "revoked":
            continue
        if c["fine"] == "0" or c["word"] is False or c["review"] in ("pending", "revoked"):
            continue
        violated = c["moment"].date()
        decided = None
        if c["decided_after"] is not None:
            decided = violated + timedelta(days=c["decided_after"])
        day = violated if base == "violation" else decided
        if day is None or day > as_of or (decided is not None and decided > as_of):
            continue
        act = c["act"] or n
        acts[act] = min(day, acts.get(act, day))
    return sum(year_ago < day <= as_of for day in acts.values())


@settings(max_examples=40, deadline=None)
@given(
    cases=st.lists(CASES, max_size=9),
    as_of=DAYS,
    base=st.sampled_from(["violation", "decision"]),
)
def test_any_cases_on_any_day_as_the_law_reads(
    con: duckdb.DuckDBPyConnection, cases: list[dict[str, Any]], as_of: date, base: Base
) -> None:
    rows = [
        case(
            n,
            c["moment"].replace(tzinfo=CHINA).astimezone(UTC).isoformat(),
            vehicle_key=c["vehicle"],
            data_status=c["status"],
            decision_type=c["type"],
            fine_amount_cny=c["fine"],
            counts_toward_accumulation=c["word"],
            review_status=c["review"],
            same_act_group_id=c["act"],
            decision_date=None
            if c["decided_after"] is None
            else (c["moment"].date() + timedelta(days=c["decided_after"])).isoformat(),
        )
        for n, c in enumerate(cases)
    ]
    found = {
        a.key: a for a in count(con, rows, as_of, base, kinds=("vehicle",), near=True).vehicles
    }
    for plate in ("示A00001/yellow", "示A00001/blue"):
        expected = by_the_law(cases, plate, as_of, base)
        if expected > 3:
            assert found[plate].standing == "exceeded"
        if expected >= 3:
            assert found[plate].count == expected
            assert len(found[plate].counted()) == expected
        else:
            assert plate not in found or found[plate].other_standing in ("near", "exceeded")
            assert plate not in found or found[plate].count == expected
