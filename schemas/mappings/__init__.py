"""Ready mappings: formats that partner systems write, each already said in our fields.

One folder per format beside this file:

- ``about.toml``: label, record type, whose format it is, where the list of columns comes from
  and whether that was verified (:class:`About`);
- ``source.toml``: a whole source configuration in which ``"{system}"``, ``"{path}"`` and the
  like stand for what ``hefu draft --as`` fills in;
- ``mapping.sql``: as a node's own;
- ``sample.*``: invented rows with the format's quirks; ``expected.json``: what comes of them.

Columns are written in all of them by the name of ``about.toml``; :mod:`schemas.mappings.fitting`
puts a file's own names in their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import Field

from schemas.contract import did_you_mean
from schemas.errors import ConfigError
from schemas.text import Text
from schemas.toml import StrictModel, Words, parse_toml


class ReadyColumn(StrictModel):
    """One column of a format.

    ``name`` stands in the mapping; ``label`` and ``aliases`` are what else a header may call
    it. ``required``: a file without this column is not of this format. ``field``: the field of
    the contract that this column alone says, for suggestions; none for columns that are read
    together with others, or not at all.
    """

    name: str = Field(min_length=1)
    label: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    required: bool = False
    field: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.name, self.label, *self.aliases)))


class KnownCodes(StrictModel):
    """How far the values of a coded column are known: ``scheme`` of code list ``list``.

    What the scheme does not know comes out as ``unmapped`` with its raw text kept.
    """

    column: str
    list: str
    scheme: str
    verified: bool
    note: Words | None = None


class About(StrictModel):
    """``about.toml``. ``years``: when the format was, or is, in use."""

    record_type: str
    label: Words
    issuer: Words
    years: str
    provenance: Words
    verified: bool
    notes: tuple[Words, ...] = ()
    columns: tuple[ReadyColumn, ...] = Field(min_length=2)
    code_lists: tuple[KnownCodes, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """One format, as its folder says."""

    name: str
    about: About
    source_toml: str
    mapping_sql: str
    folder: Traversable

    @property
    def sample(self) -> Traversable:
        """The file ``sample.csv``, ``sample.json`` or ``sample.jsonl``."""
        return next(e for e in self.folder.iterdir() if e.name.partition(".")[0] == "sample")


@cache
def ready_mappings() -> tuple[str, ...]:
    """The names of the formats, sorted."""
    here = files(__name__)
    return tuple(
        sorted(e.name for e in here.iterdir() if e.is_dir() and (e / "about.toml").is_file())
    )


@cache
def load_ready(name: str) -> Ready:
    """Raises :class:`ConfigError` if there is no such format, with the nearest name."""
    if name not in ready_mappings():
        raise ConfigError(
            Text(en=f"there is no ready mapping {name!r}", zh=f"没有名为 {name!r} 的现成映射"),
            hint=did_you_mean(name, ready_mappings())
            or Text(en="hefu mappings shows them all", zh="用 hefu mappings 查看全部"),
        )
    folder = files(__name__) / name
    about = folder / "about.toml"
    return Ready(
        name=name,
        about=parse_toml(about.read_text(encoding="utf-8"), About, Path(str(about))),
        source_toml=(folder / "source.toml").read_text(encoding="utf-8"),
        mapping_sql=(folder / "mapping.sql").read_text(encoding="utf-8"),
        folder=folder,
    )


def column_names() -> dict[str, tuple[str, ...]]:
    """Field → what the columns are called that ready formats take it from.

    Of all formats, since a field means the same in every record that has it.
    """
    names: dict[str, dict[str, None]] = {}
    for about in (load_ready(name).about for name in ready_mappings()):
        for column in about.columns:
            if column.field is not None:
                names.setdefault(column.field, {}).update(dict.fromkeys(column.names))
    return {field: tuple(found) for field, found in names.items()}
