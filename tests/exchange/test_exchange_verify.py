"""Verification as a whole: what it hands out, what it warns of, and that no byte is free."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from bundles import (
    CONTRACT,
    KEY_A,
    KEY_B,
    NOW,
    RECEIVER,
    RECORDS,
    SENDER,
    Case,
    agreement,
    contents,
    contract,
    entries_of,
    good,
    parquet,
    rows,
    statement_digest,
    with_records,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.bundle.policy import ChainHead, Policy, Trust
from exchange.bundle.verify import VerifiedBundle, verify_bundle, verify_own
from exchange.limits import Limits
from exchange.trust.partner import load_trust_folder
from schemas.errors import VerificationError

Check = Callable[..., VerifiedBundle]
BUNDLE = good()


def _policy() -> Policy:
    return Policy({"note": contract()}, RECEIVER, (agreement(),), ChainHead.start())


def test_a_good_bundle_gives_what_was_put_in(check: Check) -> None:
    verified = check(BUNDLE)
    assert verified.tables["note"].equals(rows())
    assert list(verified.tables) == ["note"]
    assert verified.batches("note").read_all().equals(rows())
    assert verified.statement.counts == {"note": 3}
    assert verified.statement.sensitivity_class == "personal"
    assert verified.signed_by == (KEY_A.public,)
    assert verified.head == ChainHead(1, statement_digest(BUNDLE))
    assert verified.warnings == ()


def test_the_bytes_handed_out_are_the_verified_ones(check: Check) -> None:
    verified = check(BUNDLE)
    assert {n: bytes(v) for n, v in verified.entries.items()} == entries_of(BUNDLE)
    assert all(view.obj is BUNDLE for view in verified.entries.values())


def test_the_golden_bundle_keeps_its_digest() -> None:
    """Two agencies can compare this by telephone; it changes only with the format or Arrow."""
    kept = Path(__file__).parents[1] / "vectors" / "minimal" / "bundle.hefu"
    assert hashlib.sha256(BUNDLE).hexdigest() == hashlib.sha256(kept.read_bytes()).hexdigest()


def test_every_single_byte_is_protected() -> None:
    policy, trust = _policy(), Trust(SENDER, (KEY_A.public,))
    changed = bytearray(BUNDLE)
    for position in range(len(changed)):
        changed[position] ^= 1 << (position % 8)
        with pytest.raises(VerificationError):
            verify_bundle(changed, trust, policy, NOW)
        changed[position] ^= 1 << (position % 8)
    assert changed == BUNDLE


def test_a_bundle_cut_anywhere_is_refused() -> None:
    policy, trust = _policy(), Trust(SENDER, (KEY_A.public,))
    for end in range(0, len(BUNDLE), 97):
        with pytest.raises(VerificationError):
            verify_bundle(BUNDLE[:end], trust, policy, NOW)


def _step_of(bundle: bytes) -> str | None:
    try:
        verified = verify_bundle(bundle, Trust(SENDER, (KEY_A.public,)), _policy(), NOW)
    except VerificationError as error:
        return error.step
    return None if verified.tables["note"].num_rows == 3 else "rows lost"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_signed_table_of_any_bytes_is_read_or_refused(data: st.DataObject) -> None:
    """The signer is trusted, its program may still be broken: no other exception comes out."""
    table = bytearray(entries_of(BUNDLE)[RECORDS])
    for _ in range(data.draw(st.integers(1, 4))):
        table[data.draw(st.integers(0, len(table) - 1))] = data.draw(st.integers(0, 255))
    assert _step_of(with_records(bytes(table))) in {None, "grant", "table"}


def test_every_refusal_speaks_both_languages_and_says_what_to_do(check: Check) -> None:
    with pytest.raises(VerificationError) as caught:
        check(BUNDLE, recipient="TESTOTHER")
    said = caught.value.as_dict()
    assert said["step"] == "parties"
    assert (said["expected"], said["found"]) == ("TESTOTHER", RECEIVER)
    assert said["message"]["zh"] == "数据包的接收单位不是本单位"
    assert said["hint"]["en"]
    assert caught.value.exit_code == 4


def test_alone_without_agreement_recipient_and_chain_it_warns(check: Check) -> None:
    verified = check(BUNDLE, recipient=None, agreements=(), head=None, standalone=True)
    assert len(verified.warnings) == 3
    assert verified.tables["note"].num_rows == 3


@pytest.mark.parametrize("left_out", [{"recipient": None}, {"agreements": ()}, {"head": None}])
def test_a_node_may_leave_nothing_out(left_out: dict[str, object]) -> None:
    facts = {"contracts": {}, "recipient": RECEIVER, "agreements": (agreement(),)}
    with pytest.raises(ValueError, match="standalone"):
        Policy(**facts | {"head": ChainHead.start()} | left_out)


def test_an_agreement_that_ran_out_since_stops_a_node_and_warns_a_reader(check: Check) -> None:
    later = datetime(2028, 1, 1, tzinfo=UTC)
    with pytest.raises(VerificationError) as caught:
        check(BUNDLE, now=later)
    assert caught.value.step == "agreement"
    assert len(check(BUNDLE, now=later, standalone=True).warnings) == 1


def test_a_last_day_ends_at_chinese_midnight(check: Check) -> None:
    deal = agreement(valid_until="2026-11-22")
    bundle = good(agreement=deal)
    check(bundle, agreements=(deal,), now=datetime(2026, 11, 22, 15, 59, tzinfo=UTC))
    with pytest.raises(VerificationError):
        check(bundle, agreements=(deal,), now=datetime(2026, 11, 22, 16, 0, tzinfo=UTC))


def test_a_newer_minor_contract_is_read_as_far_as_it_is_known(check: Check) -> None:
    extra = (
        "      - {name: remark, businessName: x, logicalType: string, physicalType: VARCHAR,"
        " classification: internal, tags: [technical]}\n"
    )
    newer = contract("1.1.0", extra)
    table = rows().append_column("remark", pa.array(["x"] * 3))
    bundle = good(contracts={"note": newer}, tables={"note": table})
    verified = check(bundle)
    assert verified.tables["note"].equals(rows())
    assert "1.1.0" in verified.warnings[0].en


def test_a_minor_contract_that_changes_a_type_is_refused(check: Check) -> None:
    text = contract("1.1.0").yaml_bytes.decode().replace("TIMESTAMPTZ", "VARCHAR")
    from schemas.contract import parse_contract

    newer = parse_contract(text.replace("logicalType: timestamp", "logicalType: string").encode())
    at = rows().schema.get_field_index("noted_time")
    table = rows().set_column(at, "noted_time", pa.array(["x"] * 3))
    with pytest.raises(VerificationError) as caught:
        check(good(contracts={"note": newer}, tables={"note": table}))
    assert (caught.value.step, caught.value.where.field) == ("contract", "noted_time")


def test_a_tiny_table_that_unfolds_to_much_is_refused_before_it_fills_memory(
    check: Check,
) -> None:
    """One place of 200 kB, a hundred thousand times: 20 GB in a file of some kilobytes."""
    text = pa.array(["x" * 200_000])
    many = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), text)
    columns = {
        f.name: many if f.name == "place" else pa.nulls(100_000, f.type) for f in rows().schema
    }
    bomb = with_records(parquet(pa.table(columns)), counts={"note": 100_000})
    assert len(bomb) < 100_000
    before = pa.total_allocated_bytes()
    with pytest.raises(VerificationError) as caught:
        check(bomb, limits=Limits(table_size=200_000_000, batch_size=50_000_000))
    assert caught.value.step == "table"
    # The traceback still holds the batch that was decoded last.
    assert pa.total_allocated_bytes() - before < 60_000_000


@pytest.mark.parametrize(
    "limits",
    [
        Limits(row_count=2),
        Limits(column_count=6),
        Limits(row_group_count=0),
        Limits(page_size=10),
        Limits(cell_length=20),
        Limits(column_chunk_size=10),
        Limits(table_size=100),
        Limits(dictionary_size=3),
    ],
)
def test_limits_of_tables_hold(check: Check, limits: Limits) -> None:
    with pytest.raises(VerificationError) as caught:
        check(BUNDLE, limits=limits)
    assert caught.value.step == "table"


@pytest.mark.parametrize(
    ("limits", "step"),
    [
        (Limits(envelope_size=100), "envelope"),
        (Limits(statement_size=100), "envelope"),
        (Limits(json_depth=2), "statement"),
        (Limits(json_text_length=20), "statement"),
        (Limits(document_size=100), "subjects"),
    ],
)
def test_limits_of_documents_hold(check: Check, limits: Limits, step: str) -> None:
    with pytest.raises(VerificationError) as caught:
        check(BUNDLE, limits=limits)
    assert caught.value.step == step


def test_a_publisher_can_do_before_what_the_partner_will_do() -> None:
    made = contents()
    assert verify_own(BUNDLE, made, [KEY_A.public], NOW).statement.sequence == 1
    with pytest.raises(VerificationError):
        verify_own(good(KEY_B), made, [KEY_A.public], NOW)


def test_a_trust_folder_is_all_that_is_needed(tmp_path: Path) -> None:
    for name, data in Case("x", "x", BUNDLE).files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    folder = load_trust_folder(tmp_path / "trust")
    verified = verify_bundle(BUNDLE, folder.partner.trust, folder.policy(), NOW)
    assert [w.en[:11] for w in verified.warnings] == ["not checked"]
    assert CONTRACT in verified.entries
