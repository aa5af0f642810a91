"""What a release writes, the next one writes as well: from fixed keys, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import NOW, SENDER, good
from golden import write_golden
from repositories import open_agreement, stream_of

from exchange.repository.folder import FolderCarrier
from exchange.trust.card import load_card
from exchange.trust.client import open_publisher

GOLDEN = Path(__file__).parents[1] / "vectors" / "golden"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return write_golden(tmp_path_factory.mktemp("golden"))


def test_bundle_card_and_repository_are_rebuilt_byte_for_byte(made: dict[str, bytes]) -> None:
    kept = {str(p.relative_to(GOLDEN)): p.read_bytes() for p in GOLDEN.rglob("*") if p.is_file()}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_the_bundle_is_the_one_that_every_build_makes() -> None:
    assert (GOLDEN / "bundle.hefu").read_bytes() == good()


def test_the_card_opens_the_repository(tmp_path: Path) -> None:
    card = load_card(GOLDEN / "TESTSENDER.card.json")
    publisher = open_publisher(
        FolderCarrier(GOLDEN / "repository"), tmp_path / "trusted", card.root, NOW
    )
    assert publisher.facts == card.facts
    assert publisher.last(stream_of(open_agreement())) == 2
    assert publisher.trust(SENDER).threshold == 2
