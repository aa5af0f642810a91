"""Which formats there are to export in; the command line asks at its start, so this stays light."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def export_formats() -> tuple[str, ...]:
    """The names of the formats in ``schemas/exports``, sorted."""
    here = files("schemas").joinpath("exports")
    return tuple(
        sorted(e.name for e in here.iterdir() if e.is_dir() and (e / "about.toml").is_file())
    )
