"""A Hefu with the next minor version of a contract, run as a process of its own.

It is this very code with a copy of ``schemas`` in which ``case_result`` has more fields, one of
them of a code list that the present version has never heard of.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from lake.store import Lake
from schemas.compatibility import at_least
from schemas.contract import load_contract

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PRESENT = load_contract("case_result").version
NEXT = at_least(PRESENT, "minor")

#: A decision type that the next version has.
NEW_CODE = "test_decision"

#: (name, type, the mapping's expression, as JSON in ``_extra``)
NEW_FIELDS = (
    ("test_weather", "VARCHAR", "'rain'", "rain"),
    ("test_visibility_m", "BIGINT", "'150'", "150"),
    ("test_share", "DECIMAL(6,4)", "'0.5'", "0.5000"),
    ("test_day", "DATE", "'2020-09-02'", "2020-09-02"),
    ("test_time", "TIMESTAMPTZ", "'2020-09-02 08:00:00+08'", "2020-09-02T00:00:00.000000Z"),
    ("test_night", "BOOLEAN", "'false'", "false"),
    ("test_roads", "VARCHAR[]", """split_list('S1,"S2"', ',')""", ["S1", '"S2"']),
)

_RULE = """
      - id: test_visibility_implausible
        name: "能见度不合理"
        description: "the visibility is implausible"
        type: sql
        severity: error
        query: "SELECT COUNT(*) FROM {object} WHERE test_visibility_m > 100000"
        mustBe: 0
"""


def make_future(folder: Path) -> Path:
    """The copy of ``schemas`` with the next version; returns the folder to put on the path."""
    shutil.copytree(
        ROOT / "schemas", folder / "schemas", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "schemas/codes/receipt_grade.csv", folder / "schemas/codes/test_weather.csv")
    codes = folder / "schemas/codes/test_weather.csv"
    head = codes.read_text(encoding="utf-8").splitlines()[0]
    codes.write_text(f"{head}\ncanonical,rain,rain,雨,rain,,,虚构,true\n", encoding="utf-8")
    with (folder / "schemas/codes/decision_type.csv").open("a", encoding="utf-8") as known:
        known.write(f"canonical,{NEW_CODE},{NEW_CODE},虚构,invented,,,虚构,true\n")
    path = folder / "schemas/contracts/case_result.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace(f"\nversion: {PRESENT}\n", f"\nversion: {NEXT}\n")
    before, quality, after = text.partition("\n    quality:")
    path.write_text(
        before + "".join(map(_field, NEW_FIELDS)) + quality + _RULE.rstrip() + after,
        encoding="utf-8",
    )
    return folder


def _field(field: tuple[str, str, str, Any]) -> str:
    name, kind, *_ = field
    lines = [
        f"      - name: {name}",
        "        businessName: 测试字段",
        f'        physicalType: "{kind}"',
        "        classification: internal",
    ]
    if name == "test_weather":
        lines += [
            "        customProperties:",
            "          - {property: codeList, value: test_weather}",
        ]
    return "\n" + "\n".join(lines)


class FutureHefu:
    """The running process: each line it reads is a list of steps, each it writes their results."""

    def __init__(self, schemas_folder: Path):
        paths = [str(schemas_folder), str(ROOT), str(HERE)]
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "flows_future.py")],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"},
            cwd=schemas_folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, world: Path, *steps: list[Any]) -> list[Any]:
        """What the steps gave, done on the nodes of ``world``."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(world), *steps]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the future ended with {self._process.wait()}"
        found: list[Any] = json.loads(line)
        return found

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _main() -> None:
    from flows_world import World, counts, query

    def do(world: World, name: str, *arguments: Any) -> Any:
        match name:
            case "drop":
                world.drop(*arguments)
                return None
            case "sync":
                return counts(world.sync())
            case "backfill":
                return counts(world.backfill(*map(date.fromisoformat, arguments)))
            case "publish":
                return [(p.status, p.counts, p.withheld) for p in world.publish()]
            case "receive":
                return [
                    {"counts": {t: counts(c) for t, c in taken.counts.items()},
                     "warnings": [w.en for w in taken.warnings]}
                    for taken in world.receive()
                ]  # fmt: skip
            case "query":
                return query(getattr(world, arguments[0]), "case_result", arguments[1])
            case "compact":
                return Lake(world.b.place("lake")).compact("case_result")
            case "version":
                return load_contract("case_result").version
        raise ValueError(name)

    for line in sys.stdin:
        root, *steps = json.loads(line)
        world = World(Path(root))
        results = [do(world, *step) for step in steps]
        sys.stdout.write(json.dumps(results, default=_plain) + "\n")
        sys.stdout.flush()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


if __name__ == "__main__":
    _main()
