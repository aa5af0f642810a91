"""Try Hefu's reader on damaged input for a while: ``python tests/vectors/fuzz.py --minutes 10``.

Each seed makes one attempt (``mutations.py``). A finding is: an error that is not the reader's own
refusal, an attempt that takes longer than two seconds or more memory than allowed, a process that
dies, or a verdict that differs from the independent reader's. ``--seed N`` tries one again.
Exit code 0 without findings, 1 with.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "independent"), str(HERE.parents[1])]

import own_age  # noqa: E402
import own_bundle  # noqa: E402
import own_held  # noqa: E402
import own_refusal  # noqa: E402
import own_repository  # noqa: E402
from bundles import KEY_A, NOW, RECEIVER, SENDER, contract  # noqa: E402
from mutations import OURS, REPOSITORY, Attempt, attempt, read  # noqa: E402
from repository_states import ONE  # noqa: E402

from schemas.errors import RefusedError, RetryableError, VerificationError  # noqa: E402

MEMORY = 4 << 30
LONGEST_SECONDS = 2.0
BATCH = 2000
OURS_TO_RAISE = (VerificationError, RetryableError, RefusedError)
THEIRS_TO_RAISE = (own_refusal.RefusedError, own_refusal.AbsentError)


def independent(what: Attempt, folder: Path) -> None:
    """The same attempt through the reader that was written from FORMAT.md."""
    if what.kind == "age":
        own_age.decrypt(what.data, own_age.identity_of(OURS.text))
        return
    held = own_held.Reader(
        RECEIVER,
        SENDER,
        _agreement(),
        {"note": own_held.Contract.parse(contract().yaml_bytes)},
        NOW,
    )
    if what.kind == "bundle":
        own_bundle.verify(what.data, [KEY_A.public.raw], 1, held)
        return
    for path, data in (what.files or {}).items():
        target = folder / "repository" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    memory = own_repository.Memory({1: REPOSITORY["metadata/1.root.json"]})
    repository = own_repository.Repository(folder / "repository", memory, NOW, 0)
    repository.refresh(SENDER)
    repository.find(ONE.stream, 1)


@cache
def _agreement() -> dict[str, object]:
    return own_held.load_agreement(HERE / "minimal" / "trust" / "agreement.toml")


def verdict(
    read_it: Callable[[Attempt, Path], None],
    what: Attempt,
    refusals: tuple[type[BaseException], ...],
) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            read_it(what, Path(folder))
        except refusals as error:
            return f"refused at {getattr(error, 'step', 'fetch')}"
    return "accepted"


def try_one(seed: int, told: Counter[str]) -> list[str]:
    """What was found with this seed, in words."""
    name, what = attempt(seed)
    begun = time.monotonic()
    try:
        ours = verdict(read, what, OURS_TO_RAISE)
    except Exception:  # noqa: BLE001 (to find any is what this is for)
        return [f"seed {seed} ({name}): {traceback.format_exc()}"]
    took = time.monotonic() - begun
    told[f"{name}: {ours}"] += 1
    found = [f"seed {seed} ({name}): {took:.1f} s"] if took > LONGEST_SECONDS else []
    try:
        theirs = verdict(independent, what, THEIRS_TO_RAISE)
    except Exception:  # noqa: BLE001
        return [*found, f"seed {seed} ({name}), independent: {traceback.format_exc()}"]
    if name == "of_contract" and ours == "refused at contract":
        return found  # FORMAT.md, section 7: who reads contracts more strictly may refuse more
    if (ours == "accepted") != (theirs == "accepted"):
        found.append(f"seed {seed} ({name}): {ours}, the independent reader: {theirs}")
    return found


def run_range(start: int, end: int) -> int:
    """Try the seeds, telling what was found, and in the end what became of all."""
    told: Counter[str] = Counter()
    wrong = 0
    for seed in range(start, end):
        for line in try_one(seed, told):
            wrong += 1
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    for name, count in sorted(told.items()):
        sys.stderr.write(f"{count:6} {name}\n")
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--end", type=int)
    parser.add_argument("--seed", type=int)
    asked = parser.parse_args(arguments)
    if asked.seed is not None:
        return run_range(asked.seed, asked.seed + 1)
    if asked.end is not None:  # a process of its own: one that dies is a finding too
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        return run_range(asked.start, asked.end)
    until = time.monotonic() + timedelta(minutes=asked.minutes).total_seconds()
    wrong, start = 0, asked.start
    while time.monotonic() < until:
        command = [sys.executable, __file__, "--start", str(start), "--end", str(start + BATCH)]
        done = subprocess.run(command, check=False)
        if done.returncode not in (0, 1):
            sys.stdout.write(f"seeds {start} to {start + BATCH}: ended by {done.returncode}\n")
        wrong += done.returncode != 0
        start += BATCH
    sys.stdout.write(f"{start - asked.start} attempts, findings in {wrong} batches\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
