"""Changes of trust: what readers see while keys change, and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agency_world import LATER, Agency, rotated
from repository_world import CODE, PERIODS, STREAM, killed_at, make_bundle, public, signer

from exchange.jsontext import sha256_hex
from exchange.repository.local import refresh
from exchange.repository.memory import MemoryCarrier
from exchange.repository.mirror import mirror
from exchange.repository.tree import read_tree
from exchange.trust.ceremony import apply_change, found_anew
from exchange.trust.client import open_publisher
from exchange.trust.describing import key_changes
from exchange.trust.drafts import load_draft
from exchange.trust.roles import Signers
from schemas.errors import ConfigError, VerificationError


def test_a_reader_of_any_moment_sees_a_whole_repository_while_keys_change(
    agency: Agency, tmp_path: Path
) -> None:
    """Killed at every step; readers that hold the old root, the newest one, and a memory."""
    agency.world.publish_more(2)
    rotated(agency)
    agency.opened(tmp_path / "memory")
    start = tmp_path / "start"
    agency.world.root.rename(start)
    for event in range(1, 80):
        copy_tree(start, agency.world.root)
        killed = killed_at(event, lambda: agency.apply("next", former="online"))
        copy_tree(tmp_path / "memory", tmp_path / f"m{event}")
        seen = agency.opened(tmp_path / f"m{event}")
        assert seen.trust(CODE).keys in ((public("online"),), (public("next"),))
        assert seen.last(STREAM) == 2
        newest = max(read_tree(agency.repository).root_version, 1)
        agency.opened(tmp_path / f"n{event}", agency.root(newest))
        agency.apply("next", former="online")
        assert agency.opened(tmp_path / f"m{event}").trust(CODE).keys == (public("next"),)
        if not killed:
            return
        remove_tree(agency.world.root)
    pytest.fail("never ran to its end")


def copy_tree(source: Path, to: Path) -> None:
    import shutil

    shutil.copytree(source, to)


def remove_tree(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


class Watched(MemoryCarrier):
    """A place at which somebody reads after each file that comes."""

    def __init__(self, look: Callable[[], object]):
        super().__init__({})
        self._look = look

    def put(self, path: str, source: Path) -> None:
        super().put(path, source)
        self._look()

    def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        super().swap(path, data, expected)
        self._look()


def test_a_reader_of_a_copy_sees_a_whole_repository_while_keys_change(
    agency: Agency, tmp_path: Path
) -> None:
    """Old and new root keys, old and new online key, in one change."""
    agency.world.publish_more(1)
    seen: set[tuple[Any, ...]] = set()

    def look() -> None:
        if "metadata/timestamp.json" in place.files:
            memory = tmp_path / f"memory-{len(list(tmp_path.glob('memory-*')))}"
            publisher = open_publisher(place, memory, agency.root(), LATER)
            assert publisher.last(STREAM) == 1
            seen.add((publisher.root_version, publisher.trust(CODE).keys))

    place = Watched(look)
    mirror(agency.repository, place)
    draft = agency.draft(online_key=public("next"), root_keys=(public("n1"),), root_threshold=1)
    agency.sign("r1", "r3", "n1")
    draft = load_draft(agency.folder)
    for without_root in (True, False):
        apply_change(
            agency.repository, draft.before, draft.after, Signers((signer("next"),)), PERIODS,
            LATER, signer("online"), without_root=without_root,
        )  # fmt: skip
        mirror(agency.repository, place)
    assert seen == {
        (1, (public("online"),)),
        (1, (public("next"),)),
        (2, (public("next"),)),
    }


def test_a_night_between_the_lists_and_the_new_root_keeps_nobody_out(
    agency: Agency, tmp_path: Path
) -> None:
    """While places are brought up to date, the node's run signs with the key that it still has."""
    agency.world.publish_more(1)
    agency.draft(online_key=public("next"))
    agency.sign("r1", "r2")
    draft = load_draft(agency.folder)
    next_one = Signers((signer("next"),))
    apply_change(
        agency.repository, draft.before, draft.after, next_one, PERIODS, LATER,
        signer("online"), without_root=True,
    )  # fmt: skip
    refresh(agency.repository, agency.signers, PERIODS, LATER)
    agency.apply("next", former="online")
    for number, root in enumerate((agency.root(1), agency.root(2))):
        publisher = agency.opened(tmp_path / f"m{number}", root)
        assert publisher.trust(CODE).keys == (public("next"),)


def test_after_a_change_the_former_key_publishes_nothing(agency: Agency, tmp_path: Path) -> None:
    first = agency.world.publish_more(1)
    rotated(agency)
    agency.apply("next", former="online")
    second = make_bundle(2, first[0].statement_sha256)
    with pytest.raises(ConfigError, match="needs 1 signature"):
        agency.world.publish(second, LATER)
    agency.world.signers = Signers((signer("next"),))
    agency.world.publish(second, LATER)
    publisher = agency.opened(tmp_path / "memory")
    assert publisher.last(STREAM) == 2
    found = publisher.find(STREAM, 1)
    assert found is not None
    assert found.sha256 == sha256_hex(first[0].data)


def test_a_lost_online_key_is_replaced_without_it(agency: Agency, tmp_path: Path) -> None:
    agency.world.publish_more(1)
    agency.opened(tmp_path / "memory")
    rotated(agency)
    agency.apply("next")
    publisher = agency.opened(tmp_path / "memory")
    assert publisher.trust(CODE).keys == (public("next"),)
    assert publisher.last(STREAM) == 1


def test_a_root_key_below_the_threshold_is_lost_and_replaced(
    agency: Agency, tmp_path: Path
) -> None:
    agency.opened(tmp_path / "memory")
    agency.draft(root_keys=(public("r1"), public("r2"), public("n3")))
    agency.sign("r1", "r2")
    agency.apply()
    assert agency.opened(tmp_path / "memory").root_version == 2
    agency.folder.rename(agency.world.root / "done")
    agency.draft()
    with pytest.raises(ConfigError, match="none of the root keys"):
        agency.sign("r3")
    agency.sign("n3", "r1")
    agency.apply()
    assert agency.opened(tmp_path / "memory").root_version == 3


def test_with_a_second_signer_one_key_lists_nothing(agency: Agency, tmp_path: Path) -> None:
    bundle = agency.world.publish_more(1)[0]
    agency.draft(cosigner_keys=(public("cosigner"),), bundles_threshold=2)
    agency.sign("r2", "r3")
    with pytest.raises(ConfigError, match="needs 2 signature"):
        agency.apply("online", "online")
    agency.apply("online", "cosigner")
    trust = agency.opened(tmp_path / "memory").trust(CODE)
    assert (trust.keys, trust.threshold) == ((public("online"), public("cosigner")), 2)
    following = make_bundle(2, bundle.statement_sha256)
    with pytest.raises(ConfigError, match="needs 2 signature"):
        agency.world.publish(following, LATER)
    agency.world.signers = Signers((signer("online"), signer("cosigner")))
    agency.world.publish(following, LATER)


def test_a_renewal_changes_no_key(agency: Agency, tmp_path: Path) -> None:
    before = agency.terms
    draft = agency.draft()
    assert {one.mark for one in key_changes(draft)} == {"stays"}
    agency.sign("r1", "r2")
    agency.apply()
    assert agency.terms == before
    assert read_tree(agency.repository).root.expires == LATER + PERIODS.offline
    assert agency.opened(tmp_path / "memory").root_version == 2


def test_after_the_root_was_lost_only_a_new_card_helps(agency: Agency, tmp_path: Path) -> None:
    agency.world.publish_more(1)
    old = agency.root()
    agency.opened(tmp_path / "old", old)
    new = replace(agency.terms, root_keys=(public("n1"),), root_threshold=1)
    found_anew(agency.repository, new, [signer("n1")], agency.signers, PERIODS, LATER)
    for memory in ("old", "fresh"):
        with pytest.raises(VerificationError):
            agency.opened(tmp_path / memory, old)
    publisher = agency.opened(tmp_path / "new", agency.root(2))
    assert publisher.last(STREAM) == 1
