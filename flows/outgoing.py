"""From the lake to a partner: what is new for a grant, checked again, signed, published.

What a partner has been sent is read from the published chain itself: its last statement names
the lake versions that it covers, and the next bundle holds the records whose current version
was not there yet. A bundle lost on its way out of this function was never published, and the
next run builds the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from exchange.agreement.model import Agreement, Grant
from exchange.agreement.project import project, token_fields
from exchange.agreement.versions import in_force, newest
from exchange.bundle.build import BundleContents
from exchange.keys.pairs import load_pair_key
from exchange.repository.local import PublishedHead, head
from flows.collecting import Collected, collect, next_created
from flows.heads import heads_of
from flows.locks import holding
from flows.progress import Step, tell
from flows.sampling import Sampled, sample
from flows.sealed import RECORD_TYPE as SEALED_LEAD
from flows.sealed import attachments
from flows.sending import send
from flows.withheld import forget_older, remember_withheld
from flows.workspace import workspace
from hefu.node import Node
from lake.runs import RunRecord
from lake.store import Lake
from quality.gx import validate
from quality.verdict import Verdict, verdict_json
from schemas.contract import Contract, Rule, load_contract
from schemas.errors import ConfigError, DataError, Where
from schemas.identities.tokens import set_token_key
from schemas.rulepack import rule_set_version
from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One grant of one agreement of ours: its own hash chain."""

    agreement: Agreement
    grant: Grant

    @property
    def stream(self) -> str:
        return self.agreement.stream_id(self.grant)

    @property
    def partner(self) -> str:
        return self.grant.to_org


@dataclass(frozen=True, slots=True)
class Published:
    """What was (or, in a dry run, would be) sent. Counts are rows per record type.

    ``withheld``: rows that break a hard rule today although they were accepted earlier; they
    stay until their source corrects them. ``removed``: those of ``counts`` that say that a record
    is gone, at its source or because it is ``taken_back``: the partner may not keep it. ``again``:
    those that the partner has, and now gets with other fields, or that are covered only now.
    ``samples``: of a dry run, by record type, masked.
    """

    stream: str
    partner: str
    partner_name: str
    status: Literal["published", "nothing_new", "dry_run"]
    counts: dict[str, int] = field(default_factory=dict)
    withheld: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    taken_back: dict[str, int] = field(default_factory=dict)
    again: dict[str, int] = field(default_factory=dict)
    samples: dict[str, tuple[Sampled, ...]] = field(default_factory=dict)
    sequence: int | None = None
    bundle_id: str | None = None
    path: Path | None = None
    size: int = 0


class GateClosedError(DataError):
    """A source's last run failed its gate; a person must look before its records leave."""


def grants_of(
    node: Node, partners: Sequence[str] | None = None, now: datetime | None = None
) -> list[Outgoing]:
    """The grants under which this node sends, to all partners or those named.

    Of several versions of an agreement by the one that holds at ``now``; without it, the newest.
    """
    agreements = node.agreements()
    found = [
        Outgoing(agreement, grant)
        for agreement in (newest(agreements) if now is None else in_force(agreements, now))
        for grant in agreement.grants_from(node.agency.code)
    ]
    _check_partners(node, partners, {g.partner for g in found})
    return [g for g in found if not partners or g.partner in partners]


def _check_partners(node: Node, wanted: Sequence[str] | None, known: set[str]) -> None:
    for code in wanted or ():
        if code not in known:
            raise ConfigError(
                Text(
                    en=f"no agreement lets this node send to {code}",
                    zh=f"没有允许本节点向 {code} 发送数据的协议",
                ),
                where=Where(str(node.root / "agreements")),
                hint=Text(
                    en=f"partners with an agreement: {', '.join(sorted(known)) or 'none'}",
                    zh=f"已有协议的合作单位：{'、'.join(sorted(known)) or '（无）'}",
                ),
            )


def publish_to(
    node: Node,
    going: Outgoing,
    now: datetime,
    *,
    dry_run: bool = False,
    override_gate: str | None = None,
) -> Published:
    """Publish what is new under one grant; nothing if nothing is.

    Raises ``ConfigError`` for an agreement that does not run at ``now`` or a grant of tokens
    without the pair's key, :class:`GateClosedError` unless ``override_gate`` gives a person's
    reason.
    """
    going.agreement.check_running(now)
    key = _token_key(node, going)
    lake = Lake(node.place("lake"))
    with holding(node, f"publish/{going.stream}"), workspace(node) as (con, _):
        last = head(node.place("repository"), node.place("sent"), going.stream)
        created = next_created(last, now)
        versions = _versions(lake, going.grant)
        if not override_gate:
            _check_gates(lake, tuple(versions))
        if key is not None:
            set_token_key(con, key)
        under = (going.agreement, going.grant)
        collected = [
            collect(con, lake, node, under, last, record_type, version, created)
            for record_type, version in versions.items()
        ]
        result = Published(
            going.stream,
            going.partner,
            going.agreement.party(going.partner).name,
            "nothing_new",
            {c.contract.record_type: c.rows for c in collected},
            {c.contract.record_type: c.withheld for c in collected if c.withheld},
            {c.contract.record_type: c.removed for c in collected if c.removed},
            {c.contract.record_type: c.taken_back for c in collected if c.taken_back},
            {c.contract.record_type: c.again for c in collected if c.again},
        )
        if not any(result.counts.values()):
            return result
        if dry_run:
            samples = _samples(con, collected, going.grant)
            return replace(result, status="dry_run", sequence=_next(last), samples=samples)
        contents = BundleContents(
            agreement=going.agreement,
            grant=going.grant,
            sequence=_next(last),
            previous_statement_sha256=last.statement_sha256 if last else None,
            tables={
                c.contract.record_type: project(con, c.table, c.contract, going.grant)
                for c in collected
            },
            contracts={c.contract.record_type: c.contract for c in collected},
            lake_versions=versions,
            rule_pack_version=rule_set_version(node.agency.division_code, node.rule_packs()),
            verdict=_verdict(con, collected, override_gate),
            period=_period(con, collected),
            heads=heads_of(node),
            attachments=_attachments(node, con, collected),
        )
        sent = node.place("sent")
        left_out = {c.contract.record_type: c.left_out for c in collected}
        remember_withheld(sent, going.stream, contents.sequence, left_out)
        published = _publish(node, going, contents, (created, now), result)
        forget_older(sent, going.stream, contents.sequence)
        return published


def _samples(
    con: duckdb.DuckDBPyConnection, collected: Sequence[Collected], grant: Grant
) -> dict[str, tuple[Sampled, ...]]:
    """Of a sealed lead nobody sees more than that it is there."""
    return {
        c.contract.record_type: sample(con, c, grant)
        for c in collected
        if c.rows and c.contract.record_type != SEALED_LEAD
    }


def _attachments(
    node: Node, con: duckdb.DuckDBPyConnection, collected: Sequence[Collected]
) -> list[tuple[str, Path]]:
    """The documents that the rows name."""
    return [
        document
        for c in collected
        if c.contract.record_type == SEALED_LEAD
        for document in attachments(node, con, c.table)
    ]


def _token_key(node: Node, going: Outgoing) -> bytes | None:
    """The key shared with the partner, if the grant lists a token; nothing is built without it."""
    if not any(token_fields(load_contract(name), going.grant) for name in going.grant.records):
        return None
    return load_pair_key(node.pair_key_path(going.partner), going.partner)


def _versions(lake: Lake, grant: Grant) -> dict[str, int]:
    """The lake's versions before anything is read; a row that comes later goes next time."""
    found = {record_type: lake.version(record_type) for record_type in sorted(grant.records)}
    return {name: version for name, version in found.items() if version is not None}


def _check_gates(lake: Lake, record_types: Sequence[str]) -> None:
    closed: list[RunRecord] = []
    for record_type in record_types:
        newest: dict[str, RunRecord] = {}
        for run in lake.runs(record_type):
            # A backfill is a person's own doing, a bundle is not ours to publish.
            if run.mode == "cursor":
                newest.setdefault(run.stream_id, run)
        closed += [run for run in newest.values() if not run.gate_passed]
    if closed:
        run = closed[0]
        raise GateClosedError(
            Text(
                en=f"the last run of {run.stream_id} failed its gate: "
                + "; ".join(t.en for t in run.gate_reasons),
                zh=f"{run.stream_id} 最近一次运行未通过质量门槛："
                + "；".join(t.zh for t in run.gate_reasons),
            ),
            hint=Text(
                en="look at hefu status and hefu quarantine; sync again when the source is "
                "right, or publish with --override-gate REASON",
                zh="请查看 hefu status 与 hefu quarantine；来源恢复后重新同步，"
                "或用 --override-gate 写明理由后发布",
            ),
        )


def _publish(
    node: Node,
    going: Outgoing,
    contents: BundleContents,
    times: tuple[datetime, datetime],
    result: Published,
) -> Published:
    rows = sum(result.counts.values())
    tell(Step(going.stream, "sign", 0, rows))
    sent = send(node, contents, *times)
    tell(Step(going.stream, "sign", rows, rows))
    return replace(
        result,
        status="published",
        sequence=contents.sequence,
        bundle_id=sent.statement.bundle_id,
        path=sent.path,
        size=sent.size,
    )


def _verdict(
    con: duckdb.DuckDBPyConnection, collected: Sequence[Collected], override_gate: str | None
) -> bytes:
    """Great Expectations over the very rows that leave."""
    checked: list[tuple[Contract, Sequence[Rule], Verdict]] = []
    for c in collected:
        verdict = validate(con, c.table, c.contract, c.rules)
        if not verdict.success:
            raise DataError(
                Text(
                    en=f"Great Expectations found rows of {c.contract.record_type} that break "
                    "hard rules after they had been taken out",
                    zh=f"{c.contract.label.zh}中仍有违反强制规则的行，停止发布",
                )
            )
        checked.append((c.contract, c.rules, verdict))
    return verdict_json(checked, override_gate=override_gate)


def _period(
    con: duckdb.DuckDBPyConnection, collected: Sequence[Collected]
) -> tuple[datetime, datetime] | None:
    parts = " UNION ALL ".join(
        f"SELECT source_updated_time AS t FROM {ident(c.table)}" for c in collected
    )
    row = con.execute(f"SELECT min(t), max(t) FROM ({parts})").fetchone()
    return (row[0], row[1]) if row and row[0] is not None else None


def _next(last: PublishedHead | None) -> int:
    return last.sequence + 1 if last else 1
