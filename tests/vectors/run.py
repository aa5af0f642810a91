"""Try a reader on the vectors: ``python tests/vectors/run.py [--only PART] -- COMMAND …``.

The command is called once per vector, as ``docs/client-protocol.md`` says. Exit code 0: the
reader accepts and refuses as it must; 1: it does not, and stdout says where. A different step
than ``expected.json`` names is told but is no failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ACCEPTED, REFUSED = 0, 4


def command_for(case: Path, client: list[str]) -> list[str]:
    expected = json.loads((case / "expected.json").read_text())
    command = [*client, "--trust", str(case / "trust"), "--now", expected["now"]]
    for name in ("previous", "identity"):
        if expected[name]:
            command += [f"--{name}", str(case / expected[name])]
    if "bundle" in expected:
        return [*command, str(case / expected["bundle"])]
    if expected["earlier"]:
        command += ["--earlier", str(case / expected["earlier"])]
        command += ["--earlier-now", expected["earlier_now"]]
    command += ["--stream", expected["stream"], "--sequence", str(expected["sequence"])]
    return [*command, "--repository", str(case / expected["repository"])]


def part_of(case: Path) -> str:
    """``bundle``, ``age`` or ``repository``."""
    expected = json.loads((case / "expected.json").read_text())
    if "bundle" not in expected:
        return "repository"
    return "age" if expected["identity"] else "bundle"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="try a reader on the vectors")
    parser.add_argument("--only", choices=["bundle", "age", "repository"])
    parser.add_argument("client", nargs=argparse.REMAINDER, metavar="-- COMMAND [ARGUMENT…]")
    asked = parser.parse_args(arguments)
    client = [a for a in asked.client if a != "--"]
    if not client:
        parser.print_usage(sys.stderr)
        return 2
    cases = sorted(path.parent for path in HERE.glob("*/expected.json"))
    cases = [case for case in cases if asked.only in (None, part_of(case))]
    wrong = sum(not try_case(case, client) for case in cases)
    sys.stdout.write(f"{len(cases)} vectors, {wrong} wrong\n")
    return 1 if wrong or not cases else 0


def try_case(case: Path, client: list[str]) -> bool:
    expected = json.loads((case / "expected.json").read_text())
    done = subprocess.run(command_for(case, client), capture_output=True, text=True, check=False)
    code = ACCEPTED if expected["accepted"] else REFUSED
    step = done.stdout.strip()
    verdict = "ok" if done.returncode == code else f"WRONG: exit code {done.returncode}"
    if verdict == "ok" and not expected["accepted"] and step != expected["step"]:
        verdict = f"ok, but at step {step!r} instead of {expected['step']!r}"
    sys.stdout.write(f"{case.name}: {verdict}\n")
    return done.returncode == code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
