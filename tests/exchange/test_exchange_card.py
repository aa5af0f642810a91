"""Cards: one file with which trust begins, and everything that makes it no card."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repository_world import CODE, NOW, PERIODS, SIGNERS, public, signer

from exchange.jsontext import canonical
from exchange.trust import roles
from exchange.trust.agency import AgencyFacts
from exchange.trust.card import Card, load_card, make_card, parse_card, write_card
from exchange.trust.ceremony import Terms, found, make_offline
from schemas.errors import ConfigError, VerificationError

RECIPIENT = "age1ltyld4dtpz6ydjmsuturlw5ql82l6fhrm5hsfzltefgdv5u4d3xsnl6zr0"
TERMS = Terms(
    AgencyFacts(
        code=CODE,
        name="甲测试支队",
        division_code="999999",
        repository="https://a.invalid",
        recipients=(RECIPIENT,),
    ),
    tuple(map(public, ("r1", "r2", "r3"))),
    2,
    public("online"),
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    offline = [signer("r1"), signer("r2")]
    found(tmp_path / "repository", TERMS, offline, SIGNERS, PERIODS, NOW)
    return tmp_path / "repository"


def card_bytes(*names: str, terms: Terms = TERMS) -> bytes:
    """A card whose root the named keys have signed."""
    root, _, _ = make_offline(terms, 1, 1, NOW + PERIODS.offline)
    for name in names:
        roles.add_signature(root, (public(name),), signer(name))
    return make_card(terms.facts, root.to_bytes())


GOOD = card_bytes("r1", "r2")


def test_a_card_is_one_small_file_that_says_who_where_and_which_keys(
    repository: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "a.card.json"
    card = write_card(repository, path)
    assert load_card(path) == card
    assert (card.facts, card.threshold) == (TERMS.facts, 2)
    assert (card.root_keys, card.root_version) == (TERMS.root_keys, 1)
    assert path.stat().st_size < 4000
    printed = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    assert "".join(card.fingerprint.split()) == printed.stdout.split()[0]


def test_a_card_is_the_same_each_time_and_never_overwrites(
    repository: Path, tmp_path: Path
) -> None:
    first = write_card(repository, tmp_path / "1.json")
    assert write_card(repository, tmp_path / "2.json") == first
    elsewhere = write_card(repository, tmp_path / "3.json", place="s3://bucket/county")
    assert elsewhere.facts.repository == "s3://bucket/county"
    assert elsewhere.sha256 != first.sha256
    with pytest.raises(ConfigError, match="something here already"):
        write_card(repository, tmp_path / "1.json", place="s3://other/one")
    assert load_card(tmp_path / "1.json") == first


def test_no_keys_no_card(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no repository yet"):
        write_card(tmp_path, tmp_path / "c.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_card(tmp_path / "c.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_card(tmp_path)


def _changed(change: Callable[[Any], None], good: bytes = GOOD) -> bytes:
    value = json.loads(good)
    change(value)
    return canonical(value)


def _set(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


def _second_name(value: Any) -> None:
    keys, roles_ = value["root"]["signed"]["keys"], value["root"]["signed"]["roles"]
    first = roles_["root"]["keyids"][0]
    keys["0" * 64] = keys[first]
    roles_["root"]["keyids"] = [first, "0" * 64]
    signature = next(s for s in value["root"]["signatures"] if s["keyid"] == first)
    value["root"]["signatures"].append(signature | {"keyid": "0" * 64})


def _doubled_signature(value: Any) -> None:
    value["root"]["signatures"] = [value["root"]["signatures"][0]] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{}",
        b"[]",
        b"not json",
        GOOD + b"\n",
        GOOD.replace(b'","', b'", "', 1),
        _changed(_set("_type", to="urn:hefu:card:2")),
        _changed(_set("more", to=1)),
        _changed(_set("root", to=[])),
        _changed(_set("root", to={})),
        _changed(_set("root", "signatures", to=[])),
        _changed(_set("root", "signed", "_type", to="targets")),
        _changed(_set("root", "signed", "version", to=2)),
        _changed(_set("root", "signed", "roles", "root", "threshold", to=1)),
        _changed(_set("root", "signed", "roles", "root", "threshold", to=4)),
        _changed(_set("root", "more", to=1)),
        _changed(_second_name),
        _changed(_doubled_signature),
        _changed(_set("agency", "code", to="")),
        _changed(_set("agency", "more", to=1)),
        _changed(_set("agency", "recipients", to=["AGE-SECRET-KEY-1"])),
        card_bytes("r1"),
        card_bytes("r1", "online"),
        card_bytes(),
        b" " * (5 << 20),
    ],
)
def test_what_is_no_card_is_refused(wrong: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_card(wrong, "x.card.json")
    assert caught.value.step == "trust"


def test_any_changed_byte_is_another_fingerprint_or_no_card() -> None:
    good = parse_card(GOOD, "x")
    for at in range(0, len(GOOD), 7):
        other = bytearray(GOOD)
        other[at] ^= 1
        try:
            found_card = parse_card(bytes(other), "x")
        except VerificationError:
            continue
        assert not found_card.matches(good.sha256)


def test_a_root_that_counts_one_key_for_two_is_no_trust() -> None:
    """Two different keys, one of them signing under both names."""
    terms = replace(TERMS, root_keys=(public("r1"), public("r2")))
    value = json.loads(card_bytes("r1", terms=terms))
    (signature,) = value["root"]["signatures"]
    value["root"]["signatures"].append(signature | {"keyid": public("r2").key_id})
    with pytest.raises(VerificationError, match="does not carry its own signatures"):
        parse_card(canonical(value), "x")


CARD: Card = parse_card(GOOD, "x")


@given(st.integers(32, 64), st.integers(1, 16), st.sampled_from([" ", "-", "\n", ":", "，"]))
def test_a_fingerprint_is_heard_in_any_grouping(digits: int, group: int, between: str) -> None:
    said = CARD.sha256[:digits]
    grouped = between.join(said[i : i + group] for i in range(0, digits, group))
    assert CARD.matches(grouped)
    assert CARD.matches(grouped.upper())
    other = f"{int(grouped[0], 16) ^ 1:x}{grouped[1:]}"
    assert not CARD.matches(other)


@pytest.mark.parametrize("heard", ["", CARD.sha256[:31], f"{CARD.sha256}0", "x" * 32, "０" * 32])
def test_too_little_heard_is_no_comparison(heard: str) -> None:
    with pytest.raises(ConfigError, match="32 to 64"):
        CARD.matches(heard)
