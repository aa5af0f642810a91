"""The two nodes that are measured: the publisher of ``bench/data.py`` cases, and its partner."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hefu import scaffold
from hefu.node import Agency

PUBLISHER = Agency(
    code="11999900BENCH00013", name="测速发送方", division_code="330523", business_domain="01"
)
RECEIVER = Agency(
    code="11999900BENCH00026", name="测速接收方", division_code="341882", business_domain="01"
)
STREAM_FOLDER = Path("sources", "bench", "cases")


def make_nodes(root: Path, csv: Path | None) -> tuple[Path, Path]:
    """Two fresh nodes that trust each other; the first has ``csv`` in its drop folder."""
    shutil.rmtree(root, ignore_errors=True)
    folders = root / "publisher", root / "receiver"
    agreement = _agreement()
    keys = {}
    for folder, agency in zip(folders, (PUBLISHER, RECEIVER), strict=True):
        made = scaffold.create_node(
            folder, scaffold.check_agency(agency.code, agency.name, agency.division_code), "bench"
        )
        keys[agency.code] = made.public_key.pem
        (folder / "agreements" / "bench.toml").write_text(agreement, encoding="utf-8")
    _trust(folders[0], RECEIVER, keys[RECEIVER.code], "../../../receiver/repository")
    _trust(folders[1], PUBLISHER, keys[PUBLISHER.code], "../../../publisher/repository")
    source = folders[0] / STREAM_FOLDER
    shutil.copytree(Path(__file__).parent / "source", source)
    (folders[0] / "drop").mkdir()
    if csv is not None:
        os.link(csv, folders[0] / "drop" / "cases.csv")
    return folders


def _trust(node: Path, partner: Agency, pem: bytes, repository: str) -> None:
    folder = node / "partners" / partner.code
    folder.mkdir(parents=True)
    (folder / "signing.pub.pem").write_bytes(pem)
    (folder / "partner.toml").write_text(
        f'code = "{partner.code}"\nname = "{partner.name}"\nrepository = "{repository}"\n',
        encoding="utf-8",
    )


def _agreement() -> str:
    fields = [
        "case_no",
        "penalty_decision_no",
        "decision_type",
        "party_category",
        "party_name",
        "party_id_type",
        "party_id_no",
        "vehicle_plate_no",
        "vehicle_plate_color",
        "axle_count",
        "violation_type",
        "penalty_basis",
        "penalty_category",
        "fine_amount_cny",
        "filing_time",
        "decision_date",
        "closed_date",
        "source_record_id",
    ]
    return (
        'id = "bench"\nversion = 1\nvalid_from = 2026-01-01\nvalid_until = 2099-12-31\n'
        + "".join(
            f'[[parties]]\ncode = "{a.code}"\nname = "{a.name}"\n' for a in (PUBLISHER, RECEIVER)
        )
        + f'[[grants]]\nfrom = "{PUBLISHER.code}"\nto = "{RECEIVER.code}"\n'
        'purpose = "bench"\nlegal_basis = "none: invented data"\n'
        f"[grants.records]\ncase_result = [{', '.join(f'{name!r}' for name in fields)}]\n"
    )
