"""Hefu's own reader behind the protocol of ``docs/client-protocol.md``.

python tests/vectors/client.py --trust DIR --now TIME [--previous FILE] [--identity FILE]
    (BUNDLE | --repository DIR --stream STREAM --sequence N [--earlier DIR --earlier-now TIME])

exits 0 for an accepted bundle and 4, with the failed step on stdout, for a refused one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from exchange.agreement.encryption import fits
from exchange.agreement.model import Agreement, load_agreement
from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.bundle.dsse import read_envelope
from exchange.bundle.policy import ChainHead, Policy
from exchange.bundle.statement import read_statement
from exchange.bundle.verify import VerifiedBundle, verify_bundle
from exchange.errors import refusal
from exchange.jsontext import sha256_hex
from exchange.keys.encryption import decrypt_file
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.folder import FolderCarrier
from exchange.trust.client import Publisher, open_publisher
from exchange.trust.partner import load_trust_folder
from schemas.contract import Contract, parse_contract
from schemas.errors import RefusedError, RetryableError, VerificationError
from schemas.text import Text

REFUSED = 4


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        _read_repository(asked) if asked.repository else _read_file(asked)
    except (RetryableError, RefusedError) as error:  # a file that is not there
        sys.stdout.write("fetch\n")
        sys.stderr.write(f"{error}\n")
        return REFUSED
    except VerificationError as error:
        sys.stdout.write(f"{error.step}\n")
        sys.stderr.write(f"{error}\nexpected: {error.expected}\nfound: {error.found}\n")
        return error.exit_code
    sys.stdout.write("ok\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="verify one bundle")
    parser.add_argument("bundle", type=Path, nargs="?")
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--now", type=datetime.fromisoformat, required=True)
    parser.add_argument("--previous", type=Path)
    parser.add_argument("--identity", type=Path)
    parser.add_argument("--repository", type=Path)
    parser.add_argument("--stream")
    parser.add_argument("--sequence", type=int)
    parser.add_argument("--earlier", type=Path)
    parser.add_argument("--earlier-now", type=datetime.fromisoformat)
    return parser


def _head(previous: Path | None) -> ChainHead:
    """Of a bundle that was verified and taken in some time ago."""
    if previous is None:
        return ChainHead.start()
    entries = read_container(previous.read_bytes(), DEFAULT_LIMITS)
    payload = read_envelope(entries[STATEMENT_ENTRY], DEFAULT_LIMITS).payload
    statement = read_statement(payload, DEFAULT_LIMITS)
    return ChainHead(statement.predicate.sequence, sha256_hex(payload))


def _decrypted(path: Path, identity: Path | None) -> bytes:
    if identity is None:
        return path.read_bytes()
    import pyrage

    ours = pyrage.x25519.Identity.from_str(identity.read_text().strip())
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "bundle.hefu"
        decrypt_file(path, plain, [ours])
        return plain.read_bytes()


def _read_file(asked: argparse.Namespace) -> VerifiedBundle:
    folder = load_trust_folder(asked.trust)
    policy = folder.policy(head=_head(asked.previous))
    data = _decrypted(asked.bundle, asked.identity)
    return verify_bundle(data, folder.partner.trust, policy, asked.now)


def _read_repository(asked: argparse.Namespace) -> VerifiedBundle:
    partner = tomllib.loads((asked.trust / "partner.toml").read_text("utf-8"))
    contracts = _contracts(asked.trust)
    deal = load_agreement(asked.trust / "agreement.toml", contracts)
    head = _head(asked.previous)
    with tempfile.TemporaryDirectory() as folder:
        trusted = Path(folder) / "trusted"
        if asked.earlier:
            before = _open(asked, asked.earlier, trusted, asked.earlier_now, partner)
            before.find(asked.stream, asked.sequence)
        publisher = _open(asked, asked.repository, trusted, asked.now, partner)
        trust = publisher.trust(partner["code"])
        publisher.check_continues(asked.stream, head)
        came = Path(folder) / "came"
        data = _fetched(asked, publisher, came, deal, contracts)
    policy = Policy(
        contracts=contracts, recipient=partner["recipient"], agreements=(deal,), head=head
    )
    return verify_bundle(data, trust, policy, asked.now)


def _open(
    asked: argparse.Namespace, at: Path, trusted: Path, now: datetime, partner: dict[str, object]
) -> Publisher:
    root = (asked.trust / "root.json").read_bytes()
    stale = int(str(partner["max_stale_days"]))
    return open_publisher(FolderCarrier(at), trusted, root, now, stale, code=str(partner["code"]))


def _fetched(
    asked: argparse.Namespace,
    publisher: Publisher,
    came: Path,
    deal: Agreement,
    contracts: dict[str, Contract],
) -> bytes:
    listed = publisher.find(asked.stream, asked.sequence)
    if listed is None:
        raise refusal(
            "fetch",
            Text(en="this number is not published", zh="该序号尚未发布"),
            expected=asked.sequence,
            found=publisher.last(asked.stream),
        )
    grants: Sequence[object] = [g for g in deal.grants if deal.stream_id(g) == asked.stream]
    if not fits(grants, contracts, listed.is_encrypted):  # type: ignore[arg-type]
        raise refusal(
            "decrypt",
            Text(en="not encrypted as agreed", zh="加密方式与协议约定不符"),
            expected="as the agreement says",
            found=f"encrypted: {listed.is_encrypted}",
        )
    publisher.download(listed, came)
    data = _decrypted(came, asked.identity if listed.is_encrypted else None)
    _check_listed_statement(data, listed.statement_sha256)
    return data


def _check_listed_statement(data: bytes, expected: str) -> None:
    entries = read_container(data, DEFAULT_LIMITS)
    found = sha256_hex(read_envelope(entries[STATEMENT_ENTRY], DEFAULT_LIMITS).payload)
    if found != expected:
        raise refusal(
            "trust",
            Text(en="the list names another statement", zh="清单所列的声明摘要不符"),
            expected=expected,
            found=found,
        )


def _contracts(trust: Path) -> dict[str, Contract]:
    found = (parse_contract(p.read_bytes()) for p in sorted(trust.glob("contracts/*.odcs.yaml")))
    return {contract.record_type: contract for contract in found}


if __name__ == "__main__":
    sys.exit(main())
