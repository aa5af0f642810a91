"""TOML into a pydantic model, with errors that name file, line and the key that was meant.

Every configuration file of a node goes through here, so a misspelt key reads the same
whether it stands in ``hefu.toml``, ``source.toml``, ``partner.toml`` or an agreement.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import ConfigError, Where
from schemas.text import Text

M = TypeVar("M", bound=BaseModel)


class StrictModel(BaseModel):
    """A table in which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(StrictModel):
    """A table that says the same in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @property
    def text(self) -> Text:
        return Text(en=self.en, zh=self.zh)


def load_toml(path: Path, model: type[M]) -> M:
    """Read ``path`` into ``model``.

    Raises :class:`ConfigError` when the file is missing, is not TOML, holds an unknown key,
    lacks a needed one or has a value of the wrong kind; the first problem is named with its
    line, the number of others is said.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            Text(en="this file is missing", zh="缺少此文件"), where=Where(str(path))
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            Text(en="this file is not UTF-8 text", zh="此文件不是 UTF-8 文本"),
            where=Where(str(path)),
            hint=Text(en="save it as UTF-8", zh="请另存为 UTF-8 编码"),
        ) from error
    return parse_toml(text, model, path)


def parse_toml(text: str, model: type[M], path: Path) -> M:
    """As :func:`load_toml`, over text that was already read from ``path``."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            Text(en=f"not valid TOML: {error}", zh=f"不是有效的 TOML：{error}"),
            where=Where(str(path)),
        ) from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # Not "from": pydantic quotes what was written, which may be a secret in the wrong place.
        raise _explain(error, text, model, path) from None


def _explain(error: ValidationError, text: str, model: type[BaseModel], path: Path) -> ConfigError:
    problems = error.errors(include_url=False, include_input=False)
    # A misspelt key is also a missing one: the misspelling is what the reader can mend.
    first = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    location = [str(p) for p in first["loc"]]
    key = ".".join(location)
    where = Where(str(path), _line_of(text, location), key or None)
    others = len(problems) - 1
    more_en = f" (and {others} more)" if others else ""
    more_zh = f"（另有 {others} 处）" if others else ""
    if first["type"] == "extra_forbidden":
        known = sorted(set(_names_beside(model, location)))
        near = difflib.get_close_matches(location[-1], known, n=1)
        hint = (
            Text(en=f"did you mean {near[0]!r}?", zh=f"是否应为 {near[0]!r}？")
            if near
            else Text(en=f"known keys: {', '.join(known)}", zh=f"可用的键：{'、'.join(known)}")
        )
        return ConfigError(
            Text(
                en=f"unknown key {location[-1]!r}{more_en}",
                zh=f"未知的键 {location[-1]!r}{more_zh}",
            ),
            where=where,
            hint=hint,
        )
    if first["type"] == "missing":
        return ConfigError(
            Text(en=f"key {key!r} is missing{more_en}", zh=f"缺少键 {key!r}{more_zh}"),
            where=where,
            hint=Text(
                en=f"add {location[-1]!r} to this file", zh=f"请在此文件中补上 {location[-1]!r}"
            ),
        )
    said = first["msg"].removeprefix("Value error, ")
    en, zh = (f"{key}: ", f"{key}：") if key else ("", "")
    return ConfigError(
        Text(en=f"{en}{said}{more_en}", zh=f"{zh}取值不正确（{said}）{more_zh}"), where=where
    )


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _names_beside(model: type[BaseModel], location: list[str]) -> Iterator[str]:
    """Names that are allowed where the unknown key stands; union members all count."""
    models: list[type[BaseModel]] = [model]
    for step in location[:-1]:
        inner = [
            m
            for one in models
            for name, info in one.model_fields.items()
            if step in (name, info.alias)
            for m in _models_in(info.annotation)
        ]
        # A list index or a union tag is a step of its own and leads nowhere new.
        models = inner or models
    for one in models:
        for name, info in one.model_fields.items():
            yield info.alias or name


def _line_of(text: str, location: list[str]) -> int | None:
    """The line of a key: the last part found below the header of its table.

    ``tomllib`` keeps no positions; a scan is enough for a message that a person reads, and
    says nothing (None) rather than something wrong when the key is not on a line of its own.
    """
    lines = text.splitlines()
    names, numbers = _names_and_numbers(location)
    for length in range(len(names), 0, -1):
        start, end = _section(lines, names[: length - 1], numbers[: length - 1])
        key = re.compile(r'^\s*"?' + re.escape(names[length - 1]) + r'"?\s*=')
        table = re.compile(r"^\s*\[\[?[^\]]*\b" + re.escape(names[length - 1]) + r"\s*\]")
        found = [i + 1 for i in range(start, end) if key.match(lines[i]) or table.match(lines[i])]
        if found:
            nth = numbers[length - 1]
            return found[nth] if nth < len(found) else found[0]
    return None


def _names_and_numbers(location: list[str]) -> tuple[list[str], list[int]]:
    """Names of the tables and keys on the way, and which of several tables of a name it is."""
    names: list[str] = []
    numbers: list[int] = []
    for part in location:
        if not part.isdigit():
            names.append(part)
            numbers.append(0)
        elif numbers:
            numbers[-1] = int(part)
    return names, numbers


def _section(lines: list[str], names: list[str], numbers: list[int]) -> tuple[int, int]:
    """First and one past the last line of a table; of the n-th one in an array of tables."""
    if not names:
        return 0, len(lines)
    opened = r"^\s*\[\[?\s*" + r"\s*\.\s*".join(map(re.escape, names))
    exact = [i for i, line in enumerate(lines) if re.match(opened + r"\s*\]", line)]
    if numbers[-1] < len(exact):
        start = exact[numbers[-1]]
        later = (i for i in range(start + 1, len(lines)) if re.match(r"\s*\[", lines[i]))
        return start, next(later, len(lines)) if len(exact) > 1 else len(lines)
    loose = (i for i, line in enumerate(lines) if re.match(opened, line))
    return next(loose, 0), len(lines)
