"""Invented cases with the columns of view ``cases`` (docs/interfaces.md), for engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

COLUMNS = {
    "record_id": "VARCHAR",
    "record_type": "VARCHAR",
    "source_org_code": "VARCHAR",
    "no": "VARCHAR",
    "data_status": "VARCHAR",
    "vehicle_key": "VARCHAR",
    "vehicle_plate_no": "VARCHAR",
    "driver_key": "VARCHAR",
    "operator_key": "VARCHAR",
    "vehicle_registration_division": "VARCHAR",
    "act_time": "TIMESTAMPTZ",
    "cause": "VARCHAR",
    "filing_time": "TIMESTAMPTZ",
    "decision_type": "VARCHAR",
    "decision_date": "DATE",
    "fine_amount_cny": "DECIMAL(16,2)",
    "review_status": "VARCHAR",
    "litigation_status": "VARCHAR",
    "counts_toward_accumulation": "BOOLEAN",
    "accumulation_reason": "VARCHAR",
    "same_act_group_id": "VARCHAR",
}
LICENCE_COLUMNS = {
    "kind": "VARCHAR",
    "key": "VARCHAR",
    "operator_key": "VARCHAR",
    "division": "VARCHAR",
    "is_goods": "BOOLEAN",
    "first_issue_date": "DATE",
    "valid_from": "DATE",
    "valid_to": "DATE",
    "ended_on": "DATE",
}
A, B = "11999900HEFUACCA0X", "11999901HEFUACCB0X"


def case(number: int, day: str, **more: Any) -> dict[str, Any]:
    """A fine for an overload on ``day`` (a day, or a time with its offset), decided that day."""
    moment = day if "T" in day else f"{day}T12:00:00+08:00"
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    return (
        row
        | {
            "record_id": f"{number:032x}",
            "record_type": "case_result",
            "source_org_code": A,
            "no": f"甲交罚〔2026〕{number:04d}号",
            "data_status": "valid",
            "vehicle_key": "示A00001/yellow",
            "vehicle_registration_division": "341882",
            "act_time": moment,
            "cause": "overload_road",
            "decision_type": "penalty",
            "decision_date": moment[:10],
            "fine_amount_cny": "500",
        }
        | more
    )


def load(
    con: duckdb.DuckDBPyConnection,
    rows: Iterable[Mapping[str, Any]],
    table: str = "cases",
    columns: Mapping[str, str] = COLUMNS,
) -> None:
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    con.execute(f"CREATE OR REPLACE TABLE {table} ({listed})")
    values = [[row.get(name) for name in columns] for row in rows]
    if values:
        con.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", values)
