"""Two agencies whose agreement orders referrals, and cases of A to refer. All is invented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from flows_matters import Two, make_two
from flows_world import NOW, A, B

from flows.own_records import append_own
from hefu.node import Node
from schemas.contract import load_contract

LEAD_FIELDS = (
    "occurred_time",
    *(
        f.name
        for f in load_contract("lead").fields
        if not (f.envelope or f.technical)
        and f.name not in ("party_id_token", "driver_id_token", "evidence_uri", "party_phone")
    ),
)
_ROUTE = """
[[cooperation.routes]]
from = "{sender}"
to = "{receiver}"
record_type = "{record_type}"
{more}
"""


def route(record_type: str, **more: str) -> str:
    """A route from A to B; values of ``more`` are TOML."""
    lines = "\n".join(f"{name} = {value}" for name, value in more.items())
    return _ROUTE.format(sender=A.code, receiver=B.code, record_type=record_type, more=lines)


ROUTES = (
    route("case_result", causes='["overload_road"]', by='"registration_place"',
          divisions='["999901", "34"]')
    + route("lead", by='"addressee"')
    + route("accumulation_snapshot", by='"registration_place"', divisions='["999901"]')
)  # fmt: skip


def make_referral(root: Path, routes: str = ROUTES) -> Two:
    fields = ", ".join(f'"{name}"' for name in LEAD_FIELDS)
    return make_two(root, records=f"lead = [{fields}]", cooperation=routes)


def case(number: int, **more: str | None) -> dict[str, str | None]:
    """A finished overload case whose vehicle is registered in B's county."""
    row: dict[str, str | None] = {
        "case_no": f"甲交案〔2020〕{number}号",
        "filing_time": "2020-09-01T09:00:00+08:00",
        "occurred_time": "2020-09-01T08:00:00+08:00",
        "decision_type": "penalty",
        "penalty_decision_no": f"甲交罚〔2020〕{number}号",
        "decision_date": "2020-09-20",
        "penalty_content": "罚款人民币贰佰元整",
        "fine_amount_cny": "200.00",
        "closed_date": "2020-09-30",
        "violation_type": "车货总质量超过限定标准",
        "common_cause_code": "overload_road",
        "violation_division_code": "999900",
        "party_category": "natural_person",
        "party_name": f"虚构{number}",
        "party_phone": "10000000000",
        "party_address": "虚构路1号",
        "vehicle_plate_no": f"示A{number:05d}",
        "vehicle_plate_color": "yellow",
        "vehicle_registration_division": "999901",
        "transport_certificate_no": f"999901{number:06d}",
        "driver_name": f"虚构驾驶人{number}",
        "driver_license_no": "999999180001010008",
        "qualification_certificate_no": f"9999{number:06d}",
        "total_weight_kg": "75000",
        "limit_weight_kg": "49000",
        "data_status": "valid",
        "sharing_attribute": "conditional",
        "source_updated_time": "2020-09-30T18:00:00+08:00",
    }
    return row | more


def put(
    node: Node,
    record_type: str,
    rows: Iterable[Mapping[str, str | None]],
    number: str,
    now: datetime = NOW,
) -> None:
    """Rows of a system of this agency, in the lake; ``number`` names the field that tells them
    apart. Lists are written as DuckDB reads them."""
    found = list(rows)
    lists = {f.name for f in load_contract(record_type).fields if f.duckdb_type == "VARCHAR[]"}
    names = ", ".join(f"{n}::VARCHAR[] AS {n}" if n in lists else n for n in found[0])
    append_own(
        node, record_type, f"SELECT {number} AS source_record_id, {names} FROM raw", found, now
    )


def put_cases(node: Node, *rows: Mapping[str, str | None], now: datetime = NOW) -> None:
    put(node, "case_result", rows, "case_no", now)
