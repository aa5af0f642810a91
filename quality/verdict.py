"""What a validation found, and the form in which it travels in a bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.contract import Contract, Rule
from schemas.errors import AccountingError
from schemas.text import Text

FORMAT = "hefu.verdict/1"


@dataclass(frozen=True)
class Verdict:
    """Great Expectations' own count of broken rows per rule id, zero included.

    ``success``: no hard rule is broken. ``engine`` names the programs and their versions.
    """

    success: bool
    unexpected: Mapping[str, int]
    rows: int
    engine: str

    def agree_with(self, counts: Mapping[str, int]) -> None:
        """Raises AccountingError unless both counted the same rules and the same rows."""
        differing = sorted(
            name
            for name in {*self.unexpected, *counts}
            if self.unexpected.get(name) != counts.get(name)
        )
        if differing:
            name = differing[0]
            theirs, ours = self.unexpected.get(name), counts.get(name)
            raise AccountingError(
                Text(
                    en=f"two counts of {len(differing)} rules differ, first {name}: "
                    f"Great Expectations {theirs}, flags {ours}",
                    zh=f"{len(differing)} 条规则的两次计数不一致，首条 {name}："
                    f"Great Expectations 为 {theirs}，标记为 {ours}",
                )
            )


def verdict_json(
    checked: Sequence[tuple[Contract, Sequence[Rule], Verdict]],
    *,
    override_gate: str | None = None,
) -> bytes:
    """The ``quality/verdict.json`` of a bundle: same verdicts, same bytes.

    ``override_gate`` is a person's reason for publishing although a gate was closed; the
    partner is told of it.

    Per record type: contract version, rows, and per rule its severity, fields, count of rows
    that break it and legal or standard source. UTF-8, sorted keys, a line feed at the end.
    """
    document = {
        "format": FORMAT,
        "gate_override": override_gate,
        "records": {
            contract.record_type: {
                "contract_version": contract.version,
                "engine": verdict.engine,
                "rows": verdict.rows,
                "success": verdict.success,
                "rules": {
                    rule.rule_id: {
                        "severity": rule.severity,
                        "fields": list(rule.fields),
                        "broken": verdict.unexpected[rule.rule_id],
                        "source": rule.source,
                    }
                    for rule in rules
                },
            }
            for contract, rules, verdict in checked
        },
    }
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
    return text.encode() + b"\n"
