"""Does what a document says, in a process of its own, and tells where it did otherwise.

    python walk_document.py DOCUMENT FOLDER

Reads fenced ``console`` blocks (``$ command`` and what it prints, both streams in order) and
files (``<!-- write: path -->`` before a fenced block). ``hefu`` runs inside this process, so
that Prefect and Great Expectations are imported once; anything else goes to the shell. In the
expected text ``…`` stands for any text within the line, alone on a line for any lines.
With ``--record`` the document is written anew with what was printed. With ``--undated`` days are
not compared: they move with the calendar.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONTENT = re.compile(r"\$\(cat (\S+)\)")
WRITE = re.compile(r"<!-- write: (\S+) -->\n$")


@dataclass
class Step:
    command: str
    expected: list[str] = field(default_factory=list)


def blocks(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """(path to write or an empty text, fenced block) in order."""
    for match in FENCE.finditer(text):
        written = WRITE.search(text[: match.start()])
        if written or match[1] == "console":
            yield (written[1] if written else ""), match


def steps(block: str) -> list[Step]:
    found: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:]))
        else:
            found[-1].expected.append(line)
    return found


def run(command: str) -> str:
    command = CONTENT.sub(lambda found: Path(found[1]).read_text(encoding="utf-8").strip(), command)
    if "| hefu " in command:
        # What a command is given on stdin, by a printf.
        given, _, command = command.partition(" | ")
        done = subprocess.run(["sh", "-c", given], capture_output=True, text=True, check=True)
        return _with_stdin(done.stdout, shlex.split(command)[1:])
    words = shlex.split(command)
    if words[0] == "cd":
        os.chdir(words[1])
        return ""
    if words[0] == "hefu" and not set(words) & {">", "2>"}:
        return _hefu(words[1:])
    if words[0] == "hefu" and ">" in words:
        at = words.index(">")
        Path(words[at + 1]).write_text(_hefu(words[1:at], talk=False), encoding="utf-8")
        return ""
    if words[0] == "hefu":
        # Else only the discarding of talk is used with hefu in a document.
        return _hefu(words[1 : words.index("2>")], talk=False)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _with_stdin(text: str, arguments: list[str]) -> str:
    before, sys.stdin = sys.stdin, io.StringIO(text)
    try:
        return _hefu(arguments)
    finally:
        sys.stdin = before


def _hefu(arguments: list[str], *, talk: bool = True) -> str:
    from hefu.cli import run as run_hefu

    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out if talk else io.StringIO()):
        run_hefu(arguments)
    return out.getvalue()


#: Fingerprints, digests, checksums and moments: shown as they were once, compared as ``…``.
CHANGING = re.compile(
    r"(?:[0-9a-f]{4} ){15}[0-9a-f]{4}|\b(?:[0-9a-f]{64}|[0-9a-f]{12}|[0-9a-f]{8})\b"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d"
)


def agrees(expected: list[str], printed: list[str]) -> bool:
    pattern = "\n".join(
        ".*(?:\n.*)*" if line == "…" else ".*".join(map(re.escape, _steady(line).split("…")))
        for line in expected
    )
    return re.fullmatch(pattern, "\n".join(map(_steady, printed))) is not None


def _steady(line: str) -> str:
    return CHANGING.sub("…", line)


DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")


def without_days(lines: list[str]) -> list[str]:
    return [DAY.sub("…", line) for line in lines]


def walk(document: Path, folder: Path, *, undated: bool = False) -> list[dict[str, object]]:
    """Differences; empty when everything was printed as the document says."""
    os.chdir(folder)
    found: list[dict[str, object]] = []
    for path, match in blocks(document.read_text(encoding="utf-8")):
        if path:
            target = Path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(match[2], encoding="utf-8")
            continue
        for step in steps(match[2]):
            printed = [line.rstrip() for line in run(step.command).splitlines()]
            if undated:
                step.expected, printed = without_days(step.expected), without_days(printed)
            if not agrees(step.expected, printed):
                found.append(
                    {"command": step.command, "expected": step.expected, "printed": printed}
                )
    return found


def record(document: Path, folder: Path) -> None:
    """Writes what is printed into the document, with ``…`` for the folder of this run."""
    text = document.read_text(encoding="utf-8")
    os.chdir(folder)
    parts, end = [], 0
    for path, match in blocks(text):
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(match[2], encoding="utf-8")
            continue
        lines: list[str] = []
        for step in steps(match[2]):
            printed = [line.rstrip() for line in run(step.command).splitlines()]
            printed = [line.replace(str(folder), "…") for line in printed]
            kept = step.expected if agrees(step.expected, printed) else printed
            lines += [f"$ {step.command}", *kept]
        parts += [text[end : match.start()], "```console\n", "\n".join(lines), "\n```"]
        end = match.end()
    document.write_text("".join([*parts, text[end:]]), encoding="utf-8")


if __name__ == "__main__":
    here = Path(sys.argv[1]).resolve()
    if "--record" in sys.argv:
        record(here, Path(sys.argv[2]).resolve())
    else:
        sys.stdout.write(
            json.dumps(
                walk(here, Path(sys.argv[2]), undated="--undated" in sys.argv), ensure_ascii=False
            )
        )
