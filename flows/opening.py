"""From a partner's repository to a verified bundle: fetch, trust, decrypt, verify.

What arrives lies in a private folder below ``tmp/`` for as long as it is looked at. The verified
bytes are the used bytes: a mapping of a file that only this process may write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.agreement.encryption import fits
from exchange.agreement.versions import grant_of, in_force, versions_of
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.verify import ChainHead, Policy, VerifiedBundle, verify_bundle
from exchange.errors import refusal
from exchange.files import mapped
from flows.workspace import scratch_folder
from schemas.errors import VerificationError
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement, Grant
    from exchange.bundle.policy import Trust
    from exchange.bundle.statement import Predicate
    from exchange.trust.client import Listed, Publisher
    from hefu.node import Node


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle that passed, while its file is open. ``plain``: the bundle without encryption."""

    bundle: VerifiedBundle
    plain: Path
    encrypted_sha256: str | None
    """Of the file as it was published, if it was encrypted."""
    agreement: Agreement
    grant: Grant
    """What it was made under: the version that holds, or one before it."""
    warnings: tuple[Text, ...]


@contextmanager
def opened(
    node: Node,
    publisher: Publisher,
    listed: Listed,
    under: tuple[Agreement, Grant],
    head: ChainHead,
    now: datetime,
) -> Iterator[Opened]:
    """The bundle that ``listed`` names, verified for this node; its files go at the end.

    Raises ``VerificationError`` with the step that failed, ``RetryableError`` when the place can't
    be read.
    """
    agreement, grant = under
    versions = versions_of(node.agreements(), agreement) or (agreement,)
    with scratch_folder(node) as folder:
        came = folder / "came"
        publisher.download(listed, came)
        stream = agreement.stream_id(grant)
        grants = [(v, g) for v in versions if (g := grant_of(v, stream)) is not None]
        plain = _plain(node, listed, [g for _, g in grants], came, folder / "plain")
        policy = Policy(
            contracts=INSTALLED,
            recipient=node.agency.code,
            agreements=versions,
            head=head,
        )
        trust: Trust = publisher.trust(grant.from_org)
        with plain.open("rb") as file:
            data = mapped(file)
            bundle = verify_bundle(data, trust, policy, now)
            listed.check_statement(bundle.statement_sha256)
            named = bundle.statement.agreement
            made_under = next((v, g) for v, g in grants if v.reference() == named)
            if not fits([made_under[1]], INSTALLED, listed.is_encrypted):
                raise _not_as_agreed(listed.is_encrypted)
            sha256 = listed.sha256 if listed.is_encrypted else None
            warnings = (*bundle.warnings, *_replaced(versions, made_under[0], bundle.statement))
            yield Opened(bundle, plain, sha256, *made_under, warnings)


def _plain(node: Node, listed: Listed, grants: Sequence[Grant], came: Path, to: Path) -> Path:
    """The file without its encryption, which must be there exactly if the agreement says so.

    Of several versions of the agreement any may; which one it is stands in the bundle.
    """
    if not fits(grants, INSTALLED, listed.is_encrypted):
        raise _not_as_agreed(listed.is_encrypted)
    if not listed.is_encrypted:
        return came
    from exchange.keys.encryption import decrypt_file

    decrypt_file(came, to, node.identities())
    came.unlink()
    return to


def _not_as_agreed(is_encrypted: bool) -> VerificationError:
    words = {True: "an encrypted bundle", False: "a bundle without encryption"}
    return refusal(
        "decrypt",
        Text(
            en="the bundle is not encrypted as the agreement says",
            zh="数据包的加密方式与协议约定不符",
        ),
        expected=words[not is_encrypted],
        found=words[is_encrypted],
    )


def _replaced(
    versions: Sequence[Agreement], made_under: Agreement, statement: Predicate
) -> Iterator[Text]:
    """Told, not refused: both agencies did agree on it, and the chain could not go on."""
    (holding,) = in_force(versions, statement.created_time)
    if holding.version != made_under.version:
        yield Text(
            en=f"bundle {statement.sequence} was made under version {made_under.version} of the "
            f"agreement (digest {made_under.digest()}) although version {holding.version} (digest "
            f"{holding.digest()}) held: ask the partner to put the new file into agreements/",
            zh=f"第 {statement.sequence} 号数据包依据协议第 {made_under.version} 版"
            f"（摘要 {made_under.digest()}）生成，而当时有效的是第 {holding.version} 版"
            f"（摘要 {holding.digest()}）：请合作单位将新版协议文件放入 agreements/",
        )
