"""The nine sources of the region into the lake, against the ground truth.

One region is laid out for this file, one night is run over it and a second over Anji's node; the
tests look at what they left. What a night did not find new, it counts as unchanged or refuses
again. From there to a partner's lake: ``tests/flows``.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pyarrow.parquet as pq
import pyrage
import pytest
from examples_constants import NOW

from connectors.pull import PullRequest
from examples.region.agencies import AGENCIES, ANJI, Agency
from examples.region.findings import same_parties
from examples.region.generator import PLAN
from examples.region.ledger import AGAINST_THE_LAW, OF_ONE_PARTY, Ledger
from examples.region.region import Region, next_night, set_up
from examples.region.systems.running import Systems
from flows.incoming import incoming_of, take_in
from flows.ingest import ingest
from flows.outgoing import grants_of, publish_to
from hefu.code_work.unmapped import unmapped
from hefu.node import load_node
from lake.runs import RunRecord
from lake.store import Lake
from schemas.sql import connect

# So many records that each kind of result against the law is among them.
SEED, RECORDS = 5, 1_500
NUMBER = re.compile(r"999999(?:19|20)\d{9}[0-9X]|9[12]999999[0-9A-Z]{10}")
FEEDS = tuple(feed for feed, _, _ in PLAN)
TWICE = tuple(feed for feed in FEEDS if feed.agency is ANJI)
CASES = tuple(feed for feed in FEEDS if feed.record_type == "case_result")


@dataclass(frozen=True)
class Nights:
    """A region after two nights and an exchange: the runs of (feed, night)."""

    region: Region
    ledger: Ledger
    runs: dict[tuple[str, int], RunRecord]


def _run(region: Region, *agencies: Agency) -> Iterator[tuple[str, RunRecord]]:
    for agency in agencies:
        node = load_node(region.node(agency))
        for source in node.sources():
            request = PullRequest("cursor", None, None, None, NOW)
            yield f"{agency.folder}/{source.stream_id}", ingest(node, source, request, NOW)


def _exchange(region: Region) -> None:
    nodes = [load_node(region.node(agency)) for agency in AGENCIES]
    for node in nodes:
        for outgoing in grants_of(node):
            publish_to(node, outgoing, NOW)
    for node in nodes:
        for incoming in incoming_of(node):
            take_in(node, incoming, NOW)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    region = set_up(tmp_path_factory.mktemp("nights") / "region", SEED, NOW, RECORDS)
    with (
        pytest.MonkeyPatch.context() as patch,
        Systems(region.root, "--fail-first", "2") as systems,
    ):
        for name, address in systems.addresses.items():
            patch.setenv(name, address)
        runs = {(feed, 1): run for feed, run in _run(region, *AGENCIES)}
        next_night(region)
        runs |= {(feed, 2): run for feed, run in _run(region, ANJI)}
    _exchange(region)
    return Nights(region, region.generated().ledger, runs)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_the_first_night_counts_what_was_put_in(nights: Nights, feed: Any) -> None:
    run = nights.runs[feed.name, 1]
    expected = nights.ledger.expected(feed.name)
    assert (run.received, run.accepted, run.duplicate, run.quarantined) == (
        expected.received,
        expected.accepted,
        expected.duplicate,
        expected.quarantined,
    )
    assert run.unchanged == 0
    assert run.gate_passed


@pytest.mark.parametrize("feed", TWICE, ids=lambda feed: feed.name)
def test_the_second_night_takes_in_just_what_is_new(nights: Nights, feed: Any) -> None:
    """Late rows and corrections too; what the overlap brings again changes nothing."""
    run = nights.runs[feed.name, 2]
    assert run.accepted == nights.ledger.expected(feed.name, 2).accepted
    assert run.received == run.accepted + run.unchanged + run.duplicate + run.quarantined


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_what_was_put_in_is_flagged_and_nothing_else_is(nights: Nights, feed: Any) -> None:
    """Unread plates, unknown codes, results against the law; no rule flags a sound row."""
    put_in = Counter[str]()
    for defect in nights.ledger.of_kind(
        feed.name, "plate_unread", "unknown_code", *AGAINST_THE_LAW
    ):
        if defect.kind == "plate_unread":
            put_in[f"{feed.record_type}.plate_unread"] += 1
        elif defect.kind == "unknown_code":
            put_in["code:" + defect.detail.partition("=")[0]] += 1
        else:
            put_in[defect.detail] += 1
    assert nights.runs[feed.name, 1].soft == put_in


def test_each_kind_of_result_against_the_law_was_put_in(nights: Nights) -> None:
    put_in = [d for feed in CASES for d in nights.ledger.of_kind(feed.name, *AGAINST_THE_LAW)]
    assert {d.kind for d in put_in} == AGAINST_THE_LAW


@pytest.mark.parametrize("feed", CASES, ids=lambda feed: feed.name)
def test_each_odd_record_is_flagged_by_the_rule_that_the_ledger_names(
    nights: Nights, feed: Any
) -> None:
    expected = {
        (d.identity, f"code:{d.detail.partition('=')[0]}" if d.kind == "unknown_code" else d.detail)
        for d in nights.ledger.of_kind(feed.name, "unknown_code", *AGAINST_THE_LAW)
    }
    with connect() as con:
        Lake(load_node(nights.region.node(feed.agency)).place("lake")).attach(con, "case_result")
        found = con.execute(
            "SELECT source_record_id, unnest(_flags) AS flag FROM case_result_current"
            " WHERE source_org_code = $1",
            [feed.agency.code],
        ).fetchall()
    assert {pair for pair in found if not pair[1].endswith(".plate_unread")} == expected


@pytest.mark.parametrize("agency", AGENCIES, ids=lambda agency: agency.folder)
def test_unknown_codes_are_kept_counted_and_listed(nights: Nights, agency: Agency) -> None:
    put_in = Counter(
        (f"{feed.system}/{feed.stream}", *d.detail.split("="))
        for feed in FEEDS
        if feed.agency is agency
        for d in nights.ledger.of_kind(feed.name, "unknown_code")
    )
    found = unmapped(load_node(nights.region.node(agency)))
    assert {str(u.raw) for u in found if u.received} <= _partners_texts(nights, agency)
    found = [u for u in found if not u.received]
    assert {(u.stream_id, u.field, str(u.raw)): u.records for u in found} == put_in


def _partners_texts(nights: Nights, agency: Agency) -> set[str]:
    others = [feed for feed in FEEDS if feed.agency is not agency]
    found = [nights.ledger.of_kind(feed.name, "unknown_code") for feed in others]
    return {d.detail.partition("=")[2] for defects in found for d in defects}


@pytest.mark.parametrize(
    ("one", "other"), list(permutations(CASES, 2)), ids=lambda feed: feed.agency.folder
)
def test_tokens_match_the_parties_of_both_and_nobody_else(
    nights: Nights, one: Any, other: Any
) -> None:
    """Case by case, and from both sides: the ledger knows who is the same."""
    numbers = {feed.name: _case_numbers(nights, feed.agency) for feed in (one, other)}
    expected = {
        ((numbers[one.name][d.identity],), (numbers[other.name][e.identity],))
        for d in nights.ledger.of_kind(one.name, *OF_ONE_PARTY)
        for e in nights.ledger.of_kind(other.name, *OF_ONE_PARTY)
        if d.detail == e.detail
    }
    node = load_node(nights.region.node(one.agency))
    found = [(m.own, m.theirs) for m in same_parties(node, other.agency.code)]
    assert expected
    assert set(found) == expected
    assert len(found) == len(expected)


def _case_numbers(nights: Nights, agency: Agency) -> dict[str, str]:
    """An agency's own cases: the number that its system has → the case number."""
    with connect() as con:
        Lake(load_node(nights.region.node(agency)).place("lake")).attach(con, "case_result")
        rows = con.execute(
            "SELECT source_record_id, case_no FROM case_result_current WHERE source_org_code = $1",
            [agency.code],
        ).fetchall()
    return dict(rows)


def _columns_without_numbers(bundle: bytes) -> set[str]:
    columns: set[str] = set()
    with zipfile.ZipFile(io.BytesIO(bundle)) as entries:
        for name in entries.namelist():
            data = entries.read(name)
            assert not NUMBER.search(data.decode("latin-1"))
            if name.endswith(".parquet"):
                table = pq.read_table(io.BytesIO(data))
                columns |= set(table.column_names)
                assert not NUMBER.search(str(table.to_pylist()))
    return columns


def test_no_bundle_holds_a_number(nights: Nights) -> None:
    """Neither as the bytes lie there nor in any column; the nodes' own records do hold them."""
    columns = set()
    published = 0
    for agency in AGENCIES:
        identities = load_node(nights.region.node(agency)).identities()
        for path in nights.region.node(agency).glob("repository/targets/**/*.hefu.age"):
            published += 1
            bundle = bytes(pyrage.decrypt(path.read_bytes(), identities))
            assert not NUMBER.search(bundle.decode("latin-1"))
            columns |= _columns_without_numbers(bundle)
    assert published == 6
    assert {"party_id_token", "driver_id_token", "raw_values"} <= columns
    assert not {"party_id_no", "driver_license_no", "party_name"} & columns
    with connect() as con:
        Lake(load_node(nights.region.node(ANJI)).place("lake")).attach(con, "case_result")
        own = con.execute("SELECT party_id_no, driver_license_no FROM case_result_current")
        assert NUMBER.search(str(own.fetchall()))


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_each_hard_defect_is_refused_for_its_own_reason(nights: Nights, feed: Any) -> None:
    reasons = nights.runs[feed.name, 1].reasons
    count = nights.ledger.count(feed.name)
    assert reasons.get(f"{feed.record_type}.party_id_no_check_digit", 0) == count.get(
        "wrong_check_digit", 0
    )
    assert reasons.get("type:decision_date", 0) == count.get("impossible_date", 0)
    assert reasons.get("range:fine_amount_cny", 0) == count.get("negative_fine", 0)


@pytest.mark.parametrize("feed", CASES, ids=lambda feed: feed.name)
def test_money_comes_out_as_it_went_in(nights: Nights, feed: Any) -> None:
    """Yuan and ten thousand yuan: the words of the decision say what was fined."""
    con = connect()
    Lake(load_node(nights.region.node(feed.agency)).place("lake")).attach(con, "case_result")
    wrong = con.execute(
        "SELECT count(*), count(*) FILTER (WHERE penalty_content <>"
        "  '罚款人民币' || CAST(CAST(fine_amount_cny AS BIGINT) AS VARCHAR) || '元整')"
        " FROM case_result_current WHERE fine_amount_cny IS NOT NULL"
    ).fetchone()
    con.close()
    assert wrong is not None
    assert wrong[0] > 20
    assert wrong[1] == 0


def test_a_correction_is_what_counts_now(nights: Nights) -> None:
    con = connect()
    feed = CASES[0]
    Lake(load_node(nights.region.node(feed.agency)).place("lake")).attach(con, "case_result")
    corrected = {
        d.identity for d in nights.ledger.defects if d.feed == feed.name and d.kind == "corrected"
    }
    rows = con.execute(
        "SELECT source_record_id, violation_facts LIKE '%（更正）' FROM case_result_current"
    ).fetchall()
    history = con.execute("SELECT count(*) FROM case_result_history").fetchone()
    con.close()
    assert {number for number, is_corrected in rows if is_corrected} == corrected
    assert history == (len(rows) + len(corrected),)
