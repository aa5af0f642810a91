"""A bundle, a card and a repository as Hefu's own writer makes them, from fixed keys and times.

    tests/vectors/golden/bundle.hefu                the bundle of `minimal`
                         TESTSENDER.card.json       the card of its sender
                         repository/                founded, then two bundles published

They are kept byte for byte: what a release writes, the next one must write as well.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from bundles import KEY_B, NOW, entries_of, good, payload_of, sha256_hex
from repositories import ONLINE, PUBLISHED, ROOTS, facts, open_agreement, open_bundle, stream_of

from exchange.bundle.container import STATEMENT_ENTRY
from exchange.repository.local import publish
from exchange.trust.card import write_card
from exchange.trust.ceremony import Terms, found
from exchange.trust.roles import Periods, Signers


def write_golden(folder: Path) -> dict[str, bytes]:
    """Everything below ``tests/vectors/golden``, made in the empty ``folder``; path to bytes."""
    repository, sent = folder / "repository", folder / "sent"
    terms = Terms(
        facts(),
        tuple(key.public for key in ROOTS),
        2,
        ONLINE.public,
        (KEY_B.public,),
        2,
    )
    signers = Signers((ONLINE.signer, KEY_B.signer))
    founded = PUBLISHED - timedelta(days=1)
    found(repository, terms, [k.signer for k in ROOTS[:2]], signers, Periods(), founded)
    previous: str | None = None
    for sequence in (1, 2):
        bundle = open_bundle(
            ONLINE, KEY_B, sequence=sequence, previous_statement_sha256=previous, now=PUBLISHED
        )
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(bundle)
            publish(
                repository,
                sent,
                stream_of(open_agreement()),
                sequence,
                Path(file.name),
                entries_of(bundle)[STATEMENT_ENTRY],
                signers,
                Periods(),
                NOW - timedelta(hours=2 - sequence),
            )
        previous = sha256_hex(payload_of(bundle))
    write_card(repository, folder / "TESTSENDER.card.json")
    written = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "sent" not in path.parts and not path.name.startswith(".")
    }
    return written | {"bundle.hefu": good()}
