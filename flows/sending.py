"""From decided contents to a published bundle: write, sign, verify as the partner will, encrypt,
put into the repository.

The bundle without encryption lies in a private folder below ``tmp/`` for as long as this runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.agreement.encryption import is_encrypted
from exchange.agreement.keeping import keep_agreement
from exchange.bundle.build import BundleContents, write_bundle
from exchange.bundle.layout import STATEMENT_ENTRY
from exchange.bundle.verify import verify_own
from exchange.files import mapped
from exchange.keys.signing import PublicKey
from exchange.repository.local import publish
from flows.workspace import scratch_folder
from hefu.node import Node
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.bundle.statement import Predicate


@dataclass(frozen=True, slots=True)
class Sent:
    """A bundle in our repository. ``size``: of the published file, in bytes."""

    statement: Predicate
    path: Path
    size: int


def send(node: Node, contents: BundleContents, created: datetime, now: datetime) -> Sent:
    """Publish one bundle as the next of its stream. ``created``: when it counts as made.

    Raises ``ConfigError`` when the partner's key for encryption is not here, ``RetryableError``
    when another process published meanwhile.
    """
    agreement, grant = contents.agreement, contents.grant
    signers = node.signers()
    keys = [PublicKey.of(signer) for signer in signers.all]
    with scratch_folder(node) as folder:
        plain = folder / "bundle.hefu"
        written = write_bundle(contents, signers.all, created, plain)
        with plain.open("rb") as file:
            data = mapped(file)
            # A chain cannot skip a bundle that its reader refuses, so refuse it ourselves first.
            own = verify_own(data, contents, keys, created)
            envelope = bytes(own.entries[STATEMENT_ENTRY])
        leaving = plain
        if is_encrypted(grant, contents.contracts):
            from exchange.keys.encryption import encrypt_file

            leaving = folder / "bundle.hefu.age"
            encrypt_file(plain, leaving, recipients_of(node, grant.to_org))
        size = leaving.stat().st_size
        # What the partner was told is known only with the agreement at hand that it was under.
        keep_agreement(node.place("sent"), agreement)
        path = publish(
            node.place("repository"),
            node.place("sent"),
            agreement.stream_id(grant),
            contents.sequence,
            leaving,
            envelope,
            signers,
            node.periods(),
            now,
        )
    return Sent(written.statement.predicate, path, size)


def recipients_of(node: Node, partner: str) -> Sequence[str]:
    """Who can open what we send to a partner: the partner, and we ourselves.

    Our own key is among them so that we can prove what we said, and sign it again when a key of
    ours had to be revoked. Raises ``ConfigError`` while the partner's card is not here.
    """
    theirs = next((p for p in node.partners() if p.code == partner), None)
    if theirs is None or theirs.facts is None or not theirs.facts.recipients:
        raise ConfigError(
            Text(
                en=f"the key with which to encrypt for {partner} is not here",
                zh=f"没有 {partner} 的加密公钥，无法向其发送加密数据包",
            ),
            where=Where(str(node.root / "partners" / partner)),
            hint=Text(
                en="hefu partner add CARD, with the card that the partner handed over",
                zh="请用合作单位交来的名片执行 hefu partner add 名片文件",
            ),
        )
    return (*theirs.facts.recipients, node.own_recipient())
