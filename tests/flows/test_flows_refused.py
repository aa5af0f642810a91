"""A bundle that fails a check: B's state stays as it was, and A is told."""

from __future__ import annotations

import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

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
    opened,
    publish_bytes,
    query,
)

from examples.introduce import introduce_all, make_node
from exchange.bundle.build import resign
from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.local import publish
from flows.outgoing import grants_of
from lake.store import Lake
from schemas.errors import VerificationError


@dataclass(frozen=True)
class Ready:
    """A's first bundle is built but not published: ``good`` is what it would say to B, and
    ``for_c`` what A said to C."""

    world: World
    good: bytes
    for_c: bytes


@pytest.fixture(scope="module")
def ready(new_world: Callable[[], World]) -> Ready:
    world = new_world()
    make_node(world.root / "c", C, NOW - NIGHT)
    introduce_all([world.root / "a", world.root / "c"])
    (world.root / "a/agreements/a-c.toml").write_text(agreement_text("a-c", A, C), encoding="utf-8")
    world.drop("1.csv", [case(i) for i in range(3)])
    world.sync()
    to_c = next(g for g in grants_of(world.a) if g.partner == C.code).stream
    for name in ("repository", "sent"):
        shutil.copytree(world.root / "a" / name, world.root / f"a-{name}")
    assert {p.status for p in world.publish()} == {"published"}
    good, for_c = world.plain(1), opened(world.a, to_c, 1)
    for name in ("repository", "sent"):
        shutil.rmtree(world.root / "a" / name)
        (world.root / f"a-{name}").rename(world.root / "a" / name)
    (world.root / "a/agreements/a-c.toml").unlink()
    return Ready(world, good, for_c)


@pytest.fixture
def copy(ready: Ready, world: World) -> World:
    shutil.rmtree(world.root)
    shutil.copytree(ready.world.root, world.root)
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
def test_a_changed_byte_is_found(copy: World, ready: Ready, place: float) -> None:
    data = bytearray(ready.good)
    data[int(len(data) * place)] ^= 1
    publish_bytes(copy.a, copy.stream, 1, bytes(data), ready.good)
    refused(copy, "container")


@pytest.mark.parametrize(
    ("entry", "step"),
    [("statement.dsse.json", "signature"), ("records/case_result.parquet", "subjects")],
)
def test_a_changed_byte_is_found_though_the_check_sums_fit(
    copy: World, ready: Ready, entry: str, step: str
) -> None:
    changed = with_a_digit_changed(ready.good, entry)
    publish_bytes(copy.a, copy.stream, 1, changed, ready.good)
    refused(copy, step)


def test_a_byte_changed_on_the_way_is_found_by_the_signed_list(copy: World, ready: Ready) -> None:
    publish_bytes(copy.a, copy.stream, 1, ready.good, ready.good)
    path = copy.bundle(1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    refused(copy, "trust")


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


def test_what_was_refused_is_refused_again_and_told_once(copy: World, ready: Ready) -> None:
    publish_bytes(copy.a, copy.stream, 1, ready.good, ready.good)
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


def test_a_bundle_for_another_partner_is_not_taken(copy: World, ready: Ready) -> None:
    publish_bytes(copy.a, copy.stream, 1, ready.for_c, ready.good)
    refused(copy, "parties")


def test_a_bundle_by_another_key_is_not_taken(copy: World, ready: Ready) -> None:
    """The lists are A's; the bundle in them is signed by a key that A's lists don't name."""
    path = copy.root / "signed-by-b.hefu"
    resign(ready.good, copy.b.signers().all, path)
    publish_bytes(copy.a, copy.stream, 1, path.read_bytes(), ready.good)
    refused(copy, "signature")


def test_a_bundle_under_another_version_of_the_agreement_is_not_taken(
    copy: World, ready: Ready
) -> None:
    publish_bytes(copy.a, copy.stream, 1, ready.good, ready.good)
    path = copy.root / "b/agreements/a-b.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("version = 1", "version = 2"), encoding="utf-8")
    refused(copy, "agreement")


def test_a_plain_bundle_is_not_taken_where_an_encrypted_one_is_agreed(
    copy: World, ready: Ready
) -> None:
    plain = copy.root / "plain.hefu"
    plain.write_bytes(ready.good)
    envelope = bytes(read_container(ready.good, DEFAULT_LIMITS)[STATEMENT_ENTRY])
    a = copy.a
    publish(
        a.place("repository"), a.place("sent"), copy.stream, 1, plain, envelope, a.signers(),
        a.periods(), NOW,
    )  # fmt: skip
    refused(copy, "decrypt")
