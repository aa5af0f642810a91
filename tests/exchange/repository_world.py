"""A publisher with fixed keys, and small files that it publishes as if they were bundles."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from exchange.bundle.dsse import sign
from exchange.bundle.statement import make_statement
from exchange.jsontext import sha256_hex
from exchange.keys.signing import PublicKey
from exchange.repository.folder import FolderCarrier
from exchange.repository.local import publish
from exchange.trust.agency import AgencyFacts
from exchange.trust.ceremony import Terms, found
from exchange.trust.client import Publisher, open_publisher
from exchange.trust.roles import Periods, Signers

NOW = datetime(2026, 11, 22, 1, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STREAM = "test-agreement.testreceiver.format_test"
PERIODS = Periods()
CODE, PARTNER = "TESTSENDER", "TESTRECEIVER"


def signer(name: str) -> CryptoSigner:
    """A key made from its name, worth nothing."""
    seed = hashlib.sha256(f"hefu test key {name}, worth nothing".encode()).digest()
    private = Ed25519PrivateKey.from_private_bytes(seed)
    raw = private.public_key().public_bytes_raw()
    named = SSlibKey.from_crypto(private.public_key(), keyid=PublicKey(raw).key_id)
    return CryptoSigner(private, named)


def public(name: str) -> PublicKey:
    return PublicKey.of(signer(name))


SIGNERS = Signers((signer("online"),))


@dataclass(frozen=True)
class Bundle:
    """A file and the envelope of its statement."""

    sequence: int
    data: bytes
    envelope: bytes
    statement_sha256: str


def make_bundle(
    sequence: int,
    previous: str | None,
    *,
    stream: str = STREAM,
    data: bytes | None = None,
    counts: int = 1,
) -> Bundle:
    facts: dict[str, Any] = {
        "publisher": {"code": CODE, "name": "甲测试支队"},
        "recipients": [{"code": PARTNER, "name": "乙测试支队"}],
        "agreement": {"id": "test-agreement", "version": 1, "digest": "0" * 64},
        "purpose": "format_test",
        "legal_basis": "本格式规定",
        "stream": stream,
        "sequence": sequence,
        "previous_statement_sha256": previous,
        "period": None,
        "lake_versions": {"note": sequence},
        "counts": {"note": counts},
        "contracts": {"note": {"version": "1.0.0", "sha256": "0" * 64}},
        "heads": [],
        "rule_pack_version": "test-2026.11",
        "verdict_sha256": "0" * 64,
        "created_time": "2026-11-22T01:00:00.000000Z",
        "sensitivity_class": "internal",
    }
    payload = make_statement(facts, []).payload()
    return Bundle(
        sequence,
        b"bundle %d of %s" % (sequence, stream.encode()) if data is None else data,
        sign(payload, [signer("online")]),
        sha256_hex(payload),
    )


@dataclass
class World:
    """A publisher's node, as far as this room knows of it."""

    root: Path
    signers: Signers = SIGNERS

    @property
    def repository(self) -> Path:
        return self.root / "repository"

    @property
    def sent(self) -> Path:
        return self.root / "sent"

    def found(self, now: datetime = NOW) -> World:
        terms = Terms(
            facts=AgencyFacts(code=CODE, name="甲测试支队", division_code="999999"),
            root_keys=(public("root"),),
            root_threshold=1,
            online_key=public("online"),
        )
        found(self.repository, terms, [signer("root")], self.signers, PERIODS, now)
        return self

    def publish(self, bundle: Bundle, now: datetime = NOW, stream: str = STREAM) -> Path:
        file = self.root / f"{bundle.sequence}.partial"
        file.write_bytes(bundle.data)
        return publish(
            self.repository,
            self.sent,
            stream,
            bundle.sequence,
            file,
            bundle.envelope,
            self.signers,
            PERIODS,
            now,
        )

    def publish_more(self, count: int, stream: str = STREAM, *, start: int = 1) -> list[Bundle]:
        """A chain of ``count`` bundles, an hour apart."""
        made: list[Bundle] = []
        for n in range(start, start + count):
            previous = made[-1].statement_sha256 if made else None
            made.append(make_bundle(n, previous, stream=stream))
            self.publish(made[-1], NOW + n * timedelta(hours=1), stream)
        return made


def founded(root: Path) -> World:
    root.mkdir(parents=True, exist_ok=True)
    return World(root).found()


def killed_at(event: int, work: Callable[[], object]) -> bool:
    """Run ``work`` in a process that is killed with SIGKILL before its ``event``-th change to
    the file system; whether it got that far. Otherwise the work must end well."""
    left = event

    def count(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        changes = name in ("os.rename", "os.remove", "os.mkdir") or (
            name == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        )
        left -= bool(changes)
        if changes and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted() -> None:
        sys.addaudithook(count)
        work()

    _, status = os.waitpid(started(counted), 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed"
    return False


def started(work: Callable[[], object]) -> int:
    """The id of a process that does ``work`` and ends, with 0 if it went well."""
    child = os.fork()
    if child:
        return child
    code = 2
    try:
        work()
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def has_ended(process: int) -> bool:
    """Whether it has. It must have ended well."""
    try:
        found, status = os.waitpid(process, os.WNOHANG)
    except ChildProcessError:
        return True
    assert status == 0, "the work failed"
    return found == process


FIRST = make_bundle(1, None)
SECOND = make_bundle(2, FIRST.statement_sha256)
OTHER_FIRST = make_bundle(1, None, data=b"another bundle")


def read(world: World, name: str = "reader") -> Publisher:
    """As a partner does."""
    return open_publisher(
        FolderCarrier(world.repository),
        world.root / name,
        (world.repository / "metadata/1.root.json").read_bytes(),
        NOW + timedelta(days=1),
    )


def downloaded(world: World, publisher: Publisher, sequence: int) -> bytes:
    listed = publisher.find(STREAM, sequence)
    assert listed is not None
    path = world.root / "downloaded"
    publisher.download(listed, path)
    data = path.read_bytes()
    path.unlink()
    return data


def leftovers(world: World) -> list[Path]:
    return list(world.root.rglob(".partial-*"))
