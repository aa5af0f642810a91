"""What docs/quality*.md show is what the program does."""

from __future__ import annotations

import re
import textwrap
import tomllib
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from quality_samples import NOW, RULES, good

from connectors.config import Expect
from quality.check import create_checked, settle
from quality.counts import Counts
from quality.gate import judge
from schemas.contract import parse_contract

DOCS = Path(__file__).parents[2] / "docs"

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:hefu:contract:thing
version: 1.0.0
status: active
schema:
  - name: thing
    properties:
      - {name: fine_amount_cny, physicalType: "DECIMAL(16,2)", classification: public}
      - {name: paid_amount_cny, physicalType: "DECIMAL(16,2)", classification: public}
    quality:
"""


@pytest.fixture(params=["quality.md", "quality.zh-CN.md"])
def text(request: pytest.FixtureRequest) -> str:
    return (DOCS / request.param).read_text(encoding="utf-8")


def block(text: str, language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_the_rule_can_be_declared_as_shown(con: Any, text: str) -> None:
    declared = parse_contract(
        (CONTRACT + textwrap.indent(block(text, "yaml"), "      ")).encode()
    ).declared
    assert [(r.rule_id, r.severity) for r in declared] == [("thing.paid_not_above_fine", "soft")]
    con.execute("CREATE TABLE raw AS SELECT 0 AS _object, unnest([1, 2, 3]) AS _row")
    con.execute(
        "CREATE TABLE raw_reject (_object INTEGER, _row BIGINT, rule_id VARCHAR, "
        "detail VARCHAR, raw_text VARCHAR)"
    )
    create_checked(
        con,
        "SELECT _row::VARCHAR AS record_id, _row::VARCHAR AS source_record_id, 'h' AS "
        "content_hash, NULL::TIMESTAMPTZ AS source_updated_time, NULL::TIMESTAMPTZ AS "
        "received_time, 100 AS fine_amount_cny, [100, 101, NULL][_row] AS paid_amount_cny, "
        "_object, _row, NULL::VARCHAR AS _uncast, true AS _has_clock FROM raw",
        declared,
    )
    counts = settle(con)
    assert (counts.accepted, dict(counts.soft)) == (3, {"thing.paid_not_above_fine": 1})


def test_the_steps_run_as_shown(
    con: Any, load: Any, contract: Any, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    candidates = load([good("a"), good("a"), ("b", None, None, None, None, None)], rejects=1)
    given = {"con": con, "candidates": candidates, "rules": RULES, "contract": contract}
    exec(block(text, "python"), given)  # noqa: S102 (our own documentation)
    assert capsys.readouterr().out == "4 = 1 + 0 + 1 + 2\n"


@pytest.mark.parametrize(
    ("received", "quarantined", "hours", "passed"),
    [
        (100, 20, 72, True),
        (9, 0, 0, False),
        (49, 0, 0, False),
        (100, 21, 0, False),
        (100, 0, 73, False),
    ],
)
def test_the_gate_judges_as_shown(
    received: int, quarantined: int, hours: int, passed: bool, text: str
) -> None:
    expect = Expect(**tomllib.loads(block(text, "toml"))["expect"])
    counts = Counts(received, received - quarantined, 0, 0, quarantined)
    history = [SimpleNamespace(received=100)] * 3
    gate = judge(counts, expect, history, NOW - timedelta(hours=hours), NOW)
    assert gate.passed is passed
