"""``python -m cooperation.procedures`` writes the pages; ``--check`` names those that are old."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cooperation.procedures.pages import FILES, page

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Write both pages, or with ``--check`` only name the old ones; 1 if there is one."""
    parser = argparse.ArgumentParser(prog="python -m cooperation.procedures")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a page is old")
    is_check = parser.parse_args(arguments).check
    old = [path for path, text in _pages() if not path.is_file() or path.read_text("utf-8") != text]
    for path in old:
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    if is_check:
        return 1 if old else 0
    for path, text in _pages():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def _pages() -> list[tuple[Path, str]]:
    return [(ROOT / FILES["en"], page("en")), (ROOT / FILES["zh"], page("zh"))]


if __name__ == "__main__":
    sys.exit(main())
