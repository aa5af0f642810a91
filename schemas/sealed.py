"""What goes by a sealed channel and has no place in a table that operators read.

A lead on an official's conduct goes to the supervisory organ alone (310号令 第十八条、第十九条；
监察法 第三十七条). A row that carries the content of one is refused, and what was refused keeps
nothing of it: ``hefu seal`` is the way. Its number, agencies and times may stand in a table.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from schemas.contract import Contract, Rule
from schemas.text import Text

#: Rules of this beginning are hard, and what they refuse leaves no trace of its content.
PREFIX = "sealed:"
_DISCIPLINE = "discipline_with_content"


def sealed_rules(contract: Contract, names: Collection[str] | None = None) -> tuple[Rule, ...]:
    """The hard rules of one contract; with ``names`` those whose every field is among them.

    They stand beside the contract's own warning: a contract that made a rule hard would be a new
    major version, which a partner with the old one could not read.
    """
    known = set(contract.names()) if names is None else set(names)
    return tuple(
        replace(
            rule,
            rule_id=f"{PREFIX}{contract.record_type}",
            severity="hard",
            hint=Text(
                en="take it out of the source's query, delete what was landed (hefu landing "
                "prune), and send it with `hefu seal`",
                zh="请在来源查询中排除，用 hefu landing prune 清除已落地的数据，"
                "改用 hefu seal 密封移送",
            ),
        )
        for rule in contract.rules()
        if rule.rule_id == f"{contract.record_type}.{_DISCIPLINE}" and set(rule.fields) <= known
    )
