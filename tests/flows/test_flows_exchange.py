"""From A's lake into B's and back: what travels, what stays, and that nothing travels twice."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flows_hotline import Hotline, serving
from flows_world import (
    GRANTED,
    LEADS,
    NIGHT,
    NOW,
    RECEIPT_FIELDS,
    TOKEN,
    URL_VARIABLE,
    A,
    B,
    C,
    World,
    agreement_text,
    case,
    history,
    order,
    query,
)

from examples.introduce import introduce_all, make_node
from flows.answering import MissingBundleError
from flows.incoming import TakenIn, incoming_of, take_in, untrusted_of
from flows.outgoing import Published, grants_of
from lake.store import Lake
from schemas.contract import load_contract
from schemas.errors import ConfigError

#: Values that no bundle may hold: they are in fields that A does not grant.
CALLER, PARTY, PHONE = "MARKERCALLER", "MARKERPARTY", "13900000000"


@dataclass(frozen=True)
class Story:
    """Two nights: the second brings a correction and a new case."""

    world: World
    published: list[list[Published]]
    taken: list[list[TakenIn]]
    receipts_published: list[Published]
    receipts_taken: list[TakenIn]
    idle: list[Published]


@pytest.fixture(scope="module")
def story(new_world: Callable[[], World]) -> Iterator[Story]:
    world = new_world()
    with serving(Hotline(TOKEN)) as hotline, pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL_VARIABLE, hotline.url)
        yield _lived(world, hotline)


def _lived(world: World, hotline: Hotline) -> Story:
    _let_receipts_go_both_ways(world)
    _let_b_know_c(world)
    hotline.orders = [
        order(1, caller=CALLER, phone=PHONE),
        order(2, to_org=B.code),
        order(3, to_org=C.code),
    ]
    first = [case(i, name=PARTY, phone=PHONE) for i in range(1, 5)]
    world.drop("1.csv", [*first, case(5, sharing="not_shared")])
    world.sync()
    world.sync(LEADS)
    published, taken = [world.publish()], [world.receive()]
    receipts_published = world.publish(world.b)
    receipts_taken = world.receive(world.a)
    world.drop("2.csv", [case(1, day=8, fine="500", name=PARTY), case(6)])
    world.sync(now=NOW + NIGHT)
    published.append(world.publish(now=NOW + NIGHT))
    taken.append(world.receive(now=NOW + NIGHT))
    idle = world.publish(now=NOW + 2 * NIGHT)
    return Story(world, published, taken, receipts_published, receipts_taken, idle)


def _let_receipts_go_both_ways(world: World) -> None:
    fields = ", ".join(f'"{field}"' for field in RECEIPT_FIELDS)
    for folder in ("a", "b"):
        path = world.root / folder / "agreements/a-b.toml"
        text = path.read_text(encoding="utf-8")
        granted = text.replace("\nlead = [", f"\nreceipt = [{fields}]\nlead = [", 1)
        path.write_text(granted, encoding="utf-8")


def _let_b_know_c(world: World) -> None:
    """B has agreements with C in both directions; C has published nothing yet."""
    for text, name in ((agreement_text("c-b", C, B), "c-b"), (agreement_text("b-c", B, C), "b-c")):
        (world.root / f"b/agreements/{name}.toml").write_text(text, encoding="utf-8")
    make_node(world.root / "c", C, NOW - NIGHT)
    introduce_all([world.root / "b", world.root / "c"])


def received(world: World, fields: str) -> list[tuple[Any, ...]]:
    return query(world.b, "case_result", f"SELECT {fields} FROM case_result_current ORDER BY ALL")


# ---- what travels ------------------------------------------------------------------------------


def test_the_chain_goes_on_from_night_to_night(story: Story) -> None:
    assert [[(p.sequence, p.status) for p in night] for night in story.published] == [
        [(1, "published")],
        [(2, "published")],
    ]
    assert [[t.sequence for t in night] for night in story.taken] == [[1], [2]]
    head = Lake(story.world.b.place("lake")).ledger.head(A.code, story.world.stream)
    assert head is not None
    assert head[0] == 2


def test_only_what_is_new_leaves(story: Story) -> None:
    assert [night[0].counts for night in story.published] == [
        {"case_result": 4, "lead": 2},
        {"case_result": 2, "lead": 0, "receipt": 0},
    ]
    assert [(p.status, p.sequence, p.path) for p in story.idle] == [("nothing_new", None, None)]
    assert len(list(story.world.bundle(1).parent.glob("*.hefu.age"))) == 2


def test_every_row_that_was_sent_was_accepted(story: Story) -> None:
    fates = [
        (name, c.received, c.accepted)
        for night in story.taken
        for t in night
        for name, c in t.counts.items()
    ]
    assert fates == [
        ("case_result", 4, 4),
        ("lead", 2, 2),
        ("case_result", 2, 2),
        ("lead", 0, 0),
        ("receipt", 0, 0),
    ]


def test_a_correction_becomes_current_at_the_receiver(story: Story) -> None:
    rows = received(story.world, "case_no, fine_amount_cny::INT, record_version")
    assert rows == [
        ("甲交罚〔2026〕0001号", 500, 2),
        *((f"甲交罚〔2026〕{i:04d}号", 200, 1) for i in (2, 3, 4, 6)),
    ]


def test_both_sides_hold_the_same_granted_values(story: Story) -> None:
    fields = ", ".join(("record_id", "source_updated_time", *GRANTED["case_result"]))
    sent = query(
        story.world.a,
        "case_result",
        f"SELECT {fields} FROM case_result_current WHERE sharing_attribute <> 'not_shared' "
        "ORDER BY ALL",
    )
    assert received(story.world, fields) == sent


# ---- what stays --------------------------------------------------------------------------------


def test_what_is_not_shared_and_what_is_for_another_stays(story: Story) -> None:
    cases = {row[0] for row in received(story.world, "case_no")}
    assert "甲交罚〔2026〕0005号" not in cases
    leads = query(story.world.b, "lead", "SELECT lead_no, to_org FROM lead_current ORDER BY ALL")
    assert leads == [("12328-0001", None), ("12328-0002", B.code)]


def entries(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as container:
        return {name: container.read(name) for name in container.namelist()}


def tables(bundle: bytes) -> dict[str, pa.Table]:
    return {
        name.removeprefix("records/").removesuffix(".parquet"): pq.read_table(io.BytesIO(data))
        for name, data in entries(bundle).items()
        if name.startswith("records/")
    }


def test_a_bundle_has_the_granted_and_the_technical_columns_and_no_other(story: Story) -> None:
    for sequence in (1, 2):
        for record_type, table in tables(story.world.plain(sequence)).items():
            technical = {f.name for f in load_contract(record_type).fields if f.technical}
            granted = (GRANTED | {"receipt": RECEIPT_FIELDS})[record_type]
            assert set(table.column_names) == technical | set(granted)


def test_values_that_are_not_granted_are_nowhere_in_the_bundles(story: Story) -> None:
    lake = repr(history(story.world.a)) + repr(history(story.world.a, "lead"))
    for sequence in (1, 2):
        bundle = story.world.plain(sequence)
        # Parquet pages are compressed: look at the bytes and at what they unfold to.
        unfolded = repr([table.to_pylist() for table in tables(bundle).values()])
        for marker in (CALLER, PARTY, PHONE):
            assert marker in lake
            assert marker not in unfolded
            assert marker.encode() not in b"".join(entries(bundle).values())
    assert "示A00002" in repr(tables(story.world.plain(1))["case_result"].to_pylist())


def test_a_digest_in_a_bundle_says_nothing_of_what_was_not_granted(story: Story) -> None:
    """The lake's digest covers name and telephone: sent, it would let a partner try them out."""
    own = {
        row[0]
        for row in query(
            story.world.a, "case_result", "SELECT content_hash FROM case_result_history"
        )
    }
    sent = tables(story.world.plain(1))["case_result"].column("content_hash")
    assert len(sent) == 4
    assert not own & set(sent.to_pylist())


def test_received_records_are_not_published_as_ones_own(story: Story) -> None:
    """B may send cases and leads to C, and has some: those of A."""
    to_c = {p.stream.partition(".")[0]: p for p in story.receipts_published if p.partner == C.code}
    assert (to_c["b-c"].status, to_c["b-c"].counts) == (
        "nothing_new",
        {"case_result": 0, "lead": 0},
    )


# ---- receipts ----------------------------------------------------------------------------------


def test_a_receipt_travels_back(story: Story) -> None:
    sent = [p.counts for p in story.receipts_published if p.partner == A.code]
    assert sent == [{"receipt": 1}]
    assert [t.counts["receipt"].accepted for t in story.receipts_taken] == [1]
    (published,) = story.published[0]
    (receipt,) = query(
        story.world.a,
        "receipt",
        "SELECT receipt_grade, receiver_org, refers_to_record_id, _bundle_id IS NULL "
        f"FROM receipt_current WHERE source_org_code = '{B.code}'",
    )
    assert receipt == ("taken_in", B.code, published.bundle_id, False)


def test_a_receipt_is_for_the_one_who_sent_the_bundle(story: Story) -> None:
    """C may have receipts of B too, and must not learn what B has from A."""
    (to_c,) = (p for p in story.receipts_published if p.stream.startswith("c-b."))
    assert (to_c.partner, to_c.status, to_c.counts) == (C.code, "nothing_new", {"receipt": 0})


def test_a_receipt_is_not_answered_by_a_receipt(story: Story) -> None:
    """Both may send receipts here; the exchange comes to rest when there is no news."""
    assert [p.counts["receipt"] for p in (*story.published[1], *story.idle)] == [0, 0]
    own = "SELECT count(*) FROM receipt_history WHERE _bundle_id IS NULL"
    assert query(story.world.a, "receipt", own) == [(0,)]


# ---- out of order ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(new_world: Callable[[], World]) -> World:
    """A has published three bundles; B has taken in none. Copied by the tests, not changed."""
    world = new_world()
    for night in range(3):
        world.drop(f"{night}.csv", [case(10 * night + i) for i in range(2)])
        world.sync(now=NOW + night * NIGHT)
        assert [p.sequence for p in world.publish(now=NOW + night * NIGHT)] == [night + 1]
    return world


@pytest.fixture
def copy(published: World, world: World) -> World:
    shutil.rmtree(world.root)
    shutil.copytree(published.root, world.root)
    return world


def test_a_gap_is_waited_for(copy: World) -> None:
    second = copy.bundle(2)
    kept = second.rename(second.with_suffix(".late"))
    for _ in range(2):
        with pytest.raises(MissingBundleError, match="number 2 can't be had"):
            copy.receive(now=NOW + 3 * NIGHT)
        assert len(history(copy.b)) == 2
    kept.rename(second)
    assert [t.sequence for t in copy.receive(now=NOW + 4 * NIGHT)] == [2, 3]
    assert len(history(copy.b)) == 6


def test_two_that_receive_at_once_take_nothing_twice(copy: World) -> None:
    (incoming,) = incoming_of(copy.b)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(take_in, copy.b, incoming, NOW + 3 * NIGHT) for _ in range(2)]
        taken = [t.sequence for run in runs for t in run.result()]
    assert sorted(taken) == [1, 2, 3]
    assert len(history(copy.b)) == 6
    assert len(history(copy.b, "receipt")) == 3
    assert copy.receive(now=NOW + 4 * NIGHT) == []


def test_a_lost_file_of_our_own_chain_is_named_before_anything_new_is_signed(copy: World) -> None:
    from schemas.errors import VerificationError

    (copy.root / "a/sent" / copy.stream / "00000003.statement.dsse.json").unlink()
    copy.drop("new.csv", [case(99)])
    copy.sync(now=NOW + 3 * NIGHT)
    with pytest.raises(VerificationError, match="the statement of our last bundle is not at hand"):
        copy.publish(now=NOW + 3 * NIGHT)


# ---- agreements --------------------------------------------------------------------------------


def test_nothing_leaves_under_an_agreement_that_has_ended(world: World) -> None:
    path = world.root / "a/agreements/a-b.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("2999-12-31", "2020-12-31"), encoding="utf-8")
    with pytest.raises(ConfigError, match="runs from 2020-01-01 to 2020-12-31, not on 2026-10-09"):
        world.publish()


def test_a_partner_without_an_agreement_gets_nothing(world: World) -> None:
    with pytest.raises(ConfigError, match="no agreement lets this node send to"):
        grants_of(world.a, [C.code])
    with pytest.raises(ConfigError, match="no agreement lets this node receive from"):
        incoming_of(world.b, [C.code])
    assert Lake(world.b.place("lake")).ledger.entries() == []


def test_a_partner_without_its_key_is_named_and_keeps_nobody_else_out(world: World) -> None:
    text = agreement_text("c-b", C, B)
    (world.root / "b/agreements/c-b.toml").write_text(text, encoding="utf-8")
    assert {incoming.partner.code for incoming in incoming_of(world.b)} == {A.code}
    ((_, why),) = untrusted_of(world.b)
    assert C.code in str(why)
    assert "hefu partner add" in str(why.hint)


def test_a_dry_run_publishes_nothing(world: World) -> None:
    world.drop("1.csv", [case(1)])
    world.sync()
    (would,) = world.publish(dry_run=True)
    assert (would.status, would.counts, would.sequence) == ("dry_run", {"case_result": 1}, 1)
    assert not (world.root / "a/repository/targets/streams").exists()
    (did,) = world.publish()
    assert (did.status, did.counts, did.sequence) == ("published", {"case_result": 1}, 1)
