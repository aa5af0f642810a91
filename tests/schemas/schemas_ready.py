"""Runs a ready mapping's sample the way ``hefu check`` runs a source's, and says what comes of it.

``python tests/schemas/schemas_ready.py`` writes every ``expected.json`` anew; read the
difference before it is committed.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.config import load_source
from connectors.landing import Landing
from connectors.pull import probe
from hefu.headers import read_columns
from hefu.node import Agency, Node, NodeConfig, Source
from hefu.ready_draft import written
from hefu.trial import Trial, try_mapping
from schemas.contract import load_contract
from schemas.mapping import parse_mapping
from schemas.mappings import Ready, load_ready, ready_mappings
from schemas.mappings.fitting import fit
from schemas.sql import connect

NOW = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)
AGENCY = Agency(
    code="113418820000000HFY", name="示例市交通运输局", division_code="341882", business_domain="01"
)


@dataclass(frozen=True)
class Outcome:
    """``rows``: one entry per row of the file, in order."""

    trial: Trial
    rows: list[dict[str, Any]]


def outcome(ready: Ready, sample: Path, folder: Path) -> Outcome:
    """What becomes of ``sample`` as a file of this format; ``folder`` is used up."""
    header = read_columns(sample)
    found = fit(ready, header.columns)
    toml, sql = written(ready, found, header, "ready", "sample", sample)
    place = folder / "sources" / "ready" / "sample"
    place.mkdir(parents=True)
    (place / "source.toml").write_text(toml, encoding="utf-8")
    (place / "mapping.sql").write_text(sql, encoding="utf-8")
    node = Node(folder, NodeConfig(agency=AGENCY))
    source = Source(place, load_source(place), place / "mapping.sql")
    landing = Landing(node.place("landing"))
    delivery = probe(source.config, source.folder, landing, secrets=node.secrets, now=NOW)
    con = connect()
    try:
        trial = try_mapping(con, node, source, delivery, NOW)
        contract = load_contract(ready.about.record_type)
        names = [*parse_mapping(con, sql, "mapping.sql", contract).outputs, "raw_values"]
        # As texts, so that an amount is compared to the fen and a time with its zone.
        exact = "|".join(("DECIMAL(16,2)", "DECIMAL(6,4)", "TIMESTAMPTZ"))
        kept = ", ".join(
            f"{n}: {n}::VARCHAR" if contract.field(n).duckdb_type in exact else f"{n}: {n}"
            for n in names
        )
        rows = con.execute(
            f"SELECT _row, to_json({{{kept}}}) AS record, NULL AS reasons FROM accepted UNION ALL "
            "SELECT _row, NULL, reasons FROM quarantined UNION ALL "
            "SELECT c._row, NULL, NULL FROM checked c "
            "ANTI JOIN accepted USING (_object, _row) ANTI JOIN quarantined USING (_object, _row) "
            "ORDER BY 1"
        ).fetchall()
    finally:
        con.close()
    return Outcome(
        trial, [_row(number, record, reasons, names) for number, record, reasons in rows]
    )


def _row(
    number: int, record: str | None, reasons: list[str] | None, names: list[str]
) -> dict[str, Any]:
    if record is not None:
        values = json.loads(record)
        return {"row": number, "record": {n: values[n] for n in names if values[n] is not None}}
    if reasons is not None:
        return {"row": number, "quarantined": reasons}
    return {"row": number, "duplicate": True}


def main() -> None:
    for name in ready_mappings():
        ready = load_ready(name)
        sample = Path(str(ready.sample))
        with tempfile.TemporaryDirectory() as folder:
            rows = outcome(ready, sample, Path(folder)).rows
        text = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        (sample.parent / "expected.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
