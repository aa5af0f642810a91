"""What was ordered to be erased, and what became of it: a log without personal data.

    erasures/<id>.json         the order: on what ground, which records (by their identifiers, which
                               are digests) or bundles, when, and what was found then
    erasures/<id>.done.json    when nothing of it was left

An order is written before anything goes. While it has no ``.done.json`` the nightly run goes on
with it, so a crash, a partner who is behind or a stream that is being read only delay it. Both
files stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from exchange.files import put_durably, sync_folder
from exchange.jsontext import canonical
from hefu.node import Node
from schemas.errors import DataError, Where
from schemas.text import Text

FOLDER = "erasures"
_TYPE = "urn:hefu:erasure:1"
_DONE = ".done.json"
_ID_LENGTH = 16

#: own: this agency's records; received: a partner's, because it asked for it; retention: all that
#: came in bundles whose retention is over.
Kind = Literal["own", "received", "retention"]


@dataclass(frozen=True, slots=True)
class Order:
    """``org``: whose records. ``records``: their ids, ``bundles``: ids of the bundles they came in.
    ``landing``: a person said that whole landed objects go, with other records' rows."""

    kind: Kind
    org: str
    record_type: str | None
    records: tuple[str, ...]
    bundles: tuple[str, ...]
    basis: str
    ordered: datetime
    landing: bool = False
    document_no: str | None = None
    found: Mapping[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same erasure has the same id, whenever and however often it is ordered."""
        parts = [self.kind, self.org, self.record_type, sorted(self.records), sorted(self.bundles)]
        return f"{self.kind}-{sha256(canonical(parts)).hexdigest()[:_ID_LENGTH]}"


def write_order(node: Node, order: Order) -> Order:
    """Put the order down, and take its ``.done.json`` back. One that is there stays as it is, but
    that it now reaches whole landed objects if it is said so."""
    path = _path(node, order.id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = _read(path) if path.exists() else None
    if known is not None and (known.landing or not order.landing):
        order = known
    else:
        put_durably(path, canonical(_plain(order)))
    _done_path(node, order.id).unlink(missing_ok=True)
    sync_folder(path.parent)
    return order


def note_done(node: Node, order: Order, counts: Mapping[str, int], now: datetime) -> None:
    """Nothing of the order is left. ``counts``: what the last call still found."""
    path = _done_path(node, order.id)
    if not path.exists():
        said = {"_type": _TYPE, "id": order.id, "finished": now.isoformat(), "last": dict(counts)}
        put_durably(path, canonical(said))
        sync_folder(path.parent)


def is_done(node: Node, order: Order) -> bool:
    return _done_path(node, order.id).exists()


def orders_of(node: Node, *, pending: bool = False) -> Iterator[Order]:
    """All orders, or those that are not done, in the order of their ids."""
    for path in sorted((node.root / FOLDER).glob("*.json")):
        if path.name.endswith(_DONE) or path.name.startswith("."):
            continue
        order = _read(path)
        if not (pending and is_done(node, order)):
            yield order


def finished(node: Node, order: Order) -> datetime | None:
    path = _done_path(node, order.id)
    if not path.exists():
        return None
    return datetime.fromisoformat(json.loads(path.read_bytes())["finished"])


def _plain(order: Order) -> dict[str, Any]:
    return {
        "_type": _TYPE,
        "id": order.id,
        "kind": order.kind,
        "org": order.org,
        "record_type": order.record_type,
        "records": sorted(order.records),
        "bundles": sorted(order.bundles),
        "basis": order.basis,
        "ordered": order.ordered.isoformat(),
        "landing": order.landing,
        "document_no": order.document_no,
        "found": dict(order.found),
    }


def _read(path: Path) -> Order:
    try:
        said = json.loads(path.read_bytes())
        return Order(
            kind=said["kind"],
            org=said["org"],
            record_type=said["record_type"],
            records=tuple(said["records"]),
            bundles=tuple(said["bundles"]),
            basis=said["basis"],
            ordered=datetime.fromisoformat(said["ordered"]),
            landing=said["landing"],
            document_no=said["document_no"],
            found=said["found"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            Text(en="this is no order of an erasure", zh="此文件不是删除登记"),
            where=Where(str(path)),
            hint=Text(en="put it back from a backup", zh="请从备份恢复"),
        ) from error


def _path(node: Node, order_id: str) -> Path:
    return node.root / FOLDER / f"{order_id}.json"


def _done_path(node: Node, order_id: str) -> Path:
    return node.root / FOLDER / f"{order_id}{_DONE}"
