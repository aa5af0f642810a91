"""Why a record may go to a partner, or not: one test after the other, over a row of the lake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from exchange.agreement.model import Grant
from exchange.agreement.rows import row_filter_sql
from hefu.node import Node
from schemas.contract import Contract
from schemas.sql import ident, literal

#: Why a record is held back, in the order in which it is asked.
Reason = Literal[
    "not_ours", "not_shared", "discipline", "other_addressee", "no_such_bundle", "outside", "ended"
]


@dataclass(frozen=True, slots=True)
class Test:
    """``sql`` is true for a row that passes; NULL and false hold it back, for ``reason``."""

    reason: Reason
    sql: str


def own_sql(node: Node) -> str:
    """SQL: is the row this agency's own, and not one that somebody sent?"""
    return f"(_bundle_id IS NULL AND source_org_code = {literal(node.agency.code)})"


def covered_sql(contract: Contract, node: Node, grant: Grant) -> str:
    """SQL over a row: may this version of a record be with the partner of this grant?"""
    return " AND ".join(f"({test.sql})" for test in coverage(contract, node, grant))


def coverage(contract: Contract, node: Node, grant: Grant) -> Iterator[Test]:
    """The tests; a row has to pass all of them."""
    names = set(contract.names())
    yield Test("not_ours", own_sql(node))
    yield Test("not_shared", "sharing_attribute <> 'not_shared'")
    # A lead on an official's conduct goes by a sealed channel of its own, whatever its source
    # says of sharing (310号令 art. 18 and 19, 监察法 art. 37).
    for kind in ("lead_type", "transfer_kind"):
        if kind in names:
            yield Test("discipline", f"{ident(kind)} <> 'discipline'")
    # A step of a matter goes to the agencies that take part in it, and to nobody else.
    if "party_orgs" in names:
        yield Test("other_addressee", f"list_contains(party_orgs, {literal(grant.to_org)})")
    elif "to_org" in names:
        yield Test("other_addressee", f"to_org IS NULL OR to_org = {literal(grant.to_org)}")
    # What a result counts for here is told to the agency whose result it is, and to nobody else.
    if contract.record_type == "recognition":
        yield Test("other_addressee", f"recognised_org = {literal(grant.to_org)}")
    if contract.record_type == "receipt":
        yield Test("no_such_bundle", _answers_sql(node, grant))
    if not grant.records[contract.record_type]:
        yield Test("ended", "false")
    yield Test("outside", row_filter_sql(grant, contract))


def _answers_sql(node: Node, grant: Grant) -> str:
    """A receipt goes back on the way that its bundle came: to that publisher alone."""
    answered = {
        agreement.stream_id(back)
        for agreement in node.agreements()
        for back in agreement.grants_from(grant.to_org)
        if back.to_org == node.agency.code
    }
    ours = (
        f"starts_with(source_record_id, {literal(stream + '/')})" for stream in sorted(answered)
    )
    return " OR ".join(ours) or "false"
