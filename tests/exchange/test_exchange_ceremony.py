"""Changes of trust: who must sign them, what a signer is shown, what readers see meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repository_world import (
    CODE,
    DAY,
    NOW,
    PERIODS,
    STREAM,
    World,
    killed_at,
    make_bundle,
    public,
    signer,
)

from exchange.jsontext import sha256_hex
from exchange.repository.folder import FolderCarrier
from exchange.repository.local import refresh
from exchange.repository.memory import MemoryCarrier
from exchange.repository.mirror import mirror
from exchange.repository.tree import read_tree
from exchange.trust import roles
from exchange.trust.agency import AgencyFacts, parse_agency
from exchange.trust.ceremony import Terms, apply_change, found, found_anew, read_terms
from exchange.trust.client import Publisher, open_publisher
from exchange.trust.describing import describe, key_changes
from exchange.trust.drafts import Draft, draft_change, load_draft, sign_change
from exchange.trust.roles import Signers
from schemas.errors import ConfigError, HefuError, VerificationError

FACTS = AgencyFacts(code=CODE, name="甲测试支队", division_code="999999", repository="/nowhere")
THREE = Terms(FACTS, tuple(map(public, ("r1", "r2", "r3"))), 2, public("online"))
LATER = NOW + DAY


@dataclass
class Agency:
    """A publisher with three root keys of which two must sign."""

    world: World
    signers: Signers = Signers((signer("online"),))  # noqa: RUF009 (frozen)

    @property
    def repository(self) -> Path:
        return self.world.repository

    @property
    def folder(self) -> Path:
        return self.world.root / "trust-change"

    @property
    def terms(self) -> Terms:
        return read_terms(self.repository)

    def draft(self, **changed: Any) -> Draft:
        terms = replace(self.terms, **changed)
        return draft_change(self.repository, self.folder, terms, PERIODS, LATER)

    def sign(self, *names: str) -> None:
        for name in names:
            sign_change(self.folder, signer(name))

    def apply(self, *online: str, former: str | None = None) -> None:
        draft = load_draft(self.folder)
        apply_change(
            self.repository,
            draft.before,
            draft.after,
            Signers(tuple(map(signer, online or ("online",)))),
            PERIODS,
            LATER,
            signer(former) if former else None,
        )

    def root(self, version: int = 1) -> bytes:
        return (self.repository / f"metadata/{version}.root.json").read_bytes()

    def opened(self, memory: Path, bootstrap: bytes | None = None) -> Publisher:
        carrier = FolderCarrier(self.repository)
        return open_publisher(carrier, memory, bootstrap or self.root(), LATER)


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    world = World(tmp_path / "node")
    world.root.mkdir()
    offline = [signer("r1"), signer("r3")]
    found(world.repository, THREE, offline, world.signers, PERIODS, NOW)
    return Agency(world)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


# founding


def test_a_reader_with_the_first_root_believes_what_was_founded(
    agency: Agency, tmp_path: Path
) -> None:
    publisher = agency.opened(tmp_path / "memory")
    assert publisher.facts == FACTS
    assert publisher.trust(CODE).keys == (public("online"),)
    assert agency.terms == THREE


def test_too_few_root_keys_found_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs 2 signature"):
        found(tmp_path / "r", THREE, [signer("r1")] * 3, World(tmp_path).signers, PERIODS, NOW)
    with pytest.raises(ConfigError, match="no repository"):
        read_terms(tmp_path / "r")


def test_a_founding_that_was_killed_anywhere_is_done_by_the_next(tmp_path: Path) -> None:
    for event in range(1, 60):
        world = World(tmp_path / str(event))
        world.root.mkdir()
        offline = [signer("r1"), signer("r2")]

        def work(world: World = world, offline: list[Any] = offline) -> None:
            found(world.repository, THREE, offline, world.signers, PERIODS, NOW)

        if not killed_at(event, work):
            break
        with suppress(ConfigError):  # killed after its last step: it has its keys already
            work()
        agency = Agency(world)
        assert agency.opened(world.root / "memory").facts == FACTS
    else:
        pytest.fail("never ran to its end")


def test_a_second_founding_changes_nothing(agency: Agency) -> None:
    before = files(agency.repository)
    with pytest.raises(ConfigError, match="has its keys already"):
        found(agency.repository, THREE, [signer("r1"), signer("r2")], agency.signers, PERIODS, NOW)
    assert files(agency.repository) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"root_keys": (public("r1"), public("r1"), public("r2"))},
        {"root_threshold": 4},
        {"root_threshold": 0},
        {"online_key": public("r1")},
        {"cosigner_keys": (public("online"),)},
        {"cosigner_keys": (public("r2"),)},
        {"bundles_threshold": 2},
    ],
)
def test_terms_that_would_count_a_key_twice_or_never_are_not_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        replace(THREE, **wrong).check()


# signing


def test_both_thresholds_must_sign_a_new_root(agency: Agency) -> None:
    agency.draft(root_keys=tuple(map(public, ("n1", "n2"))))
    for names, old, new in (
        (("r1",), 1, 0),
        (("n1",), 1, 1),
        (("r1",), 1, 1),  # a second time counts once
        (("n2",), 1, 2),
    ):
        agency.sign(*names)
        progress = load_draft(agency.folder).progress
        assert (len(progress.old.signed), len(progress.new.signed)) == (old, new)
        with pytest.raises(ConfigError, match="offline signatures are missing"):
            agency.apply()
    agency.sign("r2")
    agency.apply()
    assert agency.terms.root_keys == (public("n1"), public("n2"))


def test_a_key_of_neither_root_signs_nothing(agency: Agency) -> None:
    agency.draft()
    before = files(agency.folder)
    with pytest.raises(ConfigError, match="none of the root keys"):
        agency.sign("somebody")
    with pytest.raises(ConfigError, match="none of the root keys"):
        agency.sign("online")
    assert files(agency.folder) == before


def test_one_change_at_a_time(agency: Agency) -> None:
    agency.draft()
    with pytest.raises(ConfigError, match="under way already"):
        agency.draft(online_key=public("next"))


def test_a_draft_that_something_else_overtook_is_not_applied(agency: Agency) -> None:
    agency.draft(online_key=public("next"))
    agency.sign("r1", "r2")
    late = agency.folder.rename(agency.world.root / "late")
    agency.draft()
    agency.sign("r1", "r2")
    agency.apply()
    agency.folder.rename(agency.world.root / "done")
    late.rename(agency.folder)
    before = files(agency.repository)
    with pytest.raises(ConfigError, match="other keys than those that hold now"):
        agency.apply("next", former="online")
    assert files(agency.repository) == before


def _edit(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def _more_power(value: Any) -> None:
    value["signed"]["delegations"]["roles"][0]["paths"].append("*")


def _second_role(value: Any) -> None:
    first = value["signed"]["delegations"]["roles"][0]
    value["signed"]["delegations"]["roles"].append(first | {"name": "also"})


def _target(value: Any) -> None:
    value["signed"]["targets"]["streams/x/00000001.hefu"] = value["signed"]["targets"][
        "agency.json"
    ]


def _lower(value: Any) -> None:
    value["signed"]["roles"]["targets"]["threshold"] = 1


def _field(value: Any) -> None:
    value["signed"]["x-note"] = "nothing to see here"


def _skip(value: Any) -> None:
    value["signed"]["version"] += 1


def _twin(value: Any) -> None:
    """The same key under a second name, and both in the role."""
    key = next(iter(value["signed"]["keys"].values()))
    value["signed"]["keys"]["0" * 64] = key
    value["signed"]["roles"]["root"]["keyids"].append("0" * 64)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("next/targets.json", _more_power),
        ("next/targets.json", _second_role),
        ("next/targets.json", _target),
        ("next/targets.json", _field),
        ("next/targets.json", _skip),
        ("next/root.json", _lower),
        ("next/root.json", _field),
        ("next/root.json", _skip),
        ("next/root.json", _twin),
        ("current/root.json", _field),
        ("current/root.json", _lower),
        ("current/targets.json", _field),
    ],
)
def test_a_draft_that_says_more_than_is_shown_is_not_signed(
    agency: Agency, name: str, change: Callable[[Any], None]
) -> None:
    agency.draft()
    _edit(agency.folder / name, change)
    before = files(agency.folder)
    with pytest.raises(VerificationError) as caught:
        agency.sign("r1")
    assert caught.value.step == "trust"
    assert files(agency.folder) == before


def test_other_facts_than_targets_names_are_not_signed(agency: Agency) -> None:
    agency.draft()
    other = FACTS.model_copy(update={"repository": "https://elsewhere.invalid"})
    (agency.folder / "next/agency.json").write_bytes(other.to_bytes())
    with pytest.raises(VerificationError, match=r"agency\.json"):
        agency.sign("r1")
    (agency.folder / "next/agency.json").unlink()
    with pytest.raises(ConfigError, match="not the folder of a change"):
        agency.sign("r1")


# what a signer is shown


def test_every_key_is_shown_with_what_becomes_of_it(agency: Agency) -> None:
    draft = agency.draft(
        root_keys=(public("r1"), public("r2"), public("n1")),
        online_key=public("next"),
        cosigner_keys=(public("cosigner"),),
        bundles_threshold=2,
        facts=FACTS.model_copy(update={"repository": "https://new.invalid"}),
    )
    told = {(one.kind, one.mark, one.key) for one in key_changes(draft)}
    assert told == {
        ("root", "stays", public("r1")),
        ("root", "stays", public("r2")),
        ("root", "goes", public("r3")),
        ("root", "comes", public("n1")),
        ("online", "goes", public("online")),
        ("online", "comes", public("next")),
        ("cosigner", "comes", public("cosigner")),
    }
    lines = [line.en for line in describe(draft)]
    for key in ("r1", "r3", "n1", "next", "cosigner"):
        assert any(public(key).fingerprint in line for line in lines)
    text = "\n".join(lines)
    assert "root version 1 -> 2" in text
    assert "1 of 1 -> 2 of 2" in text
    assert "publishes at: /nowhere -> https://new.invalid" in text
    assert f"good until {(LATER + PERIODS.offline).date()}" in text
    assert all(line.zh for line in describe(draft))


def test_who_did_not_sign_what_holds_is_told_to_compare(agency: Agency) -> None:
    """A forger can make up a "current" root that names its own key, but not our signature."""
    draft = agency.draft()
    assert not any("compare every fingerprint" in x.en for x in describe(draft, public("r1")))
    assert any("compare every fingerprint" in x.en for x in describe(draft, public("r2")))


# what readers see


def _rotated(agency: Agency) -> None:
    agency.draft(online_key=public("next"))
    agency.sign("r1", "r2")


def test_a_reader_of_any_moment_sees_a_whole_repository_while_keys_change(
    agency: Agency, tmp_path: Path
) -> None:
    """Killed at every step; readers that hold the old root, the newest one, and a memory."""
    agency.world.publish_more(2)
    _rotated(agency)
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
    _rotated(agency)
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
    _rotated(agency)
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


# names, paths, periods


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
