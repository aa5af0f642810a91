"""``docs/naming.md`` speaks of what there is: its identifiers are fields, codes or record types."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from schemas.contract import load_contract, record_types

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([^|]+) \| [^|]+ \| `([^`|]+)` \| [^|]+ \|$", re.MULTILINE)


def glossary() -> list[tuple[str, str]]:
    """(Chinese term, identifier) of the tables that have a column for the code."""
    text = (ROOT / "docs" / "naming.md").read_text(encoding="utf-8")
    return [(m[1].strip(), m[2]) for m in ROW.finditer(text.partition("## Glossary")[2])]


def labels_in_code() -> dict[str, str]:
    """Identifier → Chinese label, from contracts and code lists; units in brackets are left out."""
    contracts = [load_contract(name) for name in record_types()]
    found = {c.record_type: c.label.zh for c in contracts}
    for contract in contracts:
        found |= {field.name: field.label_zh.partition("（")[0] for field in contract.fields}
    with (ROOT / "schemas" / "codes" / "lead_type.csv").open(encoding="utf-8", newline="") as file:
        codes = [row for row in csv.DictReader(file) if row["scheme"] == "canonical"]
    found |= {f"lead_type={row['code']}": row["label_zh"] for row in codes}
    return found


def test_each_identifier_exists_and_bears_the_chinese_term() -> None:
    in_code = labels_in_code()
    terms = glossary()
    assert len(terms) > 30
    assert {name: term for term, name in terms if in_code.get(name) != term} == {}
