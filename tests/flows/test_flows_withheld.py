"""A row that breaks a rule of today stays until it doesn't: it is left out, not forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flows_letters import make_letters
from flows_world import NIGHT, NOW, query

from hefu.node import Node
from schemas.contract import Rule
from schemas.text import Text

_RULES = Node.rules
STRICTER = Rule(
    rule_id="correction.not_the_second",
    kind="sql",
    severity="hard",
    fields=("correction_no",),
    violation_sql="ends_with(correction_no, '2')",
    params={},
    message=Text(en="a rule that was added later", zh="后来增加的规则"),
    hint=Text(en="", zh=""),
    source="",
)


def _stricter(self: Node, *arguments: Any) -> tuple[Rule, ...]:
    return (*_RULES(self, *arguments), STRICTER)


def test_what_a_rule_held_back_goes_when_the_rule_is_put_right(tmp_path: Path) -> None:
    letters = make_letters(tmp_path / "w")
    for number in ("1", "2"):
        letters.write(number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Node, "rules", _stricter)
        (first,) = (p for p in letters.publish() if p.status == "published")
        assert (first.counts["correction"], first.withheld) == (1, {"correction": 1})
        letters.write("3", NOW + NIGHT)
        (second,) = (p for p in letters.publish(now=NOW + NIGHT) if p.status == "published")
        # still told of, every time
        assert (second.counts["correction"], second.withheld) == (1, {"correction": 1})
    (third,) = (p for p in letters.publish(now=NOW + 2 * NIGHT) if p.status == "published")
    assert (third.counts["correction"], third.withheld) == (1, {})
    letters.receive(now=NOW + 2 * NIGHT)
    numbers = query(letters.b, "correction", "SELECT correction_no FROM correction_current")
    assert len(numbers) == 3
    assert {p.status for p in letters.publish(now=NOW + 3 * NIGHT)} == {"nothing_new"}
    assert list((letters.a.place("sent")).rglob("*.withheld.json")) == []
