"""Is this bundle what it says, from whom it says, for us? A pure function.

``verify_bundle`` has no globals, touches no disk and no network and reads no clock. Its
steps are those of ``exchange.errors.STEPS``, in that order; each either passes or raises
``VerificationError`` with its name, what was expected and what was found. What it hands out
are the very bytes that it verified.

Give it bytes that nobody else can change meanwhile: a ``bytes`` object, or a mapping of a
file that only this process may write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.bundle.dsse import read_envelope, verify_signatures
from exchange.bundle.policy import ChainHead, Policy, Trust
from exchange.bundle.statement import Predicate, read_statement
from exchange.bundle.verify_entries import check_contracts, check_subjects, check_tables
from exchange.bundle.verify_statement import check_agreement, check_parties, check_stream
from exchange.jsontext import sha256_hex
from exchange.keys.signing import PublicKey
from exchange.limits import DEFAULT_LIMITS, Limits, Readable
from schemas.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

    from exchange.bundle.build import BundleContents
    from exchange.bundle.parquet import VerifiedTable
    from schemas.contract import Contract

__all__ = ["ChainHead", "Policy", "Trust", "VerifiedBundle", "verify_bundle", "verify_own"]


@dataclass(frozen=True)
class _Tables(Mapping[str, "pa.Table"]):
    """Record type to Arrow table, decoded when asked for."""

    verified: Mapping[str, VerifiedTable]

    def __getitem__(self, record_type: str) -> pa.Table:
        return self.verified[record_type].table()

    def __iter__(self) -> Iterator[str]:
        return iter(self.verified)

    def __len__(self) -> int:
        return len(self.verified)


@dataclass(frozen=True)
class VerifiedBundle:
    """A bundle that passed.

    ``statement`` is the typed predicate. ``entries`` are views of the verified bytes.
    ``contracts`` are the bundle's own, by record type. ``tables`` decodes a whole table,
    ``batches`` streams it.
    """

    statement: Predicate
    statement_sha256: str
    entries: Mapping[str, memoryview]
    contracts: Mapping[str, Contract]
    signed_by: tuple[PublicKey, ...]
    warnings: tuple[Text, ...]
    verified_tables: Mapping[str, VerifiedTable]

    @property
    def tables(self) -> Mapping[str, pa.Table]:
        return _Tables(self.verified_tables)

    def batches(self, record_type: str, *, whole: bool = False) -> pa.RecordBatchReader:
        """The columns that our contract knows; with ``whole`` those, too, that it doesn't."""
        return self.verified_tables[record_type].batches(whole=whole)

    @property
    def head(self) -> ChainHead:
        """The chain's head once this bundle has been taken in."""
        return ChainHead(self.statement.sequence, self.statement_sha256)


def verify_bundle(data: Readable, trust: Trust, policy: Policy, now: datetime) -> VerifiedBundle:
    """Check a bundle. Raises ``VerificationError`` at the first step that fails."""
    warnings: list[Text] = []
    entries = read_container(data, policy.limits)
    envelope = read_envelope(entries[STATEMENT_ENTRY], policy.limits)
    signed_by, unknown = verify_signatures(envelope, trust.keys, trust.threshold)
    if unknown:
        warnings.append(
            Text(
                en=f"{unknown} signature(s) by keys that we do not know were left out of account",
                zh=f"有 {unknown} 个签名来自未知密钥，未予计入",
            )
        )
    statement = read_statement(envelope.payload, policy.limits)
    predicate = statement.predicate
    digest = sha256_hex(envelope.payload)
    warnings += check_parties(predicate, trust, policy, now)
    grant = check_agreement(predicate, policy, now, warnings)
    check_subjects(statement, entries, policy.limits)
    check_stream(predicate, digest, policy.head, warnings)
    contracts = check_contracts(predicate, entries, policy, warnings)
    tables = check_tables(predicate, entries, contracts, grant, policy)
    return VerifiedBundle(
        statement=predicate,
        statement_sha256=digest,
        entries=entries,
        contracts=contracts,
        signed_by=signed_by,
        warnings=tuple(warnings),
        verified_tables=tables,
    )


def verify_own(
    data: Readable,
    contents: BundleContents,
    keys: Sequence[PublicKey],
    now: datetime,
    limits: Limits = DEFAULT_LIMITS,
) -> VerifiedBundle:
    """What the partner will do, done before publishing: a published chain cannot skip a
    bundle that its reader refuses."""
    grant = contents.grant
    policy = Policy(
        contracts=contents.contracts,
        recipient=grant.to_org,
        agreements=(contents.agreement,),
        head=ChainHead(contents.sequence - 1, contents.previous_statement_sha256),
        limits=limits,
    )
    return verify_bundle(data, Trust(grant.from_org, tuple(keys), len(keys)), policy, now)
