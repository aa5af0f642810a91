"""``python -m schemas.dictionary`` writes the pages in both languages into ``docs``."""

from __future__ import annotations

from pathlib import Path

from schemas.dictionary import FOLDER, pages

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write every page; a page of old that is no longer made is removed."""
    written = {ROOT / path: text for path, text in (pages("en") | pages("zh")).items()}
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    for old in set((ROOT / FOLDER).glob("*.md")) - set(written):
        old.unlink()
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
