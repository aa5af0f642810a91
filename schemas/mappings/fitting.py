"""Lay a file's header beside a format's columns, and write the format in the file's own names."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.mappings import Ready, ReadyColumn

_BRACKETS = str.maketrans("（）：／", "():/")
_NEAR = 0.6
#: A token of SQL in which a column's name may not be replaced, or a quoted identifier.
_SQL_TOKEN = re.compile(r"""'(?:[^']|'')*'|--[^\n]*|"((?:[^"]|"")*)\"""")
_TOML_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Fit:
    """``columns``: the format's column → the file's name of it, or the name that a file of
    this kind would have. ``missing``: columns that the file lacks; ``missing_required``: those
    without which it is not this format. ``extra``: the file's columns that the format does not
    know. ``near``: missing column → an extra one that may be meant.
    """

    columns: Mapping[str, str]
    found: tuple[str, ...]
    missing: tuple[str, ...]
    missing_required: tuple[str, ...]
    extra: tuple[str, ...]
    near: Mapping[str, str]

    @property
    def share(self) -> float:
        """How much of the format the file has, 0 to 1."""
        return len(self.found) / len(self.columns)


def plain(name: str) -> str:
    """A column's name as names are compared: no case, blanks or underscores, brackets half
    width. A unit in brackets counts: 元 is not 万元.
    """
    return re.sub(r"[\s_\-]", "", name.translate(_BRACKETS)).lower()


def fit(ready: Ready, header: Sequence[str], told: Mapping[str, str] | None = None) -> Fit:
    """Which of the format's columns each column of ``header`` is.

    ``told``: the format's column → the file's, where a person said so.
    """
    by_plain: dict[str, str] = {}
    for name in header:
        by_plain.setdefault(plain(name), name)
    columns = ready.about.columns
    found = dict(told or {})
    # A column's own name first, everywhere, so that nobody's alias takes it away.
    for rank in range(max(len(c.names) for c in columns)):
        for column in columns:
            if column.name in found or rank >= len(column.names):
                continue
            mine = by_plain.get(plain(column.names[rank]))
            if mine is not None and mine not in found.values():
                found[column.name] = mine
    missing = tuple(c.name for c in columns if c.name not in found)
    extra = tuple(name for name in header if name not in found.values())
    named_by_label = _named_by_label(columns, found)
    return Fit(
        columns={c.name: found.get(c.name, c.label if named_by_label else c.name) for c in columns},
        found=tuple(found),
        missing=missing,
        missing_required=tuple(c.name for c in columns if c.required and c.name not in found),
        extra=extra,
        near=_near([c for c in columns if c.name in missing], extra),
    )


def _named_by_label(columns: Sequence[ReadyColumn], found: Mapping[str, str]) -> bool:
    telling = [c for c in columns if c.name in found and plain(c.name) != plain(c.label)]
    by_name = sum(plain(found[c.name]) == plain(c.name) for c in telling)
    return len(telling) > 2 * by_name


def _near(missing: Sequence[ReadyColumn], extra: Sequence[str]) -> dict[str, str]:
    near = {}
    by_plain = {plain(name): name for name in extra}
    for column in missing:
        scored = [
            (difflib.SequenceMatcher(None, plain(name), candidate).ratio(), candidate)
            for name in column.names
            for candidate in by_plain
        ]
        best = max(scored, default=(0.0, ""))
        if best[0] >= _NEAR:
            near[column.name] = by_plain[best[1]]
    return near


def sql_in_names(sql: str, names: Mapping[str, str]) -> str:
    """``sql`` with every quoted identifier of ``names`` replaced."""

    def own(token: re.Match[str]) -> str:
        name = token[1]
        if name is None or name.replace('""', '"') not in names:
            return token[0]
        return '"' + names[name.replace('""', '"')].replace('"', '""') + '"'

    return _SQL_TOKEN.sub(own, sql)


def toml_in_names(toml: str, names: Mapping[str, str], values: Mapping[str, object]) -> str:
    """``toml`` with the columns of ``names`` in the file's names, and each ``"{key}"`` of
    ``values`` as TOML (texts, numbers and lists of texts, which JSON writes the same way).
    """

    def own(token: re.Match[str]) -> str:
        text = token[1]
        if text in names:
            return json.dumps(names[text], ensure_ascii=False)
        if text.startswith("{") and text[1:-1] in values:
            return json.dumps(values[text[1:-1]], ensure_ascii=False)
        return token[0]

    return _TOML_STRING.sub(own, toml)
