"""The commands of the readme, run as they stand there with the machine's own tools."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from age_cases import BOTH, OURS, THEIRS, THIRD
from age_file import Identity, encrypted
from bundles import KEY_A, KEY_B, RECORDS, STRANGER, Key, entries_of, flipped, good

from exchange.bundle.container import write_container
from exchange.bundle.readme import README

BUNDLE = good()
FORMAT = (Path(__file__).parents[2] / "exchange" / "FORMAT.md").read_text("utf-8")


def commands_in(text: str, first: str) -> str:
    """The indented lines from ``first`` up to the next line that begins at the margin."""
    lines = text[text.index(first) :].splitlines()
    end = next((at for at, line in enumerate(lines) if line[:1].strip()), len(lines))
    return "\n".join(line[4:] for line in lines[:end])


COMMANDS = commands_in(README.decode(), "    # 0.")


def run(
    folder: Path, data: bytes, key: Key, identity: Identity = OURS
) -> subprocess.CompletedProcess[str]:
    (folder / "BUNDLE.hefu.age").write_bytes(data)
    (folder / "KEY.pem").write_bytes(key.public.pem)
    (folder / "identity.txt").write_text(f"{identity.text}\n")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", COMMANDS],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_good(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    assert done.stdout.count(": OK\n") == 4
    assert '"purpose":"format_test"' in done.stdout


def test_the_specification_gives_the_same_commands() -> None:
    assert commands_in(FORMAT, "    # 0.").strip() == COMMANDS.strip()


@pytest.mark.parametrize("identity", [OURS, THEIRS], ids=lambda one: one.name)
def test_receiver_and_sender_open_and_verify(tmp_path: Path, identity: Identity) -> None:
    assert_good(run(tmp_path, encrypted(BUNDLE, BOTH), KEY_A, identity))


def test_what_hefu_encrypts_passes(tmp_path: Path) -> None:
    from exchange.keys.encryption import encrypt_file

    (tmp_path / "plain").write_bytes(BUNDLE)
    encrypt_file(tmp_path / "plain", tmp_path / "made.age", [OURS.recipient])
    assert_good(run(tmp_path, (tmp_path / "made.age").read_bytes(), KEY_A))


@pytest.mark.parametrize("key", [KEY_A, KEY_B], ids=lambda one: one.name)
def test_each_of_several_signatures_passes(tmp_path: Path, key: Key) -> None:
    assert_good(run(tmp_path, encrypted(good(KEY_A, KEY_B), BOTH), key))


def test_another_identity_fails(tmp_path: Path) -> None:
    done = run(tmp_path, encrypted(BUNDLE, BOTH), KEY_A, THIRD)
    assert done.returncode != 0
    assert not (tmp_path / "bundle").exists()


def test_another_key_fails(tmp_path: Path) -> None:
    done = run(tmp_path, encrypted(BUNDLE, BOTH), STRANGER)
    assert done.returncode != 0
    assert "Verified Successfully" not in done.stdout


def test_a_changed_entry_fails(tmp_path: Path) -> None:
    entries = entries_of(BUNDLE)
    bad = write_container(entries | {RECORDS: flipped(entries[RECORDS], 99)})
    done = run(tmp_path, encrypted(bad, BOTH), KEY_A)
    assert done.returncode != 0
    assert "records/note.parquet: FAILED" in done.stdout


def test_a_key_of_a_list_becomes_a_key_file(tmp_path: Path) -> None:
    text = commands_in(FORMAT, "    printf '302A")
    script = text.replace("HEX", KEY_A.public.raw.hex())
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "KEY.pem").read_bytes() == KEY_A.public.pem


def test_a_key_id_is_what_openssl_and_sha256sum_say(tmp_path: Path) -> None:
    (tmp_path / "KEY.pem").write_bytes(KEY_B.public.pem)
    line = re.search(r"`(openssl pkey -pubin -in KEY.pem -outform DER \| sha256sum)`", FORMAT)
    assert line
    done = subprocess.run(
        ["bash", "-c", line[1]], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[0] == KEY_B.public.key_id
    assert KEY_B.public.fingerprint.replace(" ", "") == KEY_B.public.key_id
