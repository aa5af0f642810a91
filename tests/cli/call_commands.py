"""Runs several commands in one process, so that Prefect and Great Expectations start once.

Reads a JSON list of argument lists on stdin and writes a JSON list of [exit code, stdout, stderr].
An argument list that begins with ``!`` is for the shell.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

from hefu.cli import run


def call(arguments: list[str]) -> tuple[int, str, str]:
    if arguments[0] == "!":
        done = subprocess.run(arguments[1:], capture_output=True, text=True, check=True)
        return done.returncode, done.stdout, done.stderr
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(arguments)
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    json.dump([call(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
