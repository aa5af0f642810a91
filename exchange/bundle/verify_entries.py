"""Steps ``subjects``, ``contract``, ``grant`` and ``table``: are the entries what was signed,
and no more than was agreed?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from exchange.agreement.model import Grant
from exchange.bundle.layout import (
    README_ENTRY,
    STATEMENT_ENTRY,
    VERDICT_ENTRY,
    contract_entry,
    records_entry,
    sensitivity_class,
)
from exchange.bundle.passing import sha256_of
from exchange.bundle.policy import Policy
from exchange.bundle.statement import Predicate, Statement
from exchange.errors import refusal
from exchange.jsontext import parse_strict, sha256_hex
from exchange.limits import Limits
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.bundle.parquet import VerifiedTable
    from schemas.contract import Contract

_ATTACHMENT = re.compile(r"attachments/([0-9a-f]{64})\.[a-z0-9]{1,8}", re.ASCII)


def check_subjects(statement: Statement, entries: Mapping[str, memoryview], limits: Limits) -> None:
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
        digest = sha256_of(data)
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


def check_contracts(
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
    return found


def _read_other_version(ours: Contract, version: str, data: memoryview, entry: str) -> Contract:
    """The sender's contract, if it is another minor version of ours. Fields keep their types."""
    from schemas.foreign import parse_foreign

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
        theirs = parse_foreign(bytes(data))
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


def check_tables(
    predicate: Predicate,
    entries: Mapping[str, memoryview],
    contracts: Mapping[str, Contract],
    grant: Grant | None,
    policy: Policy,
) -> dict[str, VerifiedTable]:
    """Every table's columns first, then every table's rows."""
    from exchange.bundle.parquet import VerifiedTable, check_rows, check_schema, open_parquet

    files = {}
    for record_type, contract in contracts.items():
        entry = records_entry(record_type)
        file = open_parquet(entries[entry], entry, policy.limits)
        _check_granted(file.schema.names, contract, grant, entry)
        check_schema(file, contract.arrow_schema(file.schema.names))
        files[record_type] = file
    _check_sensitivity(
        predicate, [(contract, files[t].schema.names) for t, contract in contracts.items()]
    )
    tables = {}
    for record_type, file in files.items():
        check_rows(file, predicate.counts[record_type], policy.limits)
        ours = {f.name for f in policy.contracts[record_type].fields}
        names = [n for n in file.schema.names if n in ours]
        whole = contracts[record_type].arrow_schema(file.schema.names)
        known = contracts[record_type].arrow_schema(names)
        tables[record_type] = VerifiedTable(file, known, whole)
    return tables


def _check_sensitivity(
    predicate: Predicate, tables: Sequence[tuple[Contract, Sequence[str]]]
) -> None:
    highest = sensitivity_class(tables)
    if highest != predicate.sensitivity_class:
        raise refusal(
            "grant",
            Text(
                en="the bundle is labelled with another sensitivity", zh="数据包的敏感级别标注不符"
            ),
            expected=highest,
            found=predicate.sensitivity_class,
        )


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


_CHANGED = Text(en="an entry is not what was signed", zh="条目内容与签名清单不一致")
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
