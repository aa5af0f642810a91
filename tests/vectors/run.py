"""Try a reader on every vector: ``python tests/vectors/run.py -- COMMAND [ARGUMENT…]``.

The command is called once per vector, as ``docs/client-protocol.md`` says. Exit code 0: the
reader accepts and refuses as it must; 1: it does not, and stdout says where. A different step
than ``expected.json`` names is told but is no failure.
"""

from __future__ import annotations

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


def main(client: list[str]) -> int:
    if not client:
        sys.stderr.write("usage: python tests/vectors/run.py -- COMMAND [ARGUMENT…]\n")
        return 2
    cases = sorted(path.parent for path in HERE.glob("*/expected.json"))
    wrong = 0
    for case in cases:
        expected = json.loads((case / "expected.json").read_text())
        done = subprocess.run(
            command_for(case, client), capture_output=True, text=True, check=False
        )
        code = ACCEPTED if expected["accepted"] else REFUSED
        step = done.stdout.strip()
        verdict = "ok" if done.returncode == code else f"WRONG: exit code {done.returncode}"
        if verdict == "ok" and not expected["accepted"] and step != expected["step"]:
            verdict = f"ok, but at step {step!r} instead of {expected['step']!r}"
        wrong += done.returncode != code
        sys.stdout.write(f"{case.name}: {verdict}\n")
    sys.stdout.write(f"{len(cases)} vectors, {wrong} wrong\n")
    return 1 if wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main([a for a in sys.argv[1:] if a != "--"]))
