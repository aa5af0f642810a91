"""What is kept with a bundle when it is taken in, so that it can be proved years later.

    inbox/<publisher>/streams/<stream>/00000001.hefu                  the verified plain bytes
                                       00000001.statement.dsse.json   its signed statement alone
                                       00000001.evidence.json         this module's ``Evidence``
                      metadata/<sha256>.json        TUF metadata that the view rested on, once each
                      agreements/<sha256>.json      the agreement in the form that its digest is of
                      contracts/<sha256>.odcs.yaml  our own contracts as they were

Nothing of it depends on what holds today: after a rotation, a revocation, a new agreement or a
new contract the bundle still verifies as of its receipt (``verify_evidence``). What must be
thrown away at the end of its retention is the bundle; digests and the statement stay.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exchange.bundle.layout import STATEMENT_ENTRY
from exchange.bundle.statement import Code, Count, RecordType, Sha256, StreamId, Time
from exchange.files import put_durably, sync_folder
from exchange.jsontext import canonical, parse_strict, sha256_hex
from exchange.limits import DEFAULT_LIMITS, Limits
from schemas.errors import ConfigError, DataError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.agreement.model import Agreement
    from exchange.bundle.verify import VerifiedBundle
    from schemas.contract import Contract

BUNDLE, STATEMENT, EVIDENCE = ".hefu", ".statement.dsse.json", ".evidence.json"

_PART = r"[A-Za-z0-9][A-Za-z0-9._%-]{0,254}"
MetadataName = Annotated[str, Field(pattern=rf"^{_PART}(/{_PART}){{0,7}}$", max_length=300)]
"""Leads nowhere but down: an exported folder may be an opponent's."""


class Evidence(BaseModel):
    """``<8>.evidence.json``, as canonical JSON (``exchange/FORMAT.md``). Digests are SHA-256.

    ``metadata``: file name below ``metadata/`` (``3.root.json``, ``timestamp.json``) or, with a
    slash, below the repository, to digest. ``encrypted_sha256``: of the file as it was published,
    if it was encrypted. ``received_time`` is this node's word; ``flows.time_basis`` says what
    else it rests on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type_: Annotated[Literal["urn:hefu:evidence:1"], Field(alias="_type")] = "urn:hefu:evidence:1"
    received_time: Time
    max_stale_days: Annotated[int, Field(ge=0, le=366)]
    publisher: Code
    recipient: Code
    stream: StreamId
    sequence: Annotated[int, Field(ge=1, le=99_999_999)]
    statement_sha256: Sha256
    file_sha256: Sha256
    file_size: Count
    encrypted_sha256: Sha256 | None
    root_sha256: Sha256
    metadata: Annotated[dict[MetadataName, Sha256], Field(min_length=1, max_length=4096)]
    agreement_sha256: Sha256
    contracts: dict[RecordType, Sha256]

    def to_bytes(self) -> bytes:
        return canonical(self.model_dump(by_alias=True, mode="json"))


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the things of one bundle lie in an inbox."""

    inbox: Path
    evidence: Evidence

    @property
    def _partner(self) -> Path:
        return self.inbox / self.evidence.publisher

    @property
    def _stem(self) -> Path:
        return evidence_folder(self.inbox, self.evidence.publisher, self.evidence.stream) / (
            f"{self.evidence.sequence:08d}"
        )

    @property
    def bundle(self) -> Path:
        """Not there any more once its retention is over."""
        return self._stem.with_suffix(BUNDLE)

    @property
    def statement(self) -> Path:
        return self._stem.with_suffix(STATEMENT)

    @property
    def record(self) -> Path:
        return self._stem.with_suffix(EVIDENCE)

    def metadata(self) -> dict[str, bytes]:
        """The metadata files by name. Raises ``DataError`` for one that is missing or changed."""
        folder = self._partner / "metadata"
        return {n: _read_kept(folder, d, ".json") for n, d in self.evidence.metadata.items()}

    def root(self) -> bytes:
        return _read_kept(self._partner / "metadata", self.evidence.root_sha256, ".json")

    def agreement(self) -> bytes:
        return _read_kept(self._partner / "agreements", self.evidence.agreement_sha256, ".json")

    def contracts(self) -> dict[str, bytes]:
        folder = self._partner / "contracts"
        named = self.evidence.contracts.items()
        return {name: _read_kept(folder, digest, ".odcs.yaml") for name, digest in named}


def evidence_folder(inbox: Path, publisher: str, stream: str) -> Path:
    return inbox / publisher / "streams" / stream


@dataclass(frozen=True, slots=True)
class Basis:
    """What a verification rested on: the receiver's code, agreement and contracts (as in its
    policy), the partner's root as it was handed over (``Partner.root``), the metadata of the
    view (``Publisher.metadata()``), and how many days it might be out of date."""

    recipient: str
    agreement: Agreement
    contracts: Mapping[str, Contract]
    root: bytes
    metadata: Mapping[str, bytes]
    max_stale_days: int = 0


def keep(
    inbox: Path,
    bundle: VerifiedBundle,
    plain: Path,
    basis: Basis,
    received_time: datetime,
    encrypted_sha256: str | None = None,
) -> Kept:
    """Keep ``bundle``, whose verified bytes are the file ``plain``, and what its trust rested on.

    Call it before the ledger names the bundle. A run that was killed is made good by the next:
    every file appears whole, and ``evidence.json`` last.
    """
    told = bundle.statement
    partner = inbox / told.publisher.code
    known = basis.contracts
    ours = {name: known[name].yaml_bytes for name in told.contracts if name in known}
    agreed = basis.agreement.canonical()
    digest, size = _digest_of(plain)
    kept = Kept(
        inbox,
        Evidence(
            received_time=received_time,
            max_stale_days=basis.max_stale_days,
            publisher=told.publisher.code,
            recipient=basis.recipient,
            stream=told.stream,
            sequence=told.sequence,
            statement_sha256=bundle.statement_sha256,
            file_sha256=digest,
            file_size=size,
            encrypted_sha256=encrypted_sha256,
            root_sha256=sha256_hex(basis.root),
            metadata={name: sha256_hex(data) for name, data in sorted(basis.metadata.items())},
            agreement_sha256=sha256_hex(agreed),
            contracts={name: sha256_hex(data) for name, data in sorted(ours.items())},
        ),
    )
    for folder in (partner / "metadata", partner / "agreements", partner / "contracts"):
        folder.mkdir(parents=True, exist_ok=True)
    for data in (basis.root, *basis.metadata.values()):
        _write_once(partner / "metadata" / f"{sha256_hex(data)}.json", data)
    _write_once(partner / "agreements" / f"{sha256_hex(agreed)}.json", agreed)
    for data in ours.values():
        _write_once(partner / "contracts" / f"{sha256_hex(data)}.odcs.yaml", data)
    kept.bundle.parent.mkdir(parents=True, exist_ok=True)
    _put_bundle(plain, kept.bundle)
    put_durably(kept.statement, bytes(bundle.entries[STATEMENT_ENTRY]))
    put_durably(kept.record, kept.evidence.to_bytes())
    sync_folder(kept.record.parent)
    return kept


def load(inbox: Path, publisher: str, stream: str, sequence: int) -> Kept:
    """The evidence of one bundle. Raises ``ConfigError`` if there is none, ``DataError`` if what
    is there is no evidence or that of another bundle."""
    path = evidence_folder(inbox, publisher, stream) / f"{sequence:08d}{EVIDENCE}"
    try:
        evidence = read_evidence(path.read_bytes(), path)
    except FileNotFoundError:
        raise ConfigError(
            Text(en="there is no evidence of this bundle here", zh="此处没有该数据包的证据"),
            where=Where(str(path)),
            hint=Text(en="hefu evidence list", zh="可用 hefu evidence list 查看现有证据"),
        ) from None
    if (evidence.publisher, evidence.stream, evidence.sequence) != (publisher, stream, sequence):
        raise _no_evidence(path, "it is of another bundle")
    return Kept(inbox, evidence)


def kept_in(inbox: Path, publisher: str | None = None) -> Iterator[Kept]:
    """All evidence in an inbox (of one publisher), by publisher, stream and sequence."""
    for path in sorted(inbox.glob(f"{publisher or '*'}/streams/*/*{EVIDENCE}")):
        stream = path.parent
        sequence = path.name.removesuffix(EVIDENCE)
        if sequence.isascii() and sequence.isdecimal():
            yield load(inbox, stream.parent.parent.name, stream.name, int(sequence))


def read_evidence(data: bytes, path: Path, limits: Limits = DEFAULT_LIMITS) -> Evidence:
    """Raises ``DataError`` if ``data`` is no evidence."""
    try:
        evidence = Evidence.model_validate(parse_strict(data, "statement", path.name, limits))
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise _no_evidence(path, field) from None
    if evidence.to_bytes() != data:
        raise _no_evidence(path, "_type")
    return evidence


def _no_evidence(path: Path, why: str) -> DataError:
    return DataError(
        Text(
            en=f"this file is not the evidence that it should be ({why})",
            zh=f"该文件不是应有的证据记录（{why}）",
        ),
        where=Where(str(path)),
        hint=Text(en="put it back from a backup", zh="请从备份中恢复该文件"),
    )


def _read_kept(folder: Path, digest: str, suffix: str) -> bytes:
    path = folder / f"{digest}{suffix}"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _damaged(path, "missing", "缺失") from None
    if sha256_hex(data) != digest:
        raise _damaged(path, "changed", "已被改动")
    return data


def _damaged(path: Path, en: str, zh: str) -> DataError:
    return DataError(
        Text(en=f"a file of the evidence is {en}", zh=f"证据所需的文件{zh}"),
        where=Where(str(path)),
        hint=Text(
            en="put it back from a backup; its name is its SHA-256",
            zh="请从备份中恢复该文件（文件名即其 SHA-256）",
        ),
    )


def _digest_of(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(file.fileno()).st_size


def _write_once(path: Path, data: bytes) -> None:
    """A file named by its digest; one that a broken disk left short is written anew."""
    if not path.is_file() or path.stat().st_size != len(data):
        put_durably(path, data)


def _put_bundle(plain: Path, path: Path) -> None:
    """A second name for the verified file; a copy where that can't be."""
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    partial.unlink(missing_ok=True)
    try:
        os.link(plain, partial)
    except OSError:  # another file system, or one without links
        with open(partial, "wb", opener=_private) as copy, plain.open("rb") as source:
            shutil.copyfileobj(source, copy, 1 << 20)
    partial.chmod(0o600)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
