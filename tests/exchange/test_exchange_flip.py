"""One changed byte anywhere: refused, each time, with our own error and its step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from age_cases import OURS
from age_file import encrypted
from bundles import KEY_A, NOW, RECEIVER, SENDER, agreement, contract, entries_of, flipped, good
from hypothesis import given, settings
from hypothesis import strategies as st
from repository_states import ONE, SEGMENT

from exchange.bundle.container import write_container
from exchange.bundle.policy import ChainHead, Policy, Trust
from exchange.bundle.verify import VerifiedBundle, verify_bundle
from exchange.errors import STEPS
from exchange.keys.encryption import decrypt_file
from exchange.repository.memory import MemoryCarrier
from exchange.trust.card import make_card, parse_card
from exchange.trust.client import open_publisher
from schemas.errors import VerificationError

BUNDLE = good()
POLICY = Policy(
    contracts={"note": contract()},
    recipient=RECEIVER,
    agreements=(agreement(),),
    head=ChainHead.start(),
)
TRUST = Trust(SENDER, (KEY_A.public,))
REPOSITORY = ONE.write()
LISTS = sorted(path for path in REPOSITORY if path.startswith("metadata/"))


def verify(data: bytes) -> VerifiedBundle:
    return verify_bundle(data, TRUST, POLICY, NOW)


def refused(check: Callable[[bytes], object], data: bytes) -> bool:
    try:
        check(data)
    except VerificationError as error:
        return error.step in STEPS
    return False


def accepted_flips(check: Callable[[bytes], object], data: bytes, masks: tuple[int, ...]) -> list:
    return [
        (position, mask)
        for position in range(len(data))
        for mask in masks
        if not refused(check, flipped(data, position, mask))
    ]


def test_what_is_not_flipped_is_accepted() -> None:
    assert verify(BUNDLE).statement.sequence == 1


def test_every_bit_of_a_bundle() -> None:
    masks = tuple(1 << bit for bit in range(8))
    assert accepted_flips(verify, BUNDLE, masks) == []


@pytest.mark.parametrize("name", sorted(entries_of(BUNDLE)))
def test_every_byte_of_an_entry_with_its_checksum_made_good(name: str) -> None:
    """The container is sound again, so that what lies behind it must notice."""
    entries = entries_of(BUNDLE)

    def check(data: bytes) -> object:
        return verify(write_container(entries | {name: data}))

    assert accepted_flips(check, entries[name], (0x01,)) == []


@settings(database=None, derandomize=True, max_examples=300, deadline=None)
@given(position=st.integers(0, len(BUNDLE) - 1), mask=st.integers(1, 255))
def test_any_byte_to_any_other(position: int, mask: int) -> None:
    assert refused(verify, flipped(BUNDLE, position, mask))


def test_every_byte_of_an_age_file(tmp_path: Path) -> None:
    identity = _identity()
    source, plain = tmp_path / "file.age", tmp_path / "plain"

    def check(data: bytes) -> object:
        source.write_bytes(data)
        return decrypt_file(source, plain, [identity])

    assert accepted_flips(check, encrypted(b"a small bundle", (OURS,)), (0x01, 0x80)) == []
    assert list(tmp_path.iterdir()) == [source]


def _identity() -> object:
    import pyrage

    return pyrage.x25519.Identity.from_str(OURS.text)


def test_every_byte_of_a_card() -> None:
    """What stands beside the root is not signed: the fingerprint that two people compare is what
    tells of it. The root can't be changed at all."""
    root = REPOSITORY["metadata/1.root.json"]
    data = make_card(ONE.facts, root)
    right = parse_card(data, "card")
    for position in range(len(data)):
        with contextlib.suppress(VerificationError):
            found = parse_card(flipped(data, position), "card")
            assert (found.root, found.sha256 != right.sha256) == (right.root, True)
            assert not found.matches(right.sha256)


def read_all(files: dict[str, bytes], trusted: Path) -> dict[str, bytes]:
    root = REPOSITORY["metadata/1.root.json"]
    publisher = open_publisher(MemoryCarrier(files), trusted, root, NOW)
    publisher.find(ONE.stream, 1)
    return publisher.metadata()


def test_every_byte_of_a_timestamp(tmp_path: Path) -> None:
    """It is the one list whose digest no other list holds."""
    path = "metadata/timestamp.json"
    data = REPOSITORY[path]
    for position in range(len(data)):
        changed = REPOSITORY | {path: flipped(data, position, 1 << position % 5)}
        if changed[path].split() == data.split():  # one white space for another
            continue
        with pytest.raises(VerificationError):
            read_all(changed, tmp_path / "trusted")
    names = {p.name for p in (tmp_path / "trusted").rglob("*") if p.is_file()}
    assert names <= {".lock"}


@settings(database=None, derandomize=True, max_examples=120, deadline=None)
@given(
    path=st.sampled_from([p for p in LISTS if "root" not in p and "timestamp" not in p]),
    place=st.floats(0, 1, exclude_max=True),
    mask=st.integers(1, 255),
)
def test_any_byte_of_any_other_list(
    path: str, place: float, mask: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = REPOSITORY[path]
    changed = REPOSITORY | {path: flipped(data, int(place * len(data)), mask)}
    with pytest.raises(VerificationError):
        read_all(changed, tmp_path_factory.mktemp("flip") / "trusted")


def test_the_lists_are_all_there() -> None:
    assert f"metadata/1.{SEGMENT}.json" in LISTS
    assert len(LISTS) == 6
