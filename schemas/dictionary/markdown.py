"""The small change of Markdown that the dictionary's pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from schemas.text import Language, Text

FILES: dict[Language, str] = {
    "en": "docs/data-dictionary.md",
    "zh": "docs/data-dictionary.zh-CN.md",
}
FOLDER = "docs/dictionary"
SHARED, LISTS = "shared-fields", "code-lists"
TITLE = Text("Data dictionary", "数据字典")


def page_path(name: str, language: Language) -> str:
    return f"{FOLDER}/{page_file(name, language)}"


def page_file(name: str, language: Language) -> str:
    return f"{name}.md" if language == "en" else f"{name}.zh-CN.md"


def page_text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def head(title: str, name: str, language: Language) -> Iterator[str]:
    """Title, the other language, the way back."""
    other: Language = "zh" if language == "en" else "en"
    yield f"# {title}"
    yield ""
    back = f"../{PurePosixPath(FILES[language]).name}"
    links = (
        f"[{'中文' if other == 'zh' else 'English'}]({page_file(name, other)})",
        f"[{TITLE.in_language(language)}]({back})",
    )
    yield " · ".join(links)
    yield ""


def joined(words: Iterable[Text], language: Language) -> str:
    return ("、" if language == "zh" else ", ").join(w.in_language(language) for w in words)


def table(
    heads: tuple[Text, ...], language: Language, rows: Sequence[Sequence[str]]
) -> Iterator[str]:
    yield line([h.in_language(language) for h in heads])
    yield line(["---"] * len(heads))
    yield from (line(row) for row in rows)
    yield ""


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"
