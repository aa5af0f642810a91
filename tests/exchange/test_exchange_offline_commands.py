"""The commands of the readme, run as they stand there with the machine's own tools."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from bundles import KEY_A, KEY_B, STRANGER, flipped, good

from exchange.bundle.readme import README

BUNDLE = good()
FORMAT = Path(__file__).parents[2] / "exchange" / "FORMAT.md"


def commands() -> str:
    """The indented lines from ``unzip`` on."""
    text = README.decode()
    lines = text[text.index("    unzip") :].splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


def run(folder: Path, bundle: bytes, key: bytes) -> subprocess.CompletedProcess[str]:
    (folder / "BUNDLE.hefu").write_bytes(bundle)
    script = commands().replace("KEY.pem", "../KEY.pem")
    (folder / "KEY.pem").write_bytes(key)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_good_bundle_passes(tmp_path: Path) -> None:
    done = run(tmp_path, BUNDLE, KEY_A.public.pem)
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    assert done.stdout.count(": OK\n") == 4
    assert '"purpose":"format_test"' in done.stdout


def test_another_key_fails(tmp_path: Path) -> None:
    done = run(tmp_path, BUNDLE, STRANGER.public.pem)
    assert done.returncode != 0
    assert "Verified Successfully" not in done.stdout


def test_a_changed_entry_fails(tmp_path: Path) -> None:
    from bundles import RECORDS, entries_of

    from exchange.bundle.container import write_container

    entries = entries_of(BUNDLE)
    bad = write_container(entries | {RECORDS: flipped(entries[RECORDS], 99)})
    done = run(tmp_path, bad, KEY_A.public.pem)
    assert done.returncode != 0
    assert "records/note.parquet: FAILED" in done.stdout


def test_a_key_id_is_what_openssl_and_sha256sum_say(tmp_path: Path) -> None:
    (tmp_path / "k.pem").write_bytes(KEY_B.public.pem)
    done = subprocess.run(
        ["bash", "-c", "openssl pkey -pubin -in k.pem -outform DER | sha256sum"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[0] == KEY_B.public.key_id
    assert KEY_B.public.fingerprint.replace(" ", "") == KEY_B.public.key_id


@pytest.mark.parametrize("line", commands().splitlines())
def test_the_specification_gives_the_same_commands(line: str) -> None:
    assert re.sub(r"\s+", " ", line).strip() in re.sub(r"\s+", " ", FORMAT.read_text("utf-8"))
