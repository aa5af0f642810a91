"""What the time of a receipt rests on: more than this node's own word, if there is more.

The receipt that this node wrote for a bundle carries the same time, and leaves in a bundle that
this node signed. Once the partner has taken that bundle in, its own signed statements say so
(``heads``), with the digest of the statement that the receipt is in: from then on nobody can
write another time into it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from exchange.bundle.contracts import INSTALLED
from exchange.bundle.policy import Policy
from exchange.bundle.statement import Predicate
from exchange.bundle.verify import VerifiedBundle, verify_bundle
from exchange.errors import refusal
from exchange.files import mapped
from exchange.keys.encryption import decrypt_file, is_encrypted_file
from exchange.limits import Readable
from exchange.repository.local import published
from exchange.trust.evidence import STATEMENT, Evidence
from exchange.trust.evidence_verify import legal_time
from flows.heads import own_streams
from flows.history import known_trusts, read_kept_statement
from flows.workspace import scratch_folder
from lake.ledger import Ledger
from schemas.errors import HefuError, VerificationError
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node

Level = Literal["own_word", "signed_receipt", "acknowledged", "own_publication"]


@dataclass(frozen=True, slots=True)
class Said:
    """One signed statement: where it lies, and what it says of itself."""

    path: Path
    statement: Predicate
    digest: str

    @property
    def place(self) -> str:
        return f"{self.statement.stream} #{self.statement.sequence}"


@dataclass(frozen=True, slots=True)
class TimeBasis:
    """``receipt``: the statement of our bundle that carries the receipt; ``acknowledged``: the
    partner's first statement that says it took that bundle (or a later one) in. Of a bundle that
    this node published itself (``own_publication``) only the latter, and the time is that of the
    verification."""

    level: Level
    received_time: datetime
    receipt: Said | None = None
    acknowledged: Said | None = None
    warnings: tuple[Text, ...] = ()

    @property
    def text(self) -> Text:
        time = legal_time(self.received_time)
        if self.level == "own_publication":
            return self._own_text(time)
        if self.receipt is None:
            return Text(
                en=f"received {time}: this node's own word",
                zh=f"接收时间 {time}：仅为本节点自述",
            )
        made = legal_time(self.receipt.statement.created_time)
        if self.acknowledged is None:
            return Text(
                en=f"received {time}: our signed receipt of {made} in {self.receipt.place}",
                zh=f"接收时间 {time}：见本节点 {made} 签名发出的回执（{self.receipt.place}）",
            )
        told = self.acknowledged.statement
        answered = legal_time(told.created_time)
        return Text(
            en=f"received {time}: our signed receipt of {made} in {self.receipt.place}; "
            f"the partner has acknowledged it in its own signed statement of {answered}, "
            f"{self.acknowledged.place}",
            zh=f"接收时间 {time}：见本节点 {made} 签名发出的回执（{self.receipt.place}）；"
            f"对方已在其 {answered} 签名的声明中确认收到（{self.acknowledged.place}）",
        )

    def _own_text(self, time: str) -> Text:
        if self.acknowledged is None:
            return Text(
                en=f"published by this node, verified {time}; the partner has not yet said that "
                "it took it in",
                zh=f"本节点发布，于 {time} 核验；对方尚未声明已接收",
            )
        answered = legal_time(self.acknowledged.statement.created_time)
        return Text(
            en=f"published by this node, verified {time}; the partner has said that it took it in, "
            f"in its own signed statement of {answered}, {self.acknowledged.place}",
            zh=f"本节点发布，于 {time} 核验；对方已在其 {answered} 签名的声明中确认收到"
            f"（{self.acknowledged.place}）",
        )


def time_basis(node: Node, evidence: Evidence) -> TimeBasis:
    """What stands behind ``evidence.received_time``.

    Raises ``VerificationError`` (step ``stream``) if the ledger or a receipt that this node signed
    names another time or another statement: then the evidence was changed.
    """
    _check_ledger(node, evidence)
    warnings: list[Text] = []
    for said in _receipt_statements(node, evidence):
        try:
            found = _receipt_time(node, said, evidence)
        except HefuError as error:
            warnings.append(_not_opened(said, error))
            continue
        if found is None:
            continue
        _require("receipt", evidence.received_time, found, said.place)
        answer = acknowledgement(node, evidence.publisher, said)
        level: Level = "acknowledged" if answer else "signed_receipt"
        return TimeBasis(level, evidence.received_time, said, answer)
    return TimeBasis("own_word", evidence.received_time, warnings=tuple(warnings))


def _check_ledger(node: Node, evidence: Evidence) -> None:
    for entry in Ledger(str(node.place("lake"))).entries():
        if (entry.publisher, entry.stream, entry.sequence) == (
            evidence.publisher, evidence.stream, evidence.sequence,
        ):  # fmt: skip
            place = "lake/bundles"
            _require("ledger", evidence.statement_sha256, entry.statement_digest, place)
            _require("ledger", evidence.received_time, entry.received_time, place)


def _receipt_statements(node: Node, evidence: Evidence) -> list[Said]:
    """What we sent to the publisher with receipts in it. What was sent since the bundle came is
    looked at first, then the rest: a time that was moved ahead by hand hides no receipt."""
    found = []
    for stream in own_streams(node):
        for path in sorted((node.place("sent") / stream).glob(f"*{STATEMENT}")):
            statement, digest = read_kept_statement(path)
            is_theirs = evidence.publisher in {r.code for r in statement.recipients}
            if is_theirs and statement.counts.get("receipt", 0) > 0:
                found.append(Said(path, statement, digest))
    received = evidence.received_time
    times = {one.digest: one.statement.created_time for one in found}
    return sorted(found, key=lambda one: (times[one.digest] < received, times[one.digest]))


def _receipt_time(node: Node, said: Said, evidence: Evidence) -> datetime | None:
    """The time in our receipt for this very statement; None if it isn't in that bundle."""
    with own_bundle(node, said) as bundle:
        for batch in bundle.batches("receipt"):
            for row in batch.to_pylist():
                if (
                    row.get("refers_to_bundle_digest") == evidence.statement_sha256
                    and row.get("receipt_grade") == "taken_in"
                ):
                    time: datetime | None = row.get("receipt_time")
                    return time
    return None


@contextmanager
def own_bundle(node: Node, said: Said) -> Iterator[VerifiedBundle]:
    """A bundle that this node published, verified with the keys that it had.

    Raises ``VerificationError``, ``ConfigError`` if it is not in the repository or can't be opened.
    """
    told = said.statement
    with (
        own_file(node, told.stream, told.sequence) as plain,
        plain.open("rb") as file,
    ):
        yield _verify_own_word(node, mapped(file), told.created_time)


@contextmanager
def own_file(node: Node, stream: str, sequence: int) -> Iterator[Path]:
    """The file of a bundle that this node published, without encryption, for a while."""
    listed = published(node.place("repository"), stream, sequence)
    path = node.place("repository") / listed.file if listed else None
    if path is None or not path.is_file():
        raise refusal(
            "fetch",
            Text(en="our own bundle is not in the repository", zh="发布目录中没有本节点的该数据包"),
            expected=f"{stream} #{sequence}",
            found="no file",
        )
    with scratch_folder(node) as folder:
        plain = path
        if is_encrypted_file(path):
            plain = folder / "plain"
            decrypt_file(path, plain, node.identities())
        yield plain


def _verify_own_word(node: Node, data: Readable, made: datetime) -> VerifiedBundle:
    """Verify what this agency itself once signed, by any of the keys that it ever had for it."""
    policy = Policy(contracts=INSTALLED, standalone=True)
    failed = refusal(
        "signature",
        Text(en="this node has no published keys", zh="本节点尚无已发布的密钥"),
        expected="keys of role bundles",
        found="none",
    )
    for trust in known_trusts(node, node.agency.code):
        try:
            return verify_bundle(data, trust, policy, made)
        except VerificationError as error:
            failed = error
    raise failed


def acknowledgement(node: Node, partner: str, sent_one: Said) -> Said | None:
    """The partner's first statement that says it took in this bundle of ours, or a later one."""
    told = sent_one.statement
    ours = (told.publisher.code, told.stream)
    found = []
    for path in node.place("inbox").glob(f"{partner}/streams/*/*{STATEMENT}"):
        statement, digest = read_kept_statement(path)
        for head in statement.heads:
            if (head.publisher, head.stream) == ours and head.sequence >= told.sequence:
                sent = node.place("sent") / told.stream / f"{head.sequence:08d}{STATEMENT}"
                if sent.is_file() and read_kept_statement(sent)[1] == head.statement_sha256:
                    found.append(Said(path, statement, digest))
    return min(found, key=lambda one: one.statement.created_time, default=None)


def _require(what: str, expected: object, found: object, place: str) -> None:
    if expected != found:
        raise refusal(
            "stream",
            Text(
                en=f"the evidence says something else than this node's own {what}",
                zh="证据记录与本节点自身的台账或已签名回执不一致",
            ),
            expected=found,
            found=expected,
            entry=place,
            hint=Text(
                en="the evidence record was changed after it was written; put it back from a "
                "backup",
                zh="证据记录写成后被改动，请从备份中恢复",
            ),
        )


def _not_opened(said: Said, error: HefuError) -> Text:
    return Text(
        en=f"our own bundle {said.place} could not be opened to look for the receipt: "
        f"{error.message.en}",
        zh=f"无法打开本节点发出的 {said.place} 以查找回执：{error.message.zh}",
    )
