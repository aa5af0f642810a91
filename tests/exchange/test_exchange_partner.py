"""Partners: by what they are trusted, where their bundles are, and what a folder alone proves."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from bundles import KEY_A, KEY_B, NOW, RECEIVER, SENDER, contract
from repositories import File, Repository, facts, open_agreement, open_bundle, stream_of

from exchange.bundle.verify import Trust, VerifiedBundle, verify_bundle
from exchange.repository.memory import MemoryCarrier
from exchange.trust.client import open_publisher
from exchange.trust.partner import load_partner, load_trust_folder
from schemas.errors import ConfigError, VerificationError

TEXT = f'code = "{SENDER}"\nname = "甲测试支队"\n'
BUNDLE = open_bundle()
PUBLISHED = Repository({1: File.plain(BUNDLE)})


def make(folder: Path, text: str = TEXT, **keys: bytes) -> Path:
    (folder / "partner.toml").write_text(text, encoding="utf-8")
    for name, pem in (keys or {"a": KEY_A.public.pem}).items():
        (folder / f"{name}.pem").write_bytes(pem)
    return folder


def make_rooted(folder: Path, files: Mapping[str, bytes], text: str = TEXT) -> Path:
    (folder / "partner.toml").write_text(text, encoding="utf-8")
    (folder / "root.json").write_bytes(files["metadata/1.root.json"])
    return folder


def copy_lists(folder: Path, files: Mapping[str, bytes]) -> None:
    (folder / "metadata").mkdir()
    for path, data in files.items():
        if path.startswith("metadata/"):
            (folder / path).write_bytes(data)


def verified(folder: Path) -> VerifiedBundle:
    trust = load_trust_folder(folder)
    policy = replace(trust.policy(), contracts={"note": contract()})
    return verify_bundle(BUNDLE, trust.trust(NOW).trust, policy, NOW)


# single keys


def test_a_partner_is_its_folder(tmp_path: Path) -> None:
    partner = load_partner(make(tmp_path, a=KEY_A.public.pem, b=KEY_B.public.pem))
    assert partner.trust == Trust(SENDER, (KEY_A.public, KEY_B.public), 1)
    assert (partner.code, partner.name, partner.location) == (SENDER, "甲测试支队", None)


def test_a_key_in_two_files_is_one_key(tmp_path: Path) -> None:
    folder = make(tmp_path, TEXT + "threshold = 2\n", a=KEY_A.public.pem, b=KEY_A.public.pem)
    with pytest.raises(ConfigError, match="cannot be met by 1 different"):
        load_partner(folder)


def test_of_single_keys_it_is_told_that_nobody_looked_for_a_revocation(tmp_path: Path) -> None:
    offline = load_trust_folder(make(tmp_path)).trust(NOW)
    assert offline.trust == Trust(SENDER, (KEY_A.public,), 1)
    assert ["revoked" in warning.en for warning in offline.warnings] == [True]
    assert offline.check_listed(verified(tmp_path)) == ()


@pytest.mark.parametrize(
    ("repository", "location"),
    [
        ("https://example.invalid/hefu", "https://example.invalid/hefu"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("sftp://user@example.invalid:2222/path", "sftp://user@example.invalid:2222/path"),
        ("/mnt/disk", "/mnt/disk"),
        ("../repository", None),
    ],
)
def test_a_repository_is_an_address_or_a_folder(
    tmp_path: Path, repository: str, location: str | None
) -> None:
    folder = tmp_path / "partners"
    folder.mkdir()
    partner = load_partner(make(folder, TEXT + f'repository = "{repository}"\n'))
    assert partner.location == (location or str(tmp_path / "repository"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('keys = ["none*.pem"]', "no public key matches 'none*.pem'"),
        ('keys = ["../a.pem"]', "must lie in the partner's folder"),
        ('keys = ["/a.pem"]', "must lie in the partner's folder"),
        ("keys = []", "at least 1 item"),
        ("threshold = 0", "greater than or equal to 1"),
        ("max_stale_days = -1", "greater than or equal to 0"),
        ("max_stale_days = 367", "less than or equal to 366"),
        ('repositry = "x"', "unknown key 'repositry'"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_partner(make(tmp_path, f"{TEXT}{line}\n"))
    assert said in caught.value.message.en
    assert caught.value.where is not None
    assert caught.value.where.file == str(tmp_path / "partner.toml")


# a root


def test_a_partner_with_a_root_has_its_facts_and_a_memory(tmp_path: Path) -> None:
    files = PUBLISHED.write()
    folder = make_rooted(tmp_path, files)
    assert load_partner(folder).facts is None
    (folder / "agency.json").write_bytes(facts().to_bytes())
    partner = load_partner(folder)
    assert (partner.root, partner.facts) == (files["metadata/1.root.json"], facts())
    assert partner.trusted_folder == tmp_path / "trusted"
    with pytest.raises(ValueError, match="open_publisher"):
        _ = partner.trust


@pytest.mark.parametrize("line", ['keys = ["a.pem"]', "threshold = 1"])
def test_a_root_and_single_keys_do_not_go_together(tmp_path: Path, line: str) -> None:
    folder = make_rooted(make(tmp_path), PUBLISHED.write(), f"{TEXT}{line}\n")
    with pytest.raises(ConfigError, match="not by both"):
        load_partner(folder)


def test_keys_that_lie_beside_a_root_count_for_nothing(tmp_path: Path) -> None:
    folder = make_rooted(make(tmp_path, b=KEY_B.public.pem), PUBLISHED.write())
    assert load_partner(folder).keys == ()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("root.json", b"{}"),
        ("root.json", b""),
        ("agency.json", b"{}"),
        ("agency.json", facts(code=RECEIVER).to_bytes()),
    ],
)
def test_a_damaged_folder_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    folder = make_rooted(tmp_path, PUBLISHED.write())
    (folder / name).write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load_partner(folder)
    assert caught.value.where is not None
    assert caught.value.where.file == str(folder / name)


# a folder alone


def test_a_copy_of_the_lists_tells_whose_signature_counts(tmp_path: Path) -> None:
    copy_lists(make_rooted(tmp_path, PUBLISHED.write()), PUBLISHED.write())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    offline = load_trust_folder(tmp_path).trust(NOW)
    assert (offline.trust, offline.warnings) == (Trust(SENDER, (KEY_A.public,), 1), ())
    assert offline.check_listed(verified(tmp_path)) == ()
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before, "a folder that one looks at is not written to"


def test_looking_at_a_folder_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    copy_lists(make_rooted(tmp_path, PUBLISHED.write()), PUBLISHED.write())
    offline = load_trust_folder(tmp_path).trust(NOW)
    offline.check_listed(verified(tmp_path))
    del offline
    gc.collect()
    assert list(scratch.iterdir()) == []


def test_how_old_a_copy_is_is_told_and_refuses_nothing(tmp_path: Path) -> None:
    copy_lists(make_rooted(tmp_path, PUBLISHED.write()), PUBLISHED.write())
    offline = load_trust_folder(tmp_path).trust(NOW + timedelta(days=4000))
    (warning,) = offline.warnings
    assert "are of 2026-" in warning.en
    assert "held until 2026-" in warning.en


def test_a_bundle_that_the_copy_does_not_list_is_told_of(tmp_path: Path) -> None:
    older = replace(PUBLISHED, files={})
    copy_lists(make_rooted(tmp_path, older.write()), older.write())
    offline = load_trust_folder(tmp_path).trust(NOW)
    (warning,) = offline.check_listed(verified(tmp_path))
    assert "do not name this bundle" in warning.en


def test_a_bundle_that_the_copy_lists_otherwise_is_refused(tmp_path: Path) -> None:
    other = replace(PUBLISHED, files={1: replace(File.plain(BUNDLE), statement_sha256="0" * 64)})
    copy_lists(make_rooted(tmp_path, other.write()), other.write())
    offline = load_trust_folder(tmp_path).trust(NOW)
    with pytest.raises(VerificationError, match="no longer lists"):
        offline.check_listed(verified(tmp_path))


def test_lists_of_another_root_prove_nothing(tmp_path: Path) -> None:
    copy_lists(make_rooted(tmp_path, PUBLISHED.write()), PUBLISHED.write())
    for path in (tmp_path / "metadata").glob("*.targets.json"):
        path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(VerificationError) as caught:
        load_trust_folder(tmp_path).trust(NOW)
    assert caught.value.step == "trust"


def test_a_nodes_own_partner_folder_is_a_trust_folder(tmp_path: Path) -> None:
    files = PUBLISHED.write()
    partner = load_partner(make_rooted(tmp_path, files))
    assert partner.root is not None
    carrier = MemoryCarrier(files)
    seen = open_publisher(carrier, partner.trusted_folder, partner.root, NOW)
    seen.find(stream_of(open_agreement()), 1)
    offline = load_trust_folder(tmp_path).trust(NOW)
    assert offline.trust == Trust(SENDER, (KEY_A.public,), 1)
    assert offline.check_listed(verified(tmp_path)) == ()
    (partner.trusted_folder / "snapshot.json").write_bytes(b"{")
    with pytest.raises(ConfigError, match="damaged"):
        load_trust_folder(tmp_path).trust(NOW)
    shutil.rmtree(partner.trusted_folder)
    with pytest.raises(ConfigError, match="no signed lists"):
        load_trust_folder(tmp_path).trust(NOW)
