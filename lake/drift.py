"""How a source's columns differ from what its mapping reads, as a run's record keeps it.

Names, counts and shapes. A value stands here only if it is a code that everybody may see: what a
new column holds nobody knows yet, and it may be a person's name or number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from schemas.text import Text


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column that the source gives and nobody told of.

    ``filled`` of the run's ``rows`` have a value in it. ``first_seen``: day (ISO 8601) of the first
    run that saw it. ``shape``: what its values look like, without any of them. ``samples``: its
    most frequent values, only if all of its values are codes. ``instead_of``: a column that the
    mapping reads and that is gone, if this may be its new name.
    """

    name: str
    filled: int
    rows: int
    first_seen: str
    shape: Text
    samples: tuple[str, ...] = ()
    instead_of: str | None = None

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> NewColumn:
        """Fields added by a later version are left aside."""
        given = {k: v for k, v in plain.items() if k in {f.name for f in fields(cls)}}
        given |= {"shape": Text(**plain["shape"]), "samples": tuple(plain["samples"])}
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Drift:
    """``unused``: columns that nobody reads nor explains. ``new``: those of them that are news:
    seen for the first time, or, where the source's ``drift`` is not ``evolve``, never told of.
    ``missing``: columns that the mapping reads and that part of the delivery did not have.
    ``columns`` has more of each of ``new``; ``mode`` is the source's ``drift``, as it was.
    """

    unused: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    columns: tuple[NewColumn, ...] = ()
    mode: str = "evolve"

    def as_dict(self) -> dict[str, Any]:
        return {
            "unused": list(self.unused),
            "new": list(self.new),
            "missing": list(self.missing),
            "columns": [asdict(c) | {"samples": list(c.samples)} for c in self.columns],
            "mode": self.mode,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Drift:
        """Reads what ``as_dict`` of this or an earlier version wrote."""
        return cls(
            unused=tuple(plain.get("unused", ())),
            new=tuple(plain.get("new", ())),
            missing=tuple(plain.get("missing", ())),
            columns=tuple(NewColumn.from_dict(c) for c in plain.get("columns", ())),
            mode=plain.get("mode", "evolve"),
        )
