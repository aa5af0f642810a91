"""``hefu verify`` and ``hefu open``: what a partner without a node can do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import CITY, COUNTY, PASSPHRASE, Hefu, start

from hefu.node import Node


def test_a_good_bundle_says_who_sent_what_to_whom(hefu: Hefu, bundle: Path, tmp_path: Path) -> None:
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--recipient", CITY.code)
    assert ran.code == 0
    assert COUNTY.name in ran.out
    assert "case_result 2" in ran.out
    assert "county-city version 1" in ran.out
    assert "warning:" not in ran.out
    assert "nothing is missing before" in ran.err


def test_verify_as_json_holds_the_statement(hefu: Hefu, bundle: Path, tmp_path: Path) -> None:
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["verified"]) == (0, True)
    assert told["statement"]["counts"] == {"case_result": 2}
    assert [w["zh"] for w in told["warnings"]] != []


def test_a_bundle_for_another_agency_is_refused_with_step_expected_and_found(
    hefu: Hefu, bundle: Path, tmp_path: Path
) -> None:
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--recipient", COUNTY.code)
    assert (ran.code, ran.out) == (4, "")
    assert "step:     parties" in ran.err
    assert f"expected: {COUNTY.code}" in ran.err
    assert f"found:    {CITY.code}" in ran.err
    assert "hint: " in ran.err


def test_a_changed_byte_is_refused_and_told_as_json(
    hefu: Hefu, bundle: Path, tmp_path: Path
) -> None:
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--json")
    told = json.loads(ran.out)
    assert ran.code == 4
    assert told["error"] == "VerificationError"
    assert {"step", "expected", "found", "message", "hint"} <= told.keys()


@pytest.mark.parametrize("missing", ["bundle", "trust"])
def test_a_file_that_is_not_there_is_wrong_use(
    hefu: Hefu, bundle: Path, tmp_path: Path, missing: str
) -> None:
    paths = {"bundle": bundle, "trust": tmp_path / "trust"} | {missing: tmp_path / "nowhere"}
    ran = hefu("verify", paths["bundle"], "--trust", paths["trust"])
    assert (ran.code, ran.out) == (2, "")
    assert "nowhere" in ran.err


@pytest.mark.parametrize("kind", ["parquet", "csv", "xlsx"])
def test_open_writes_the_records_and_lists_the_files(
    hefu: Hefu, bundle: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "opened"
    ran = hefu("open", bundle, "--trust", tmp_path / "trust", "--out", out, "--format", kind)
    assert ran.code == 0, ran.err
    written = [Path(line) for line in ran.out.splitlines()]
    assert f"case_result.{kind}" in {path.name for path in written}
    assert all(path.is_file() for path in written)
    assert "verified" in ran.err


def test_open_writes_nothing_of_a_bundle_that_fails(
    hefu: Hefu, bundle: Path, tmp_path: Path
) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-1])
    out = tmp_path / "opened"
    ran = hefu("open", bundle, "--trust", tmp_path / "trust", "--out", out)
    assert (ran.code, ran.out) == (4, "")
    assert not out.exists()


def test_verify_loads_nothing_of_the_pipeline(bundle: Path, tmp_path: Path) -> None:
    """A cold start stays under a second only without these."""
    program = (
        "import json, sys; from hefu.cli import run; code = run(sys.argv[1:]);"
        "sys.stderr.write(json.dumps([code, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "verify", bundle, "--trust", tmp_path / "trust"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "HEFU_LANG": "en"},
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    heavy = {"prefect", "great_expectations", "pandas", "deltalake", "sqlalchemy"}
    assert set(loaded) & heavy == set()


def test_verify_works_as_a_process_in_chinese(bundle: Path, tmp_path: Path) -> None:
    ran = start("verify", bundle, "--trust", tmp_path / "trust", language="zh")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("验证通过")
    assert "注意：" in ran.err


@pytest.fixture
def encrypted(node: Node, bundle: Path) -> Path:
    """The bundle as it leaves: for the county itself, whose key the node has."""
    from exchange.keys.encryption import encrypt_file
    from exchange.keys.identity import load_recipient

    path = bundle.with_name("00000001.hefu.age")
    encrypt_file(bundle, path, [load_recipient(node.root / "keys/identity.pem", PASSPHRASE)])
    bundle.unlink()
    return path


@pytest.mark.parametrize("form", ["node", "age"])
def test_an_encrypted_bundle_is_verified_and_opened_with_its_key(
    hefu: Hefu,
    node: Node,
    encrypted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    from exchange.keys.identity import identity_text

    monkeypatch.setenv("IDENTITY_PASSPHRASE", PASSPHRASE)
    identity = node.root / "keys" / "identity.pem"
    options = ["--passphrase", "env:IDENTITY_PASSPHRASE"]
    if form == "age":
        text = identity_text(identity, PASSPHRASE)
        identity, options = tmp_path / "identity.txt", []
        identity.write_text(f"# public key: as age-keygen writes it\n{text}\n")
        identity.chmod(0o600)
    given = (encrypted, "--trust", tmp_path / "trust", "--identity", identity, *options)
    ran = hefu("verify", *given, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["encrypted"] is True
    ran = hefu("open", *given, "--out", tmp_path / "opened", "--format", "csv")
    assert ran.code == 0, ran.err
    assert "示交立〔2026〕000001号" in (tmp_path / "opened" / "case_result.csv").read_text("utf-8")


def test_what_an_encrypted_bundle_needs_is_said(
    hefu: Hefu, node: Node, encrypted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "not the passphrase")
    identity = node.root / "keys" / "identity.pem"
    given = (encrypted, "--trust", tmp_path / "trust")
    for options, said in (
        ([], "--identity"),
        (["--identity", identity], "--passphrase env:NAME"),
        (["--identity", identity, "--passphrase", "plain text"], "seen by others"),
        (["--identity", identity, "--passphrase", "env:WRONG"], "wrong passphrase"),
        (["--identity", tmp_path / "nowhere"], "cannot be read"),
        (["--identity", node.root / "keys" / "identity.recipient.txt"], "identity"),
    ):
        ran = hefu("verify", *given, *options)
        assert (ran.code, ran.out) == (2, ""), ran.err
        assert said in ran.err
        assert "plain text" not in ran.err


def test_another_key_or_a_damaged_file_is_the_step_decrypt(
    hefu: Hefu, encrypted: Path, tmp_path: Path
) -> None:
    import pyrage

    identity = tmp_path / "identity.txt"
    identity.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    identity.chmod(0o600)
    given = (encrypted, "--trust", tmp_path / "trust", "--identity", identity)
    for text in (encrypted.read_bytes(), encrypted.read_bytes()[:-1000]):
        encrypted.write_bytes(text)
        ran = hefu("open", *given, "--out", tmp_path / "opened")
        assert (ran.code, ran.out) == (4, "")
        assert "step:     decrypt" in ran.err
        assert not (tmp_path / "opened").exists()


def test_a_card_is_trusted_with_the_lists_of_its_repository(
    hefu: Hefu, node: Node, bundle: Path, tmp_path: Path
) -> None:
    from exchange.trust.card import write_card

    repository = node.place("repository")
    card = tmp_path / "county.card.json"
    write_card(repository, card)
    ran = hefu("verify", bundle, "--trust", card, "--repository", repository, "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["lists"]["published_time"]
    assert any("do not name this bundle" in warning["en"] for warning in told["warnings"])
    assert not any("single keys" in warning["en"] for warning in told["warnings"])
    ran = hefu("verify", bundle, "--trust", card)
    assert (ran.code, "--repository" in ran.err) == (2, True)
    ran = hefu("verify", bundle, "--trust", card, "--repository", tmp_path / "trust")
    assert (ran.code, "no signed lists" in ran.err) == (2, True)
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--repository", repository)
    assert (ran.code, "single keys" in ran.err) == (2, True)
    card.write_text(card.read_text().replace('"threshold":1', '"threshold":2'))
    ran = hefu("verify", bundle, "--trust", card, "--repository", repository)
    assert (ran.code, "step:     trust" in ran.err) == (4, True)


def test_nothing_that_was_decrypted_is_left_when_a_person_breaks_off(
    hefu: Hefu, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    text = bundle.read_bytes()
    before = {p.name for p in tmp_path.iterdir()}

    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("exchange.bundle.open._write_csv", broken_off)
    out = tmp_path / "opened"
    ran = hefu("open", bundle, "--trust", tmp_path / "trust", "--out", out, "--format", "csv")
    assert ran.code == 130
    assert {p.name for p in tmp_path.iterdir()} == before
    assert list((tmp_path / "temporary").iterdir()) == []
    assert bundle.read_bytes() == text
