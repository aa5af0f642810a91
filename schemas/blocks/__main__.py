"""``python -m schemas.blocks`` writes the blocks into the contracts; ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from schemas.blocks import filled
from schemas.errors import ConfigError

CONTRACTS = Path(__file__).parents[1] / "contracts"


def main(arguments: list[str]) -> int:
    """Exit code: 0, or 1 if a file differs under ``--check``, 2 for wrong use."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m schemas.blocks [--check]\n")
        return 2
    different = []
    for path in sorted(CONTRACTS.glob("*.odcs.yaml")):
        # Bytes, not text: a contract's line ends belong to what travels.
        found = path.read_bytes().decode()
        try:
            wanted = filled(found)
        except ConfigError as error:
            sys.stderr.write(f"{path.name}: {error}\n")
            return 2
        if wanted != found:
            different.append(path.name)
            if not arguments:
                path.write_bytes(wanted.encode())
    for name in different:
        sys.stdout.write(f"{name}\n")
    return 1 if arguments and different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
