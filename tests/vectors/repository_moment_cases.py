"""Vectors of the step ``trust``: nothing goes back, nothing is too old, nothing is mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from bundles import NOW
from repositories import File, Repository, RepositoryCase, open_bundle
from repository_states import (
    AFTER,
    BEFORE,
    EARLIER,
    FIRST,
    NEXT,
    ONE,
    SECOND,
    SEGMENT,
    TWO,
    trust_case,
    with_field,
)

FULL_WIDTH = "\uff12\uff10\uff12\uff16-11-22T00:00:00Z"


def age_of_lists_cases() -> Iterator[RepositoryCase]:
    """Nothing goes back, nothing is too old, nothing is mixed."""
    yield trust_case(
        "timestamp_expired",
        "The timestamp expired before it was read.",
        ONE,
        now=NOW + timedelta(days=15),
    )
    yield trust_case(
        "frozen",
        "The repository shows for a month what it showed before.",
        ONE,
        earlier=ONE,
        now=NOW + timedelta(days=30),
    )
    yield trust_case(
        "stale_beyond_policy",
        "The timestamp expired longer ago than the reader's policy allows.",
        ONE,
        now=NOW + timedelta(days=60),
        max_stale_days=30,
    )
    yield trust_case(
        "rolled_back",
        "The reader has seen a later state of the repository.",
        BEFORE,
        earlier=replace(AFTER, published=EARLIER),
    )
    yield trust_case(
        "timestamp_rolled_back",
        "The timestamp's version is lower than before, all else is newer.",
        replace(AFTER, versions=NEXT | {"timestamp": 2}),
        earlier=replace(BEFORE, versions={"timestamp": 3}),
    )
    yield trust_case(
        "snapshot_rolled_back",
        "A newer timestamp names an older snapshot than before.",
        replace(TWO, versions={"timestamp": 5, "snapshot": 2}),
        earlier=replace(BEFORE, versions={"timestamp": 4, "snapshot": 3}),
    )
    yield trust_case(
        "segment_rolled_back",
        "A newer snapshot names an older version of a segment than before.",
        replace(ONE, versions={"timestamp": 3, "snapshot": 3, SEGMENT: 1}),
        earlier=replace(BEFORE, versions={"timestamp": 2, "snapshot": 2, SEGMENT: 2}),
    )
    yield trust_case(
        "segment_dropped",
        "A newer snapshot no longer names a segment that it named before.",
        replace(
            ONE,
            versions=NEXT,
            alter={"snapshot": lambda signed: signed["meta"].pop(f"{SEGMENT}.json")},
        ),
        earlier=BEFORE,
    )
    yield trust_case(
        "two_stories",
        "Two timestamps of one version are signed, which name different snapshots.",
        replace(TWO, versions={"snapshot": 2, SEGMENT: 2}),
        earlier=BEFORE,
    )
    yield trust_case(
        "mix_and_match",
        "A segment is a rightly signed one, but not the one that the snapshot names.",
        replace(AFTER, done=_segment_of(replace(ONE, versions=NEXT))),
    )
    yield trust_case(
        "snapshot_expired",
        "The snapshot expired, the timestamp did not.",
        replace(ONE, alter={"snapshot": with_field("expires", "2026-11-01T00:00:00Z")}),
    )
    yield trust_case(
        "segment_expired",
        "The segment expired, nothing else did.",
        replace(ONE, alter={SEGMENT: with_field("expires", "2026-11-01T00:00:00Z")}),
    )
    yield trust_case(
        "published_in_the_future",
        "The timestamp says that it was written two hours from now.",
        replace(ONE, alter={"timestamp": with_field("x-hefu-published", "2026-11-22T03:00:00Z")}),
    )
    yield trust_case(
        "published_on_no_day",
        "The timestamp says that it was written on the 30th of February.",
        replace(ONE, alter={"timestamp": with_field("x-hefu-published", "2026-02-30T00:00:00Z")}),
    )
    yield trust_case(
        "published_in_other_digits",
        "The year in which the timestamp was written is in full-width digits.",
        replace(ONE, alter={"timestamp": with_field("x-hefu-published", FULL_WIDTH)}),
    )
    yield trust_case(
        "number_too_large",
        "A field of the publisher's own holds a number that not every JSON reader tells exactly.",
        replace(ONE, alter={"timestamp": with_field("x-hefu-remark", 2**53)}),
    )
    yield trust_case(
        "published_missing",
        "The timestamp does not say when it was written.",
        replace(ONE, alter={"timestamp": lambda signed: signed.pop("x-hefu-published")}),
    )
    yield trust_case(
        "taken_in_not_listed",
        "The bundle that was taken in last stands in the lists with another statement.",
        Repository({1: File.plain(_other_first()), 2: File.plain(SECOND)}),
        sequence=2,
        previous=FIRST,
    )


def _other_first() -> bytes:
    return open_bundle(rule_pack_version="another")


def _segment_of(other: Repository) -> Callable[[dict[str, bytes]], None]:
    path = f"metadata/2.{SEGMENT}.json"
    return lambda found: found.update({path: other.write()[path]})
