"""Evidence of what this node itself published, in the same form as of what it took in.

Our own bundle, our own lists as they are now, and the partner's signed word that it has it: what a
partner's evidence says from its side, said from ours.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.agreement.keeping import kept_agreement
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.policy import ChainHead, Policy
from exchange.bundle.verify import verify_bundle
from exchange.files import mapped
from exchange.repository.folder import FolderCarrier
from exchange.trust.client import open_publisher
from exchange.trust.evidence import STATEMENT, Basis, Kept, keep
from flows.heads import own_streams
from flows.history import read_kept_statement
from flows.time_basis import Said, TimeBasis, acknowledgement, own_file
from flows.workspace import scratch_folder
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement
    from hefu.node import Node


def own_statements(node: Node) -> Iterator[Said]:
    """All that this node has published, by stream and number."""
    for stream in own_streams(node):
        for path in sorted((node.place("sent") / stream).glob(f"*{STATEMENT}")):
            yield Said(path, *read_kept_statement(path))


@contextmanager
def own_evidence(node: Node, said: Said, now: datetime) -> Iterator[tuple[Kept, TimeBasis]]:
    """The evidence of our own bundle as of ``now``, for a while.

    Raises ``VerificationError`` if it is not signed by today's keys (then it can be signed again:
    ``hefu publish --again``) or its agreement has ended (then the partner's evidence of its receipt
    is what proves it), ``ConfigError`` without that agreement.
    """
    told = said.statement
    root = (node.place("repository") / "metadata" / "1.root.json").read_bytes()
    agreement = _agreement(node, told.agreement.digest)
    recipient = told.recipients[0].code
    policy = Policy(
        contracts=INSTALLED,
        recipient=recipient,
        agreements=(agreement,),
        head=ChainHead(told.sequence - 1, told.previous_statement_sha256),
    )
    with (
        scratch_folder(node) as folder,
        own_file(node, told.stream, told.sequence) as plain,
        plain.open("rb") as file,
    ):
        data = mapped(file)
        carrier = FolderCarrier(node.place("repository"))
        publisher = open_publisher(carrier, folder / "trusted", root, now)
        listed = publisher.find(told.stream, told.sequence)
        bundle = verify_bundle(data, publisher.trust(node.agency.code), policy, now)
        basis = Basis(recipient, agreement, INSTALLED, root, publisher.metadata())
        encrypted = listed.sha256 if listed is not None and listed.is_encrypted else None
        kept = keep(
            folder / "inbox", bundle, _copy(plain, folder / "bundle"), basis, now, encrypted
        )
        answer = acknowledgement(node, recipient, said)
        yield kept, TimeBasis("own_publication", now, acknowledged=answer)


def _copy(source: Path, to: Path) -> Path:
    """Evidence is kept under a second name of the file: never of the one in the repository."""
    shutil.copyfile(source, to)
    return to


def _agreement(node: Node, digest: str) -> Agreement:
    found = next((a for a in node.agreements() if a.digest() == digest), None)
    agreement = found or kept_agreement(node.place("sent"), digest)
    if agreement is None:
        raise ConfigError(
            Text(
                en="the agreement that this bundle was sent under is not here",
                zh="找不到发送该数据包所依据的协议",
            ),
            where=Where(str(node.root / "agreements")),
            hint=Text(
                en=f"put its file back into agreements/; its digest is {digest}",
                zh=f"请将该版协议文件放回 agreements/（摘要 {digest}）",
            ),
        )
    return agreement
