"""What Hefu says to people, in both languages at the place where it is said.

The language is chosen when a text is shown, not when it is made: an error raised in a
flow on an English server can be shown in Chinese to the officer who asks for its status.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


def language() -> Language:
    """The reader's language: ``HEFU_LANG``, else the locale, else English."""
    for name in ("HEFU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@dataclass(frozen=True, slots=True)
class Text:
    """One message in English and Chinese. Style: lower case start, no full stop."""

    en: str
    zh: str

    def in_language(self, which: Language | None = None) -> str:
        return self.zh if (which or language()) == "zh" else self.en

    def __str__(self) -> str:
        return self.in_language()
