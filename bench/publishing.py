"""What one more bundle costs on top of many: published, copied to a place, read by a partner.

    python -m bench.publishing [--earlier 1 100 1000] [--times 15]

Each line is of a repository of its own with so many bundles in one stream. The bundle's file is
a few bytes, so that what is left is the cost of the lists. Then one more is published, copied to
a folder and read by a partner who has read all before it, ``--times`` times; the median counts.
``cold``: what a partner reads that never read there. Ratios are against the first line.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from exchange.trust.roles import Signers

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
SENDER, RECEIVER = "11999900BENCH00013", "11999900BENCH00026"
T = TypeVar("T")
STREAM = "bench.11999900bench00026.coordinated_enforcement"


@dataclass(frozen=True)
class Cost:
    """Seconds and bytes of one more bundle on top of ``earlier``; the bundle's own file is
    ``bundle_bytes`` of ``warm_bytes``, nothing of ``cold_bytes``."""

    earlier: int
    publish: float
    copy: float
    copied_bytes: int
    read: float
    warm_bytes: int
    cold_bytes: int


class Counting:
    """A carrier that counts what its reader takes."""

    def __init__(self, folder: Path):
        from exchange.repository.folder import FolderCarrier

        self._carrier = FolderCarrier(folder)
        self.label = self._carrier.label
        self.bytes = 0

    def read(self, path: str) -> Iterator[bytes] | None:
        pieces = self._carrier.read(path)
        return None if pieces is None else self._counted(pieces)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.bytes += len(piece)
            yield piece

    def close(self) -> None:
        self._carrier.close()


class Publisher:
    """A publisher with keys made now, and its chain."""

    def __init__(self, root: Path):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from securesystemslib.signer import CryptoSigner, SSlibKey

        from exchange.keys.signing import PublicKey
        from exchange.trust.agency import AgencyFacts
        from exchange.trust.ceremony import Terms, found
        from exchange.trust.roles import Periods, Signers

        def signer() -> tuple[CryptoSigner, PublicKey]:
            private = Ed25519PrivateKey.generate()
            key = PublicKey(private.public_key().public_bytes_raw())
            named = SSlibKey.from_crypto(private.public_key(), keyid=key.key_id)
            return CryptoSigner(private, named), key

        (root_signer, root_key), (online, online_key) = signer(), signer()
        facts = AgencyFacts(code=SENDER, name="甲测试支队", division_code="999999")
        terms = Terms(facts=facts, root_keys=(root_key,), root_threshold=1, online_key=online_key)
        self.root = root
        self.repository = root / "repository"
        self.signers: Signers = Signers((online,))
        self.periods = Periods()
        self.sequence = 0
        self._previous: str | None = None
        found(self.repository, terms, [root_signer], self.signers, self.periods, NOW)

    def publish(self) -> None:
        """One more bundle, whose making is not the question here."""
        from exchange.bundle.dsse import sign
        from exchange.jsontext import sha256_hex
        from exchange.repository.local import publish

        self.sequence += 1
        payload = _payload(self.sequence, self._previous)
        self._previous = sha256_hex(payload)
        file = self.root / "bundle"
        file.write_bytes(b"bundle %08d" % self.sequence)
        envelope = sign(payload, self.signers.all)
        publish(
            self.repository,
            self.root / "sent",
            STREAM,
            self.sequence,
            file,
            envelope,
            self.signers,
            self.periods,
            NOW + self.sequence * timedelta(seconds=1),
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.publishing")
    parser.add_argument("--earlier", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    costs = [measure(earlier, options.times) for earlier in options.earlier]
    sys.stdout.write(render(costs))
    return 0


def measure(earlier: int, times: int) -> Cost:
    """One more on top of ``earlier`` bundles, ``times`` times."""
    from exchange.repository.folder import FolderCarrier
    from exchange.repository.mirror import mirror

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        publisher = Publisher(root)
        place = root / "place"
        place.mkdir()
        for _ in range(earlier):
            publisher.publish()
        mirror(publisher.repository, FolderCarrier(place))
        _read(root, place, "warm")
        published, copied, read = [], [], []
        for _ in range(times):
            published.append(_timed(publisher.publish))
            copied.append(_timed(partial(mirror, publisher.repository, FolderCarrier(place))))
            read.append(_timed(partial(_read, root, place, "warm")))
        return Cost(
            earlier,
            statistics.median(seconds for seconds, _ in published),
            statistics.median(seconds for seconds, _ in copied),
            int(statistics.median(sent.bytes for _, sent in copied)),
            statistics.median(seconds for seconds, _ in read),
            int(statistics.median(size for _, size in read)),
            _read(root, place, "cold"),
        )


def _read(root: Path, place: Path, reader: str) -> int:
    """As ``hefu receive``: the lists, and the last bundle's file. Returns the bytes read."""
    from exchange.trust.client import open_publisher

    carrier = Counting(place)
    card = (place / "metadata/1.root.json").read_bytes()
    publisher = open_publisher(carrier, root / reader, card, NOW + timedelta(hours=1))
    listed = publisher.find(STREAM, publisher.last(STREAM))
    if listed is None:
        raise SystemExit("the last bundle is not listed")
    publisher.download(listed, root / "downloaded")
    (root / "downloaded").unlink()
    return carrier.bytes


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _payload(sequence: int, previous: str | None) -> bytes:
    from exchange.bundle.statement import make_statement

    facts: dict[str, Any] = {
        "publisher": {"code": SENDER, "name": "甲测试支队"},
        "recipients": [{"code": RECEIVER, "name": "乙测试支队"}],
        "agreement": {"id": "bench", "version": 1, "digest": "0" * 64},
        "purpose": "coordinated_enforcement",
        "legal_basis": "测试",
        "stream": STREAM,
        "sequence": sequence,
        "previous_statement_sha256": previous,
        "period": None,
        "lake_versions": {"case_result": sequence},
        "counts": {"case_result": 1},
        "contracts": {"case_result": {"version": "1.0.0", "sha256": "0" * 64}},
        "heads": [],
        "rule_pack_version": "bench",
        "verdict_sha256": "0" * 64,
        "created_time": "2026-11-22T01:00:00.000000Z",
        "sensitivity_class": "internal",
    }
    return make_statement(facts, []).payload()


def render(costs: list[Cost]) -> str:
    """A Markdown table."""
    first = costs[0]
    lines = [
        f"Measured in one run on: Python {platform.python_version()}, {platform.machine()}.",
        "",
        "| Earlier bundles | publish | × | copy to a folder | × | sent | partner reads | × "
        "| bytes read | cold |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {c.earlier:,} | {c.publish * 1e3:.1f} ms | {c.publish / first.publish:.2f} "
        f"| {c.copy * 1e3:.1f} ms | {c.copy / first.copy:.2f} | {c.copied_bytes:,} B "
        f"| {c.read * 1e3:.1f} ms | {c.read / first.read:.2f} | {c.warm_bytes:,} B "
        f"| {c.cold_bytes:,} B |"
        for c in costs
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
