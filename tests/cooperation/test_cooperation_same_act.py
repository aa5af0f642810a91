"""Same act on the labelled pairs: precision and recall, and what the pages say of them."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from cooperation_pairs import Judged, judged, load, table

from cooperation.matching.pair import explain, told, words_known
from cooperation.matching.same_act import same_act
from cooperation.matching.settings import load_settings

DOCS = Path(__file__).parents[2] / "docs/cooperation"


@pytest.fixture(scope="module")
def pairs() -> list[Judged]:
    return judged()


def test_the_labelled_set_is_large_and_has_no_row_twice(pairs: list[Judged]) -> None:
    assert len(pairs) >= 320
    assert len({one.number for one in pairs}) == len(pairs)
    assert {one.truth for one in pairs} == {"same", "different", "unclear"}


def test_precision_and_recall_are_not_below_what_was_measured(pairs: list[Judged]) -> None:
    found = table(pairs)
    exact = sum(n for (_, match), n in found.items() if match == "exact")
    same = sum(n for (truth, _), n in found.items() if truth == "same")
    shown = sum(n for (_, match), n in found.items() if match != "none")
    apart = sum(n for (truth, _), n in found.items() if truth == "different")
    assert found["same", "exact"] / exact >= 0.966
    assert (found["same", "exact"] + found["same", "probable"]) / same >= 0.927
    assert found["same", "exact"] / same >= 0.304
    assert found["different", "none"] / apart >= 0.765
    assert (shown - found["different", "exact"] - found["different", "probable"]) / shown >= 0.847


@pytest.mark.parametrize("page", ["same-act.md", "same-act.zh-CN.md"])
def test_the_pages_show_these_numbers(pairs: list[Judged], page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    found = table(pairs)
    for truth in ("same", "different", "unclear"):
        numbers = [found.get((truth, match), 0) for match in ("exact", "probable", "none")]
        row = re.search(rf"`{truth}` \| (\d+) \| (\d+) \| (\d+)", text)
        assert row is not None, truth
        assert [int(n) for n in row.groups()] == numbers
    settings = load_settings()
    assert f"**{settings.exact_points}**" in text
    assert f"**{settings.probable_points}**" in text


@pytest.mark.parametrize(
    "family",
    [
        "next_day_new_load",
        "shuttle_other_load",
        "fleet_other_plate",
        "strangers_in_a_row",
        "continuous_after_decision",
        "one_agency_twice",
    ],
)
def test_these_are_never_taken_for_one_act(pairs: list[Judged], family: str) -> None:
    assert {one.match for one in pairs if one.family == family} == {"none"}


def test_two_trucks_of_a_fleet_are_never_exact(pairs: list[Judged]) -> None:
    assert {one.match for one in pairs if one.family == "fleet_in_a_row"} <= {"probable", "none"}


def test_only_a_cloned_plate_is_wrongly_exact(pairs: list[Judged]) -> None:
    wrong = {one.family for one in pairs if (one.truth, one.match) == ("different", "exact")}
    assert wrong == {"cloned_plate_like_load"}


def test_each_piece_of_evidence_has_points_and_words(pairs: list[Judged]) -> None:
    assert set(words_known()) == set(load_settings().evidence)
    for one in pairs:
        if one.pair is not None:
            texts = explain(one.pair)
            assert len(texts) == len(one.pair.evidence)
            assert all("{" not in text.en + text.zh for text in texts)
            points = sum(
                load_settings().evidence[code.partition(":")[0]].points
                for code in one.pair.evidence
            )
            assert points == one.pair.score
    assert told("same_moment:12").zh == "相隔 12 分钟"


def test_it_does_not_matter_which_side_is_which() -> None:
    con = duckdb.connect()
    load(con)
    there = same_act(con, "a", "b", load_settings()).fetchall()
    back = same_act(con, "b", "a", load_settings()).fetchall()
    assert {(a, b, match, score) for a, _, b, _, match, score, _ in there} == {
        (b, a, match, score) for a, _, b, _, match, score, _ in back
    }


def test_a_record_is_no_pair_with_itself_and_nothing_gives_nothing() -> None:
    con = duckdb.connect()
    load(con)
    con.execute("CREATE TABLE none AS SELECT * FROM a WHERE false")
    assert same_act(con, "none", "b", load_settings()).fetchall() == []
    assert same_act(con, "b", "none", load_settings()).fetchall() == []
    pairs = same_act(con, "a", "a", load_settings()).fetchall()
    assert all((row[0], row[1]) != (row[2], row[3]) for row in pairs)


def test_unmapped_causes_and_families_are_probable_at_most(pairs: list[Judged]) -> None:
    for one in pairs:
        codes = {code.partition(":")[0] for code in one.pair.evidence} if one.pair else set()
        if codes & {"cause_unmapped", "cause_of_one_family", "same_plate", "plate_unread"}:
            assert one.match == "probable"
