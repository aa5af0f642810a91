"""A bundle from what a node decided to say: pure, and the same bytes for the same input.

What a partner may not see cannot get in: the columns of every table must be exactly those
of the grant, and nothing but the tables, their contracts, the verdict, the attachments and
the readme is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.agreement.model import Agreement, Grant
from exchange.bundle.container import write_container
from exchange.bundle.dsse import sign
from exchange.bundle.layout import (
    README_ENTRY,
    STATEMENT_ENTRY,
    VERDICT_ENTRY,
    contract_entry,
    records_entry,
    sensitivity_class,
)
from exchange.bundle.readme import README
from exchange.bundle.statement import (
    ContractReference,
    Head,
    Party,
    Period,
    Subject,
    make_statement,
)
from exchange.jsontext import sha256_hex
from exchange.limits import DEFAULT_LIMITS, Readable

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
    ``attachments``: file extension to lower-case, and bytes.
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
    attachments: Sequence[tuple[str, bytes]] = field(default=())


def build_bundle(contents: BundleContents, signers: Sequence[Signer], now: datetime) -> bytes:
    """The bundle's bytes. ``now`` becomes its created time.

    Raises ``ConfigError`` if the agreement does not run at ``now``, ``VerificationError`` if
    a table is larger than readers accept, and ``ValueError`` if a table does not have exactly
    the granted columns or the contents contradict each other.
    """
    contents.agreement.check_running(now)
    _check_contents(contents)
    entries, counts = _entries(contents)
    digests = {name: sha256_hex(data) for name, data in entries.items()}
    subjects = [
        Subject.of(name, digests[name], memoryview(data).nbytes) for name, data in entries.items()
    ]
    agreement, grant = contents.agreement, contents.grant
    publisher, recipient = agreement.party(grant.from_org), agreement.party(grant.to_org)
    statement = make_statement(
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
            "counts": counts,
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
    entries[STATEMENT_ENTRY] = sign(statement.payload(), signers)
    return write_container(entries)


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


def _entries(contents: BundleContents) -> tuple[dict[str, Readable], dict[str, int]]:
    from exchange.bundle.parquet import open_parquet, write_parquet

    entries: dict[str, Readable] = {README_ENTRY: README, VERDICT_ENTRY: contents.verdict}
    counts: dict[str, int] = {}
    for record_type in sorted(contents.tables):
        contract = contents.contracts[record_type]
        schema = contract.arrow_schema(contents.grant.columns(contract))
        data, counts[record_type] = write_parquet(contents.tables[record_type], schema)
        entries[records_entry(record_type)] = data
        open_parquet(data, records_entry(record_type), DEFAULT_LIMITS)
        entries[contract_entry(record_type)] = contract.yaml_bytes
    for extension, document in contents.attachments:
        entries[f"attachments/{sha256_hex(document)}.{extension}"] = document
    return entries, counts
