"""The invented region: the same for the same seed, believable, impossible, and accounted for."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any, get_args

import pytest
from examples_constants import NOW

from examples.region.defects import SHARES
from examples.region.generator import PLAN, SEEN_TWICE, Generated, generate
from examples.region.ledger import OUTCOME, Kind

FEEDS = tuple(feed for feed, _, _ in PLAN)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    return [] if value is None else [str(value)]


def test_the_same_seed_gives_the_same_rows_and_another_gives_others() -> None:
    first, again, other = (generate(seed, 500, NOW) for seed in (3, 3, 4))
    assert first == again
    assert first.feeds != other.feeds


def test_the_demo_has_about_twenty_thousand_records(generated: Generated) -> None:
    assert 20_000 <= generated.first_night <= 20_500


def test_a_clock_with_another_zone_gives_the_same_rows() -> None:
    from datetime import UTC

    assert generate(3, 300, NOW) == generate(3, 300, NOW.astimezone(UTC))


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_every_row_of_a_feed_has_the_same_columns(generated: Generated, feed: Any) -> None:
    columns = {tuple(entry.row) for entry in generated.feeds[feed.name]}
    assert len(columns) == 1
    assert {feed.identity, feed.updated, feed.plate, *feed.required} <= set(columns.pop())


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_the_ledger_adds_up(generated: Generated, feed: Any) -> None:
    for night in (1, 2):
        rows = [entry for entry in generated.feeds[feed.name] if entry.night == night]
        expected = generated.ledger.expected(feed.name, night)
        assert expected.received == len(rows) > 0
        assert expected.received == (expected.accepted + expected.duplicate + expected.quarantined)
        assert expected.accepted > 0


def test_every_kind_of_defect_occurs(generated: Generated) -> None:
    assert {defect.kind for defect in generated.ledger.defects} == set(get_args(Kind))
    assert set(OUTCOME) == set(get_args(Kind))


def test_defects_are_rare(generated: Generated) -> None:
    assert sum(SHARES.values()) < 0.1
    spoilt = sum(1 for defect in generated.ledger.defects if defect.night == 1)
    assert spoilt < 0.1 * generated.first_night


def test_exact_duplicates_are_exact_and_counted(generated: Generated) -> None:
    for feed in FEEDS:
        rows = [json.dumps(e.row, sort_keys=True) for e in generated.feeds[feed.name]]
        duplicates = generated.ledger.count(feed.name).get("exact_duplicate", 0)
        assert len(rows) - len(set(rows)) == duplicates


def test_corrected_rows_keep_their_number_and_have_a_later_time(generated: Generated) -> None:
    for feed in FEEDS:
        corrected = {
            d.identity
            for d in generated.ledger.defects
            if d.feed == feed.name and d.kind == "corrected"
        }
        versions: dict[str, list[Any]] = {}
        for entry in generated.feeds[feed.name]:
            if str(entry.row[feed.identity]) in corrected:
                versions.setdefault(str(entry.row[feed.identity]), []).append(entry)
        for entries in versions.values():
            first, second = entries
            assert first.updated_at < second.updated_at
            assert first.row != second.row


def test_late_rows_have_times_that_the_first_night_has_passed(generated: Generated) -> None:
    late = {(d.feed, d.identity) for d in generated.ledger.defects if d.kind == "late"}
    assert late
    for feed in FEEDS:
        for entry in generated.feeds[feed.name]:
            if (feed.name, str(entry.row[feed.identity])) in late:
                assert entry.night == 2
                assert NOW - timedelta(hours=7) < entry.updated_at < NOW


def test_the_first_night_lies_before_now(generated: Generated) -> None:
    for entries in generated.feeds.values():
        assert all(entry.updated_at < NOW for entry in entries if entry.night == 1)


def test_the_same_act_is_seen_on_both_sides_of_the_border(generated: Generated) -> None:
    plates = []
    for feed in FEEDS:
        if feed.name in SEEN_TWICE:
            seen = {
                d.identity
                for d in generated.ledger.defects
                if d.feed == feed.name and d.kind == "same_act"
            }
            plates.append(
                {
                    e.row[feed.plate]
                    for e in generated.feeds[feed.name]
                    if e.row[feed.identity] in seen
                }
            )
    assert plates[0] == plates[1]
    assert len(plates[0]) == 40


def test_a_duplicate_decision_number_is_one_that_another_case_has(generated: Generated) -> None:
    for feed in FEEDS:
        if feed.decision_no is None:
            continue
        by_number: dict[str, set[str]] = {}
        for entry in generated.feeds[feed.name]:
            number = entry.row[feed.decision_no]
            by_number.setdefault(number, set()).add(str(entry.row[feed.identity]))
        shared = sum(len(cases) - 1 for cases in by_number.values())
        assert shared == generated.ledger.count(feed.name)["duplicate_decision_no"]


def test_nobody_in_it_can_exist(generated: Generated) -> None:
    """Identifiers carry a division that does not exist, plates a letter that no city has."""
    plate = re.compile(r"[浙皖苏赣豫][A-HJ-NP-Z][A-HJ-NP-Z0-9]{5,6}")
    for feed in FEEDS:
        for entry in generated.feeds[feed.name]:
            found = plate.fullmatch(str(entry.row[feed.plate]))
            assert found is None or found[0][1] in "XYW"
            for column in feed.party_numbers:
                number = entry.row[column]
                assert number is None or "999999" in (number[:6], number[2:8])


def test_no_telephone_number_in_it_can_be_called(generated: Generated) -> None:
    mobile = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
    for entries in generated.feeds.values():
        for entry in entries:
            assert not any(mobile.search(text) for text in _texts(entry.row))
