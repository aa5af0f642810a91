"""What changed in a contract's declared rules.

A hard rule says what a right row is, as a field's pattern does, only over several fields; so a
new one narrows. There is one way to add it within a major version: as a warning first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from schemas.compatibility.changes import Change, Level
from schemas.contract import Contract, Rule
from schemas.sql import ident
from schemas.text import Text


def changed(old: Contract, new: Contract) -> Iterator[Change]:
    """Declared rules that came, went or changed. Rules that follow from fields are theirs."""
    before = {rule.rule_id: rule for rule in old.declared}
    after = {rule.rule_id: rule for rule in new.declared}
    fresh = set(new.names()) - set(old.names())
    for rule_id, rule in after.items():
        if rule_id not in before:
            yield _added(rule, new, fresh)
        else:
            yield from _differs(before[rule_id], rule)
    for rule_id, rule in before.items():
        if rule_id not in after:
            yield _change("rule-removed", rule, "minor", "is gone", "已删除")


def _added(rule: Rule, contract: Contract, fresh: Collection[str]) -> Change:
    if rule.severity == "soft":
        return _change(
            "rule-added-soft", rule, "minor", "is new and flags rows", "为新增的提示规则"
        )
    if _silent_without(rule, contract, fresh):
        return _change(
            "rule-added-new-fields", rule, "minor",
            "is new and hard, and says nothing of rows without the new fields",
            "为新增的强制规则，但不涉及没有新字段的数据",
        )  # fmt: skip
    return _change(
        "rule-added-hard", rule, "major",
        "is new and hard: rows that were right before are held back; "
        "add it as a warning first, and make it hard with the next major version",
        "为新增的强制规则：以前合格的数据会被隔离；请先作为提示规则加入，到下一个主版本再改为强制",
    )  # fmt: skip


def _differs(old: Rule, new: Rule) -> Iterator[Change]:
    if old.severity != new.severity:
        if new.severity == "hard":
            yield _change(
                "rule-hardened", new, "major",
                "was a warning and is hard: rows that were flagged are held back",
                "由提示改为强制：原来只作提示的数据会被隔离",
            )  # fmt: skip
        else:
            yield _change(
                "rule-softened", new, "minor", "was hard and is a warning", "由强制改为提示"
            )
    if _holds_back_less(old, new):
        yield _change(
            "rule-condition-less", new, "minor",
            "asks for more before it is broken: its old condition and another",
            "须同时符合原条件和新增条件才算违反，隔离的数据只会减少",
        )  # fmt: skip
    elif old.violation_sql != new.violation_sql:
        hard = new.severity == "hard" and old.severity == "hard"
        yield _change(
            "rule-condition", new, "major" if hard else "minor",
            "has another condition"
            + (": whether it takes less than before can't be told from its text" if hard else ""),
            "的条件有改动" + ("：仅凭条件文字无法判断是否收窄" if hard else ""),
        )  # fmt: skip
    if (old.message, old.hint, old.source) != (new.message, new.hint, new.source):
        yield _change("rule-words", new, "patch", "is worded differently", "的文字有改动")


def _holds_back_less(old: Rule, new: Rule) -> bool:
    """Whether the new condition is the old one with AND and something more.

    An OR in what was added could let other rows break the rule; one in the old condition can't.
    """
    head = f"{old.violation_sql} AND "
    if not new.violation_sql.startswith(head):
        return False
    return re.search(r"\bor\b", new.violation_sql[len(head) :], re.IGNORECASE) is None


def _silent_without(rule: Rule, contract: Contract, fresh: Collection[str]) -> bool:
    """Whether no row with NULL in the fields ``fresh`` can break the rule.

    Asked of DuckDB's optimizer: with these fields NULL, does the condition fold to nothing?
    It may answer no for a rule that is silent, never yes for one that is not: it must go by
    the expression alone, so what it knows of the table's values is switched off.
    """
    from schemas.sql import connect

    if not set(rule.fields) & set(fresh):
        return False
    columns = ", ".join(f"{ident(f.name)} {f.duckdb_type}" for f in contract.fields)
    nulls = ", ".join(
        f"NULL::{contract.field(n).duckdb_type} AS {ident(n)}" for n in rule.fields if n in fresh
    )
    con = connect(threads=1)
    try:
        con.execute(f"CREATE TABLE older ({columns})")
        con.execute("SET disabled_optimizers = 'statistics_propagation'")
        plan = con.execute(
            f"EXPLAIN SELECT 1 FROM (SELECT * REPLACE ({nulls}) FROM older) "
            f"WHERE {rule.violation_sql}"
        ).fetchall()
    finally:
        con.close()
    return any("EMPTY_RESULT" in text for _, text in plan)


def _change(kind: str, rule: Rule, level: Level, en: str, zh: str) -> Change:
    return Change(
        kind, rule.rule_id, level,
        Text(en=f"rule {rule.rule_id} {en}", zh=f"规则“{rule.message.zh}”{zh}"),
    )  # fmt: skip
