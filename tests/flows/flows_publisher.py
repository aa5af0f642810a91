"""The publisher of the exchange room's tests, for tests of this one."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))

from repository_world import (
    DAY,
    NOW,
    PERIODS,
    SIGNERS,
    STREAM,
    World,
    founded,
    make_bundle,
)

__all__ = ["DAY", "NOW", "PERIODS", "SIGNERS", "STREAM", "World", "founded", "make_bundle"]
