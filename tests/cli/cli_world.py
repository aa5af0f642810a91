"""What the command line's tests share: two invented agencies and ways to call ``hefu``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hefu.node import Agency, Node, load_node
from hefu.scaffold import create_node
from hefu.trust_setup import init_trust

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery"
ROOT_PASSPHRASE = "of a root key in tests"
COUNTY = Agency(
    code="113305230000000HFG",
    name="示例县交通运输局",
    division_code="330523",
    business_domain="01",
)
CITY = Agency(
    code="113418820000000HFY",
    name="示例市交通运输局",
    division_code="341882",
    business_domain="01",
)
AGREEMENT = f"""\
id = "county-city"
version = 1
valid_from = 2026-01-01
valid_until = 2099-12-31
[[parties]]
code = "{COUNTY.code}"
name = "{COUNTY.name}"
[[parties]]
code = "{CITY.code}"
name = "{CITY.name}"
[[grants]]
from = "{COUNTY.code}"
to = "{CITY.code}"
purpose = "overload_accumulation"
legal_basis = "公路安全保护条例 第六十六条"
[grants.records]
case_result = ["case_no", "decision_date"]
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Hefu = Callable[..., Ran]


def start(*arguments: str | Path, language: str = "en", cwd: Path | None = None) -> Ran:
    """Calls ``hefu`` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "hefu.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd or ROOT,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"HEFU_LANG": language, "PYTHONPATH": str(ROOT)},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def make_node(folder: Path, agency: Agency = COUNTY) -> Node:
    """A node with its keys; the root key lies in ``<folder>-root-keys``."""
    create_node(folder, agency, PASSPHRASE)
    node = load_node(folder)
    roots = folder.with_name(f"{folder.name}-root-keys")
    init_trust(node, [roots], 1, [ROOT_PASSPHRASE], now=datetime(2026, 10, 1, tzinfo=UTC))
    return node


HEADER = "案号,决定书文号,违法行为类型,决定类型,处罚决定日期,罚款金额（元）,当事人,备注"
ROWS = (
    "示交立〔2026〕000001号,示交罚〔2026〕000001号,未随车携带道路运输证,行政处罚,2026-10-08,100,示例甲乙丙丁,",
    "示交立〔2026〕000002号,示交罚〔2026〕000002号,未随车携带道路运输证,行政处罚,2026-02-30,-1,示例戊己庚辛,复核",
)
MAPPING = """\
SELECT
    txt("案号") AS source_record_id,
    txt("案号") AS case_no,
    txt("决定书文号") AS penalty_decision_no,
    txt("违法行为类型") AS violation_type,
    code('decision_type', 'zh', "决定类型") AS decision_type,
    date_ymd("处罚决定日期") AS decision_date,
    yuan("罚款金额（元）") AS fine_amount_cny,
    txt("当事人") AS party_name
FROM raw
"""
SOURCE = """\
system = "casework"
stream = "results"
record_type = "case_result"

[reader]
kind = "files"
path = "../../../export"
pattern = "*.csv"
format = "csv"

[window]
field = "处罚决定日期"

[expect]
max_quarantine_share = {share}
"""


def add_source(node: Node, *rows: str, share: float = 1.0) -> Path:
    """A source of case results; its one file, in ``node/export``, holds ``rows``."""
    folder = node.root / "sources" / "casework" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(SOURCE.format(share=share), encoding="utf-8")
    (folder / "mapping.sql").write_text(MAPPING, encoding="utf-8")
    file = node.root / "export" / "cases.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join((HEADER, *rows, "")), encoding="utf-8")
    return file
