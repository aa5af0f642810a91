"""``hefu keys``: set up, shown, changed at once, and never a secret in sight."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import CITY, Hefu
from keys_world import SECRET, Keys, opened

from exchange.keys.signing import load_public_key
from hefu.scaffold import create_node


def test_keys_are_made_where_they_belong(keys: Keys) -> None:
    node = keys.node
    modes = {stat.S_IMODE(keys.root_file(n).stat().st_mode) for n in "abc"}
    modes |= {
        stat.S_IMODE((node.root / "keys" / name).stat().st_mode)
        for name in ("signing.pem", "identity.pem", "passphrase")
    }
    assert modes == {0o600}
    assert not list(node.root.rglob("root-*.pem"))
    shown = keys.shown()
    ids = [load_public_key(keys.root_file(n).with_suffix(".pub.pem")).key_id for n in "abc"]
    assert shown["root"] == {"threshold": 2, "keys": ids}
    assert opened(keys) == tuple(shown["bundles"]["keys"])  # type: ignore[index]
    assert shown["recipients"] == [node.own_recipient()]


def test_fingerprints_go_to_stdout_and_the_rest_to_stderr(keys: Keys, tmp_path: Path) -> None:
    create_node(tmp_path / "other" / "node", CITY)
    other = Keys.__new__(Keys)
    other._hefu, other.folder = keys._hefu, tmp_path / "other"
    ran = other("init", *other.sticks("x"))
    key = load_public_key(other.root_file("x").with_suffix(".pub.pem"))
    assert (ran.code, ran.out.strip()) == (0, key.fingerprint)
    assert "there is one root key" in ran.err
    assert str(other.root_file("x")) in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no folder for a root key"),
        (["--root-folder", "node/keys/root"], "never lies in the node's folder"),
        (["--root-folder", "."], "never lies in the node's folder"),
        (["--root-folder", "a", "--root-folder", "./a"], "same folder is given twice"),
        (["--root-folder", "a", "--threshold", "2"], "cannot be met by 1"),
        (["--root-folder", "a", "--root-passphrase", "env:NO_SUCH"], "is not set"),
        (["--root-folder", "a", "--root-passphrase", "hunter2"], "must be named as"),
        (["--root-folder", "a"], "passphrase of a root key is missing"),
    ],
)
def test_what_cannot_be_set_up_makes_no_keys(
    hefu: Hefu,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.setenv("HEFU_TEST_ROOT", SECRET)
    monkeypatch.chdir(tmp_path)
    made = Keys(hefu, tmp_path)
    given = words if "--root-passphrase" in words or words == ["--root-folder", "a"] else [
        *words, "--root-passphrase", "env:HEFU_TEST_ROOT",
    ]  # fmt: skip
    ran = made("init", *given)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "hunter2" not in ran.err
    assert not list(tmp_path.rglob("*.pem"))


def test_a_disk_without_access_rights_gets_no_root_key(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a FAT stick shows it: every file seems to be everybody's."""
    from exchange.keys import signing

    monkeypatch.setattr(signing, "_OTHERS_MAY", 0o777)
    ran = keys("rotate", "root", *keys.sticks("d", option="--new-root-folder"))
    assert ran.code == 2
    assert "umask=077" in ran.err
    assert not list(tmp_path.glob("d/*"))


def test_keys_are_set_up_once(keys: Keys) -> None:
    before = (keys.node.root / "keys/signing.pem").read_bytes()
    ran = keys("init", *keys.sticks("d"))
    assert ran.code == 2
    assert "has its keys already" in ran.err
    assert (keys.node.root / "keys/signing.pem").read_bytes() == before
    assert not (keys.folder / "d").exists()


# shown


def test_show_warns_ahead_and_says_with_its_exit_code(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keys("show").code == 0
    config = keys.node.root / "hefu.toml"
    config.write_text(config.read_text() + "[publishing]\noffline_days = 30\n")
    assert keys("renew", *keys.sticks("a", "b")).code == 0
    assert keys("show").code == 0
    later = datetime(2026, 1, 1, tzinfo=UTC).replace(year=datetime.now(UTC).year + 1)
    monkeypatch.setattr("hefu.commands.keys.now", lambda: later)
    ran = keys("show")
    assert ran.code == 1
    assert "root ended on" in ran.err
    assert "hefu keys renew" in ran.err
    told = {role["role"]: role for role in json.loads(keys("show", "--json").out)["roles"]}
    assert told["root"]["expired"]
    assert told["timestamp"]["expired"]
    assert not told["bundles"]["expired"]


# changed at once


def test_a_new_online_key_takes_over_and_partners_follow(keys: Keys) -> None:
    (old,) = opened(keys)
    ran = keys("rotate", "online", *keys.sticks("a", "c"))
    assert ran.code == 0, ran.err
    (new,) = opened(keys)
    assert new != old
    assert keys.node.signers().online.public_key.keyid == new
    kept = keys.node.root / "keys/former" / f"signing-{old[:8]}.pem"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not (keys.node.root / "trust-change").exists()
    assert not (keys.node.root / "keys/next").exists()


def test_a_new_identity_still_opens_what_came_for_the_former(keys: Keys, tmp_path: Path) -> None:
    import pyrage

    sealed = pyrage.encrypt(b"hello", [pyrage.x25519.Recipient.from_str(keys.node.own_recipient())])
    for _ in range(2):
        assert keys("rotate", "identity", *keys.sticks("a", "b")).code == 0
    assert pyrage.decrypt(sealed, keys.node.identities()) == b"hello"
    assert keys.shown()["recipients"] == [keys.node.own_recipient()]
    assert len(keys.node.config.keys.former_identities) == 2
    out = tmp_path / "age.txt"
    assert keys("identity", "--out", out).code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    done = subprocess.run(["age", "-d", "-i", out], input=sealed, capture_output=True, check=True)
    assert done.stdout == b"hello"


def test_new_root_keys_are_signed_by_old_and_new(keys: Keys) -> None:
    new = keys.sticks("d", "e", option="--new-root-folder")
    ran = keys("rotate", "root", *keys.sticks("a", "b"), *new)
    assert ran.code == 0, ran.err
    assert opened(keys)
    ran = keys("renew", *keys.sticks("a"))
    assert ran.code == 2
    assert "no root key of this agency" in ran.err
    assert keys("renew", *keys.sticks("d", "e")).code == 0


def test_a_stolen_key_is_told_with_what_follows(keys: Keys) -> None:
    (old,) = opened(keys)
    ran = keys("revoke", f"{old[:4]} {old[4:8]}", *keys.sticks("b", "c"))
    assert ran.code == 0, ran.err
    assert "is refused" in ran.err
    assert opened(keys) != (old,)
    timestamp = json.loads((keys.node.place("repository") / "metadata/timestamp.json").read_bytes())
    assert old not in {one["keyid"] for one in timestamp["signatures"]}


def test_a_lost_online_key_is_replaced_without_it(keys: Keys) -> None:
    (old,) = opened(keys)
    (keys.node.root / "keys/signing.pem").unlink()
    ran = keys("rotate", "online", "--lost", *keys.sticks("a", "b"))
    assert ran.code == 0, ran.err
    assert opened(keys) != (old,)


def test_a_lost_root_key_is_replaced_with_the_others(keys: Keys) -> None:
    lost = load_public_key(keys.root_file("c").with_suffix(".pub.pem"))
    shutil.rmtree(keys.folder / "c")
    new = keys.sticks("d", option="--new-root-folder")
    ran = keys("revoke", lost.key_id[:8], *keys.sticks("a", "b"), *new)
    assert ran.code == 0, ran.err
    assert opened(keys)
    assert lost.key_id not in keys.shown()["root"]["keys"]  # type: ignore[index]
    assert keys("renew", *keys.sticks("a", "d")).code == 0


def test_the_threshold_cannot_fall_out_of_reach(keys: Keys) -> None:
    key = load_public_key(keys.root_file("c").with_suffix(".pub.pem"))
    ran = keys("revoke", key.key_id[:8], "--threshold", "3", *keys.sticks("a", "b"))
    assert ran.code == 2
    assert "cannot be met" in ran.err
    assert not (keys.node.root / "trust-change").exists()
    assert keys("revoke", "0123").code == 2
    assert keys("revoke", "01234567").code == 2


def test_a_second_signer_is_named_and_both_must_sign(keys: Keys) -> None:
    file = keys.folder / "office" / "cosigner.pem"
    assert keys("make", file, "--passphrase", "env:HEFU_TEST_ROOT").code == 0
    public = file.with_suffix(".pub.pem")
    ran = keys(
        "cosigner", "add", public, "--threshold", "2", "--signer", f"file:{file}",
        "--signer-passphrase", "env:HEFU_TEST_ROOT", *keys.sticks("a", "b"),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert len(opened(keys)) == 2
    assert len(keys.node.signers().all) == 2
    config = tomllib.loads((keys.node.root / "hefu.toml").read_text(encoding="utf-8"))
    assert config["keys"]["cosigners"][0]["signer"] == f"file:{file}"
    again = keys("cosigner", "add", public, *keys.sticks("a", "b"))
    assert again.code == 2
    assert "same key is given twice" in again.err
    key = load_public_key(public).key_id
    assert keys("revoke", key[:8], "--threshold", "1", *keys.sticks("a", "b")).code == 0
    assert len(opened(keys)) == 1


def test_the_agencys_facts_change_with_the_root_keys_only(keys: Keys) -> None:
    recipient = keys.node.own_recipient()
    words = ("--repository", "https://new.invalid/hefu", "--sealed-recipient", recipient)
    assert keys("agency", *words, *keys.sticks("a", "c")).code == 0
    shown = keys.shown()
    assert shown["repository"] == "https://new.invalid/hefu"
    assert shown["sealed_recipients"] == [recipient]
    ran = keys("agency", "--sealed-recipient", "age1nobody", *keys.sticks("a", "c"))
    assert ran.code == 2
    assert "sealed_recipients" in ran.err


# secrets


def test_no_secret_is_shown_logged_or_kept_in_the_clear(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    passphrase = keys.node.secrets("file:keys/passphrase")
    said = [keys("show"), keys("show", "--json"), keys("rotate", "online", *keys.sticks("a", "b"))]
    said.append(keys("rotate", "identity", *keys.sticks("a")))
    wrong = keys.root_file("b")
    named = f"file:{keys.node.root}/keys/passphrase"
    key = ("--root-key", wrong, "--passphrase", named, "--yes")
    said.append(keys("sign", keys.node.root / "trust-change", *key))
    assert said[-1].code == 2
    text = "".join(one.out + one.err for one in said) + caplog.text
    kept = b"".join(
        p.read_bytes() for p in keys.folder.rglob("*") if p.is_file() and p.name != "passphrase"
    )
    for secret in (SECRET, passphrase, "AGE-SECRET-KEY"):
        assert secret not in text
        assert secret.encode() not in kept
    assert "BEGIN PRIVATE KEY" not in text
    assert b"BEGIN PRIVATE KEY" not in kept
