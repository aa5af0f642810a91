"""Recognitions as they stand at this node, and what their records follow from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from cooperation.procedures.clocks import Clock, clocks
from cooperation.procedures.fold import Matter
from cooperation.recognition.chain import Chain, Link, chains
from cooperation.recognition.legal import Rules
from cooperation.recognition.propose import Proposal, propose
from cooperation.recognition.sides import CHINA, COLUMNS, Match, Side, Use
from flows.case_index import attach_cases
from flows.matters import law_of
from flows.recognition_records import (
    append_recognitions,
    follow,
    look,
    read_links,
    row_of,
    standing,
)
from flows.workspace import reading, workspace
from hefu.node import Node
from lake.store import Lake
from schemas.errors import ConfigError
from schemas.rulepack import rule_set_version
from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Recognition:
    """A recognition as it stands. ``is_ours``: this agency decides; else a partner decides on a
    result of ours. ``clock``: the period to decide, while it runs."""

    chain: Chain
    is_ours: bool
    clock: Clock | None

    @property
    def number(self) -> str:
        return self.chain.first.recognition_no

    @property
    def matter(self) -> Matter:
        return self.chain.matter


def rules_of(node: Node) -> Rules:
    return Rules(node.agency.division_code, node.rule_packs(), node.calendar())


def recheck(node: Node, now: datetime) -> tuple[Link, ...]:
    """Write what follows from new versions and from the day: reopenings and lapses of own
    recognitions. Running it again adds nothing."""
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        found = chains(read_links(con, lake))
        looked = look(con, lake, found)
    following = tuple(
        link for one in looked if (link := follow(one, day_of(now), recorded=now)) is not None
    )
    if following:
        append_recognitions(node, [row_of(link) for link in following], now)
    return following


def recognitions_of(node: Node, now: datetime) -> list[Recognition]:
    """Own recognitions and partners' of our results; those that have to be decided first, by the
    end of their period."""
    law = law_of(node, now)
    with reading(node) as con:
        found = standing(con, Lake(node.place("lake")), day_of(now))
    told = []
    for chain in found:
        running = [c for c in clocks(chain.matter, law, now) if c.stopped is None]
        ours = chain.first.recognising_org == node.agency.code
        told.append(Recognition(chain, ours, running[0] if running else None))
    return sorted(told, key=_urgency)


def _urgency(one: Recognition) -> tuple[bool, bool, str, str]:
    due = one.clock.due.isoformat() if one.clock else ""
    return not one.is_ours, not one.matter.is_open, due, one.number


def find_recognition(known: Iterable[Recognition], wanted: str) -> Recognition:
    """The one of that number, or the only one whose number ends so. Raises ``ConfigError``."""
    listed = list(known)
    whole = [one for one in listed if one.number == wanted]
    found = whole or [one for one in listed if one.number.endswith(wanted.upper())]
    if len(found) == 1:
        return found[0]
    if not found:
        said = Text(
            en=f"there is no recognition {wanted!r}", zh=f"没有编号为 {wanted!r} 的互认事项"
        )
    else:
        said = Text(
            en=f"{len(found)} recognitions have a number that ends with {wanted!r}",
            zh=f"有 {len(found)} 个互认事项的编号以 {wanted!r} 结尾",
        )
    raise ConfigError(
        said,
        hint=Text(
            en="hefu recognise list --all shows them", zh="可用 hefu recognise list --all 查看"
        ),
    )


def proposal_of(node: Node, chain: Chain, now: datetime) -> Proposal | None:
    """The question as it is today, from the records of today; None if one of them is not here."""
    rules = rules_of(node)
    with workspace(node) as (con, _):
        attach_cases(con, node)
        own = side_of(con, chain.last.recognising_org, chain.last.own_record_id)
        original = side_of(con, chain.last.recognised_org, chain.last.original_id)
    if own is None or original is None:
        return None
    return _again(chain, own, original, day_of(now), rules)


def _again(chain: Chain, own: Side, original: Side, on: date, rules: Rules) -> Proposal:
    last = chain.last
    use: Use = last.use  # type: ignore[assignment]  # a closed list of the contract
    match = Match(
        level="exact" if last.identity == "exact" else "probable",
        score=last.score or Decimal(0),
        evidence=last.evidence,
        same_act=use == "duplicate_fine_check",
    )
    return propose(use, own, original, match, on, rules)


def side_of(con: duckdb.DuckDBPyConnection, org: str | None, record_id: str | None) -> Side | None:
    """A record of the view ``cases``."""
    row = con.execute(
        f"SELECT {', '.join(map(ident, COLUMNS))} FROM cases "
        "WHERE source_org_code = $1 AND record_id = $2",
        [org, record_id],
    ).fetchone()
    return None if row is None else Side.of(dict(zip(COLUMNS, row, strict=True)))


def told_row(node: Node, number: str, proposal: Proposal, rules: Rules) -> dict[str, object]:
    """What proposal and decision both say, as a row of the record."""
    own, original = proposal.own, proposal.original
    return {
        "recognition_no": number,
        "recognition_use": proposal.use,
        "recognising_org": node.agency.code,
        "recognising_org_name": node.agency.name,
        "recognised_org": original.source_org_code,
        "own_record_type": own.record_type,
        "own_record_id": own.record_id,
        "own_no": own.no,
        "own_content_hash": own.content_hash,
        "recognised_record_type": original.record_type,
        "recognised_record_id": original.record_id,
        "recognised_no": original.no,
        "recognised_content_hash": original.content_hash,
        "identity_match": proposal.match.level,
        "match_score": proposal.match.score,
        "match_evidence": proposal.match.evidence,
        "legal_findings": tuple(
            dict.fromkeys(f.code for f in proposal.findings if f.weight != "told")
        ),
        "proposed_decision": proposal.proposed,
        "rule_crosswalk_id": proposal.crosswalk_id,
        "applied_articles": tuple(dict.fromkeys(b.article for b in proposal.bases)),
        "applied_rule_pack_version": rule_set_version(rules.division, rules.packs),
        "valid_to": proposal.valid_to,
    }


def day_of(now: datetime) -> date:
    return now.astimezone(CHINA).date()
