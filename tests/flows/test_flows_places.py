"""One bundle to every kind of place by `[publishing]`, and taken in by the partner from each."""

from __future__ import annotations

from pathlib import Path

import pytest
from flows_letters import Letters, make_letters
from flows_world import NOW, A
from servers.s3 import ACCESS_KEY, SECRET_KEY, S3Server, s3_server
from servers.sftp import PASSWORD, USER, SftpServer, sftp_server

from flows.carriers.bringing_out import BroughtOut, bring_out
from lake.store import Lake

__all__ = ["s3_server", "sftp_server"]


def test_a_partner_takes_in_from_every_place_that_a_node_publishes_to(
    tmp_path: Path,
    s3_server: S3Server,
    sftp_server: SftpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, secret in (("KEY", ACCESS_KEY), ("SECRET", SECRET_KEY), ("PASSWORD", PASSWORD)):
        monkeypatch.setenv(f"PLACES_TEST_{name}", secret)
    letters = make_letters(tmp_path / "w")
    (sftp_server.folder / "hefu").mkdir()
    bucket = s3_server.create_bucket("places-of-a-node")
    places = {
        "disk": (str(tmp_path / "disk"), ""),
        "s3": (
            f"s3://{bucket}/out",
            f'endpoint = "{s3_server.endpoint}"\nallow_http = true\n'
            'access_key = "env:PLACES_TEST_KEY"\nsecret_key = "env:PLACES_TEST_SECRET"\n',
        ),
        "sftp": (
            f"sftp://{USER}@127.0.0.1:{sftp_server.port}/hefu",
            f'host_key = "{sftp_server.host_key}"\npassword = "env:PLACES_TEST_PASSWORD"\n',
        ),
    }
    (tmp_path / "disk").mkdir()
    with (letters.root / "a/hefu.toml").open("a", encoding="utf-8") as config:
        for at, access in places.values():
            config.write(f'\n[[publishing.places]]\nat = "{at}"\n')
            if access:
                config.write(f"[publishing.places.access]\n{access}")
    for sequence, (at, access) in enumerate(places.values(), start=1):
        letters.send(str(sequence))
        brought = bring_out(letters.a, NOW)
        assert [type(outcome.result) for outcome in brought] == [BroughtOut] * len(places)
        read_from(letters, at, access)
        assert [taken.sequence for taken in letters.receive()] == [sequence]
    ledger = Lake(letters.b.place("lake")).ledger.entries()
    assert sorted(entry.sequence for entry in ledger) == [1, 2, 3]


def read_from(letters: Letters, at: str, access: str) -> None:
    """B reads A's bundles there from now on."""
    path = letters.root / "b/partners" / A.code / "partner.toml"
    lines = path.read_text(encoding="utf-8").partition("[access]")[0].splitlines()
    kept = [line for line in lines if not line.startswith("repository =")]
    text = "\n".join([f'repository = "{at}"', *kept]) + "\n"
    path.write_text(text + (f"\n[access]\n{access}" if access else ""), encoding="utf-8")
