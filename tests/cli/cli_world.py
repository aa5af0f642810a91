"""What the command line's tests share: two invented agencies and ways to call ``hefu``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hefu.node import Agency, Node, load_node
from hefu.scaffold import create_node

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery"
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
    create_node(folder, agency, PASSPHRASE)
    return load_node(folder)
