"""Formats that others want our records in; ``hefu export`` writes them.

One folder per format beside this file: ``about.toml`` (:class:`ExportAbout`) and ``export.sql``,
one SELECT over ``records`` (the lake's current records of one type) that gives each column as
text, in the format's order, under its code, and before them:

- ``_key``: as in ``records``, the record's key within the export;
- ``_person``: whether the party is a natural person;
- ``_private``: VARCHAR[], what must not be read in a published text: names, numbers, plates.

It may call ``label_<list>(code)``, the Chinese label of a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import Field

from schemas.contract import did_you_mean
from schemas.errors import ConfigError
from schemas.export_names import export_formats
from schemas.text import Text
from schemas.toml import StrictModel, Words, parse_toml


class ExportColumn(StrictModel):
    """One column. ``required``: SQL over the format's columns, TRUE where a row needs a value.

    ``published``: what ``--public`` does with it: ``as_is``; ``name``: a natural person's is
    masked; ``number``: a natural person's is masked; ``hidden``: masked for everyone; ``text``:
    names, numbers and plates in it are masked.
    """

    code: str = Field(pattern=r"^[A-Z0-9_]+$")
    label: str = Field(min_length=1)
    max_length: int | None = Field(default=None, ge=1)
    required: str | None = None
    published: str = Field(default="as_is", pattern="^(as_is|name|number|hidden|text)$")


class ExportAbout(StrictModel):
    """``about.toml``."""

    record_type: str
    label: Words
    provenance: Words
    verified: bool
    publication_basis: Words
    code_fields: tuple[str, ...]
    """Fields of the record whose ``unmapped`` code leaves a row out."""
    code_lists: tuple[str, ...]
    """Lists whose labels ``export.sql`` asks for."""
    notes: tuple[Words, ...] = ()
    columns: tuple[ExportColumn, ...] = Field(min_length=2)


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format, as its folder says."""

    name: str
    about: ExportAbout
    sql: str


@cache
def load_export(name: str) -> ExportFormat:
    """Raises :class:`ConfigError` if there is no such format, with the nearest name."""
    if name not in export_formats():
        known = ", ".join(export_formats())
        raise ConfigError(
            Text(en=f"there is no export format {name!r}", zh=f"没有名为 {name!r} 的导出格式"),
            hint=did_you_mean(name, export_formats())
            or Text(en=f"formats: {known}", zh=f"可用的格式：{known}"),
        )
    folder = files(__name__) / name
    about = folder / "about.toml"
    return ExportFormat(
        name=name,
        about=parse_toml(about.read_text(encoding="utf-8"), ExportAbout, Path(str(about))),
        sql=(folder / "export.sql").read_text(encoding="utf-8"),
    )
