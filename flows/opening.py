"""From a partner's repository to a verified bundle: fetch, trust, decrypt, verify.

What arrives lies in a private folder below ``tmp/`` for as long as it is looked at. The verified
bytes are the used bytes: a mapping of a file that only this process may write.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.agreement.encryption import is_encrypted
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.verify import ChainHead, Policy, VerifiedBundle, verify_bundle
from exchange.errors import refusal
from flows.workspace import scratch_folder
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.client import Listed, Publisher

    from exchange.agreement.model import Agreement, Grant
    from exchange.bundle.policy import Trust
    from hefu.node import Node


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle that passed, while its file is open. ``plain``: the bundle without encryption."""

    bundle: VerifiedBundle
    plain: Path
    encrypted_sha256: str | None
    """Of the file as it was published, if it was encrypted."""


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
    with scratch_folder(node) as folder:
        came = folder / "came"
        publisher.download(listed, came)
        plain = _plain(node, listed, grant, came, folder / "plain")
        policy = Policy(
            contracts=INSTALLED,
            recipient=node.agency.code,
            agreements=(agreement,),
            head=head,
        )
        trust: Trust = publisher.trust(grant.from_org)
        with plain.open("rb") as file, mapped(file.fileno()) as data:
            bundle = verify_bundle(data, trust, policy, now)
            yield Opened(bundle, plain, listed.sha256 if listed.is_encrypted else None)


def _plain(node: Node, listed: Listed, grant: Grant, came: Path, to: Path) -> Path:
    """The file without its encryption, which must be there exactly if the agreement says so."""
    agreed = is_encrypted(grant, INSTALLED)
    if listed.is_encrypted != agreed:
        words = {True: "an encrypted bundle", False: "a bundle without encryption"}
        raise refusal(
            "decrypt",
            Text(
                en="the bundle is not encrypted as the agreement says",
                zh="数据包的加密方式与协议约定不符",
            ),
            expected=words[agreed],
            found=words[listed.is_encrypted],
        )
    if not agreed:
        return came
    from exchange.keys.encryption import decrypt_file

    decrypt_file(came, to, node.identities())
    came.unlink()
    return to


@contextmanager
def mapped(descriptor: int) -> Iterator[bytes | mmap.mmap]:
    """The file's bytes without a copy. Views may outlive the block; the mapping goes with them."""
    if os.fstat(descriptor).st_size == 0:
        yield b""
        return
    yield mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
