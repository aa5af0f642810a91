"""A second reader, written from exchange/FORMAT.md alone, without a line of Hefu's code.

It imports the standard library, ``cryptography`` (Ed25519, X25519, ChaCha20-Poly1305), PyYAML for
contracts and, to decode rows at the very end, pyarrow. It is called as docs/client-protocol.md
says. Its worth is that it disagrees when the specification and the program drift apart; it is no
reader for daily work: it reads whole files into memory. Section numbers are FORMAT.md's; each
section has a file beside this one, ``own_*.py``.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from own_age import decrypt, identity_of
from own_bundle import verify
from own_container import STATEMENT, read_container
from own_envelope import read_envelope
from own_held import Contract, Reader, load_agreement
from own_published import verify_from_repository
from own_refusal import AbsentError, RefusedError, sha256
from own_statement import read_statement


def head_of(previous: Path | None) -> tuple[int, str | None]:
    if previous is None:
        return 0, None
    payload, _ = read_envelope(read_container(previous.read_bytes())[STATEMENT])
    return read_statement(payload)["predicate"]["sequence"], sha256(payload)


def pem_keys(folder: Path) -> list[bytes]:
    found = [load_pem_public_key(p.read_bytes()) for p in sorted(folder.glob("*.pem"))]
    return [key.public_bytes_raw() for key in found if isinstance(key, Ed25519PublicKey)]


def run(asked: argparse.Namespace) -> None:
    partner = tomllib.loads((asked.trust / "partner.toml").read_text("utf-8"))
    known = [Contract.parse(p.read_bytes()) for p in asked.trust.glob("contracts/*.odcs.yaml")]
    reader = Reader(
        partner["recipient"],
        partner["code"],
        load_agreement(asked.trust / "agreement.toml"),
        {c.record_type: c for c in known},
        asked.now.astimezone(UTC),
        head_of(asked.previous),
    )
    if asked.repository:
        verify_from_repository(asked, reader, partner.get("max_stale_days", 0))
        return
    data = asked.bundle.read_bytes()
    if asked.identity:
        data = decrypt(data, identity_of(asked.identity.read_text()))
    verify(data, pem_keys(asked.trust), partner["threshold"], reader)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path, nargs="?")
    for name in ("trust", "previous", "identity", "repository", "earlier"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("now", "earlier-now"):
        parser.add_argument(f"--{name}", type=datetime.fromisoformat)
    parser.add_argument("--stream")
    parser.add_argument("--sequence", type=int)
    try:
        run(parser.parse_args(arguments))
    except RefusedError as refused:
        sys.stdout.write(f"{refused.step}\n")
        sys.stderr.write(f"{refused}\n")
        return 4
    except AbsentError as absent:
        sys.stdout.write("fetch\n")
        sys.stderr.write(f"not there: {absent}\n")
        return 4
    sys.stdout.write("ok\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
