"""What an unknown text could mean, with the evidence; a person decides.

Three kinds of evidence, none of which gives a code by itself: some scheme of the list, or a label,
has the same text but for signs, spaces and width; a text is written nearly the same; or the
records rest on the articles that the list names as the code's source.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hefu.code_work.citations import Article, citations
from hefu.code_work.lists import labels
from schemas.codes import CANONICAL, CodeRow
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.code_work.unmapped import Unmapped

#: How alike two texts must be to be told, 0 to 1 (difflib).
NEAR = 0.6
_MOST = 3

SAME = Text(en="same", zh="相同")
NEARLY = Text(en="near", zh="相近")
ARTICLE = Text(en="same article", zh="同一条款")

_NOISE = re.compile(r"[\s\W_]+")
_IN_BRACKETS = re.compile(r"[（(\[【][^（）()\[\]【】]*[）)\]】]")


@dataclass(frozen=True, slots=True)
class Evidence:
    """``kind``: SAME, NEARLY or ARTICLE; ``told``: what exactly agrees."""

    kind: Text
    told: Text


@dataclass(frozen=True, slots=True)
class Proposal:
    """A code that could be meant, its labels and why."""

    code: str
    label: Text
    evidence: tuple[Evidence, ...]


def suggest(found: Unmapped, rows: Sequence[CodeRow]) -> list[Proposal]:
    """What ``found`` could mean in its list's ``rows``, the best first, at most three.

    Empty where nothing speaks for any code, or where the text was not shared and no article
    helps. Same texts stand before near ones, and these before articles.
    """
    by_code: dict[str, list[tuple[float, Evidence]]] = {}
    for code, weight, evidence in (
        *_same(found, rows),
        *_near(found, rows),
        *_by_article(found, rows),
    ):
        by_code.setdefault(code, []).append((weight, evidence))
    ranked = sorted(by_code.items(), key=lambda item: (-sum(w for w, _ in item[1]), item[0]))
    labelled = labels(rows)
    return [
        Proposal(
            code=code,
            label=Text(en=labelled[code].label_en, zh=labelled[code].label_zh),
            evidence=tuple(evidence for _, evidence in weighed),
        )
        for code, weighed in ranked[:_MOST]
    ]


def plain(text: str) -> str:
    """The text as it is compared: half width, lower case, letters, digits and signs alone."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text)).lower()


def _same(found: Unmapped, rows: Sequence[CodeRow]) -> Iterable[tuple[str, float, Evidence]]:
    if not found.raw:
        return
    wanted = plain(found.raw)
    schemes: dict[str, list[str]] = {}
    for row in rows:
        if wanted in (plain(row.raw), plain(row.label_zh)):
            schemes.setdefault(row.code, []).append(row.scheme)
    # 1 is blue in one list of plate colours and yellow in another.
    known_by_name = not wanted.isascii()
    for code, names in schemes.items():
        told = ", ".join(sorted(set(names)))
        yield (
            code,
            3.0 if known_by_name else 2.0,
            Evidence(
                SAME,
                Text(
                    en=f"scheme {told} writes the same but for signs, spaces and width"
                    + ("" if known_by_name else "; codes of two schemes may collide"),
                    zh=f"编码体系 {told} 的写法相同（不计标点、空格、全半角）"
                    + ("" if known_by_name else "；不同体系的代码可能撞码"),
                ),
            ),
        )


def _near(found: Unmapped, rows: Sequence[CodeRow]) -> Iterable[tuple[str, float, Evidence]]:
    if not found.raw or plain(found.raw).isascii():
        return
    wanted = plain(_IN_BRACKETS.sub("", found.raw)) or plain(found.raw)
    best: dict[str, tuple[float, str]] = {}
    for row in rows:
        text = row.label_zh if row.scheme == CANONICAL else row.raw
        if not text or text.isascii() or plain(text) == plain(found.raw):
            continue
        ratio = _alike(wanted, plain(_IN_BRACKETS.sub("", text)) or plain(text))
        if ratio >= max(NEAR, best.get(row.code, (0.0, ""))[0]):
            best[row.code] = (ratio, text)
    ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
    for code, (ratio, text) in ranked[:_MOST]:
        told = Text(en=f"written nearly as “{text}”", zh=f"与“{text}”写法相近")
        yield code, ratio, Evidence(NEARLY, told)


def _alike(one: str, other: str) -> float:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < NEAR or matcher.quick_ratio() < NEAR:
        return 0.0
    return matcher.ratio()


def _by_article(found: Unmapped, rows: Sequence[CodeRow]) -> Iterable[tuple[str, float, Evidence]]:
    named = frozenset[Article]().union(*(citations(basis) for basis in found.bases))
    if not named:
        return
    shared = {
        row.code: citations(row.source) & named
        for row in rows
        if row.scheme == CANONICAL and citations(row.source) & named
    }
    for code, articles in shared.items():
        yield (
            code,
            # An article that many codes name says little about each.
            0.5 / len(shared),
            Evidence(
                ARTICLE,
                Text(
                    en="the records rest on " + ", ".join(_told(a) for a in sorted(articles)),
                    zh="记录的依据为" + "、".join(_told(a) for a in sorted(articles)),
                ),
            ),
        )


def _told(article: Article) -> str:
    return f"《{article[0]}》第{article[1]}条"
