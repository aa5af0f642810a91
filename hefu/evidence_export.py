"""``hefu evidence export``: a folder that a court or a procuratorate can read and check.

The bundle, everything that its verification rests on, what the time of its receipt rests on, the
record that was asked for with all versions that the partner sent, and a cover sheet. What is on the
sheet as passed was verified anew while it was written. The folder holds personal data: it is for
its owner alone (0700), and nothing of it is shown on the terminal.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.bundle.open import write_out
from exchange.bundle.policy import ChainHead
from exchange.bundle.statement import Predicate
from exchange.jsontext import sha256_hex
from exchange.trust.evidence import Kept, kept_in, load
from exchange.trust.evidence_verify import (
    Proof,
    Proven,
    in_groups,
    legal_time,
    proof_of,
    statement_of,
    verify_evidence,
)
from flows.time_basis import TimeBasis, own_file, time_basis
from hefu.evidence_cover import BundlePart, Cover, Fact, RecordTable, render
from hefu.evidence_folder import (
    AGREEMENT,
    BUNDLE,
    CONTRACTS,
    COVER,
    RECORD,
    REPOSITORY,
    ROOT,
    SCRIPT,
    STATEMENT,
    metadata_place,
    write_sums,
)
from hefu.evidence_script import script
from lake.store import Lake
from schemas.contract import record_types
from schemas.errors import ConfigError, DataError, HefuError, Where
from schemas.sql import connect, ident
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node
    from schemas.contract import Contract


@dataclass(frozen=True, slots=True)
class Exported:
    """``unverified``: bundles on the sheet that could not be verified, and why."""

    folder: Path
    bundles: int
    unverified: tuple[tuple[Kept, Text], ...]


@dataclass
class _Part:
    kept: Kept
    statement: Predicate
    basis: TimeBasis
    proof: Proof | None = None
    proven: Proven | None = None
    failed: Text | None = None

    @property
    def folder(self) -> str:
        return f"{self.kept.evidence.stream}.{self.kept.evidence.sequence:08d}"


def find_bundle(node: Node, bundle_id: str) -> Kept:
    """The evidence of the bundle with this id. Raises ``ConfigError`` if it was not taken in."""
    for kept in kept_in(node.place("inbox")):
        if statement_of(kept.statement.read_bytes())[0].bundle_id == bundle_id:
            return kept
    raise ConfigError(
        Text(
            en=f"no bundle {bundle_id!r} was taken in here",
            zh=f"未接收过编号为 {bundle_id!r} 的数据包",
        ),
        where=Where(str(node.place("inbox"))),
        hint=Text(en="hefu evidence list", zh="可用 hefu evidence list 查看"),
    )


def find_number(node: Node, stream: str, sequence: int) -> Kept:
    """The evidence of a stream's number. Raises ``ConfigError`` if there is none."""
    folders = sorted(node.place("inbox").glob(f"*/streams/{stream}"))
    publisher = folders[0].parent.parent.name if folders else "-"
    return load(node.place("inbox"), publisher, stream, sequence)


def bundles_of_record(node: Node, record_id: str) -> list[Kept]:
    """The bundles that brought versions of a record, oldest first. Raises ``ConfigError`` if no
    partner has sent it."""
    lake = Lake(node.place("lake"))
    wanted = _bundle_ids(lake, record_id)
    entries = sorted(lake.ledger.entries(), key=lambda e: (e.received_time, e.sequence))
    found = [
        load(node.place("inbox"), e.publisher, e.stream, e.sequence)
        for e in entries
        if e.bundle_id in wanted
    ]
    if not found:
        raise ConfigError(
            Text(
                en=f"no partner has sent a record {record_id!r}",
                zh=f"没有合作单位发来过标识为 {record_id!r} 的记录",
            ),
            hint=Text(
                en="a record's own id (record_id) is 32 hexadecimal digits; hefu export shows it",
                zh="记录标识（record_id）为 32 位十六进制数字，可用 hefu export 查看",
            ),
        )
    return found


def export(
    node: Node,
    bundles: Sequence[Kept],
    out: Path,
    now: datetime,
    record_id: str | None = None,
    basis: TimeBasis | None = None,
) -> Exported:
    """Write the folder ``out``, complete or not at all, mode 0700. ``basis``: of a bundle of our
    own; else what the time of each receipt rests on is looked up.

    Raises ``ConfigError`` if it exists; ``VerificationError`` if a time of receipt contradicts what
    this node signed. A bundle that fails or was let go of is on the sheet as such.
    """
    if out.exists():
        raise ConfigError(
            Text(en="the folder exists already", zh="输出目录已存在"),
            where=Where(str(out)),
            hint=Text(en="name a new folder with --out", zh="请用 --out 指定新的目录"),
        )
    parts = [_part(node, kept, basis) for kept in bundles]
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for part in parts:
            _write_part(node, part, partial / part.folder, with_records=record_id is None)
        tables = [_record_table(record_id, parts)] if record_id else []
        cover = Cover(
            made_by=f"{node.agency.name}（{node.agency.code}）",
            made_time=legal_time(now),
            bundles=[_cover_part(node, part) for part in parts],
            records=[table for table in tables if table is not None],
            later=_later(node, record_id, parts) if record_id else (),
        )
        (partial / COVER).write_text(render(cover), encoding="utf-8")
        signers = {part.folder: _signers(part) for part in parts if part.proven}
        (partial / SCRIPT).write_text(script(signers), encoding="utf-8")
        write_sums(partial)
        for path in partial.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        partial.rename(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    failed = tuple((part.kept, part.failed) for part in parts if part.failed is not None)
    return Exported(out, len(parts), failed)


def head_before(kept: Kept) -> ChainHead | None:
    """The chain's head before a bundle, as the evidence of the one before has it."""
    evidence = kept.evidence
    if evidence.sequence == 1:
        return ChainHead.start()
    try:
        before = load(kept.inbox, evidence.publisher, evidence.stream, evidence.sequence - 1)
    except (ConfigError, DataError):
        return None
    return ChainHead(before.evidence.sequence, before.evidence.statement_sha256)


def _part(node: Node, kept: Kept, basis: TimeBasis | None) -> _Part:
    statement, _ = statement_of(kept.statement.read_bytes())
    part = _Part(kept, statement, basis or time_basis(node, kept.evidence))
    try:
        part.proof = proof_of(kept)
        part.proven = verify_evidence(part.proof, head_before(kept))
    except HefuError as error:
        part.failed = error.message
    return part


def _write_part(node: Node, part: _Part, folder: Path, *, with_records: bool) -> None:
    kept = part.kept
    folder.mkdir()
    if kept.bundle.is_file():
        shutil.copyfile(kept.bundle, folder / BUNDLE)
    _write(folder / RECORD, kept.evidence.to_bytes())
    _write(folder / STATEMENT, kept.statement.read_bytes())
    _write(folder / ROOT, kept.root())
    _write(folder / AGREEMENT, kept.agreement())
    for name, data in kept.metadata().items():
        _write(folder / REPOSITORY / metadata_place(name), data)
    for name, data in kept.contracts().items():
        _write(folder / CONTRACTS / f"{name}.odcs.yaml", data)
    if part.proven is not None:
        for key in part.proven.bundle.signed_by:
            _write(folder / "keys" / f"{key.key_id}.pem", key.pem)
        if with_records:
            write_out(part.proven.bundle, folder / "records", "xlsx")
    _write_receipt(node, part.basis, folder / "receipt")


def _write_receipt(node: Node, basis: TimeBasis, folder: Path) -> None:
    """Our signed receipt, and the partner's signed word that it has it."""
    if basis.receipt is not None:
        told = basis.receipt.statement
        _write(folder / "our-statement.dsse.json", basis.receipt.path.read_bytes())
        with own_file(node, told.stream, told.sequence) as plain:
            shutil.copyfile(plain, folder / "our-bundle.hefu")
    if basis.acknowledged is not None:
        _write(folder / "partner-statement.dsse.json", basis.acknowledged.path.read_bytes())


def _cover_part(node: Node, part: _Part) -> BundlePart:
    evidence, told = part.kept.evidence, part.statement
    agreement = part.proven.agreement if part.proven else None
    days = (
        Text(
            en=f"valid {agreement.valid_from} to {agreement.valid_until}",
            zh=f"有效期 {agreement.valid_from} 至 {agreement.valid_until}",
        )
        if agreement
        else Text(en="", zh="")
    )
    keys = [key.fingerprint for key in part.proven.bundle.signed_by] if part.proven else []
    receivers = "；".join(f"{r.name}（{r.code}）" for r in told.recipients)
    facts = [
        Fact(Text(en="Said by", zh="发送单位"), f"{told.publisher.name}（{told.publisher.code}）"),
        Fact(Text(en="To", zh="接收单位"), receivers),
        Fact(Text(en="Made", zh="生成时间"), legal_time(told.created_time)),
        *_time_facts(part),
        Fact(
            Text(en="Agreement", zh="所依协议"),
            Text(
                en=f"{told.agreement.id} version {told.agreement.version}; {days.en}; "
                f"SHA-256 {told.agreement.digest}",
                zh=f"{told.agreement.id} 第 {told.agreement.version} 版；{days.zh}；"
                f"SHA-256 {told.agreement.digest}",
            ),
        ),
        Fact(Text(en="Purpose", zh="用途"), told.purpose),
        Fact(Text(en="Legal basis", zh="法律依据"), told.legal_basis),
        Fact(Text(en="Stream and number", zh="数据流与序号"), f"{told.stream} #{told.sequence}"),
        Fact(Text(en="Signed by key", zh="签名密钥指纹"), "；".join(keys) or "–"),
        Fact(
            Text(en="Root of trust (SHA-256 of root.json)", zh="信任根（root.json 的 SHA-256）"),
            in_groups(evidence.root_sha256),
        ),
        Fact(Text(en="Root taken in", zh="信任根登记情况"), _root_facts(node, part.kept)),
        Fact(Text(en="File", zh="文件 SHA-256"), in_groups(evidence.file_sha256)),
        Fact(Text(en="Statement", zh="声明 SHA-256"), in_groups(evidence.statement_sha256)),
        Fact(Text(en="Bundle id", zh="数据包编号"), told.bundle_id),
    ]
    warnings = (*(part.proven.warnings if part.proven else ()), *part.basis.warnings)
    checks = part.proven.checks if part.proven else ()
    return BundlePart(part.folder, facts, checks, warnings, part.failed)


def _time_facts(part: _Part) -> list[Fact]:
    if part.basis.level == "own_publication":
        return [Fact(Text(en="Published and answered", zh="发布与对方确认情况"), part.basis.text)]
    received = legal_time(part.kept.evidence.received_time)
    return [
        Fact(Text(en="Received", zh="接收时间"), received),
        Fact(Text(en="What the time of receipt rests on", zh="接收时间的依据"), part.basis.text),
    ]


def _root_facts(node: Node, kept: Kept) -> Text:
    """Since when the partner's folder holds this root, by the file's own date."""
    if kept.evidence.publisher == node.agency.code:
        return Text(en="this node's own root", zh="本单位自己的信任根")
    path = node.root / "partners" / kept.evidence.publisher / "root.json"
    if not path.is_file() or sha256_hex(path.read_bytes()) != kept.evidence.root_sha256:
        return Text(
            en="it is not the root that this partner is trusted by today: hold it against the card "
            "that was handed over then",
            zh="与目前登记的该单位信任根不同：请与当时交付的名片核对",
        )
    day = legal_time(datetime.fromtimestamp(path.stat().st_mtime).astimezone())
    return Text(
        en=f"it is the root of the card that was taken in; this node's file is of {day}",
        zh=f"即登记该单位名片时的信任根；本节点文件日期为 {day}",
    )


def _signers(part: _Part) -> list[str]:
    return [key.key_id for key in part.proven.bundle.signed_by] if part.proven else []


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# The record that was asked for.


def _bundle_ids(lake: Lake, record_id: str) -> set[str]:
    found: set[str] = set()
    con = connect(threads=1)
    try:
        for record_type in _stored_types(lake):
            lake.attach(con, record_type)
            rows = con.execute(
                f"SELECT DISTINCT _bundle_id FROM {ident(record_type + '_history')} "
                "WHERE record_id = ? AND _bundle_id IS NOT NULL",
                [record_id],
            ).fetchall()
            found |= {row[0] for row in rows}
    finally:
        con.close()
    return found


def _stored_types(lake: Lake) -> list[str]:
    return [name for name in record_types() if lake.version(name) is not None]


def _record_table(record_id: str, parts: Iterable[_Part]) -> RecordTable | None:
    """Every field of the record in each version, read from the verified bundles themselves."""
    versions: list[tuple[str, dict[str, Any]]] = []
    contracts: list[Contract] = []
    for part in parts:
        if part.proven is None:
            continue
        for record_type, contract in part.proven.bundle.contracts.items():
            for batch in part.proven.bundle.batches(record_type, whole=True):
                rows = (row for row in batch.to_pylist() if row["record_id"] == record_id)
                for row in rows:
                    versions.append((f"{part.statement.stream} #{part.statement.sequence}", row))
                    contracts.append(contract)
    if not versions:
        return None
    fields = {f.name: f for contract in contracts for f in contract.fields}
    shown = [n for n in fields if any(row.get(n) is not None for _, row in versions)]
    return RecordTable(
        title=Text(en=f"The record {record_id}", zh=f"所涉记录 {record_id}"),
        versions=[place for place, _ in versions],
        rows=[
            (
                Text(en=f"{fields[n].label_en} ({n})", zh=fields[n].label_zh),
                [_shown(row.get(n)) for _, row in versions],
            )
            for n in shown
        ],
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return legal_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return "；".join(_shown(one) for one in value)
    if isinstance(value, Mapping):
        return "；".join(f"{name}：{_shown(one)}" for name, one in value.items())
    return str(value)


def _later(node: Node, record_id: str, parts: Sequence[_Part]) -> tuple[Text, ...]:
    """Corrections that name this record, as far as this node has them."""
    lake = Lake(node.place("lake"))
    publishers = sorted({part.kept.evidence.publisher for part in parts})
    if lake.version("correction") is None:
        return ()
    con = connect(threads=1)
    try:
        lake.attach(con, "correction")
        rows = con.execute(
            "SELECT correction_no, correction_type, legal_document_no, effective_time, "
            "source_org_code FROM correction_current WHERE refers_to_record_id = ? "
            "AND list_contains(?, source_org_code) ORDER BY effective_time, correction_no",
            [record_id, publishers],
        ).fetchall()
    finally:
        con.close()
    return tuple(
        Text(
            en=f"{number}: {kind}, document {document or '–'}, in effect "
            f"{legal_time(time) if time else '–'} ({org})",
            zh=f"{number}：{kind}，文书 {document or '–'}，生效时间 "
            f"{legal_time(time) if time else '–'}（{org}）",
        )
        for number, kind, document, time, org in rows
    )
