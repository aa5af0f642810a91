"""Two agencies, inspections of the first, and corrections of them: for tests of withdrawal and
erasure. Inspections have few rules and go into the lake by one call.

Everything is invented: GB/T 2260 knows no division 9999xx.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from flows_matters import Two, make_two
from flows_world import NIGHT, NOW, query

from flows.own_found import Found, find_own
from flows.own_records import append_own
from flows.withdrawing import Recorded, Told, record_correction

FIELDS = (
    "inspection_no", "inspection_time", "inspection_result", "party_name", "vehicle_plate_no",
    "occurred_time",
)  # fmt: skip
CORRECTION = (
    "correction_no", "refers_to_record_id", "refers_to_no", "refers_to_record_type",
    "correction_type", "legal_document_no", "effective_time", "resulting_data_status",
    "withdraw_due_time", "refers_to_content_hash",
)  # fmt: skip
PLATE, NAME = "苏X9Q7Z1", "钱独一无二"
MAPPING = """
SELECT no AS source_record_id, no AS inspection_no, seen AS inspection_time,
    updated AS source_updated_time, name AS party_name,
    plate AS vehicle_plate_no, status AS data_status, seen AS occurred_time
FROM raw
"""


def listed(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def make(root: Path) -> Two:
    return make_two(root, f"inspection = {listed(FIELDS)}\ncorrection = {listed(CORRECTION)}")


def inspect(two: Two, number: int, now: datetime = NOW, **more: str) -> Found:
    """An inspection of A, as its system tells of it at ``now``."""
    row: dict[str, str | None] = {
        "no": f"检{number}",
        "seen": (NOW - 30 * NIGHT).isoformat(),
        "updated": now.isoformat(),
        "name": f"{NAME}{number}",
        "plate": PLATE,
        "status": "valid",
    }
    append_own(two.a, "inspection", MAPPING, [row | more], now)
    return find_own(two.a, f"检{number}")


def withdraw(two: Two, record: Found, now: datetime = NOW, **more: Any) -> Recorded:
    told: dict[str, Any] = {
        "kind": "decision_revoked",
        "document_no": "示复撤〔2026〕1号",
        "effective": now,
        "reason": "事实不清",
    }
    return record_correction(two.a, record, Told(**told | more), now)


def at(two: Two, name: str, columns: str = "inspection_no, data_status") -> list[tuple[Any, ...]]:
    node = two.a if name == "a" else two.b
    sql = f"SELECT {columns} FROM inspection_current ORDER BY inspection_no"
    return query(node, "inspection", sql)
