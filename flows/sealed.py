"""Sealed leads on an official's conduct: encrypted for one reader, counted for everybody else.

    sealed/<sha256>.age     what this node sends, as it was sealed; nobody here can open it

A record says that there is one and for whom; the file travels as an attachment of the bundle that
the record is in. On the receiving side it stays in the kept bundle until the supervisory organ's
officer is given it. The content is in no table, log or message of either node.
Source: 310号令 第十八条、第十九条；监察法 第三十七条.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.files import mapped, put_durably, sync_folder
from exchange.jsontext import sha256_hex
from exchange.keys.encryption import MAGIC
from exchange.keys.sealing import is_sealed, seal
from exchange.limits import DEFAULT_LIMITS
from flows.own_records import append_own
from flows.workspace import reading
from hefu.node import Node
from hefu.standing import file_of, write_whole
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.contract import Contract, Rule
from schemas.errors import AccountingError, ConfigError, DataError, Where
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

RECORD_TYPE = "sealed_lead"
SUFFIX = "age"
#: Rule of every received record: the file that it names came with it.
CAME_WITH = "bundle:sealed_file"

MAPPING = """
SELECT
    sealed_no AS source_record_id,
    sealed_no,
    to_org,
    sealed_time,
    sealed_time AS occurred_time,
    sealed_time AS source_updated_time,
    sealed_sha256,
    sealed_size_bytes,
    '310号令 第十八条、第十九条；监察法 第三十七条' AS legal_basis_ref
FROM raw
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed file. ``partner``: for whom (sent), or from whom (received)."""

    sealed_no: str
    partner: str
    sealed_time: datetime
    sha256: str
    size_bytes: int
    is_ours: bool
    bundle_id: str | None
    """The bundle that brought it; None for what this node sends."""


def seal_lead(node: Node, content: bytes, partner: str, now: datetime) -> Sealed:
    """Seal ``content`` for a partner's supervisory organ; the next publication takes it along.

    What is an age file already is taken as it is: then it was sealed elsewhere, and this node has
    never seen the content. Raises ``ConfigError`` if no agreement lets sealed leads go there, or
    the partner has not told to which key they are sealed.
    """
    _check_agreed(node, partner)
    data = content if is_sealed(content) else seal(content, _recipients(node, partner))
    _check_size(len(data))
    digest = sha256_hex(data)
    path = sealed_path(node, digest)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    put_durably(path, data)
    sync_folder(path.parent)
    number = f"MF-{now:%Y%m%d}-{digest[:8]}"
    row = {
        "sealed_no": number,
        "to_org": partner,
        "sealed_time": now.isoformat(),
        "sealed_sha256": digest,
        "sealed_size_bytes": str(len(data)),
    }
    run = append_own(node, RECORD_TYPE, MAPPING, [row], now)
    if run is not None and run.quarantined:
        raise AccountingError(
            Text(
                en="the record of a sealed file breaks our own rules: "
                + ", ".join(sorted(run.reasons)),
                zh="密封件记录未通过本节点自身的规则：" + "、".join(sorted(run.reasons)),
            )
        )
    return Sealed(number, partner, now, digest, len(data), True, None)


def _check_size(size: int) -> None:
    """What no partner would take in must not get into the chain: it could not go on."""
    most = DEFAULT_LIMITS.attachment_size
    if size > most:
        raise ConfigError(
            Text(
                en=f"the sealed file is too large ({size} bytes, at most {most})",
                zh=f"密封件过大（{size} 字节，上限 {most} 字节）",
            ),
            hint=Text(
                en="hand the material over on a medium and seal its description",
                zh="请另行当面移交材料，只密封说明",
            ),
        )


def sealed_path(node: Node, digest: str) -> Path:
    return node.place("sealed") / f"{digest}.{SUFFIX}"


def sealed_leads(node: Node) -> list[Sealed]:
    """What was sealed here and what came from partners: numbers, times, sizes; the newest first."""
    with reading(node) as con:
        Lake(node.place("lake")).attach(con, RECORD_TYPE)
        rows = con.execute(
            "SELECT sealed_no, CASE WHEN _bundle_id IS NULL THEN to_org ELSE source_org_code END, "
            "sealed_time, sealed_sha256, sealed_size_bytes, _bundle_id IS NULL, _bundle_id "
            f"FROM {RECORD_TYPE}_current ORDER BY sealed_time DESC, sealed_no"
        ).fetchall()
    return [Sealed(*row) for row in rows]


def attachments(node: Node, con: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, Path]]:
    """The sealed files of the rows of ``table`` that leave: (extension, path); nothing for those
    that say that a lead is gone.

    ``<record type>_current`` must be attached. Raises ``DataError`` for a file that is not there.
    """
    found = con.execute(
        f"SELECT DISTINCT sealed_sha256 FROM {RECORD_TYPE}_current SEMI JOIN "
        f"(FROM {table} WHERE data_status <> {literal(REMOVED)}) USING (record_id) "
        f"WHERE _bundle_id IS NULL AND source_system = {literal('hefu')} ORDER BY 1"
    ).fetchall()
    paths = [sealed_path(node, digest) for (digest,) in found]
    for path in paths:
        if not path.is_file():
            raise DataError(
                Text(en="a sealed file is missing", zh="密封件文件缺失"),
                where=Where(str(path)),
                hint=Text(
                    en="put it back from a backup: its name is its SHA-256",
                    zh="请从备份中恢复（文件名即其 SHA-256）",
                ),
            )
    return [(SUFFIX, path) for path in paths]


def came_with(contract: Contract, entries: Mapping[str, memoryview]) -> tuple[Rule, ...]:
    """A hard rule over received records: the sealed file that a record names lies in the bundle,
    is an age file and has the size that it says. So the sender learns from the receipt, not from
    an officer who comes for it."""
    if contract.record_type != RECORD_TYPE:
        return ()
    came = ", ".join(
        f"({literal(name.removeprefix('attachments/').removesuffix('.' + SUFFIX))}, {len(data)})"
        for name, data in sorted(entries.items())
        if name.startswith("attachments/")
        and name.endswith(f".{SUFFIX}")
        and bytes(data[: len(MAGIC)]) == MAGIC
    )
    is_here = f"(sealed_sha256, sealed_size_bytes) IN ({came})" if came else "false"
    return (
        Rule(
            rule_id=CAME_WITH,
            kind="sql",
            severity="hard",
            fields=("sealed_sha256", "sealed_size_bytes", "data_status"),
            violation_sql=f"data_status IS DISTINCT FROM {literal(REMOVED)} "
            f"AND NOT coalesce({is_here}, false)",
            params={},
            message=Text(
                en="the bundle did not bring the sealed file that the record names",
                zh="数据包中没有该记录所列的密封件，或其大小不符、不是密文",
            ),
            hint=Text(
                en="ask the sender to seal it again; sealed_sha256 and sealed_size_bytes must be "
                "granted",
                zh="请发送方重新密封移送；协议须授予 sealed_sha256 与 sealed_size_bytes",
            ),
            source="",
        ),
    )


def handed_over(node: Node) -> dict[str, datetime]:
    """SHA-256 of received sealed files that were given out (``hefu sealed take``), and when."""
    try:
        text = file_of(node, "sealed_taken", ".json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {digest: datetime.fromisoformat(at) for digest, at in json.loads(text).items()}


def note_handed_over(node: Node, sealed_no: str, now: datetime) -> None:
    """Remember that a received file was given out: from then on its bundle may go when its
    retention is over."""
    digests = [s.sha256 for s in sealed_leads(node) if s.sealed_no == sealed_no and not s.is_ours]
    kept = dict.fromkeys(digests, now) | handed_over(node)
    plain = {digest: at.isoformat() for digest, at in sorted(kept.items())}
    write_whole(file_of(node, "sealed_taken", ".json"), json.dumps(plain, indent=1))


def waiting_leads(node: Node) -> list[Sealed]:
    """Received leads that nobody has come for."""
    if Lake(node.place("lake")).version(RECORD_TYPE) is None:
        return []
    given = handed_over(node)
    return [s for s in sealed_leads(node) if not s.is_ours and s.sha256 not in given]


def received_file(node: Node, sealed_no: str) -> bytes:
    """The sealed file that a partner sent under this number, as it was sealed.

    Raises ``ConfigError`` if there is none, ``DataError`` if the bundle brought none with it.
    """
    from exchange.bundle.container import read_container
    from exchange.trust.evidence import load

    found = [s for s in sealed_leads(node) if s.sealed_no == sealed_no and not s.is_ours]
    if not found:
        raise ConfigError(
            Text(
                en=f"no partner sent a sealed file {sealed_no!r}",
                zh=f"没有收到编号为 {sealed_no!r} 的密封件",
            ),
            hint=Text(en="hefu sealed list", zh="可用 hefu sealed list 查看"),
        )
    one = found[0]
    taken = Lake(node.place("lake")).ledger.entries()
    brought = next(e for e in taken if e.bundle_id == one.bundle_id)
    kept = load(node.place("inbox"), brought.publisher, brought.stream, brought.sequence)
    with kept.bundle.open("rb") as file:
        entries = read_container(mapped(file), DEFAULT_LIMITS)
    data = entries.get(f"attachments/{one.sha256}.{SUFFIX}")
    if data is None or sha256_hex(data) != one.sha256:
        raise DataError(
            Text(
                en="the bundle did not bring the sealed file that it names",
                zh="数据包中没有其所列的密封件",
            ),
            where=Where(str(kept.bundle)),
            hint=Text(en="ask the sender to seal it again", zh="请发送方重新密封移送"),
        )
    return bytes(data)


def _check_agreed(node: Node, partner: str) -> None:
    ours = node.agency.code
    grants = [g for a in node.agreements() for g in a.grants_from(ours) if g.to_org == partner]
    if not any(RECORD_TYPE in grant.records for grant in grants):
        raise ConfigError(
            Text(
                en=f"no agreement lets sealed leads go to {partner}",
                zh=f"没有允许向 {partner} 移送密封问题线索的协议",
            ),
            where=Where(str(node.root / "agreements")),
            hint=Text(
                en=f"a grant needs: [grants.records] {RECORD_TYPE} = "
                '["sealed_no", "to_org", "sealed_time", "sealed_sha256", "sealed_size_bytes"]',
                zh=f"授权条目中须有：[grants.records] {RECORD_TYPE} = "
                '["sealed_no", "to_org", "sealed_time", "sealed_sha256", "sealed_size_bytes"]',
            ),
        )


def _recipients(node: Node, partner: str) -> tuple[str, ...]:
    """The supervisory organ's own keys. Never the node's: its operators must not open it."""
    found = next((p.facts for p in node.partners() if p.code == partner), None)
    if found is None or not found.sealed_recipients:
        raise ConfigError(
            Text(
                en=f"{partner} has not told to which key sealed leads go",
                zh=f"{partner} 尚未提供密封问题线索的接收公钥",
            ),
            where=Where(str(node.root / "partners" / partner)),
            hint=Text(
                en="its officer makes a key with `hefu unseal --new-identity FILE`, and the "
                "agency publishes the public part of it in its card (docs/sealed-leads.md)",
                zh="由对方专人用 hefu unseal --new-identity 文件 生成密钥，"
                "其公钥由该机关随名片公布（见 docs/sealed-leads.zh-CN.md）",
            ),
        )
    return found.sealed_recipients
