"""Hefu's own reader behind the protocol of ``docs/client-protocol.md``.

``python tests/vectors/client.py --trust DIR --now TIME [--previous BUNDLE] BUNDLE``
exits 0 for an accepted bundle and 4, with the failed step on stdout, for a refused one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from exchange.bundle.verify import ChainHead, verify_bundle
from exchange.keys.encryption import decrypt_file
from exchange.trust.partner import load_trust_folder
from schemas.errors import VerificationError


def _read(asked: argparse.Namespace) -> bytes:
    if not asked.identity:
        return asked.bundle.read_bytes()
    import pyrage

    identity = pyrage.x25519.Identity.from_str(asked.identity.read_text().strip())
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "bundle.hefu"
        decrypt_file(asked.bundle, plain, [identity])
        return plain.read_bytes()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="verify one bundle")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--now", type=datetime.fromisoformat, required=True)
    parser.add_argument("--previous", type=Path)
    parser.add_argument("--identity", type=Path)
    asked = parser.parse_args(arguments)
    folder = load_trust_folder(asked.trust)
    policy = folder.policy(head=ChainHead.start())
    try:
        if asked.previous:
            before = asked.previous.read_bytes()
            verified = verify_bundle(before, folder.partner.trust, policy, asked.now)
            policy = replace(policy, head=verified.head)
        verify_bundle(_read(asked), folder.partner.trust, policy, asked.now)
    except VerificationError as error:
        sys.stdout.write(f"{error.step}\n")
        sys.stderr.write(f"{error}\nexpected: {error.expected}\nfound: {error.found}\n")
        return error.exit_code
    sys.stdout.write("ok\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
