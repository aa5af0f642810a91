"""A small record type of our own, so that these tests change only when quality does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from schemas.contract import Rule
from schemas.sql import literal
from schemas.text import Text

NOW = datetime(2026, 10, 8, 1, 30, tzinfo=UTC)


YAML = """
apiVersion: v3.1.0
kind: DataContract
id: urn:hefu:contract:thing
version: 1.0.0
status: active
schema:
  - name: thing
    properties:
      - {name: record_id, physicalType: VARCHAR, classification: internal}
      - {name: source_record_id, physicalType: VARCHAR, classification: internal}
      - {name: content_hash, physicalType: VARCHAR, classification: internal}
      - {name: source_updated_time, physicalType: TIMESTAMPTZ, classification: internal}
      - {name: received_time, physicalType: TIMESTAMPTZ, classification: internal}
      - {name: party_name, physicalType: VARCHAR, classification: personal}
      - {name: colour, physicalType: VARCHAR, classification: internal}
      - {name: fine_amount_cny, physicalType: "DECIMAL(16,2)", classification: public}
      - {name: decision_date, physicalType: DATE, classification: public}
"""


def rule(rule_id: str, kind: Any, fields: Sequence[str], sql: str, **more: Any) -> Rule:
    return Rule(
        rule_id=rule_id,
        kind=kind,
        severity=more.pop("severity", "hard"),
        fields=tuple(fields),
        violation_sql=sql,
        params=more,
        message=Text(en=rule_id, zh=rule_id),
        hint=Text(en="correct it", zh="请更正"),
        source="test",
    )


RULES = (
    rule("required:party_name", "required", ["party_name"], "party_name IS NULL"),
    rule(
        "code:colour",
        "code",
        ["colour"],
        "colour NOT IN ('blue', 'yellow')",
        value_set=("blue", "yellow"),
    ),
    rule(
        "range:fine_amount_cny",
        "range",
        ["fine_amount_cny"],
        "fine_amount_cny < 0 OR fine_amount_cny > 1000000",
        min=0,
        max=1_000_000,
    ),
    rule(
        "type:decision_date",
        "type",
        ["decision_date"],
        "_uncast IS NOT NULL AND json_exists(_uncast, '$.decision_date')",
    ),
    rule(
        "pattern:party_name",
        "pattern",
        ["party_name"],
        "NOT regexp_full_match(party_name, '(?:[a-z]{1,9}:)?[^%]{1,40}')",
        severity="soft",
    ),
    rule(
        "thing.round_fine",
        "sql",
        ["fine_amount_cny"],
        "fine_amount_cny % 10 <> 0",
        severity="soft",
    ),
)


def candidate_sql(
    *, clock: bool = True, received: datetime = NOW, fetched: str | None = None
) -> str:
    """What schemas.mapping makes of a mapping, for the small record type."""
    at = f"{literal(received.isoformat())}::TIMESTAMPTZ"
    content = "name, colour, fine, date" + (", day" if clock else "")
    return (
        "SELECT md5(key) AS record_id, key AS source_record_id, "
        f"sha256(to_json([{content}])::VARCHAR) AS content_hash, "
        + ("day::TIMESTAMPTZ" if clock else fetched or at)
        + f" AS source_updated_time, {at} AS received_time, name AS party_name, colour, "
        "TRY_CAST(fine AS DECIMAL(16, 2)) AS fine_amount_cny, TRY_CAST(date AS DATE) AS "
        "decision_date, _object, _row, CASE WHEN date IS NOT NULL AND TRY_CAST(date AS DATE) "
        "IS NULL THEN json_object('decision_date', date)::VARCHAR END AS _uncast, "
        f"{str(clock).lower()} AS _has_clock FROM raw"
    )


def good(key: str, day: str = "2026-10-01", name: str = "jia") -> tuple[Any, ...]:
    return (key, day, name, "blue", "200", "2026-09-30")
