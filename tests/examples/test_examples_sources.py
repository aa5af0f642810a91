"""Every source in ``examples/``: its declaration parses and its mapping fits its contract."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import duckdb
import pytest

from connectors.config import load_source
from schemas.codes.node_rows import load_codes
from schemas.contract import load_contract
from schemas.mapping import parse_mapping
from schemas.sql import connect

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCES = sorted(path.parent for path in EXAMPLES.rglob("source.toml"))
REAL = sorted(path.parent for path in EXAMPLES.rglob("PROVENANCE.md"))


def _name(folder: Path) -> str:
    return str(folder.relative_to(EXAMPLES))


def test_there_are_sources() -> None:
    assert len(SOURCES) == 12
    assert len(REAL) == 2


@pytest.mark.parametrize("folder", SOURCES, ids=_name)
def test_a_source_and_its_mapping_fit_the_contract(folder: Path) -> None:
    source = load_source(folder)
    path = folder / "mapping.sql"
    contract = load_contract(source.record_type)
    # With the code rows of its own that its node has: they lie beside the folder sources/.
    with connect(codes=load_codes(folder.parents[2] / "codes")) as con:
        mapping = parse_mapping(con, path.read_text(encoding="utf-8"), str(path), contract)
    assert "source_record_id" in mapping.outputs
    assert not mapping.uses_all, "a mapping that takes everything hides what it leaves"


@pytest.mark.parametrize("folder", SOURCES, ids=_name)
def test_a_source_says_what_it_is(folder: Path) -> None:
    source = load_source(folder)
    assert source.label
    assert source.defaults.division_code
    assert source.defaults.business_domain


@pytest.mark.parametrize("folder", [f for f in SOURCES if f.parent.name == "hotline"], ids=_name)
def test_who_complained_is_never_mapped(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    path = folder / "mapping.sql"
    mapping = parse_mapping(con, path.read_text(encoding="utf-8"), str(path), load_contract("lead"))
    assert not {"appellant", "content"} & mapping.used_columns
    assert not {"party_name", "party_phone", "party_id_no"} & set(mapping.outputs)


@pytest.mark.parametrize("folder", REAL, ids=_name)
def test_real_data_is_what_its_provenance_says(folder: Path) -> None:
    text = (folder / "PROVENANCE.md").read_text(encoding="utf-8")
    digest = re.search(r"`([0-9a-f]{64})`", text)
    name = re.search(r"\| File \| `([^`]+)`, ([\d,]+) bytes", text)
    assert digest
    assert name
    data = (folder / name[1]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest[1]
    assert len(data) == int(name[2].replace(",", ""))
