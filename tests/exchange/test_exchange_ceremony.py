"""Changes of trust: who must sign them, and what a signer is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agency_world import FACTS, LATER, THREE, Agency, files
from repository_world import CODE, NOW, PERIODS, World, killed_at, public, signer

from exchange.trust.ceremony import found, read_terms
from exchange.trust.describing import describe, key_changes
from exchange.trust.drafts import load_draft
from schemas.errors import ConfigError, VerificationError


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
    with pytest.raises(ConfigError, match="no change of keys here"):
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
