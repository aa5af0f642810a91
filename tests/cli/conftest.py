"""A node, a bundle and a way to call ``hefu`` inside this process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import AGREEMENT, COUNTY, PASSPHRASE, Hefu, Ran, make_node
from keys_world import SECRET, Keys

from hefu.cli import run
from hefu.node import Node


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEFU_LANG", "en")
    monkeypatch.delenv("HEFU_NODE", raising=False)


@pytest.fixture
def hefu(capsys: pytest.CaptureFixture[str]) -> Hefu:
    """Calls a command in this process."""

    def call(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        code = run([str(word) for word in arguments])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return call


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return make_node(tmp_path / "county")


@pytest.fixture
def keys(hefu: Hefu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    monkeypatch.setenv("HEFU_TEST_ROOT", SECRET)
    made = Keys(hefu, tmp_path)
    ran = made("init", *made.sticks("a", "b", "c"))
    assert ran.code == 0, ran.err
    return made


@pytest.fixture
def bundle(node: Node, tmp_path: Path) -> Path:
    """A bundle of two case results from the county to the city; ``tmp_path/trust`` has its key."""
    import pyarrow as pa

    from exchange.agreement.model import load_agreement
    from exchange.bundle.build import BundleContents, build_bundle
    from exchange.keys.signing import load_signer
    from schemas.contract import load_contract

    (tmp_path / "trust").mkdir()
    key = (node.root / "keys/signing.pub.pem").read_bytes()
    (tmp_path / "trust" / "signing.pem").write_bytes(key)
    (tmp_path / "trust" / "partner.toml").write_text(
        f'code = "{COUNTY.code}"\nname = "{COUNTY.name}"\n', encoding="utf-8"
    )
    (tmp_path / "trust" / "agreement.toml").write_text(AGREEMENT, encoding="utf-8")
    agreement = load_agreement(tmp_path / "trust" / "agreement.toml")
    (grant,) = agreement.grants
    contract = load_contract("case_result")
    now = datetime(2026, 10, 20, 1, 30, tzinfo=UTC)
    schema = contract.arrow_schema(grant.columns(contract))
    rows = [
        {
            "record_id": f"{number:032x}",
            "record_type": "case_result",
            "schema_version": contract.version,
            "source_org_code": COUNTY.code,
            "source_org_name": COUNTY.name,
            "source_system": "casework",
            "division_code": COUNTY.division_code,
            "business_domain": "01",
            "source_updated_time": now,
            "received_time": now,
            "record_version": 1,
            "data_status": "valid",
            "sharing_attribute": "conditional",
            "sensitivity_class": "internal",
            "rule_pack_version": "cn-2026.11",
            "content_hash": f"{number:064x}",
            "case_no": f"示交立〔2026〕{number:06}号",
            "decision_date": now.date(),
        }
        for number in (1, 2)
    ]
    contents = BundleContents(
        agreement=agreement,
        grant=grant,
        sequence=1,
        previous_statement_sha256=None,
        tables={"case_result": pa.Table.from_pylist(rows, schema=schema)},
        contracts={"case_result": contract},
        lake_versions={"case_result": 1},
        rule_pack_version="cn-2026.11",
        verdict=b"{}",
    )
    signer = load_signer(node.config.keys.signer, PASSPHRASE, root=node.root)
    path = tmp_path / "00000001.hefu"
    path.write_bytes(build_bundle(contents, [signer], now))
    return path
