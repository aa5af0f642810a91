"""Verify a bundle as of the day when it was received, from what was kept with it.

Pure but for a temporary folder that TUF's client works in: everything comes from the evidence, no
clock and no network is asked, and nothing that holds today (keys, agreements, contracts) is looked
at. What the result rests on is said step by step, and so is what it does not show.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.agreement.model import LEGAL_TIME
from exchange.bundle.policy import ChainHead, Policy
from exchange.bundle.statement import Predicate, read_statement
from exchange.bundle.verify import VerifiedBundle, verify_bundle
from exchange.errors import Step, refusal
from exchange.files import mapped
from exchange.jsontext import parse_strict, sha256_hex
from exchange.limits import DEFAULT_LIMITS, Limits, Readable
from exchange.trust.evidence import Evidence, Kept
from schemas.errors import DataError, OutsideError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.agreement.model import Agreement
    from exchange.trust.client import Freshness, Publisher
    from schemas.contract import Contract


@dataclass(frozen=True, slots=True)
class Proof:
    """An evidence record and all that its digests name, read into memory; ``bundle`` is a file.

    ``statement``: the signed envelope, which stays when the bundle was let go of.
    """

    evidence: Evidence
    bundle: Path
    statement: bytes
    root: bytes
    metadata: Mapping[str, bytes]
    agreement: bytes
    contracts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Check:
    """One step that passed. ``found``: what it rests on."""

    name: Text
    found: Text


@dataclass(frozen=True)
class Proven:
    """The bundle as it was verified. ``root_fingerprint``: of the partner's root file, to hold
    against the card that was handed over."""

    bundle: VerifiedBundle
    agreement: Agreement
    freshness: Freshness
    root_fingerprint: str
    checks: tuple[Check, ...]
    warnings: tuple[Text, ...]


def proof_of(kept: Kept) -> Proof:
    """Read what an inbox kept. Raises ``DataError`` for what is missing or changed, or if the
    bundle was let go of at the end of its retention."""
    if not kept.bundle.is_file():
        raise DataError(
            Text(
                en="the bundle was let go of at the end of its retention; its digests and its "
                "signed statement are still here",
                zh="该数据包已按协议约定的保存期限清除，仅存其摘要与已签名的声明",
            ),
            where=Where(str(kept.bundle)),
            hint=Text(
                en="the publisher's own copy has the SHA-256 that hefu evidence list shows",
                zh="发送方留存的同一文件，其 SHA-256 应与 hefu evidence list 所列一致",
            ),
        )
    return Proof(
        kept.evidence,
        kept.bundle,
        kept.statement.read_bytes(),
        kept.root(),
        kept.metadata(),
        kept.agreement(),
        kept.contracts(),
    )


def _while_it_ran(agreement: Agreement, received_time: datetime) -> datetime:
    """The time of receipt, or the last moment of an agreement that had ended by then: a bundle of
    its time may be taken in under the version that follows on it, which is not kept with it.
    """
    day_after = agreement.valid_until + timedelta(days=1)
    end = datetime.combine(day_after, time(), LEGAL_TIME) - timedelta(microseconds=1)
    return min(received_time, end)


def verify_evidence(
    proof: Proof, before: ChainHead | None = None, limits: Limits = DEFAULT_LIMITS
) -> Proven:
    """Verify as of ``received_time``. Raises ``VerificationError`` with the step that fails.

    ``before``: the chain's head before this bundle as the receiver's other evidence has it;
    without it a warning says that it wasn't looked at.
    """
    evidence = proof.evidence
    checks: list[Check] = []
    with proof.bundle.open("rb") as file:
        data = mapped(file)
    _check_file(evidence, data, checks)
    agreement = _agreement(proof, limits)
    publisher = _publisher(proof, checks)
    _check_listed(evidence, publisher, checks)
    policy = Policy(
        contracts={name: _contract(raw) for name, raw in proof.contracts.items()},
        recipient=evidence.recipient,
        agreements=(agreement,),
        head=before or _claimed_head(proof.statement, limits),
        limits=limits,
    )
    trust = publisher.trust(evidence.publisher)
    bundle = verify_bundle(data, trust, policy, _while_it_ran(agreement, evidence.received_time))
    told = bundle.statement
    _require(
        "statement",
        (evidence.statement_sha256, evidence.stream, evidence.sequence),
        (bundle.statement_sha256, told.stream, told.sequence),
    )
    checks += _bundle_checks(bundle, agreement, len(trust.keys), trust.threshold)
    warnings = list(bundle.warnings)
    if before is None and told.sequence > 1:
        warnings.append(_CHAIN_NOT_LOOKED_AT)
    return Proven(
        bundle,
        agreement,
        publisher.freshness,
        in_groups(evidence.root_sha256),
        tuple(checks),
        tuple(warnings),
    )


def in_groups(digest: str) -> str:
    """64 hex digits in groups of four, as they are read aloud."""
    return " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))


def legal_time(moment: datetime) -> str:
    """As a case file has it: Chinese legal time, to the second."""
    from exchange.agreement.model import LEGAL_TIME

    return moment.astimezone(LEGAL_TIME).strftime("%Y-%m-%d %H:%M:%S (UTC+8)")


def statement_of(envelope: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Predicate, str]:
    """Predicate and digest of a signed statement, without looking at its signatures."""
    from exchange.bundle.dsse import read_envelope

    payload = read_envelope(envelope, limits).payload
    return read_statement(payload, limits).predicate, sha256_hex(payload)


def _check_file(evidence: Evidence, data: Readable, checks: list[Check]) -> None:
    _require("fetch", (evidence.file_sha256, evidence.file_size), (sha256_hex(data), len(data)))
    checks.append(
        Check(
            Text(en="The file is the one that was received", zh="文件即当时收到的文件"),
            Text(
                en=f"{len(data)} bytes, SHA-256 {evidence.file_sha256}",
                zh=f"{len(data)} 字节，SHA-256 {evidence.file_sha256}",
            ),
        )
    )


def _agreement(proof: Proof, limits: Limits) -> Agreement:
    from exchange.agreement.model import Agreement

    _require("agreement", proof.evidence.agreement_sha256, sha256_hex(proof.agreement))
    return Agreement.model_validate(
        parse_strict(proof.agreement, "agreement", "agreement.json", limits)
    )


def _contract(raw: bytes) -> Contract:
    from schemas.contract import parse_contract

    return parse_contract(raw)


def _publisher(proof: Proof, checks: list[Check]) -> Publisher:
    from exchange.repository.memory import MemoryCarrier
    from exchange.trust.client import open_publisher

    evidence = proof.evidence
    _require("trust", evidence.root_sha256, sha256_hex(proof.root))
    files = {
        (name if "/" in name else f"metadata/{name}"): data for name, data in proof.metadata.items()
    }
    try:
        with tempfile.TemporaryDirectory(prefix="hefu-evidence-") as folder:
            publisher = open_publisher(
                MemoryCarrier(files, "evidence"),
                Path(folder),
                proof.root,
                evidence.received_time,
                evidence.max_stale_days,
            )
            # Reads the list while the folder is there.
            publisher.find(evidence.stream, evidence.sequence)
    except OutsideError as error:  # no carrier but the evidence itself can be at fault
        raise refusal(
            "trust",
            Text(en="a file of the evidence is missing", zh="证据所需的文件缺失"),
            expected="every list that the view rested on",
            found=error.message.en,
            hint=_FROM_BACKUP,
        ) from error
    fresh = publisher.freshness
    published, expires = legal_time(fresh.published_time), legal_time(fresh.expires)
    checks.append(
        Check(
            Text(
                en="From the root that the agencies exchanged, the publisher's keys as they held "
                "when it was received",
                zh="自双方当面交换的信任根起，逐级核实发布单位当时有效的密钥",
            ),
            Text(
                en=f"root SHA-256 {evidence.root_sha256}; root version {publisher.root_version}; "
                f"list published {published}, good until {expires}",
                zh=f"信任根 SHA-256 {evidence.root_sha256}；信任根第 {publisher.root_version} 版；"
                f"清单发布于 {published}，有效至 {expires}",
            ),
        )
    )
    return publisher


def _check_listed(evidence: Evidence, publisher: Publisher, checks: list[Check]) -> None:
    listed = publisher.find(evidence.stream, evidence.sequence)
    published = evidence.encrypted_sha256 or evidence.file_sha256
    _require(
        "trust",
        (published, evidence.encrypted_sha256 is not None, evidence.statement_sha256),
        (listed.sha256, listed.is_encrypted, listed.statement_sha256) if listed else None,
    )
    checks.append(
        Check(
            Text(
                en="The publisher's signed list names this bundle",
                zh="发布单位签名的清单列有该数据包",
            ),
            Text(
                en=f"{evidence.stream} #{evidence.sequence}, file SHA-256 {published}",
                zh=f"{evidence.stream} 第 {evidence.sequence} 号，文件 SHA-256 {published}",
            ),
        )
    )


def _claimed_head(statement: bytes, limits: Limits) -> ChainHead:
    told, _ = statement_of(statement, limits)
    return ChainHead(told.sequence - 1, told.previous_statement_sha256)


def _bundle_checks(
    bundle: VerifiedBundle, agreement: Agreement, keys: int, threshold: int
) -> list[Check]:
    told = bundle.statement
    signed_by = "; ".join(key.key_id for key in bundle.signed_by)
    counts = ", ".join(f"{name} {count}" for name, count in sorted(told.counts.items()))
    return [
        Check(
            Text(en="Signed with the publisher's keys", zh="签名来自发布单位的密钥"),
            Text(
                en=f"{len(bundle.signed_by)} good signature(s), {threshold} of {keys} key(s) were "
                f"needed; key id {signed_by}",
                zh=f"有效签名 {len(bundle.signed_by)} 个（{keys} 把密钥中须有 {threshold} 把）；"
                f"密钥标识 {signed_by}",
            ),
        ),
        Check(
            Text(
                en="The statement names this publisher, this receiver and a running agreement",
                zh="声明所载发送方、接收方与当时有效的协议一致",
            ),
            Text(
                en=f"{told.publisher.code} to {', '.join(r.code for r in told.recipients)}; "
                f"agreement {agreement.id} version {agreement.version}, SHA-256 "
                f"{told.agreement.digest}",
                zh=f"{told.publisher.code} 发给 {'、'.join(r.code for r in told.recipients)}；"
                f"协议 {agreement.id} 第 {agreement.version} 版，SHA-256 {told.agreement.digest}",
            ),
        ),
        Check(
            Text(
                en="Every file in the bundle is the one that was signed",
                zh="数据包内每个文件与签名声明所列一致",
            ),
            Text(en=f"{len(bundle.entries)} entries", zh=f"共 {len(bundle.entries)} 个文件"),
        ),
        Check(
            Text(
                en="The tables have the columns of contract and agreement, and no other",
                zh="数据表的列与数据契约及协议授权一致，无多余列",
            ),
            Text(en=f"rows: {counts}", zh=f"行数：{counts}"),
        ),
    ]


_CHAIN_NOT_LOOKED_AT = Text(
    en="not looked at: that nothing is missing in the stream before this bundle",
    zh="未核对：该数据流中此前的数据包是否齐全",
)

_FROM_BACKUP = Text(en="put the files back from a backup", zh="请从备份中恢复这些文件")


def _require(step: Step, expected: object, found: object) -> None:
    if expected != found:
        raise refusal(
            step,
            Text(
                en="the evidence is not of this bundle, or was changed",
                zh="证据与该数据包不符，或已被改动",
            ),
            expected=expected,
            found=found,
            hint=_FROM_BACKUP,
        )
