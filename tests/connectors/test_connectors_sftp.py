"""What only an SFTP server has: its key, logins, names in old encodings, lines that break."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime

import pytest
from connectors_places import DATA, SftpWorld, names
from cryptography.hazmat.primitives import serialization
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.common import MSG_USERAUTH_REQUEST
from servers.cable import cable_to
from servers.sftp import PASSWORD, USER

from connectors.files.sftp_login import Transport
from connectors.pull import look, probe
from schemas.errors import ConfigError, RefusedError, RetryableError

PASSWORD_ONLY = 'password = "env:PASSWORD"'
OTHER_KEY = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def world(make_source, sftp_server) -> SftpWorld:
    return SftpWorld(make_source, sftp_server)


# ---- the server's key, and who logs in -------------------------------------------------------


def test_the_key_as_a_line_of_known_hosts_or_as_a_fingerprint(world):
    world.put("a.csv", DATA)
    server = world.server
    for pinned in (
        server.host_key,
        f"[127.0.0.1]:{server.port} {server.host_key} a comment",
        server.fingerprint,
        server.fingerprint + "=",
    ):
        assert names(world.source(host_key=pinned).pull({})) == ["a.csv"]


def test_another_key_is_refused_before_anything_is_told(world):
    source = world.source(host_key=OTHER_KEY)
    with pytest.raises(RefusedError, match="another key than the pinned one") as caught:
        source.pull({})
    error = caught.value
    assert f"ssh-ed25519 {world.server.fingerprint}" in error.message.zh
    assert OTHER_KEY in error.message.en
    assert "ssh-keygen -lf" in error.hint.en
    assert (world.server.logins, source.inner.waits) == (0, [])


@pytest.mark.parametrize(
    ("pinned", "message"),
    [
        ("ssh-ed25519 AAAA!", "write host_key as|cut off or mistyped"),
        ("ssh-ed25519 AAAAC", "cut off or mistyped"),
        ("any", "write host_key as a known_hosts line"),
        ("SHA256:short", "write host_key as a known_hosts line"),
    ],
)
def test_a_key_that_is_none(world, pinned, message):
    with pytest.raises(ConfigError, match=message):
        world.source(host_key=pinned)


def test_a_wrong_password(world):
    source = world.source()
    source.secrets["env:PASSWORD"] = "wrong"
    with pytest.raises(RefusedError, match=f"does not let {USER} in") as caught:
        source.pull({})
    assert source.inner.waits == []
    assert "wrong" not in f"{caught.value}{caught.value.hint}"


def test_a_server_that_hangs_up_at_the_login_is_not_asked_again_at_once(world):
    """It may be its way to say no, and five wrong passwords lock an account."""
    world.server.faults.hang_up_at_login = True
    source = world.source()
    with pytest.raises(RetryableError, match="hung up during the login"):
        source.pull({})
    assert (source.inner.waits, len(world.server.connections)) == ([], 1)


KEY_ONLY = 'private_key = "env:KEY"'


@pytest.mark.parametrize("form", ["openssh", "pem", "locked"])
def test_a_private_key(world, form):
    world.put("a.csv", DATA)
    key = serialization.load_ssh_private_key(world.server.client_key.encode(), None)
    openssh = form != "pem"
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH if openssh else serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"phrase")
        if form == "locked"
        else serialization.NoEncryption(),
    ).decode()
    more = '\npassphrase = "env:PHRASE"' if form == "locked" else ""
    source = world.source(place=KEY_ONLY + more)
    source.secrets |= {"env:KEY": text, "env:PHRASE": "phrase"}
    assert names(source.pull({})) == ["a.csv"]
    if form == "locked":
        source.secrets["env:PHRASE"] = "another"
        with pytest.raises(ConfigError, match="private key can't be read"):
            source.pull({})


def test_a_private_key_of_which_only_a_line_came(world):
    source = world.source(place=KEY_ONLY)
    source.secrets["env:KEY"] = world.server.client_key.splitlines()[0]
    with pytest.raises(ConfigError, match="private key is cut off"):
        source.pull({})


@pytest.mark.parametrize("right", [True, False])
def test_an_answer_to_the_login_that_comes_at_once_is_noticed(world, monkeypatch, right):
    """The answer is there before paramiko waits for it; only the threads' order is arranged."""
    answered = threading.Event()

    def hearing(parse):
        def heard(handler, message):
            parse(handler, message)
            answered.set()

        return heard

    def sending(transport, message):
        Transport.__base__._send_message(transport, message)
        if message.asbytes()[0] == MSG_USERAUTH_REQUEST:
            assert answered.wait(20)
            answered.clear()

    for name in ("_parse_userauth_success", "_parse_userauth_failure"):
        parse = getattr(AuthOnlyHandler, name)
        monkeypatch.setattr(AuthOnlyHandler, name, hearing(parse))
    monkeypatch.setattr(Transport, "_send_message", sending)
    world.put("a.csv", DATA)
    source = world.source()
    if right:
        assert names(source.pull({})) == ["a.csv"]
        return
    source.secrets["env:PASSWORD"] = "wrong"
    with pytest.raises(RefusedError, match="does not let"):
        source.pull({})


def test_a_key_that_is_not_let_in_and_then_the_password(world):
    import asyncssh

    world.put("a.csv", DATA)
    source = world.source(place=f'{KEY_ONLY}\npassword = "env:PASSWORD"')
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    source.secrets |= {"env:KEY": other, "env:PASSWORD": PASSWORD}
    assert names(source.pull({})) == ["a.csv"]


def test_some_way_in_is_needed(world):
    with pytest.raises(ConfigError, match="password or a private_key"):
        world.source(place="timeout_seconds = 1")


# ---- lines that break ------------------------------------------------------------------------


def test_a_line_that_breaks_is_made_again(world):
    large = os.urandom(5_000_000)
    world.put("a.csv", DATA)
    world.put("b.csv", large)
    source = world.source()
    world.server.faults.close_at_once = 1
    world.server.faults.drop_at = [2_000_000]
    delivery = source.pull({})
    assert source.bytes_of(delivery) == [DATA, large]
    assert len(source.events) == 2
    assert len(source.inner.waits) == 2


def test_a_line_that_never_holds_lands_nothing(world):
    world.put("a.csv", bytes(1_000_000))
    source = world.source()
    world.server.faults.drop_at = [500_000] * 9
    with pytest.raises(RetryableError, match="connection broke off"):
        source.pull({})
    assert source.events == []
    assert len(source.inner.waits) == 2
    assert not [p for p in (source.inner.landing._root / "tmp").rglob("*") if p.is_file()]


def test_a_silent_server(world):
    world.put("a.csv", bytes(1_000_000))
    source = world.source(place='password = "env:PASSWORD"\ntimeout_seconds = 0.5')
    world.server.faults.hang_at = 0
    with pytest.raises(RetryableError, match=r"silent for more than 0\.5 seconds"):
        source.pull({})


@pytest.mark.parametrize("bytes_from_server", [0, 30, 1200, 1800, 1900, 2000, 2200, 2400])
def test_a_server_that_falls_silent_at_any_step(world, bytes_from_server):
    world.put("a.csv", DATA)
    with cable_to(world.server.port) as cable:
        cable.silent_at = bytes_from_server
        world.server.port = cable.port
        source = world.source(place=f"{PASSWORD_ONLY}\ntimeout_seconds = 0.4\nretries = 0")
        with pytest.raises(RetryableError, match=r"silent for more than 0\.4 seconds"):
            source.pull({})


def test_nobody_there(world):
    world.server.port = 1
    with pytest.raises(RetryableError, match="can't be reached"):
        world.source().pull({})


def test_a_server_that_answers_in_small_pieces(world):
    large = os.urandom(700_001)
    world.put("a.csv", large)
    world.server.faults.short_reads = 1000
    source = world.source()
    assert source.bytes_of(source.pull({})) == [large]


@pytest.mark.parametrize("size", [100, 3_000_000])
def test_a_file_that_is_cut_or_grows_is_read_again(world, size):
    source = world.source()
    world.put("a.csv", bytes(1_000_000), changed=1_700_000_000)
    after = os.urandom(size)
    with world.while_reading(lambda: world.put("a.csv", after, changed=1_700_000_000)):
        delivery = source.pull({})
    assert source.bytes_of(delivery) == [after]


def test_a_file_that_is_moved_away_while_it_is_read_is_whole(world):
    data = os.urandom(2_000_000)
    source = world.source()
    world.put("a.csv", data)
    with world.while_reading(lambda: world.remove("a.csv")):
        delivery = source.pull({})
    assert source.bytes_of(delivery) == [data]
    assert source.pull(delivery.cursor).cursor == {}


def test_a_file_that_left_before_its_turn(world):
    source = world.source()
    world.put("a.csv", DATA)
    world.put("b.csv", DATA)
    with world.while_reading(lambda: world.remove("b.csv")):
        delivery = source.pull({})
    assert names(delivery) == ["a.csv"]
    assert set(delivery.cursor) == {"a.csv"}


def test_a_file_rewritten_within_the_second_in_which_it_was_read(world):
    """Times of SFTP have whole seconds: such a file is looked at once more."""
    source = world.source()
    now = datetime(2026, 5, 20, 1, 30, tzinfo=UTC)
    moment = int(now.timestamp())
    world.put("a.csv", DATA, changed=moment)
    first = source.pull({}, now=now)
    world.put("a.csv", b"a,b\n1,9\n", changed=moment)
    second = source.pull(first.cursor, now=now.replace(hour=2))
    assert source.bytes_of(second) == [b"a,b\n1,9\n"]
    third = source.pull(second.cursor, now=now.replace(hour=3))
    assert (names(third), third.cursor) == ([], second.cursor)


# ---- files that are none of ours -------------------------------------------------------------


def test_links(world):
    source = world.source('pattern = "**/*.csv"')
    folder = world.server.folder / "drop"
    world.put("a.csv", DATA)
    world.put("below/c.csv", DATA)
    (folder / "b.csv").symlink_to(folder / "a.csv")
    (folder / "again").symlink_to(folder)  # a circle, which ** does not enter
    assert names(source.pull({})) == ["a.csv", "b.csv", "below/c.csv"]
    (world.server.folder / "secret.csv").write_bytes(DATA)
    (folder / "d.csv").symlink_to(world.server.folder / "secret.csv")
    with pytest.raises(RefusedError, match="leads out") as caught:
        source.pull({})
    assert caught.value.where.file == "d.csv"


def test_a_link_set_in_a_files_place_after_the_list(world):
    source = world.source()
    folder = world.server.folder / "drop"
    world.put("a.csv", DATA)
    world.put("b.csv", DATA)
    (world.server.folder / "secret.csv").write_bytes(DATA)

    def swap() -> None:
        (folder / "b.csv").unlink()
        (folder / "b.csv").symlink_to(world.server.folder / "secret.csv")

    with world.while_reading(swap), pytest.raises(RefusedError, match="leads out"):
        source.pull({})


def test_a_pipe(world):
    source = world.source()
    os.mkfifo(world.server.folder / "drop" / "a.csv")
    with pytest.raises(RefusedError, match="no plain file"):
        source.pull({})


@pytest.mark.parametrize(
    ("what", "message"),
    [("a.csv", "no permission to read this file"), ("sub", "no permission to list this folder")],
)
def test_no_permission(world, what, message):
    source = world.source('pattern = "**/*.csv"')
    world.put("a.csv", DATA)
    world.put("sub/b.csv", DATA)
    world.server.faults.no_permission = {what}
    with pytest.raises(RefusedError, match=message):
        source.pull({})
    assert source.inner.waits == []


def test_no_such_folder(world):
    source = world.source()
    (world.server.folder / "drop").rmdir()
    with pytest.raises(RefusedError, match="folder is not there"):
        source.pull({})


def test_names_in_gb18030(world):
    raw = "案件_治超.csv".encode("gb18030")
    world.source()
    world.server.put(b"drop/" + raw, DATA)
    with pytest.raises(RefusedError, match="name is not UTF-8") as caught:
        world.source('pattern = "*.csv"').pull({})
    assert 'name_encoding = "gb18030"' in caught.value.hint.en
    assert names(world.source('pattern = "*.txt"').pull({})) == []
    told = 'password = "env:PASSWORD"\nname_encoding = "gb18030"'
    source = world.source('pattern = "案件*.csv"', place=told)
    delivery = source.pull({})
    assert names(delivery) == ["案件_治超.csv"]
    assert names(source.pull(delivery.cursor)) == []


# ---- trying out ------------------------------------------------------------------------------


def test_look_and_probe(world):
    source = world.source()
    world.put("old.csv", DATA, changed=1_700_000_000)
    world.put("new.csv", DATA, changed=1_700_000_060)
    inner = source.inner
    found = look(inner.config, inner.folder, secrets=source.secrets.__getitem__)
    assert [text.en for text in found.reached] == [
        f"the server's key is the pinned one: ssh-ed25519 {world.server.fingerprint}",
        f"logged in at sftp://127.0.0.1:{world.server.port} as {USER}",
        "the folder is there: /drop",
        "2 files match *, 16 bytes",
        "the newest is new.csv",
    ]
    assert [(s.name, s.label) for s in found.streams] == [
        ("new.csv", "8 B, 2023-11-15 06:14"),
        ("old.csv", "8 B, 2023-11-15 06:13"),
    ]
    delivery = probe(
        inner.config,
        inner.folder,
        inner.landing,
        secrets=source.secrets.__getitem__,
        now=datetime(2026, 5, 20, tzinfo=UTC),
    )
    assert (names(delivery), delivery.cursor) == (["new.csv"], None)
