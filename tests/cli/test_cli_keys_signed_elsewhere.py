"""``hefu keys``: changes that are signed by and by, on other machines or at a terminal."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import ROOT, Ran
from keys_world import SECRET, Keys, opened


def test_a_change_is_signed_on_two_other_machines(keys: Keys, tmp_path: Path) -> None:
    """The folder travels; a node is nowhere near, and so is Prefect."""
    (old,) = opened(keys)
    ran = keys("rotate", "online")
    assert ran.code == 0, ran.err
    assert "0 of 2 signature(s)" in ran.err
    assert opened(keys) == (old,)
    assert keys("apply").code == 2
    folder = keys.node.root / "trust-change"
    for name in "ac":
        travelling = tmp_path / f"machine-{name}"
        shutil.move(folder, travelling)
        ran = elsewhere(
            tmp_path, "sign", travelling, "--root-key", keys.root_file(name),
            "--passphrase", "env:HEFU_TEST_ROOT", "--yes",
        )  # fmt: skip
        assert ran.code == 0, ran.err
        assert old[:4] in ran.err
        shutil.move(travelling, folder)
    pending = keys.shown()["pending"]
    assert isinstance(pending, dict)
    assert pending["complete"]
    assert keys("apply").code == 0
    assert opened(keys) != (old,)


def elsewhere(cwd: Path, *words: str | Path) -> Ran:
    """On a machine that has the base install only."""
    code = (
        "import sys\n"
        "for name in ('prefect', 'great_expectations', 'deltalake'): sys.modules[name] = None\n"
        "from hefu.cli import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, "keys", *map(str, words)],
        capture_output=True, text=True, check=False, cwd=cwd, stdin=subprocess.DEVNULL,
        env=os.environ | {"HEFU_LANG": "en", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def test_nothing_is_signed_unseen(keys: Keys) -> None:
    keys("renew")
    folder = keys.node.root / "trust-change"
    key = ("--root-key", keys.root_file("a"), "--passphrase", "env:HEFU_TEST_ROOT")
    ran = keys("sign", folder, *key)
    assert ran.code == 2
    assert "nobody is there" in ran.err
    assert json.loads(keys("sign", folder, "--json").out)["signed"] == []
    wrong = ("--root-key", keys.node.root / "keys/signing.pem")
    assert keys("sign", folder, *wrong, "--passphrase", f"file:{keys.node.root}/keys/passphrase",
                "--yes").code == 2  # fmt: skip
    assert json.loads(keys("sign", folder, "--json").out)["signed"] == []
    assert len(json.loads(keys("sign", folder, *key, "--yes", "--json").out)["signed"]) == 1


def test_a_change_is_forgotten_with_the_keys_that_were_made_for_it(keys: Keys) -> None:
    before = opened(keys)
    keys("rotate", "online", *keys.sticks("a"))
    assert keys("rotate", "identity", *keys.sticks("a", "b")).code == 2
    assert keys("apply", "--discard").code == 0
    assert not (keys.node.root / "keys/next").exists()
    assert opened(keys) == before
    assert keys("rotate", "online", *keys.sticks("a", "b")).code == 0


def test_at_a_terminal_passphrases_are_asked_and_not_shown(keys: Keys, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = ["--node", keys.node.root, "keys", "renew"]
    words += ["--root-folder", tmp_path / "a", "--root-folder", tmp_path / "b"]
    child = subprocess.Popen(
        [sys.executable, "-m", "hefu.cli", *map(str, words)],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HEFU_LANG": "en"},
    )  # fmt: skip
    assert child.stderr is not None
    seen = b""
    for asked in (1, 2):
        while seen.count(b"passphrase for") < asked or not seen.endswith(b": "):
            seen += os.read(child.stderr.fileno(), 1000) or pytest.fail(seen.decode())
        os.write(ours, f"{SECRET}\n".encode())
    out, err = child.communicate()
    os.close(theirs)
    os.close(ours)
    assert child.returncode == 0, err
    assert SECRET.encode() not in out + seen + err
