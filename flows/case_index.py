"""The case index: every case that this node knows, its own and its partners', in one view.

Derived from the lake and rebuilt from it whenever it is missing, damaged, of another layout or of
other keys. It is brought up to date when it is attached, at a cost that follows what is new: only
files that came to the lake's tables since are read, and rows of bundles that came into the ledger
since. One writer at a time; readers never wait for each other and never fail because of a writer
(flows/case_parts.py). It holds plates and the node's own pseudonyms: it stays on the node.

Persons: ``party_key`` is this node's own token (flows/subject_key.py) wherever the number is known,
from the record itself or because a partner's token is the one that the pair's key gives for a
number known here, before or after. A token that nobody here can resolve stays as it is: it tells
one stranger from another, for that partner's records.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.keys.pairs import read_pair_key
from flows.case_parts import (
    Manifest,
    index_folder,
    read_manifest,
    sweep,
    take_lease,
    write_manifest,
)
from flows.case_rows import COLUMNS, KEYS, RECORD_TYPES
from flows.locks import holding
from flows.subject_key import subject_key
from hefu.node import Node
from hefu.partner_seen import seen_of
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

_LAYOUT = 3
_LOCK = "index/cases"
AND_COPIES = "cases_and_copies"
LOOKUPS = ("_no_hash", "_vehicle_hash", "_party_hash", "_driver_hash", "_record_hash")
ALL_COLUMNS = {**COLUMNS, **dict.fromkeys(KEYS, "VARCHAR")}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the index has of one agency. ``as_of``: when that agency last signed that this is all
    there is, else when it was last read or its newest bundle was taken in; None: it never answered.
    ``is_stale_after``: from then on what it signed may no longer be relied on."""

    org: str
    as_of: datetime | None
    records: int
    is_stale_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseIndex:
    """``coverage``: of every partner, and of every other agency that records came from."""

    coverage: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an index that is up to date is made of."""

    layout: str
    keys: str
    versions: Mapping[str, int | None]
    ledger: int | None

    def is_met_by(self, manifest: Manifest | None) -> bool:
        return (
            manifest is not None
            and self.fits(manifest)
            and manifest.versions == self.versions
            and manifest.ledger == self.ledger
        )

    def fits(self, manifest: Manifest) -> bool:
        return (manifest.layout, manifest.keys) == (self.layout, self.keys)


def attach_cases(con: duckdb.DuckDBPyConnection, node: Node) -> CaseIndex:
    """Create the views ``cases`` and ``cases_and_copies`` on ``con``, as the lake is now.

    A lead that a referral made of a record that is here tells of that record's act once more: it
    is in the second view alone, with ``copy_of``. What a hotline order became is no copy.
    ``con`` may be any DuckDB connection that may read files; its session time zone is left alone.
    The view can be read as long as the connection object lives.
    """
    import duckdb

    folder = index_folder(node)
    try:
        manifest = _attach(con, node, folder)
    except duckdb.Error:  # a file's size is right and its content is not
        with holding(node, _LOCK):
            (folder / "manifest.json").unlink(missing_ok=True)
        manifest = _attach(con, node, folder)
    return CaseIndex(_coverage(node, manifest))


def rebuild_cases(node: Node) -> None:
    """Build the index anew and remove the files of the old one, waiting for who reads them: after
    records were erased from the lake, and after keys were changed."""
    from flows.case_refresh import refresh

    folder = index_folder(node)
    with holding(node, _LOCK):
        write_manifest(folder, refresh(node, folder, None, wanted_of(node)))
        sweep(folder, wait=True)


def _attach(con: duckdb.DuckDBPyConnection, node: Node, folder: Path) -> Manifest:
    wanted = wanted_of(node)
    lease = take_lease(folder)
    manifest = read_manifest(folder)
    if manifest is None or not wanted.is_met_by(manifest):
        lease.close()
        _bring_up_to_date(node, folder)
        lease = take_lease(folder)
        manifest = read_manifest(folder)
        if manifest is None:
            raise OSError(f"the case index disappeared while it was made: {folder}")
    try:
        create_view(con, folder, manifest)
        con.execute(
            f"CREATE OR REPLACE VIEW cases AS SELECT * FROM {AND_COPIES} WHERE copy_of IS NULL"
        )
    except BaseException:
        lease.close()
        raise
    weakref.finalize(con, lease.close)
    return manifest


def _bring_up_to_date(node: Node, folder: Path) -> None:
    from flows.case_refresh import refresh

    with holding(node, _LOCK):
        wanted = wanted_of(node)
        manifest = read_manifest(folder)
        if wanted.is_met_by(manifest):
            return
        usable = manifest if manifest is not None and wanted.fits(manifest) else None
        write_manifest(folder, refresh(node, folder, usable, wanted))
        sweep(folder)


def create_view(
    con: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, name: str = AND_COPIES
) -> None:
    con.execute(f"CREATE OR REPLACE VIEW {ident(name)} AS {live_sql(folder, manifest)}")


def live_sql(folder: Path, manifest: Manifest) -> str:
    """SELECT of the rows that count, with the columns for looking up."""
    branches = [
        f"SELECT * EXCLUDE (file_row_number) FROM {_part_sql(folder, part.file.name)}"
        + (f" ANTI JOIN {_gone_sql(folder, (g.name for g in part.gone))}" if part.gone else "")
        for part in manifest.parts
    ]
    nothing = ", ".join(
        f"NULL::{kind} AS {column}"
        for column, kind in {**ALL_COLUMNS, **dict.fromkeys(LOOKUPS, "UBIGINT")}.items()
    )
    none = f"SELECT {nothing}, NULL::TIMESTAMPTZ AS about_time WHERE false"
    return " UNION ALL ".join(branches) if branches else none


def _part_sql(folder: Path, name: str) -> str:
    return f"read_parquet({literal(str(folder / name))}, file_row_number = true)"


def _gone_sql(folder: Path, names: Iterable[str]) -> str:
    files = ", ".join(literal(str(folder / name)) for name in names)
    return (
        f"(SELECT row_no AS file_row_number FROM read_parquet([{files}])) USING (file_row_number)"
    )


def wanted_of(node: Node) -> Wanted:
    """Asked of the file system alone: neither the tables nor their logs are opened."""
    import duckdb

    lake = node.place("lake")
    # The ledger first: of every bundle that it names the rows are in the tables read afterwards.
    ledger = _log_version(lake / "bundles")
    return Wanted(
        layout=f"{_LAYOUT}/duckdb-{duckdb.__version__}",
        keys=_keys_digest(node),
        versions={name: _log_version(lake / name) for name in RECORD_TYPES},
        ledger=ledger,
    )


def _log_version(table: Path) -> int | None:
    """The newest version that a Delta table's log has; None if there is no table."""
    log = table / "_delta_log"
    if not log.is_dir():
        return None
    stems = (path.stem for path in log.iterdir() if path.suffix == ".json")
    return max((int(stem) for stem in stems if stem.isdigit()), default=None)


def pair_keys(node: Node) -> dict[str, bytes]:
    """The key that this node shares with each partner that it has one with."""
    folder = node.pair_key_path("x").parent
    return {path.stem: read_pair_key(path) for path in sorted(folder.glob("*.key"))}


def _keys_digest(node: Node) -> str:
    """Changes with the node's own key and with any pair's; tells nothing of them."""
    digest = sha256(b"hefu-case-index-keys\n" + subject_key(node))
    for partner, key in pair_keys(node).items():
        digest.update(partner.encode() + b"\n" + key)
    return digest.hexdigest()


def _coverage(node: Node, manifest: Manifest) -> tuple[Coverage, ...]:
    # By the names of their folders: to read what lies in them takes longer than all the rest.
    partners = {path.parent.name for path in (node.root / "partners").glob("*/partner.toml")}
    others = {org for org, rows in manifest.counts.items() if rows > 0} - {node.agency.code}
    return tuple(_covered(node, manifest, org) for org in sorted(partners | others))


def _covered(node: Node, manifest: Manifest, org: str) -> Coverage:
    seen, taken = seen_of(node, org), manifest.taken.get(org)
    as_of = seen.published_time or seen.read_time if seen else None
    return Coverage(
        org,
        as_of or (datetime.fromisoformat(taken) if taken else None),
        manifest.counts.get(org, 0),
        seen.expires if seen else None,
    )
