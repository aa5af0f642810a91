"""The way of a source's rows into the lake: pull → raw → candidate → checked → fates → stored.

A plain function without Prefect, so that a test or a benchmark runs the very path that the
nightly flow runs. Every step before the last is repeatable and invisible; the one Delta commit
at the end makes rows, counts, quarantine file and cursor visible together. A process killed
anywhere before it leaves the lake as it was, and the next run does the same work again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from connectors.landing import Landing
from connectors.pull import Delivery, PullRequest, pull, replay
from connectors.raw import RawBatch, load_raw
from flows.asking import asking
from flows.change_log import log_candidates
from flows.drift import Seen, compare_columns, lost_columns
from flows.idle import adds_nothing, forget_idle, note_idle
from flows.locks import holding
from flows.progress import Step, tell
from flows.reconcile import Reading, reconcile
from flows.records import Judged, confirm, empty_candidates, fence, judge_rows, mark_candidates
from flows.retraction import TABLE as RETRACTIONS
from flows.retraction import Retraction, Stamp, read_time, retract_by_rows, retract_missing
from flows.source_rows import check_order, codes_digest, create_objects, origin_of, read_mapping
from flows.workspace import workspace
from hefu.node import Node, Source
from lake.runs import Mode, RunRecord
from lake.store import Lake
from quality.counts import Counts
from quality.gate import Gate, judge, judge_freshness
from quality.log_fates import is_log
from quality.quarantine import Batch as QuarantineBatch
from quality.quarantine import write_quarantine
from schemas.contract import Contract, Rule, load_contract
from schemas.errors import ConfigError
from schemas.mapping import candidate_sql, parse_mapping
from schemas.sql import ident

if TYPE_CHECKING:
    import duckdb

#: The view of all that a run adds to the lake.
APPENDED = "appended"

#: How many earlier runs say what an ordinary volume is.
RUNS_TO_COMPARE = 7


@dataclass(frozen=True, slots=True)
class _Run:
    """One run's fixed facts."""

    node: Node
    source: Source
    lake: Lake
    contract: Contract
    mode: Mode
    now: datetime
    last: RunRecord | None
    sequence: int
    mapping_sql: str
    again: RunRecord | None
    accept_removals: bool
    received_at: datetime

    @property
    def run_id(self) -> str:
        return f"{self.source.stream_id}/{self.sequence}/{self.now.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    @property
    def stamp(self) -> Stamp:
        origin = origin_of(self.node, self.source, self.received_at)
        return Stamp(
            self.contract,
            self.source.stream_id,
            origin.org_code,
            origin.rule_pack_version,
            self.received_at,
        )

    def earlier(self) -> list[RunRecord]:
        """The stream's committed runs, newest first."""
        return self.lake.runs(self.contract.record_type, self.source.stream_id)


def ingest(
    node: Node,
    source: Source,
    request: PullRequest,
    now: datetime,
    *,
    dry_run: bool = False,
    again: RunRecord | None = None,
    accept_removals: bool = False,
) -> RunRecord:
    """Take in what ``request`` asks of one source and return the run's record.

    ``request.cursor`` is replaced by the cursor that the lake holds. With ``again``, an earlier
    run of the source, it is not asked: what it gave then is normalised by today's mapping and
    codes. ``accept_removals``: a person says that records which a full copy does not hold are
    really gone, however many they are. Raises a
    :class:`schemas.errors.HefuError`: the source's (retryable or not), the mapping's, or an
    ``AccountingError`` when the counts do not balance. Then nothing was stored.
    """
    record_type = source.config.record_type
    with holding(node, f"stream/{source.stream_id}"):
        lake = Lake(node.place("lake"))
        run = _Run(
            node,
            source,
            lake,
            load_contract(record_type),
            request.mode if again is None else "replay",
            now,
            lake.last_run(source.stream_id, record_type),
            lake.next_sequence(source.stream_id, record_type),
            read_mapping(source),
            again,
            accept_removals,
            now,
        )
        cursor = run.last.cursor if run.last and _still_followed(run.last, source) else None
        # A copy that was read before and waits for a person's word has to be read again.
        full = request.full or accept_removals
        request = replace(request, cursor=dict(cursor) if cursor else None, full=full)
        delivery = _land(run, request) if again is None else _again(run, request, again)
        # Sources are pulled side by side, but two of them normalised at once would only take
        # each other's memory and time.
        with holding(node, "normalise"), workspace(node) as (con, tmp):
            if source.config.mode != "cursor":
                run = replace(run, received_at=read_time(con, lake, run.stamp))
            read_at = _read_at(run)
            raw = _read(con, run, delivery, read_at)
            fence(con, node.place("lake"), tmp)
            seen, rules = _check(con, run, raw)
            # Two streams of one system may tell of one record: what the lake knows must not
            # change between looking and appending.
            with holding(node, f"table/{record_type}"):
                judged = judge_rows(
                    con,
                    lake,
                    record_type,
                    raw.received,
                    source.stream_id,
                    node.agency.code,
                    tuple(o.key for o in delivery.objects)
                    if request.full or run.mode != "cursor"
                    else (),
                )
                gone = _retract(con, run, delivery, read_at)
                gate = _gate(con, run, delivery, judged, gone)
                codes = codes_digest(con)
                record = _record(run, raw, delivery, judged.counts, seen, gate, codes)
                record = replace(
                    record,
                    read_at=read_at,
                    retracted=gone.made,
                    retracted_by_row=gone.by_row,
                    complete=gone.complete,
                )
                record = _reconciled(con, run, raw, delivery, record, APPENDED)
                if (record.appended or record.quarantined) and not is_log(con):
                    confirm(con, run.contract, rules, source.stream_id, raw.received)
                if dry_run:
                    return record
                if adds_nothing(record, run.last):
                    note_idle(node, record)
                    return record
                return _store(con, run, record)


def _still_followed(last: RunRecord, source: Source) -> bool:
    """Whether the last cursor is of what is followed now; else all has to be read once."""
    return last.followed in ("", source.config.followed)


def _land(run: _Run, request: PullRequest) -> Delivery:
    stream = run.source.stream_id

    with asking(run.node, run.source, run.now, anyway=request.anyway) as watch:

        def progress(done: int, total: int | None) -> None:
            watch()
            tell(Step(stream, "pull", done, total, "objects"))

        return pull(
            run.source.config,
            run.source.folder,
            request,
            Landing(run.node.place("landing")),
            secrets=run.node.secrets,
            progress=progress,
        )


def _again(run: _Run, request: PullRequest, again: RunRecord) -> Delivery:
    landing = Landing(run.node.place("landing"))
    delivery = replay(run.source.config, request, landing, again.landed)
    return replace(delivery, complete=again.complete)


def _read_at(run: _Run) -> datetime | None:
    """When a full copy, or a window of one, counts as read; None for what is no copy."""
    if run.source.config.mode != "snapshot":
        return None
    if run.again is not None:
        return run.again.read_at
    return run.received_at


def _read(
    con: duckdb.DuckDBPyConnection, run: _Run, delivery: Delivery, read_at: datetime | None
) -> RawBatch:
    """Fill ``raw``, ``raw_reject`` and ``objects`` (landing time per ``_object``)."""
    tell(Step(run.source.stream_id, "read", 0, len(delivery.objects), "objects"))
    raw = load_raw(con, run.source.config, delivery, secrets=run.node.secrets)
    create_objects(con, delivery, read_at)
    return raw


def _check(con: duckdb.DuckDBPyConnection, run: _Run, raw: RawBatch) -> tuple[Seen, Sequence[Rule]]:
    """Make ``checked`` of ``raw``.

    Returns how the source's columns differ from what was told, and the rules that were asked.
    """
    subject, rules = run.source.stream_id, run.node.rules(run.contract)
    if not raw.columns:
        # Nothing came, or nothing that could be read: no column that a mapping could name.
        nothing = empty_candidates(run.contract)
        mark_candidates(con, nothing, rules, subject, 0)
        return Seen(), rules
    config = run.source.config
    mapping = parse_mapping(con, run.mapping_sql, str(run.source.mapping_path), run.contract)
    check_order(config, mapping)
    origin = origin_of(run.node, run.source, run.received_at)
    try:
        candidates = candidate_sql(con, mapping, run.contract, origin)
    except ConfigError as error:
        asked = run.mode == "cursor"
        raise lost_columns(error, config, raw, mapping, run.earlier, asked=asked) from error
    seen = compare_columns(con, config, raw, mapping, run.earlier, run.now)
    rules = (*rules, *seen.rules)
    candidates = log_candidates(con, config, candidates, str(run.source.mapping_path))
    mark_candidates(con, candidates, rules, subject, raw.received)
    if is_log(con):
        # Here and not later: settling a log finds conflicts of places as well.
        confirm(con, run.contract, rules, subject, raw.received)
    return (seen if run.mode != "replay" else replace(seen, columns=())), rules


def _retract(
    con: duckdb.DuckDBPyConnection, run: _Run, delivery: Delivery, read_at: datetime | None
) -> Retraction:
    """Find records that are gone at the source; view ``appended``: all that the run adds."""
    config = run.source.config
    if is_log(con):
        gone = retract_by_rows(con, run.lake, run.stamp)
    elif read_at is not None and delivery.complete:
        allowed = None if run.accept_removals else config.snapshot.max_removed
        gone = retract_missing(con, run.lake, run.stamp, read_at, max_removed=allowed)
    else:
        con.execute(f"CREATE OR REPLACE VIEW {APPENDED} AS FROM accepted")
        return Retraction()
    con.execute(
        f"CREATE OR REPLACE VIEW {APPENDED} AS FROM accepted UNION ALL BY NAME FROM {RETRACTIONS}"
    )
    return gone


def _record(
    run: _Run,
    raw: RawBatch,
    delivery: Delivery,
    counts: Counts,
    seen: Seen,
    gate: Gate,
    codes: str,
) -> RunRecord:
    cursor: dict[str, Any] | None = raw.cursor if raw.cursor is not None else delivery.cursor
    if run.mode != "cursor":
        # A backfill looks back; where the nightly pull has got to is not its business.
        cursor = dict(run.last.cursor) if run.last and run.last.cursor else None
    return RunRecord(
        run_id=run.run_id,
        stream_id=run.source.stream_id,
        record_type=run.contract.record_type,
        mode=run.mode,
        started_at=run.now,
        **asdict(counts),
        cursor=cursor,
        gate_passed=gate.passed,
        gate_reasons=gate.reasons,
        landed=tuple(landed.key for landed in delivery.objects),
        mapping_digest=hashlib.sha256(run.mapping_sql.encode()).hexdigest(),
        codes_digest=codes,
        contract_version=run.contract.version,
        drift=seen.drift,
        columns=seen.columns,
        outside_window=raw.outside_window,
        followed=run.source.config.followed
        if run.mode == "cursor" or run.last is None
        else run.last.followed,
        sequence=run.sequence,
    )


def _reconciled(
    con: duckdb.DuckDBPyConnection,
    run: _Run,
    raw: RawBatch,
    delivery: Delivery,
    record: RunRecord,
    appended: str,
) -> RunRecord:
    """With what the source counted; ``appended``: relation of what the run adds to the lake."""
    reading = Reading(run.node, run.source.config, run.mode, delivery, raw, run.earlier)
    found = reconcile(con, reading, appended)
    surplus = run.last.surplus_rows if run.last else 0
    return replace(
        record,
        source_count=found.source_count,
        node_count=found.node_count,
        surplus_rows=surplus if found.surplus_rows is None else found.surplus_rows,
        alarms=(*record.alarms, *found.alarms),
    )


def _gate(
    con: duckdb.DuckDBPyConnection,
    run: _Run,
    delivery: Delivery,
    judged: Judged,
    gone: Retraction,
) -> Gate:
    """Is this run what an ordinary run of its source looks like?

    A run that found nothing to read says nothing new of the source's volume: what the last one
    was found wanting in stands until a run is better.
    """
    if run.mode == "replay":
        return Gate(())  # what the source gave long ago says nothing of tonight
    expect = run.source.config.expect
    newest = judged.newest
    if expect.max_age_hours is not None:
        newest = _newest(con, run, newest)
    # A backfill, which is a person's doing, says nothing of what the nightly run found.
    log = run.lake.run_log(run.contract.record_type, run.source.stream_id)
    before = (r for r in log if r.mode == run.mode)
    last = next(before, None)
    if gone.refused is not None:
        # How many came is said by what is missing.
        found = judge(judged.counts, expect, (), newest, run.now)
        return Gate((gone.refused, *found.reasons))
    if not delivery.objects and last is not None and not delivery.complete:
        stale = judge_freshness(expect, newest, run.now)
        if stale is None or last.gate_reasons:
            return Gate(last.gate_reasons)
        return Gate((stale,))
    comparable: list[RunRecord] = []
    if last is not None and not run.accept_removals:
        # After a person's word that records are gone, fewer rows are what is right.
        with_rows = (r for r in chain((last,), before) if r.landed)
        comparable = list(islice(with_rows, RUNS_TO_COMPARE))
    return judge(judged.counts, expect, comparable, newest, run.now)


def _newest(con: duckdb.DuckDBPyConnection, run: _Run, newest: datetime | None) -> datetime | None:
    """The newest update time of this system that the node knows, stored or just read."""
    record_type = run.contract.record_type
    run.lake.attach(con, record_type)
    row = con.execute(
        f"SELECT max(source_updated_time) FROM {ident(record_type + '_history')} "
        "WHERE _bundle_id IS NULL AND source_system = ?",
        [run.source.config.system],
    ).fetchone()
    known = [t for t in (newest, row[0] if row else None) if t is not None]
    return max(known, default=None)


def _store(con: duckdb.DuckDBPyConnection, run: _Run, record: RunRecord) -> RunRecord:
    tell(Step(run.source.stream_id, "store", 0, record.appended))
    written = write_quarantine(
        con,
        run.node.place("quarantine") / run.source.stream_id,
        QuarantineBatch(
            run.source.stream_id, record.landed, record.mapping_digest or "", run.contract.version
        ),
    )
    record = replace(record, quarantine_file=written.name if written else None)
    rows = con.execute(f"FROM {APPENDED}").to_arrow_reader(100_000)
    run.lake.append(run.contract, rows, record, sequence=run.sequence)
    forget_idle(run.node, record.stream_id)
    tell(Step(run.source.stream_id, "store", record.appended, record.appended))
    return record
