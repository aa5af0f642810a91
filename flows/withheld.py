"""Rows that a bundle left out because they break a rule of today: remembered until they go.

    sent/<stream>/<8 digits>.withheld.json    {record type: [record id…]} left out of that bundle

The lake's version that a bundle names covers these rows, too, so without this they would count as
told: a rule that is put right later would not bring them out. Only the last bundle's file counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.files import put_durably, sync_folder

if TYPE_CHECKING:
    from exchange.repository.local import PublishedHead

_ENDING = ".withheld.json"


def withheld_of(
    sent: Path, stream: str, last: PublishedHead | None, record_type: str
) -> tuple[str, ...]:
    """The ids of the records that the last bundle left out."""
    if last is None:
        return ()
    try:
        text = _path(sent, stream, last.sequence).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    return tuple(json.loads(text).get(record_type, ()))


def remember_withheld(
    sent: Path, stream: str, sequence: int, left_out: Mapping[str, Sequence[str]]
) -> None:
    """Keep what the bundle that is about to be published leaves out. Before it is: a run that is
    killed in between has published nothing, and the next one writes this anew."""
    path = _path(sent, stream, sequence)
    found = {name: sorted(ids) for name, ids in left_out.items() if ids}
    if not found:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    put_durably(path, json.dumps(found).encode())
    sync_folder(path.parent)


def forget_older(sent: Path, stream: str, sequence: int) -> None:
    """What bundles before ``sequence`` left out counts no more."""
    for path in (sent / stream).glob(f"*{_ENDING}"):
        if path.name < _path(sent, stream, sequence).name:
            path.unlink()


def _path(sent: Path, stream: str, sequence: int) -> Path:
    return sent / stream / f"{sequence:08d}{_ENDING}"
