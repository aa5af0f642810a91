"""Write the test vectors: ``python tests/vectors/generate.py [FOLDER]``.

One folder per case. A name that ends in ``_fail`` must be refused at the step that its
``expected.json`` names, every other one accepted; each failing case has one fault.
``docs/client-protocol.md`` says how to run them against another reader.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from age_cases import age_cases, good_age_cases  # noqa: E402
from bundles import (  # noqa: E402
    HEADS,
    KEY_A,
    KEY_B,
    MORE_FIELD,
    STRANGER,
    Case,
    contract,
    full_agreement,
    good,
    own_head,
    rows,
    second,
)
from container_cases import container_cases  # noqa: E402
from entry_cases import contract_cases, grant_cases, subject_cases, table_cases  # noqa: E402
from golden import write_golden  # noqa: E402
from repositories import RepositoryCase  # noqa: E402
from repository_cases import repository_cases  # noqa: E402
from statement_cases import (  # noqa: E402
    envelope_cases,
    party_cases,
    signature_cases,
    statement_cases,
    stream_cases,
)


def good_cases() -> Iterator[Case]:
    yield Case("minimal", "The smallest ordinary bundle.", good())
    yield Case("no_rows", "A table without rows.", good(tables={"note": rows(0)}))
    yield Case(
        "two_signatures",
        "Two different keys signed, as the threshold of two asks.",
        good(KEY_A, KEY_B),
        keys=(KEY_A, KEY_B),
        threshold=2,
    )
    yield Case(
        "unknown_cosigner",
        "A key that we don't know signed as well; its signature counts for nothing.",
        good(KEY_A, STRANGER),
    )
    yield Case("continued", "The second bundle of a stream.", second(good()), previous=good())
    yield Case(
        "attachment",
        "A document travels along, named by its digest.",
        good(attachments=[("txt", "附件".encode())]),
    )
    yield Case(
        "newer_minor_contract",
        "The sender's contract is a newer minor version with one more field that is not granted.",
        good(contracts={"note": contract("1.1.0", MORE_FIELD)}),
    )
    yield Case(
        "agreement_in_full",
        "The agreement says everything that an agreement can say.",
        good(agreement=full_agreement()),
        agreement=full_agreement(),
    )
    yield Case(
        "heads",
        "The sender says which bundles of which streams it has seen last, its own among them.",
        second(good(), heads=[*HEADS, own_head(good())]),
        previous=good(),
    )


def cases() -> Iterator[Case | RepositoryCase]:
    for group in (
        good_cases, good_age_cases, age_cases, container_cases, envelope_cases,
        signature_cases, statement_cases,
        party_cases, subject_cases, stream_cases, contract_cases, grant_cases, table_cases,
    ):  # fmt: skip
        yield from group()
    yield from repository_cases()


def write(folder: Path) -> int:
    """Write all cases below ``folder``, removing the folders of cases that are no more; and
    ``golden``, which is no case."""
    wanted = {case.name: case.files() for case in cases()}
    with tempfile.TemporaryDirectory() as empty:
        golden = dict(write_golden(Path(empty)))
    # Only now, that nothing can fail any more.
    for expected in folder.glob("*/expected.json"):
        shutil.rmtree(expected.parent)
    shutil.rmtree(folder / "golden", ignore_errors=True)
    for path, data in golden.items():
        target = folder / "golden" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for name, files in wanted.items():
        for path, data in files.items():
            target = folder / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return len(wanted)


if __name__ == "__main__":
    written = write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
    sys.stdout.write(f"{written} vectors written\n")
