"""Two invented nodes around the real data: one reads it, the other is the partner.

``set_up`` lays them out, so that a test or a reader can drive the data from file to verified
bundle: ``hefu --node TARGET/cities sync``, ``publish``, then ``hefu --node TARGET/reader receive``.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from examples.introduce import introduce_all, make_node
from examples.region.check_digits import credit_code
from hefu import scaffold
from hefu.node import Agency

_HERE: Final = Path(__file__).parent
# GB/T 2260 has no division 9999xx, so neither can be mistaken for an agency that exists
CITIES: Final = Agency(
    code=credit_code("11999900HEFUDEMA1"),
    name="American open data (example)",
    division_code="999900",
)
READER: Final = Agency(
    code=credit_code("11999901HEFUDEMA2"),
    name="Reader of open data (example)",
    division_code="999901",
)
# folder of the data → system and stream of its source.toml
SOURCES: Final = {"nyc_parking": "nyc_parking/tickets", "mpls_stops": "mpls_stops/stops"}

_GRANTED: Final = {
    "case_result": (
        "case_no",
        "decision_type",
        "violation_type",
        "case_cause_code",
        "decision_date",
        "penalty_org_name",
        "vehicle_plate_no",
        "vehicle_plate_unread",
        "vehicle_type",
    ),
    "inspection": (
        "inspection_no",
        "inspection_time",
        "inspection_method",
        "inspection_place",
        "inspection_remark",
        "occurred_time",
    ),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """The folders of the two nodes."""

    cities: Path
    reader: Path


def set_up(target: Path, now: datetime) -> Pair:
    """Make both nodes below ``target``, with keys, sources, data, agreement and partner files."""
    pair = Pair(target / "cities", target / "reader")
    for root, agency in ((pair.cities, CITIES), (pair.reader, READER)):
        who = scaffold.check_agency(agency.code, agency.name, agency.division_code)
        make_node(root, who, now)
        (root / "agreements" / "open-data.toml").write_text(_agreement(), encoding="utf-8")
    for folder, stream in SOURCES.items():
        shutil.copytree(_HERE / folder, pair.cities / "sources" / stream)
    introduce_all([pair.cities, pair.reader])
    return pair


def _agreement() -> str:
    parties = "".join(
        f"\n[[parties]]\ncode = {scaffold.toml_text(agency.code)}\n"
        f"name = {scaffold.toml_text(agency.name)}\n"
        for agency in (CITIES, READER)
    )
    records = "".join(
        f"{record_type} = [{', '.join(scaffold.toml_text(name) for name in names)}]\n"
        for record_type, names in _GRANTED.items()
    )
    return (
        "# The data is public; the agreement shows how one is written.\n"
        'id = "open-data"\nversion = 1\nvalid_from = 2026-01-01\nvalid_until = 2027-12-31\n'
        f"{parties}\n[[grants]]\n"
        f"from = {scaffold.toml_text(CITIES.code)}\n"
        f"to = {scaffold.toml_text(READER.code)}\n"
        'purpose = "demonstration"\nlegal_basis = "open data of the two cities"\n'
        f"\n[grants.records]\n{records}"
    )
