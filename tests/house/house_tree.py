"""What the guard tests look at: the files that git keeps, or would keep."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Tree:
    """The project's own files, relative to ``root``; nothing that git ignores."""

    root: Path
    files: tuple[Path, ...]

    def named(self, *suffixes: str) -> list[Path]:
        return [path for path in self.files if path.suffix in suffixes]

    def text(self, path: Path) -> str | None:
        """The file's text, or None for bytes that are no UTF-8 (test data of old encodings)."""
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None


def read_tree() -> Tree:
    """Ask git; a file that is new and not ignored counts too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = (Path(name) for name in listed.split("\0") if name)
    return Tree(ROOT, tuple(sorted(p for p in paths if (ROOT / p).is_file())))
