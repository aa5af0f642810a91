"""Acts are records: what one agency does, both see, and both compute the same state."""

from __future__ import annotations

import pytest
from flows_matters import Two, make_two
from flows_world import NOW, B

from flows.acting import do, following, opening
from schemas.errors import ConfigError


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    return make_two(tmp_path_factory.mktemp("matters"))


def test_a_referral_goes_over_and_its_answer_comes_back(two: Two) -> None:
    first = opening(
        two.a, "referral", "send", NOW, to_org=B.code, subject_record_ids=("0" * 32,),
        subject_nos=("甲交案〔2026〕1号",), subject_record_type="lead",
    )  # fmt: skip
    sent = do(two.a, first, NOW)
    assert sent.matter.state_name == "sent"
    two.carry(two.a, two.b)

    there = two.matter(two.b)
    assert there.state_name == "sent"
    do(two.b, following(two.b, there, "sign", NOW), NOW)
    two.carry(two.b, two.a)

    here, there = two.matter(two.a), two.matter(two.b)
    assert here.state_name == there.state_name == "signed"
    with pytest.raises(ConfigError) as refused:
        do(two.a, following(two.a, here, "sign", NOW), NOW)
    assert refused.value.hint is not None
