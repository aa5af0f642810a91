"""The names, paths and periods of roles, and the one form of an agency's facts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from agency_world import FACTS
from hypothesis import given
from hypothesis import strategies as st
from repository_world import NOW, PERIODS

from exchange.trust import roles
from exchange.trust.agency import parse_agency
from schemas.errors import HefuError, VerificationError


@given(st.integers(1, 99_999_999), st.sampled_from(["", ".age"]))
def test_a_number_is_in_the_paths_of_its_segment_and_of_no_other(number: int, suffix: str) -> None:
    """As python-tuf matches paths: a client of its kind finds a bundle in one step."""
    from tuf.api.metadata import DelegatedRole

    path = roles.target_path("s", number, is_encrypted=bool(suffix))
    assert path == f"streams/s/{number:08d}.hefu{suffix}"
    own = (number - 1) // roles.SEGMENT_SIZE
    for segment in {max(own - 1, 0), own, own + 1}:
        paths = roles.segment_paths(f"s.{segment:06d}")
        role = DelegatedRole(f"s.{segment:06d}", ["k"], 1, terminating=True, paths=paths)
        assert role.is_delegated_path(path) is (segment == own)
        assert len(paths) <= 64


def test_a_role_is_signed_anew_when_a_third_of_its_time_is_left() -> None:
    end = NOW + PERIODS.timestamp
    assert not PERIODS.is_due(roles.TIMESTAMP, end, NOW + timedelta(days=9))
    assert PERIODS.is_due(roles.TIMESTAMP, end, NOW + timedelta(days=10))
    assert PERIODS.of("s.000000") == PERIODS.bundles
    assert PERIODS.of(roles.TARGETS) == PERIODS.offline


def _refusals(values: Iterable[bytes]) -> list[str]:
    steps = []
    for value in values:
        with pytest.raises(HefuError) as caught:
            parse_agency(value)
        assert isinstance(caught.value, VerificationError)
        steps.append(caught.value.step)
    return steps


def test_facts_have_one_form() -> None:
    good = FACTS.to_bytes()
    assert parse_agency(good) == FACTS
    wrong = [
        b"",
        b"{}",
        good[:-1] + b" }",
        good.replace(b"urn:hefu:agency:1", b"urn:hefu:agency:2"),
        good.replace(b'"recipients":[]', b'"recipients":["age1short"]'),
        good.replace(b'"999999"', b'"99999"'),
        good[:-1] + b',"zzz":1}',
    ]
    assert set(_refusals(wrong)) == {"trust"}
