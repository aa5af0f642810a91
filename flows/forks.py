"""Proof that a publisher signed two statements under one number, kept where evidence lies.

    inbox/<publisher>/forks/<stream>/<8 digits>-<16 digits of the second statement>/
        metadata/…            the signed lists that name the second statement, up to the card's root
        bundle.hefu[.age]     the file that they name, if it could be had

What was taken in, with its own evidence, is in ``inbox/<publisher>/streams``
(``exchange.trust.evidence``).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flows.workspace import scratch_folder
from hefu.node import Node
from schemas.errors import OutsideError, VerificationError

if TYPE_CHECKING:
    from exchange.trust.client import Listed, Publisher


def keep_fork(node: Node, code: str, stream: str, publisher: Publisher, listed: Listed) -> Path:
    """Keep what proves the second statement, once; the folder appears whole."""
    name = f"{listed.sequence:08d}-{listed.statement_sha256[:16]}"
    place = node.place("inbox") / code / "forks" / stream / name
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(node) as folder:
        partial = place.with_name(f".{name}.{folder.name}")
        for path, data in publisher.metadata().items():
            file = partial / "metadata" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        ending = ".hefu.age" if listed.is_encrypted else ".hefu"
        # The signed lists prove it alone; the file may be gone or damaged.
        with suppress(OutsideError, VerificationError):
            publisher.download(listed, partial / f"bundle{ending}")
        partial.rename(place)
    return place
