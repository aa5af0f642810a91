"""A node with three root keys, and what a partner believes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from cli_world import COUNTY, Hefu, Ran

from exchange.repository.folder import FolderCarrier
from exchange.trust.client import open_publisher
from hefu.node import Node, load_node
from hefu.scaffold import create_node

SECRET = "of-the-root-keys-and-nobody-elses"


class Keys:
    """A node with three root keys in folders ``a``, ``b``, ``c``; calls ``hefu keys``."""

    def __init__(self, hefu: Hefu, folder: Path):
        self._hefu = hefu
        self.folder = folder
        create_node(folder / "node", COUNTY)

    @property
    def node(self) -> Node:
        return load_node(self.folder / "node")

    def __call__(self, *words: str | Path) -> Ran:
        return self._hefu("--node", self.folder / "node", "keys", *words)

    def sticks(self, *names: str, option: str = "--root-folder") -> list[str | Path]:
        found: list[str | Path] = []
        for name in names:
            found += [option, self.folder / name]
        return [*found, option.replace("folder", "passphrase"), "env:HEFU_TEST_ROOT"]

    def shown(self) -> dict[str, object]:
        told: dict[str, object] = json.loads(self("show", "--json").out)
        return told

    def root_file(self, name: str) -> Path:
        return next(p for p in (self.folder / name).glob("root-*.pem") if ".pub." not in p.name)


def opened(keys: Keys, memory: str = "memory") -> tuple[str, ...]:
    """The statement keys that a partner with the first root believes."""
    repository = keys.node.place("repository")
    root = (repository / "metadata/1.root.json").read_bytes()
    now = datetime.now(UTC)
    publisher = open_publisher(FolderCarrier(repository), keys.folder / memory, root, now)
    return tuple(key.key_id for key in publisher.trust(COUNTY.code).keys)
