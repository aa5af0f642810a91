from __future__ import annotations

import pytest
from house_tree import Tree, read_tree


@pytest.fixture(scope="session")
def tree() -> Tree:
    return read_tree()
