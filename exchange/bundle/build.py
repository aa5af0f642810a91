"""A bundle from what a node decided to say: the same bytes for the same input.

What a partner may not see cannot get in: the columns of every table must be exactly those
of the grant, and nothing but the tables, their contracts, the verdict, the attachments and
the readme is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from exchange.agreement.model import Agreement, Grant
from exchange.bundle.container import read_container, stream_container
from exchange.bundle.dsse import read_envelope, sign
from exchange.bundle.layout import (
    README_ENTRY,
    STATEMENT_ENTRY,
    VERDICT_ENTRY,
    contract_entry,
    records_entry,
    sensitivity_class,
)
from exchange.bundle.part import Measure, MeasuredFile, Part
from exchange.bundle.readme import README
from exchange.bundle.statement import (
    ContractReference,
    Head,
    Party,
    Period,
    Statement,
    Subject,
    make_statement,
    read_statement,
)
from exchange.bundle.verify_entries import check_subjects
from exchange.files import mapped, private_file
from exchange.limits import DEFAULT_LIMITS, Limits, Readable

if TYPE_CHECKING:
    import pyarrow as pa
    from securesystemslib.signer import Signer

    from schemas.contract import Contract


@dataclass(frozen=True)
class BundleContents:
    """What one bundle says.

    ``tables`` hold the columns of the grant in the contract's order, rows in the order in
    which they shall stand (``exchange.agreement.project`` gives both). ``lake_versions`` and
    ``contracts`` have the same record types as ``tables``. ``previous_statement_sha256``
    is None for sequence 1 only. ``verdict`` is the JSON text of what was checked.
    ``attachments``: file extension in lower case, and the bytes or the file that holds them.
    """

    agreement: Agreement
    grant: Grant
    sequence: int
    previous_statement_sha256: str | None
    tables: Mapping[str, pa.Table | pa.RecordBatchReader]
    contracts: Mapping[str, Contract]
    lake_versions: Mapping[str, int]
    rule_pack_version: str
    verdict: bytes
    period: tuple[datetime, datetime] | None = None
    heads: Sequence[Head] = field(default=())
    attachments: Sequence[tuple[str, bytes | Path]] = field(default=())


@dataclass(frozen=True)
class Written:
    """A bundle that lies in the file ``path``, ``size`` bytes long. ``payload`` is what is signed:
    its SHA-256 is the statement's digest, which the next bundle repeats."""

    path: Path
    size: int
    statement: Statement
    payload: bytes

    @cached_property
    def sha256(self) -> str:
        """Of the whole file, in hex digits; read for it when first asked."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def write_bundle(
    contents: BundleContents, signers: Sequence[Signer], now: datetime, to: Path
) -> Written:
    """The bundle as the file ``to``, mode 0600, which appears whole or not at all.

    ``now`` becomes its created time. Holds one row group at a time, however many rows there are;
    tables lie in a private folder beside ``to`` meanwhile. The file is not forced to the disk
    (``exchange.repository`` does that where it is published).

    Raises ``ConfigError`` if the agreement does not run at ``now``, ``VerificationError`` if
    a table is larger than readers accept, and ``ValueError`` if a table does not have exactly
    the granted columns or the contents contradict each other.
    """
    with TemporaryDirectory(prefix=f".{to.name}-", dir=to.parent) as folder:
        parts, statement = _parts(contents, signers, now, Path(folder))
        return _written(parts, statement, to)


def build_bundle(contents: BundleContents, signers: Sequence[Signer], now: datetime) -> bytes:
    """The same bytes as :func:`write_bundle` writes, for a bundle that fits into memory."""
    parts, _ = _parts(contents, signers, now, None)
    file = BytesIO()
    stream_container(parts, file)
    return file.getvalue()


def resign(
    data: Readable, signers: Sequence[Signer], to: Path, limits: Limits = DEFAULT_LIMITS
) -> Written:
    """The bundle ``data`` under the signatures of ``signers`` alone, as the file ``to``.

    Payload and entries stay as they are, and so does the chain. Whose the old signatures are is
    not looked at, but the entries must be those of the statement: raises ``VerificationError``.
    """
    entries = read_container(data, limits)
    payload = read_envelope(entries[STATEMENT_ENTRY], limits).payload
    statement = read_statement(payload, limits)
    check_subjects(statement, entries, limits)
    parts = {name: Part.of(entry) for name, entry in entries.items()}
    parts[STATEMENT_ENTRY] = Part.of(sign(payload, signers))
    return _written(parts, statement, to)


def _written(parts: Mapping[str, Part], statement: Statement, to: Path) -> Written:
    with private_file(to) as file:
        stream_container(parts, file)
        size = file.tell()
    return Written(to, size, statement, statement.payload())


def _parts(
    contents: BundleContents, signers: Sequence[Signer], now: datetime, folder: Path | None
) -> tuple[dict[str, Part], Statement]:
    """Every entry, the tables as files in ``folder`` (None: in memory), and what is signed."""
    contents.agreement.check_running(now)
    _check_contents(contents)
    parts, counts = _entries(contents, folder)
    subjects = [Subject.of(name, part.sha256, part.size) for name, part in parts.items()]
    statement = _statement(contents, {n: p.sha256 for n, p in parts.items()}, counts, subjects, now)
    parts[STATEMENT_ENTRY] = Part.of(sign(statement.payload(), signers))
    return parts, statement


def _statement(
    contents: BundleContents,
    digests: Mapping[str, str],
    counts: Mapping[str, int],
    subjects: Sequence[Subject],
    now: datetime,
) -> Statement:
    agreement, grant = contents.agreement, contents.grant
    publisher, recipient = agreement.party(grant.from_org), agreement.party(grant.to_org)
    return make_statement(
        {
            "publisher": Party(code=publisher.code, name=publisher.name),
            "recipients": [Party(code=recipient.code, name=recipient.name)],
            "agreement": agreement.reference(),
            "purpose": grant.purpose,
            "legal_basis": grant.legal_basis,
            "stream": agreement.stream_id(grant),
            "sequence": contents.sequence,
            "previous_statement_sha256": contents.previous_statement_sha256,
            "period": Period(start=contents.period[0], end=contents.period[1])
            if contents.period
            else None,
            "lake_versions": dict(contents.lake_versions),
            "counts": dict(counts),
            "contracts": {
                record_type: ContractReference(
                    version=contract.version, sha256=digests[contract_entry(record_type)]
                )
                for record_type, contract in contents.contracts.items()
            },
            "heads": sorted(contents.heads, key=lambda h: (h.publisher, h.stream)),
            "rule_pack_version": contents.rule_pack_version,
            "verdict_sha256": digests[VERDICT_ENTRY],
            "created_time": now,
            "sensitivity_class": sensitivity_class(
                (contract, grant.columns(contract)) for contract in contents.contracts.values()
            ),
        },
        subjects,
    )


def _check_contents(contents: BundleContents) -> None:
    if contents.grant not in contents.agreement.grants:
        raise ValueError("the grant is not one of the agreement's")
    wanted = set(contents.tables)
    if not wanted:
        raise ValueError("a bundle needs at least one table")
    if wanted != set(contents.contracts) or wanted != set(contents.lake_versions):
        raise ValueError("tables, contracts and lake versions name different record types")
    if not wanted <= set(contents.grant.records):
        raise ValueError(f"not granted: {sorted(wanted - set(contents.grant.records))}")
    for record_type, contract in contents.contracts.items():
        if contract.record_type != record_type:
            raise ValueError(f"contract of {contract.record_type!r} given for {record_type!r}")


def _entries(
    contents: BundleContents, folder: Path | None
) -> tuple[dict[str, Part], dict[str, int]]:
    parts = {README_ENTRY: Part.of(README), VERDICT_ENTRY: Part.of(contents.verdict)}
    counts: dict[str, int] = {}
    for record_type in sorted(contents.tables):
        contract = contents.contracts[record_type]
        schema = contract.arrow_schema(contents.grant.columns(contract))
        table = contents.tables[record_type]
        entry = records_entry(record_type)
        place = folder / record_type if folder else None
        parts[entry], counts[record_type] = _table(table, schema, entry, place)
        parts[contract_entry(record_type)] = Part.of(contract.yaml_bytes)
    for extension, document in contents.attachments:
        part = Part.of_file(document) if isinstance(document, Path) else Part.of(document)
        parts[f"attachments/{part.sha256}.{extension}"] = part
    return parts, counts


def _table(
    table: pa.Table | pa.RecordBatchReader, schema: pa.Schema, entry: str, place: Path | None
) -> tuple[Part, int]:
    """The table as Parquet in the file ``place`` (None: in memory), and the number of its rows."""
    if place is None:
        return _write_table(table, schema, entry, BytesIO())
    with place.open("w+b") as file:
        part, rows = _write_table(table, schema, entry, file)
    return replace(part, source=place), rows


def _write_table(
    table: pa.Table | pa.RecordBatchReader, schema: pa.Schema, entry: str, file: BinaryIO
) -> tuple[Part, int]:
    from exchange.bundle.parquet import open_parquet, write_parquet

    with Measure() as measure:
        rows = write_parquet(table, schema, MeasuredFile(file, measure))
        file.flush()
        data = file.getbuffer() if isinstance(file, BytesIO) else mapped(file)
        open_parquet(memoryview(data), entry, DEFAULT_LIMITS)
        return measure.part(data), rows
