"""A publisher with three root keys whose trust can be changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repository_world import CODE, DAY, NOW, PERIODS, World, public, signer

from exchange.repository.folder import FolderCarrier
from exchange.trust.agency import AgencyFacts
from exchange.trust.ceremony import Terms, apply_change, read_terms
from exchange.trust.client import Publisher, open_publisher
from exchange.trust.drafts import Draft, draft_change, load_draft, sign_change
from exchange.trust.roles import Signers

FACTS = AgencyFacts(code=CODE, name="甲测试支队", division_code="999999", repository="/nowhere")
THREE = Terms(FACTS, tuple(map(public, ("r1", "r2", "r3"))), 2, public("online"))
LATER = NOW + DAY


@dataclass
class Agency:
    """A publisher with three root keys of which two must sign."""

    world: World
    signers: Signers = Signers((signer("online"),))  # noqa: RUF009 (frozen)

    @property
    def repository(self) -> Path:
        return self.world.repository

    @property
    def folder(self) -> Path:
        return self.world.root / "trust-change"

    @property
    def terms(self) -> Terms:
        return read_terms(self.repository)

    def draft(self, **changed: Any) -> Draft:
        terms = replace(self.terms, **changed)
        return draft_change(self.repository, self.folder, terms, PERIODS, LATER)

    def sign(self, *names: str) -> None:
        for name in names:
            sign_change(self.folder, signer(name))

    def apply(self, *online: str, former: str | None = None) -> None:
        draft = load_draft(self.folder)
        apply_change(
            self.repository,
            draft.before,
            draft.after,
            Signers(tuple(map(signer, online or ("online",)))),
            PERIODS,
            LATER,
            signer(former) if former else None,
        )

    def root(self, version: int = 1) -> bytes:
        return (self.repository / f"metadata/{version}.root.json").read_bytes()

    def opened(self, memory: Path, bootstrap: bytes | None = None) -> Publisher:
        carrier = FolderCarrier(self.repository)
        return open_publisher(carrier, memory, bootstrap or self.root(), LATER)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def rotated(agency: Agency) -> None:
    agency.draft(online_key=public("next"))
    agency.sign("r1", "r2")
