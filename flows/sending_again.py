"""The very same statement once more: for a partner that can't get, open or verify what was sent.

The file is signed by today's keys and, where the agreement says so, encrypted to today's
recipients. Payload, entries and chain stay as they are: whoever took the bundle in before sees
the same statement and does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.agreement.encryption import is_encrypted
from exchange.agreement.versions import grant_of, in_force
from exchange.bundle.build import resign
from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.bundle.contracts import INSTALLED
from exchange.errors import refusal
from exchange.files import mapped
from exchange.jsontext import sha256_hex
from exchange.keys.encryption import decrypt_file, encrypt_file, is_encrypted_file
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.local import published, replace
from flows.sending import recipients_of
from flows.workspace import scratch_folder
from hefu.node import Node
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement, Grant
    from exchange.repository.tree import Listed


@dataclass(frozen=True, slots=True)
class SentAgain:
    """A bundle that was put out again. ``size``: of the file, in bytes."""

    stream: str
    partner: str
    partner_name: str
    sequence: int
    statement_sha256: str
    path: Path
    size: int


def send_again(node: Node, stream: str, sequence: int, now: datetime) -> SentAgain:
    """Put the statement with this number out again, in place of the file that is listed now.

    The content comes from our own repository; if the file is lost there, from whatever copy a
    person has put in its place (a backup's, or the partner's, encrypted for us or plain).

    Raises ``ConfigError`` for a stream that is not ours, a number that was not published, an
    agreement that does not run, or a file that is not there; ``VerificationError`` if the file is
    not the bundle with this statement.
    """
    agreement, grant = _of_ours(node, stream, now)
    agreement.check_running(now)
    listed = published(node.place("repository"), stream, sequence)
    if listed is None:
        raise _not_published(node, stream, sequence)
    source = node.place("repository") / listed.file
    if not source.is_file():
        raise _lost(source, stream, sequence, agreement.party(grant.to_org).name)
    with scratch_folder(node) as folder:
        again = folder / "again.hefu"
        envelope = _signed_anew(node, _plain(node, source, folder), listed, again)
        leaving = again
        if is_encrypted(grant, INSTALLED):
            leaving = folder / "again.hefu.age"
            encrypt_file(again, leaving, recipients_of(node, grant.to_org))
        size = leaving.stat().st_size
        path = replace(
            node.place("repository"),
            node.place("sent"),
            stream,
            sequence,
            leaving,
            envelope,
            node.signers(),
            node.periods(),
            now,
        )
    return SentAgain(
        stream,
        grant.to_org,
        agreement.party(grant.to_org).name,
        sequence,
        listed.statement_sha256,
        path,
        size,
    )


def _of_ours(node: Node, stream: str, now: datetime) -> tuple[Agreement, Grant]:
    ours = [
        (agreement, grant)
        for agreement in in_force(node.agreements(), now)
        if (grant := grant_of(agreement, stream)) and grant.from_org == node.agency.code
    ]
    if ours:
        return ours[0]
    known = [
        agreement.stream_id(grant)
        for agreement in in_force(node.agreements(), now)
        for grant in agreement.grants_from(node.agency.code)
    ]
    raise ConfigError(
        Text(en=f"this node sends nothing as {stream!r}", zh=f"本节点没有名为 {stream!r} 的发送流"),
        where=Where(str(node.root / "agreements")),
        hint=Text(
            en=f"streams of this node: {', '.join(known) or 'none'}",
            zh=f"本节点的发送流：{'、'.join(known) or '（无）'}",
        ),
    )


def _plain(node: Node, source: Path, folder: Path) -> Path:
    if not is_encrypted_file(source):
        return source
    plain = folder / "plain.hefu"
    decrypt_file(source, plain, node.identities())
    return plain


def _signed_anew(node: Node, plain: Path, listed: Listed, to: Path) -> bytes:
    """Write the same statement under today's signatures; returns its envelope."""
    with plain.open("rb") as file:
        data = mapped(file)
        written = resign(data, node.signers().all, to)
    if sha256_hex(written.payload) != listed.statement_sha256:
        raise refusal(
            "stream",
            Text(
                en="the file holds another statement than the one that was published",
                zh="该文件中的声明与已发布的声明不同",
            ),
            expected=listed.statement_sha256,
            found=sha256_hex(written.payload),
            entry=str(plain),
            hint=Text(
                en="nothing was published; find the copy with the expected digest",
                zh="未发布任何内容；请找到摘要相符的副本",
            ),
        )
    with to.open("rb") as file:
        data = mapped(file)
        return bytes(read_container(data, DEFAULT_LIMITS)[STATEMENT_ENTRY])


def _not_published(node: Node, stream: str, sequence: int) -> ConfigError:
    return ConfigError(
        Text(
            en=f"number {sequence} of {stream} was never published",
            zh=f"{stream} 第 {sequence} 号从未发布",
        ),
        where=Where(str(node.place("repository"))),
        hint=Text(
            en="see hefu status for the numbers; what is new goes out with hefu publish",
            zh="序号请见 hefu status；新内容请用 hefu publish 发布",
        ),
    )


def _lost(path: Path, stream: str, sequence: int, partner: str) -> ConfigError:
    return ConfigError(
        Text(
            en=f"the file of number {sequence} of {stream} is not in the repository",
            zh=f"发布目录中没有 {stream} 第 {sequence} 号的文件",
        ),
        where=Where(str(path)),
        hint=Text(
            en="put a copy at this very place, from a backup, from a place that the repository is "
            f"copied to or from {partner}'s inbox (plain or encrypted for us), and run it again: "
            "the copy is checked",
            zh="请把副本放到上述位置（来自备份、发布位置或"
            f"{partner}的收件目录均可，明文或加密给本节点的均可），然后重新执行；程序会核对副本",
        ),
    )
