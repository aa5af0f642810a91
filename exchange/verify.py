"""Is this bundle what it says, from whom it says, for us? A pure function.

``verify_bundle`` has no globals, touches no disk and no network and reads no clock. Its
steps are those of ``exchange.errors.STEPS``, in that order; each either passes or raises
``VerificationError`` with its name, what was expected and what was found. What it hands out
are the very bytes that it verified.

Give it bytes that nobody else can change meanwhile: a ``bytes`` object, or a mapping of a
file that only this process may write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from exchange.agreement import Agreement, Grant
from exchange.build import (
    README_ENTRY,
    VERDICT_ENTRY,
    contract_entry,
    records_entry,
    sensitivity_class,
)
from exchange.container import STATEMENT_ENTRY, read_container
from exchange.dsse import read_envelope, verify_signatures
from exchange.errors import refusal
from exchange.jsontext import parse_strict, sha256_hex
from exchange.keys import PublicKey
from exchange.limits import DEFAULT_LIMITS, Limits, Readable
from exchange.statement import Predicate, Statement, format_time, read_statement
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

    from exchange.parquet import VerifiedTable
    from schemas.contract import Contract

_ATTACHMENT = re.compile(r"attachments/([0-9a-f]{64})\.[a-z0-9]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose statements are believed: so many of these keys must have signed."""

    publisher_code: str
    keys: tuple[PublicKey, ...]
    threshold: int = 1


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last statement of a stream that was taken in (or published)."""

    sequence: int
    statement_sha256: str | None

    @classmethod
    def start(cls) -> ChainHead:
        """Before the first bundle."""
        return cls(0, None)


@dataclass(frozen=True)
class Policy:
    """What the receiver knows and wants.

    A node that takes data in gives all of it. A person who looks at one file may not have
    an agreement, a recipient code or a chain at hand: with ``standalone`` these may be
    left out, are not checked, and each is a warning.
    """

    contracts: Mapping[str, Contract]
    recipient: str | None = None
    agreements: tuple[Agreement, ...] = ()
    head: ChainHead | None = None
    standalone: bool = False
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        if not self.standalone and (
            self.recipient is None or self.head is None or not self.agreements
        ):
            raise ValueError("a policy that is not standalone needs recipient, agreements, head")


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

    def batches(self, record_type: str) -> pa.RecordBatchReader:
        return self.verified_tables[record_type].batches()

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
    warnings += _check_parties(predicate, trust, policy, now)
    grant = _check_agreement(predicate, policy, now, warnings)
    _check_subjects(statement, entries, policy.limits)
    _check_stream(predicate, digest, policy.head, warnings)
    contracts = _check_contracts(predicate, entries, policy, warnings)
    tables = _check_tables(predicate, entries, contracts, grant, policy)
    return VerifiedBundle(
        statement=predicate,
        statement_sha256=digest,
        entries=entries,
        contracts=contracts,
        signed_by=signed_by,
        warnings=tuple(warnings),
        verified_tables=tables,
    )


def _check_parties(
    predicate: Predicate, trust: Trust, policy: Policy, now: datetime
) -> Iterator[Text]:
    if predicate.publisher.code != trust.publisher_code:
        raise refusal(
            "parties",
            Text(en="the bundle names another publisher", zh="数据包的发送单位不符"),
            expected=trust.publisher_code,
            found=predicate.publisher.code,
        )
    recipients = [r.code for r in predicate.recipients]
    if policy.recipient is None:
        yield Text(
            en=f"not checked for whom it is: it names {', '.join(recipients)}",
            zh=f"未核对接收单位：数据包所列为 {'、'.join(recipients)}",
        )
    elif policy.recipient not in recipients:
        raise refusal(
            "parties",
            Text(en="the bundle is meant for another agency", zh="数据包的接收单位不是本单位"),
            expected=policy.recipient,
            found=", ".join(recipients),
            hint=Text(
                en="delete the file and tell the sender that it went to the wrong agency",
                zh="请删除该文件，并告知发送方数据包误发",
            ),
        )
    latest = now + timedelta(seconds=policy.limits.clock_skew_seconds)
    if predicate.created_time > latest:
        raise refusal(
            "parties",
            Text(en="the bundle was made in the future", zh="数据包的生成时间晚于当前时间"),
            expected=f"at most {format_time(latest)}",
            found=format_time(predicate.created_time),
            hint=Text(en="compare the clocks of both machines", zh="请核对双方计算机的系统时间"),
        )


def _check_agreement(
    predicate: Predicate, policy: Policy, now: datetime, warnings: list[Text]
) -> Grant | None:
    if not policy.agreements:
        warnings.append(
            Text(
                en="no agreement at hand: not checked which fields may be here",
                zh="未提供协议文件：未核对所含字段是否在授权范围内",
            )
        )
        return None
    named = predicate.agreement
    agreement = next(
        (a for a in policy.agreements if (a.id, a.version) == (named.id, named.version)), None
    )
    if agreement is None or agreement.digest() != named.digest:
        found = f"{named.id} version {named.version} digest {named.digest}"
        known = "; ".join(
            f"{a.id} version {a.version} digest {a.digest()}" for a in policy.agreements
        )
        raise refusal(
            "agreement",
            Text(
                en="the bundle is under another agreement than ours",
                zh="数据包所依据的协议与本方不一致",
            ),
            expected=known,
            found=found,
            hint=Text(
                en="both agencies must hold the same agreement file: compare the digests",
                zh="双方须持有相同的协议文件：请核对协议摘要",
            ),
        )
    _check_running(agreement, predicate.created_time)
    try:
        agreement.check_running(now)
    except ConfigError as error:
        if not policy.standalone:
            _check_running(agreement, now)
        warnings.append(error.message)
    return _check_grant(agreement, predicate)


def _check_running(agreement: Agreement, when: datetime) -> None:
    if not agreement.is_running(when):
        raise refusal(
            "agreement",
            Text(en="the agreement does not run", zh="协议不在有效期内"),
            expected=f"{agreement.valid_from} to {agreement.valid_until}",
            found=format_time(when),
            hint=Text(en="agree on a new version with the partner", zh="请与合作单位续签协议"),
        )


def _check_grant(agreement: Agreement, predicate: Predicate) -> Grant:
    recipients = [r.code for r in predicate.recipients]
    for grant in agreement.grants:
        if agreement.stream_id(grant) == predicate.stream:
            expected = (grant.from_org, [grant.to_org], grant.purpose, grant.legal_basis)
            found = (
                predicate.publisher.code, recipients, predicate.purpose, predicate.legal_basis,
            )  # fmt: skip
            if expected == found:
                return grant
            raise refusal("agreement", _NO_GRANT, expected=expected, found=found)
    raise refusal(
        "agreement",
        _NO_GRANT,
        expected=", ".join(agreement.stream_id(g) for g in agreement.grants),
        found=predicate.stream,
    )


def _check_subjects(
    statement: Statement, entries: Mapping[str, memoryview], limits: Limits
) -> None:
    """Every entry but the statement is a subject and the other way round, byte for byte."""
    named = [s.name for s in statement.subject]
    present = [name for name in entries if name != STATEMENT_ENTRY]
    if named != present:
        different = sorted(set(named) ^ set(present))
        raise refusal(
            "subjects",
            Text(en="the entries are not those that were signed", zh="数据包条目与签名清单不一致"),
            expected=f"{len(named)} entries in order of name",
            found=f"{len(present)} entries, different: {different[:8]}",
        )
    for subject in statement.subject:
        data = entries[subject.name]
        if len(data) != subject.annotations.size:
            raise refusal(
                "subjects", _CHANGED, expected=f"{subject.annotations.size} bytes",
                found=f"{len(data)} bytes", entry=subject.name,
            )  # fmt: skip
        digest = sha256_hex(data)
        if digest != subject.digest.sha256:
            raise refusal(
                "subjects", _CHANGED, expected=subject.digest.sha256, found=digest,
                entry=subject.name,
            )  # fmt: skip
    _check_layout(statement, entries, limits)


def _check_layout(statement: Statement, entries: Mapping[str, memoryview], limits: Limits) -> None:
    """The entries are those that the predicate calls for, and attachments."""
    predicate = statement.predicate
    needed = {README_ENTRY, VERDICT_ENTRY}
    for record_type in predicate.contracts:
        needed |= {records_entry(record_type), contract_entry(record_type)}
    digests = {s.name: s.digest.sha256 for s in statement.subject}
    for name in sorted(needed | set(digests)):
        attachment = _ATTACHMENT.fullmatch(name)
        if attachment and attachment[1] == digests[name]:
            _check_document(name, entries[name], limits.attachment_size)
        elif name not in digests or name not in needed:
            raise refusal(
                "subjects",
                Text(en="the bundle's entries are not the format's", zh="数据包条目不符合格式规定"),
                expected=", ".join(sorted(needed)),
                found=f"{name} {'missing' if name in needed else 'not expected'}",
            )
        elif not name.startswith("records/"):
            _check_document(name, entries[name], limits.document_size)
    if digests[VERDICT_ENTRY] != predicate.verdict_sha256:
        raise refusal(
            "subjects", _CHANGED, expected=predicate.verdict_sha256,
            found=digests[VERDICT_ENTRY], entry=VERDICT_ENTRY,
        )  # fmt: skip
    parse_strict(entries[VERDICT_ENTRY], "subjects", VERDICT_ENTRY, limits, is_canonical=False)


def _check_document(name: str, data: memoryview, allowed: int) -> None:
    if len(data) > allowed:
        raise refusal(
            "subjects",
            Text(en="an entry is larger than allowed", zh="条目超过允许的大小"),
            expected=f"at most {allowed} bytes",
            found=len(data),
            entry=name,
        )


def _check_stream(
    predicate: Predicate, digest: str, head: ChainHead | None, warnings: list[Text]
) -> None:
    if head is None:
        warnings.append(
            Text(
                en=f"not checked that nothing is missing before: this is number "
                f"{predicate.sequence} of its stream",
                zh=f"未核对前序数据包是否齐全：本数据包为该数据流第 {predicate.sequence} 号",
            )
        )
        return
    if predicate.sequence != head.sequence + 1:
        is_old = predicate.sequence <= head.sequence
        is_same = predicate.sequence == head.sequence and digest == head.statement_sha256
        raise refusal(
            "stream",
            _REPEATED if is_old else _GAP,
            expected=f"sequence {head.sequence + 1}",
            found=f"sequence {predicate.sequence}"
            + (", the bundle that was taken in last" if is_same else ""),
            hint=_REPEATED_HINT if is_old else _GAP_HINT,
        )
    if predicate.previous_statement_sha256 != head.statement_sha256:
        raise refusal(
            "stream",
            Text(
                en="the bundle continues another history than the one we have",
                zh="数据包所接续的历史与本方记录不一致",
            ),
            expected=head.statement_sha256,
            found=predicate.previous_statement_sha256,
            hint=Text(
                en="keep both bundles: one of them is not what the other agency was given; "
                "call the sender",
                zh="请保留前后两个数据包并联系发送方：双方收到的内容可能不同",
            ),
        )


def _check_contracts(
    predicate: Predicate,
    entries: Mapping[str, memoryview],
    policy: Policy,
    warnings: list[Text],
) -> dict[str, Contract]:
    found: dict[str, Contract] = {}
    for record_type, reference in sorted(predicate.contracts.items()):
        entry = contract_entry(record_type)
        data = entries[entry]
        digest = sha256_hex(data)
        if digest != reference.sha256:
            raise refusal(
                "contract", _CONTRACT, expected=reference.sha256, found=digest, entry=entry
            )
        if record_type not in policy.contracts:
            raise refusal(
                "contract",
                Text(en="this record type is not known here", zh="本方不识别此记录类型"),
                expected=", ".join(sorted(policy.contracts)),
                found=record_type,
                entry=entry,
                hint=_UPDATE,
            )
        ours = policy.contracts[record_type]
        if data == ours.yaml_bytes and reference.version == ours.version:
            found[record_type] = ours
            continue
        found[record_type] = _read_other_version(ours, reference.version, data, entry)
        warnings.append(
            Text(
                en=f"{record_type}: made with contract {reference.version}, ours is {ours.version}",
                zh=f"{record_type}：对方数据标准版本为 {reference.version}，本方为 {ours.version}",
            )
        )
    expected = predicate.sensitivity_class
    if expected not in ("public", "internal", "personal", "sensitive"):
        raise AssertionError(expected)
    return found


def _read_other_version(ours: Contract, version: str, data: memoryview, entry: str) -> Contract:
    """The sender's contract, if it is another minor version of ours. Fields keep their types."""
    from schemas.contract import parse_contract

    if version == ours.version or version.split(".")[0] != ours.version.split(".")[0]:
        raise refusal(
            "contract",
            Text(en="this contract version cannot be read here", zh="本方无法读取此版本的数据标准"),
            expected=f"version {ours.version.split('.')[0]}.x, equal bytes if {ours.version}",
            found=f"version {version}" + (", other bytes" if version == ours.version else ""),
            entry=entry,
            hint=_UPDATE,
        )
    try:
        theirs = parse_contract(bytes(data))
    except ConfigError as error:
        raise refusal(
            "contract", _CONTRACT, expected="a data contract", found=error.message.en, entry=entry
        ) from error
    if (theirs.record_type, theirs.version) != (ours.record_type, version):
        raise refusal(
            "contract",
            _CONTRACT,
            expected=f"{ours.record_type} {version}",
            found=f"{theirs.record_type} {theirs.version}",
            entry=entry,
        )
    kept = {f.name: f for f in theirs.fields}
    for field in ours.fields:
        if field.name in kept and kept[field.name].arrow_type != field.arrow_type:
            raise refusal(
                "contract",
                _CONTRACT,
                expected=f"{field.arrow_type}",
                found=f"{kept[field.name].arrow_type}",
                entry=entry,
                field=field.name,
            )
    return theirs


def _check_tables(
    predicate: Predicate,
    entries: Mapping[str, memoryview],
    contracts: Mapping[str, Contract],
    grant: Grant | None,
    policy: Policy,
) -> dict[str, VerifiedTable]:
    from exchange.parquet import VerifiedTable, check_rows, check_schema, open_parquet

    files = {}
    columns: list[tuple[Contract, Sequence[str]]] = []
    for record_type, contract in contracts.items():
        entry = records_entry(record_type)
        file = open_parquet(entries[entry], entry, policy.limits)
        names = file.schema_arrow.names
        _check_granted(names, contract, grant, entry)
        check_schema(file, contract.arrow_schema(names), entry)
        files[record_type] = file
        columns.append((contract, names))
    highest = sensitivity_class(columns)
    if highest != predicate.sensitivity_class:
        raise refusal(
            "grant",
            Text(
                en="the bundle is labelled with another sensitivity", zh="数据包的敏感级别标注不符"
            ),
            expected=highest,
            found=predicate.sensitivity_class,
        )
    tables = {}
    for record_type, file in files.items():
        entry, rows = records_entry(record_type), predicate.counts[record_type]
        check_rows(file, rows, entry, policy.limits)
        ours = {f.name for f in policy.contracts[record_type].fields}
        names = tuple(n for n in file.schema_arrow.names if n in ours)
        schema = contracts[record_type].arrow_schema(names)
        tables[record_type] = VerifiedTable(entries[entry], names, rows, schema)
    return tables


def _check_granted(
    names: Sequence[str], contract: Contract, grant: Grant | None, entry: str
) -> None:
    """The columns are exactly the technical and the granted ones."""
    known = [f.name for f in contract.fields]
    unknown = [n for n in names if n not in known]
    if unknown or len(set(names)) != len(names):
        raise refusal(
            "grant", _COLUMNS, expected="fields of the contract, each once",
            found=f"others: {unknown[:8]}", entry=entry,
        )  # fmt: skip
    if grant is None:
        allowed = [f.name for f in contract.fields if f.technical or f.name in names]
    elif contract.record_type not in grant.records:
        raise refusal(
            "grant", _COLUMNS, expected=", ".join(sorted(grant.records)),
            found=contract.record_type, entry=entry,
        )  # fmt: skip
    else:
        allowed = list(grant.columns(contract))
    if list(names) != allowed:
        extra = [n for n in names if n not in allowed]
        missing = [n for n in allowed if n not in names]
        raise refusal(
            "grant",
            _COLUMNS,
            expected="exactly the granted fields, in the contract's order",
            found=f"too many: {extra[:8]}, missing: {missing[:8]}",
            entry=entry,
        )


_NO_GRANT = Text(
    en="the agreement holds no grant for this stream", zh="协议中没有与该数据流相符的授权"
)
_CHANGED = Text(en="an entry is not what was signed", zh="条目内容与签名清单不一致")
_REPEATED = Text(en="this bundle's number was taken in before", zh="该序号的数据包此前已接收")
_REPEATED_HINT = Text(
    en="nothing to do if it is the same file; otherwise call the sender",
    zh="若为同一文件则无需处理；否则请联系发送方",
)
_GAP = Text(en="a bundle before this one is missing", zh="缺少该数据包之前的数据包")
_GAP_HINT = Text(en="take in the missing bundles first, in order", zh="请先按顺序接收缺少的数据包")
_CONTRACT = Text(
    en="the contract in the bundle is not the one that was named", zh="数据包内的数据标准与声明不符"
)
_UPDATE = Text(
    en="agree with the sender on one version, or update Hefu",
    zh="请与发送方统一版本，或更新合符程序",
)
_COLUMNS = Text(
    en="the bundle holds other fields than the agreement grants",
    zh="数据包所含字段与协议授权不一致",
)
