"""What the records in the lake hold that no code list knows, and where it came from.

A translated field holds ``unmapped`` and its text stands in ``raw_values``; an open field holds
the text itself. Only current records count: what was mapped since is no longer listed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hefu.code_work.readers import code_calls_of
from schemas.raw_values import is_unknown, is_unmapped
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

    from hefu.node import Node
    from lake.runs import RunRecord
    from schemas.contract import Contract, Field

_BUNDLE = "bundle:"
# Fields in which a record says by which law it was decided.
_BASES = ("penalty_basis", "legal_basis")
_MOST_BASES = 20


@dataclass(frozen=True, slots=True)
class Unmapped:
    """One text of one field of one stream.

    ``stream_id`` as in the run records (``bundle:…`` for a partner's). ``raw`` None: the partner
    did not share the text. ``schemes``: by which ones the source's mapping reads the field; empty
    for a partner's stream. ``records`` counts current records; ``first_seen`` and ``last_seen``
    are when the earliest and the latest of them came. ``bases``: what those records say of the
    law they rest on, at most 20.
    """

    stream_id: str
    record_type: str
    field: str
    code_list: str
    schemes: tuple[str, ...]
    raw: str | None
    records: int
    first_seen: datetime
    last_seen: datetime
    example: str
    bases: tuple[str, ...]

    @property
    def received(self) -> bool:
        """It came in a partner's bundle; only that partner can map it."""
        return self.stream_id.startswith(_BUNDLE)


def unmapped(node: Node, wanted: Sequence[str] | None = None) -> list[Unmapped]:
    """What is unmapped in the node's lake, most frequent first.

    ``wanted``: systems, ``system/stream`` or ``bundle:…`` streams; all if None. Raises
    :class:`ConfigError` for a source that does not exist.
    """
    from lake.store import Lake
    from schemas.contract import load_contract, record_types
    from schemas.sql import connect

    streams = _streams(node, wanted)
    codes = node.codes()
    lake = Lake(node.place("lake"))
    found: list[Unmapped] = []
    tmp = node.place("tmp")
    tmp.mkdir(parents=True, exist_ok=True)
    con = connect(node.config.node.memory_limit, tmp, node.config.node.threads, codes=codes)
    try:
        readers = _Readers(con, node)
        for record_type in record_types():
            runs = lake.runs(record_type)
            if not any(_wanted(run.stream_id, streams) for run in runs):
                continue
            lake.attach(con, record_type)
            contract = load_contract(record_type)
            _attach_streams(con, runs)
            rows = con.execute(_query(contract)).fetchall()
            found += [
                _unmapped(row, contract, readers) for row in rows if _wanted(str(row[0]), streams)
            ]
    finally:
        con.close()
    return sorted(
        found, key=lambda u: (-u.records, u.stream_id, u.record_type, u.field, u.raw or "")
    )


def unmapped_values(node: Node, runs: Iterable[RunRecord]) -> dict[str, int]:
    """Stream → values of its current records that no list knows, for the streams of ``runs``.

    The records are looked at only where a run flagged such a value at some time.
    """
    streams = sorted({run.stream_id for run in runs if any(map(_is_code_rule, run.soft))})
    counted = dict.fromkeys(streams, 0)
    for entry in unmapped(node, streams) if streams else []:
        counted[entry.stream_id] += entry.records
    return counted


def _is_code_rule(rule_id: str) -> bool:
    return rule_id.startswith("code:")


class _Readers:
    """By which schemes each source's mapping reads a field; mappings are read once."""

    def __init__(self, con: duckdb.DuckDBPyConnection, node: Node) -> None:
        self._con = con
        self._sources = {source.stream_id: source for source in node.sources()}
        self._known: dict[str, Mapping[str, tuple[str, ...]]] = {}

    def schemes(self, stream_id: str, field: str) -> tuple[str, ...]:
        if stream_id not in self._known:
            self._known[stream_id] = self._read(stream_id)
        return self._known[stream_id].get(field, ())

    def _read(self, stream_id: str) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        if stream_id in self._sources:
            for field, _, scheme in code_calls_of(self._con, self._sources[stream_id]):
                found[field] = (*found.get(field, ()), scheme)
        return found


def _streams(node: Node, wanted: Sequence[str] | None) -> frozenset[str] | None:
    if not wanted:
        return None
    own = [name for name in wanted if not name.startswith(_BUNDLE)]
    named = {source.stream_id for source in (node.sources(own) if own else [])}
    return frozenset(named | {name for name in wanted if name.startswith(_BUNDLE)})


def _wanted(stream_id: str, streams: Collection[str] | None) -> bool:
    return streams is None or stream_id in streams


def _attach_streams(con: duckdb.DuckDBPyConnection, runs: Sequence[RunRecord]) -> None:
    con.execute("CREATE OR REPLACE TABLE run_streams(run_id VARCHAR, stream_id VARCHAR)")
    pairs = ", ".join(f"({literal(r.run_id)}, {literal(r.stream_id)})" for r in runs)
    if pairs:
        con.execute(f"INSERT INTO run_streams SELECT DISTINCT * FROM (VALUES {pairs})")


def _query(contract: Contract) -> str:
    """(stream, field, raw, records, first, last, example, bases) of every text that is unknown."""
    coded = [f for f in contract.fields if f.code_list and f.code_mode != "closed"]
    names = {f.name for f in contract.fields}
    bases = [_basis(contract.field(name)) for name in _BASES if name in names]
    columns = ", ".join(f"r.{ident(f.name)}" for f in coded)
    tests = " OR ".join(f"({_is_unknown(f)})" for f in coded)
    texts = " UNION ALL ".join(_texts(f) for f in coded)
    return (
        f"WITH r AS MATERIALIZED (SELECT {columns}, r.raw_values, r.source_record_id, "
        f"r.received_time, {_list_of(bases)} AS bases, coalesce(s.stream_id, CASE WHEN "
        "r._bundle_id IS NULL THEN r.source_system ELSE "
        f"{literal(_BUNDLE)} || r.source_org_code END) AS stream_id "
        f"FROM {ident(contract.record_type + '_current')} r "
        "LEFT JOIN run_streams s ON s.run_id = r._run_id "
        f"WHERE {tests}), texts AS ({texts}) "
        "SELECT stream_id, field, raw, count(*), min(received_time), max(received_time), "
        "arg_max(source_record_id, (received_time, source_record_id)), "
        f"list_sort(list_distinct(flatten(list(bases))))[:{_MOST_BASES}] "
        "FROM texts GROUP BY stream_id, field, raw"
    )


def _is_unknown(field: Field) -> str:
    value = f"r.{ident(field.name)}"
    if field.code_mode == "translated":
        return is_unmapped(field, value)
    if _is_list(field):
        return f"len({_unlisted(field)}) > 0"
    return is_unknown(field.code_list or "", value)


def _unlisted(field: Field) -> str:
    """The items of an open list field that its code list does not have."""
    test = is_unknown(field.code_list or "", "e", in_lambda=True)
    return f"list_distinct(list_filter(r.{ident(field.name)}, lambda e: {test}))"


def _texts(field: Field) -> str:
    """A row for each unknown text of the field; NULL where the text was not shared."""
    value = f"r.{ident(field.name)}"
    if field.code_mode == "translated":
        start = literal(f"{field.name}=")
        given = (
            "list_distinct(list_transform(list_filter(coalesce(r.raw_values, []), "
            f"lambda e: starts_with(e, {start})), "
            f"lambda e: substr(e, {len(field.name) + 2})))"
        )
        raw = f"unnest(CASE WHEN len({given}) = 0 THEN [NULL] ELSE {given} END)"
    elif _is_list(field):
        raw = f"unnest({_unlisted(field)})"
    else:
        raw = value
    return (
        f"SELECT r.stream_id, {literal(field.name)} AS field, {raw} AS raw, r.received_time, "
        f"r.source_record_id, r.bases FROM r WHERE {_is_unknown(field)}"
    )


def _is_list(field: Field) -> bool:
    return field.duckdb_type.endswith("[]")


def _basis(field: Field) -> str:
    value = f"r.{ident(field.name)}"
    return value if _is_list(field) else f"[{value}]"


def _list_of(parts: Sequence[str]) -> str:
    joined = ", ".join(f"coalesce({part}, [])" for part in parts)
    flat = f"flatten([{joined}])" if parts else "CAST([] AS VARCHAR[])"
    return f"list_filter({flat}, lambda e: e IS NOT NULL)"


def _unmapped(row: Sequence[object], contract: Contract, readers: _Readers) -> Unmapped:
    stream, name, raw, records, first, last, example, bases = row
    assert isinstance(first, datetime)  # noqa: S101 - received_time is required
    assert isinstance(last, datetime)  # noqa: S101
    return Unmapped(
        stream_id=str(stream),
        record_type=contract.record_type,
        field=str(name),
        code_list=contract.field(str(name)).code_list or "",
        schemes=readers.schemes(str(stream), str(name)),
        raw=None if raw is None else str(raw),
        records=int(str(records)),
        first_seen=first,
        last_seen=last,
        example="" if example is None else str(example),
        bases=tuple(bases) if isinstance(bases, list) else (),
    )
