"""The ledger: which bundles of which partner were taken in, at ``root/bundles``.

Adding a bundle here is the moment at which its rows become visible: they were appended to
their tables before, under its ``bundle_id``, and every view leaves out received rows whose
bundle the ledger does not name. A crash in between leaves rows that nobody sees; taking the
bundle in again appends nothing twice (each table remembers the sequence it has) and ends here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake import delta
from schemas.errors import DataError, RetryableError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from deltalake import DeltaTable

TABLE = "bundles"

SCHEMA = pa.schema(
    [
        pa.field("publisher", pa.string()),
        pa.field("stream", pa.string()),
        pa.field("sequence", pa.int64()),
        pa.field("bundle_id", pa.string()),
        pa.field("statement_digest", pa.string()),
        pa.field("received_time", pa.timestamp("us", tz="UTC")),
        pa.field("counts", pa.string()),
        pa.field("verdict_digest", pa.string()),
        pa.field("file_digest", pa.string()),
    ]
)


@dataclass(frozen=True)
class Entry:
    """One bundle taken in. Digests are hex SHA-256; ``counts`` are rows per record type."""

    publisher: str
    stream: str
    sequence: int
    bundle_id: str
    statement_digest: str
    received_time: datetime
    counts: Mapping[str, Any]
    verdict_digest: str
    file_digest: str

    def to_json(self) -> str:
        plain = asdict(self) | {"received_time": self.received_time.isoformat()}
        return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Entry:
        plain = {k: v for k, v in json.loads(text).items() if k in {f.name for f in fields(cls)}}
        return cls(**plain | {"received_time": datetime.fromisoformat(plain["received_time"])})


class LedgerError(DataError):
    """A bundle does not follow the last one that was taken in of its stream."""


class LedgerRaceError(RetryableError):
    """Another process took in a bundle of the same stream at the same moment."""


class Ledger:
    """The bundles taken in under one lake root."""

    def __init__(self, root: str, storage_options: Mapping[str, str] | None = None):
        self._uri = f"{str(root).rstrip('/')}/{TABLE}"
        self._storage_options = storage_options

    def head(self, publisher: str, stream: str) -> tuple[int, str] | None:
        """(sequence, statement digest) of the newest bundle of a stream."""
        entry = self._head(self._open(), publisher, stream)
        return None if entry is None else (entry.sequence, entry.statement_digest)

    def add(self, entry: Entry) -> int:
        """Takes the bundle in; returns the ledger's version. The same bundle again is a no-op.

        Raises:
            LedgerError: the sequence does not follow the stream's head, or was used by another
                bundle.
            LedgerRaceError: another process was quicker; nothing was written.
        """
        table = delta.ensure_table(self._uri, SCHEMA, self._storage_options)
        head = self._head(table, entry.publisher, entry.stream)
        if head is not None and head.sequence >= entry.sequence:
            if self._has(table, entry):
                return int(table.version())
            raise _out_of_order(entry, head.sequence)
        if entry.sequence != (head.sequence if head else 0) + 1:
            raise _out_of_order(entry, head.sequence if head else 0)
        row = asdict(entry) | {"counts": json.dumps(dict(entry.counts), sort_keys=True)}
        rows = pa.Table.from_pylist([row], schema=SCHEMA).to_reader()
        try:
            return delta.append(
                table,
                rows,
                stream=_key(entry.publisher, entry.stream),
                sequence=entry.sequence,
                document=entry.to_json(),
            )
        except delta.CommitRaceError as error:
            raise LedgerRaceError(
                Text(
                    en="another process took in a bundle of this stream at the same time",
                    zh="另一进程正同时接收该数据流的数据包",
                ),
                where=Where(file=f"{entry.publisher}/{entry.stream}"),
            ) from error

    def entries(self) -> list[Entry]:
        """All bundles taken in, newest first."""
        table = self._open()
        return [] if table is None else [Entry.from_json(d) for d in delta.documents(table)]

    def bundle_ids(self) -> list[str]:
        """The bundles whose rows are visible, sorted."""
        return sorted(entry.bundle_id for entry in self.entries())

    def _open(self) -> DeltaTable | None:
        return delta.open_table(self._uri, self._storage_options)

    @staticmethod
    def _head(table: DeltaTable | None, publisher: str, stream: str) -> Entry | None:
        if table is None or table.transaction_version(_key(publisher, stream)) is None:
            return None
        for document in delta.documents(table):
            entry = Entry.from_json(document)
            if (entry.publisher, entry.stream) == (publisher, stream):
                return entry
        return None

    @staticmethod
    def _has(table: DeltaTable, entry: Entry) -> bool:
        return any(
            (found.publisher, found.stream, found.sequence, found.bundle_id)
            == (entry.publisher, entry.stream, entry.sequence, entry.bundle_id)
            for found in map(Entry.from_json, delta.documents(table))
        )


def _key(publisher: str, stream: str) -> str:
    return f"ledger:{publisher}/{stream}"


def _out_of_order(entry: Entry, head: int) -> LedgerError:
    return LedgerError(
        Text(
            en=f"bundle {entry.sequence} does not follow bundle {head}, the last one taken in",
            zh=f"数据包序号 {entry.sequence} 与最近接收的序号 {head} 不连续",
        ),
        where=Where(file=f"{entry.publisher}/{entry.stream}"),
        hint=Text(
            en="take in the bundles of a stream in their order, each once",
            zh="请按序逐个接收该数据流的数据包",
        ),
    )
