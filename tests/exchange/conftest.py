"""The bundles of ``tests/vectors`` are what this room's tests are made of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[1] / "vectors"
sys.path.insert(0, str(VECTORS))

from agency_world import THREE, Agency  # noqa: E402
from bundles import KEY_A, NOW, RECEIVER, SENDER, agreement, contract  # noqa: E402
from publisher_world import Reader  # noqa: E402
from repository_world import NOW as FOUNDED  # noqa: E402
from repository_world import PERIODS, World, signer  # noqa: E402

from exchange.bundle.policy import ChainHead, Policy, Trust  # noqa: E402
from exchange.bundle.verify import VerifiedBundle, verify_bundle  # noqa: E402
from exchange.trust.ceremony import found  # noqa: E402


@pytest.fixture
def check() -> Callable[..., VerifiedBundle]:
    """Verify as the receiver does who has everything at hand."""

    def run(
        data: bytes, *, trust: Trust | None = None, now: object = NOW, **changes: object
    ) -> VerifiedBundle:
        facts = {
            "contracts": {"note": contract()},
            "recipient": RECEIVER,
            "agreements": (agreement(),),
            "head": ChainHead.start(),
        }
        policy = Policy(**facts | changes)
        return verify_bundle(data, trust or Trust(SENDER, (KEY_A.public,)), policy, now)

    return run


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "trusted")


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    world = World(tmp_path / "node")
    world.root.mkdir()
    offline = [signer("r1"), signer("r3")]
    found(world.repository, THREE, offline, world.signers, PERIODS, FOUNDED)
    return Agency(world)
