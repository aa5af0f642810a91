"""A large bundle is written, verified and opened in the memory of a small one."""

from __future__ import annotations

import json
import mmap
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

ROOT = Path(__file__).parents[2]
ATTACHMENTS, ATTACHMENT_BYTES, ROWS = 10, 32 * 2**20, 400_000


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def spend(folder: Path) -> None:
    """In a process of its own: the peak after a small bundle, and what a large one adds."""
    from bundles import KEY_A, NOW, RECEIVER, SENDER, agreement, contents, contract, rows

    from exchange.bundle.build import write_bundle
    from exchange.bundle.open import write_out
    from exchange.bundle.policy import ChainHead, Policy, Trust
    from exchange.bundle.verify import verify_bundle

    def through(name: str, **changes: object) -> None:
        written = write_bundle(contents(**changes), [KEY_A.signer], NOW, folder / name)
        with written.path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        policy = Policy({"note": contract()}, RECEIVER, (agreement(),), ChainHead.start())
        verified = verify_bundle(data, Trust(SENDER, (KEY_A.public,)), policy, NOW)
        assert (
            sum(b.num_rows for b in verified.batches("note")) == verified.statement.counts["note"]
        )
        write_out(verified, folder / f"{name}-opened", "parquet")

    through("small", tables={"note": rows(1000)})
    before = _peak_mib()
    few = rows(1000)

    def many() -> Iterator[pa.RecordBatch]:
        for _ in range(ROWS // 1000):
            yield from few.to_batches()

    reader = pa.RecordBatchReader.from_batches(few.schema, many())
    documents = sorted(folder.glob("document-*"))
    through("large", tables={"note": reader}, attachments=[("bin", d) for d in documents])
    size = (folder / "large").stat().st_size / 2**20
    sys.stdout.write(json.dumps({"before": before, "more": _peak_mib() - before, "size": size}))


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    for number in range(ATTACHMENTS):
        with (tmp_path / f"document-{number}").open("wb") as file:
            file.write(b"%d" % number)
            file.truncate(ATTACHMENT_BYTES)
    return tmp_path


def test_memory_does_not_grow_with_the_bundle(documents: Path) -> None:
    program = "import sys; from pathlib import Path; import test_exchange_constant_memory as t; "
    program += "t.spend(Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, documents],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}:{ROOT / 'tests' / 'vectors'}"},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["size"] > 300
    assert told["more"] < 160, told
