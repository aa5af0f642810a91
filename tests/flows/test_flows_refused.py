"""A bundle that fails a check: B's state stays as it was, and A is told."""

from __future__ import annotations

import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest
from flows_world import (
    NIGHT,
    NOW,
    A,
    C,
    World,
    agreement_text,
    case,
    history,
    query,
)

from lake.store import Lake
from schemas.errors import VerificationError


@pytest.fixture(scope="module")
def published(new_world: Callable[[], World]) -> World:
    """A's first bundle lies ready for B, and another one for C. Copied, not changed."""
    world = new_world()
    (world.root / "a/agreements/a-c.toml").write_text(agreement_text("a-c", A, C), encoding="utf-8")
    world.drop("1.csv", [case(i) for i in range(3)])
    world.sync()
    assert {p.status for p in world.publish()} == {"published"}
    (world.root / "a/agreements/a-c.toml").unlink()
    return world


@pytest.fixture
def copy(published: World, world: World) -> World:
    shutil.rmtree(world.root)
    shutil.copytree(published.root, world.root)
    return world


def refused(world: World, step: str) -> None:
    """Receiving fails at ``step``, nothing is taken in, and a negative receipt is written."""
    with pytest.raises(VerificationError) as told:
        world.receive()
    assert told.value.step == step
    assert told.value.exit_code == 4
    lake = Lake(world.b.place("lake"))
    assert lake.ledger.entries() == []
    assert lake.version("case_result") is None
    assert list((world.root / "b/inbox").glob("**/*.hefu")) == []
    ((grade, reason),) = receipts(world)
    assert grade == "refused"
    assert reason.startswith(f"{step}：")


def receipts(world: World) -> list[tuple[str, str]]:
    return query(
        world.b, "receipt", "SELECT receipt_grade, refusal_reason FROM receipt_history ORDER BY ALL"
    )


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.9999])
def test_a_changed_byte_is_found(copy: World, place: float) -> None:
    path = copy.bundle(1)
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1
    path.write_bytes(data)
    refused(copy, "container")


@pytest.mark.parametrize(
    ("entry", "step"),
    [("statement.dsse.json", "signature"), ("records/case_result.parquet", "subjects")],
)
def test_a_changed_byte_is_found_though_the_check_sums_fit(
    copy: World, entry: str, step: str
) -> None:
    path = copy.bundle(1)
    path.write_bytes(with_a_digit_changed(path.read_bytes(), entry))
    refused(copy, step)


def with_a_digit_changed(bundle: bytes, entry: str) -> bytes:
    """``bundle`` with one digit inside ``entry`` changed and the ZIP's check sums put right."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as container:
        info, content = container.getinfo(entry), container.read(entry)
    at = len(content) // 2 + next(
        i for i, byte in enumerate(content[len(content) // 2 :]) if byte in b"123"
    )
    changed = content[:at] + bytes([content[at] + 1]) + content[at + 1 :]
    old, new = (struct.pack("<I", zlib.crc32(data)) for data in (content, changed))
    assert bundle.count(content) == 1
    assert struct.unpack("<I", old) == (info.CRC,)
    return bundle.replace(content, changed).replace(old, new)


def test_what_was_refused_is_refused_again_and_told_once(copy: World) -> None:
    path = copy.bundle(1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    for night in range(2):
        with pytest.raises(VerificationError):
            copy.receive(now=NOW + night * NIGHT)
    assert [grade for grade, _ in receipts(copy)] == ["refused"]
    # the partner put the right file there
    path.write_bytes(whole)
    assert [t.sequence for t in copy.receive(now=NOW + 2 * NIGHT)] == [1]
    assert len(history(copy.b)) == 3
    assert [grade for grade, _ in receipts(copy)] == ["refused", "taken_in"]
    # both answers reach the publisher
    (sent,) = copy.publish(copy.b, now=NOW + 2 * NIGHT)
    assert sent.counts == {"receipt": 2}
    (told,) = copy.receive(copy.a, now=NOW + 3 * NIGHT)
    assert told.counts["receipt"].accepted == 2


def test_a_bundle_for_another_partner_is_not_taken(copy: World) -> None:
    (for_c,) = (p for p in copy.bundle(1).parents[1].iterdir() if p.name.startswith("a-c."))
    shutil.copy(for_c / "00000001.hefu", copy.bundle(1))
    refused(copy, "parties")


def test_a_bundle_by_another_key_is_not_taken(copy: World) -> None:
    key = (copy.root / "b/keys/signing.pub.pem").read_bytes()
    (copy.root / "b/partners" / A.code / "signing.pub.pem").write_bytes(key)
    refused(copy, "signature")


def test_a_bundle_under_another_version_of_the_agreement_is_not_taken(copy: World) -> None:
    path = copy.root / "b/agreements/a-b.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("version = 1", "version = 2"), encoding="utf-8")
    refused(copy, "agreement")


def test_a_bundle_of_the_past_under_a_later_number_is_not_taken(copy: World) -> None:
    """The first bundle again in the second one's place: the chain says no."""
    copy.receive()
    shutil.copy(copy.bundle(1), copy.bundle(2))
    with pytest.raises(VerificationError) as told:
        copy.receive(now=NOW + NIGHT)
    assert told.value.step == "stream"
    assert len(history(copy.b)) == 3
    assert [grade for grade, _ in receipts(copy)] == ["refused", "taken_in"]
