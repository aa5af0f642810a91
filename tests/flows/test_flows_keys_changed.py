"""Keys that change while encrypted bundles are on their way: who can still read what."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flows_world import NIGHT, NOW, B, World, case

from examples.introduce import ROOT_PASSPHRASE
from flows.sending import recipients_of
from flows.sending_again import send_again
from hefu.cli import run
from hefu.commands import keys_offline, keys_sign

LATER = NOW + NIGHT


@pytest.fixture(scope="module")
def published_once(new_world: Callable[[], World]) -> Path:
    """A has published one bundle, encrypted for B, who has not looked."""
    world = new_world()
    world.drop("1.csv", [case(1)])
    world.sync()
    world.publish()
    assert world.bundle(1).suffix == ".age"
    return world.root


@pytest.fixture
def waiting(published_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HEFU_LANG", "en")
    monkeypatch.setenv("HEFU_TEST_ROOT", ROOT_PASSPHRASE)
    for commands in (keys_offline, keys_sign):
        monkeypatch.setattr(commands, "now", lambda: LATER)
    return World(shutil.copytree(published_once, tmp_path / "world"))


def change(world: World, node: str, *words: str) -> int:
    """``hefu keys`` with the node's root key at hand."""
    stick = world.root / f"{node}-root-keys"
    more = ["--root-folder", str(stick), "--root-passphrase", "env:HEFU_TEST_ROOT"]
    return run(["--node", str(world.root / node), "keys", *words, *more])


@pytest.mark.parametrize("how", ["rotate", "revoke"])
def test_an_encrypted_bundle_that_waits_is_read_after_the_online_key_changed(
    waiting: World, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    key = waiting.a.signers().online.public_key.keyid
    code = change(waiting, "a", how, "online" if how == "rotate" else key[:8])
    assert (code, "signed 1 bundle(s) again" in capsys.readouterr().err) == (0, True)
    assert waiting.a.signers().online.public_key.keyid != key
    assert waiting.bundle(1).suffix == ".age"
    assert [one.sequence for one in waiting.receive(now=LATER)] == [1]


def test_killed_before_bundles_are_signed_again_the_next_apply_signs_them(
    waiting: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hefu import resigning

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resigning, "sign_again", killed)
        change(waiting, "a", "rotate", "online", "--lost")
    assert run(["--node", str(waiting.root / "a"), "keys", "apply"]) == 0
    assert "signed 1 bundle(s) again" in capsys.readouterr().err
    assert [one.sequence for one in waiting.receive(now=LATER)] == [1]


def test_a_stream_without_its_agreement_is_told(
    waiting: World, capsys: pytest.CaptureFixture[str]
) -> None:
    agreement = waiting.root / "a/agreements/a-b.toml"
    kept = agreement.rename(waiting.root / "kept.toml")
    assert change(waiting, "a", "rotate", "online") == 1
    said = capsys.readouterr().err
    assert "the change of keys is in force" in said
    assert f"the agreement of {waiting_stream(waiting, kept)} is not here any more" in said
    kept.rename(agreement)
    send_again(waiting.a, waiting.stream, 1, LATER)
    assert [one.sequence for one in waiting.receive(now=LATER)] == [1]


def waiting_stream(world: World, agreement: Path) -> str:
    from exchange.agreement.model import load_agreement

    loaded = load_agreement(agreement)
    return next(loaded.stream_id(g) for g in loaded.grants_from(world.a.agency.code))


def test_what_is_encrypted_for_a_former_identity_is_read(waiting: World) -> None:
    """A goes on encrypting for the recipient that it knows until it reads from B again."""
    former = waiting.b.own_recipient()
    assert change(waiting, "b", "rotate", "identity") == 0
    assert recipients_of(waiting.a, B.code)[0] == former
    assert [one.sequence for one in waiting.receive(now=LATER)] == [1]
    waiting.receive(waiting.a, now=LATER)
    assert recipients_of(waiting.a, B.code)[0] == waiting.b.own_recipient() != former
