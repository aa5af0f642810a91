"""What a receiver holds the rows of a bundle against, beside their contract: the agreement.

A row that the agreement does not cover is quarantined, whoever let it out. A version that says
that its record is gone or taken back (``data_status`` removed) is taken in all the same: it
names a record that was covered once, and nobody is served by keeping that one in force.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from exchange.agreement.model import Grant
from exchange.agreement.rows import UNFILTERED, row_tests
from schemas.codes import REMOVED
from schemas.contract import Rule
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    from schemas.contract import Contract

#: Rule ids; the receipt's count of quarantined rows has them, and so has the quarantine.
OUTSIDE = "agreement:rows"
ENDED = "agreement:ended"


def agreed_rules(grant: Grant, contract: Contract, names: Collection[str]) -> tuple[Rule, ...]:
    """Hard rules over the rows of one table of a bundle under ``grant``.

    ``names``: the columns that the bundle has. A test of a column that is not granted can't be
    made here; the sender has made it.
    """
    if not grant.records[contract.record_type]:
        return (_ended(),)
    if contract.record_type in UNFILTERED:
        return ()
    return tuple(
        _outside(test.column, test.sql) for test in row_tests(grant.rows) if test.column in names
    )


def _outside(column: str, sql: str) -> Rule:
    return Rule(
        rule_id=f"{OUTSIDE}:{column}",
        kind="sql",
        severity="hard",
        fields=(column, "data_status"),
        violation_sql=f"data_status IS DISTINCT FROM {literal(REMOVED)} AND NOT {sql}",
        params={},
        message=Text(
            en="the agreement does not cover this record: it is outside the row filter",
            zh="该记录不在协议约定的行范围之内",
        ),
        hint=Text(
            en="ask the partner why it sent a record that the agreement does not cover",
            zh="请向合作单位询问：为何发送了协议范围以外的记录",
        ),
        source="",
    )


def _ended() -> Rule:
    return Rule(
        rule_id=ENDED,
        kind="sql",
        severity="hard",
        fields=("data_status",),
        violation_sql=f"data_status IS DISTINCT FROM {literal(REMOVED)}",
        params={},
        message=Text(
            en="the agreement grants nothing of this record type any more",
            zh="协议已不再授权该记录类型",
        ),
        hint=Text(
            en="ask the partner why it still sends records of this type",
            zh="请向合作单位询问：为何仍在发送该类型的记录",
        ),
        source="",
    )
