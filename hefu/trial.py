"""A source's mapping tried on a sample of its rows, without storing anything.

The sample goes the same way as a real run (raw → candidate → rules → fates) in a database of
its own, which knows nothing of the lake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from connectors.look import ColumnSeen, Look
from hefu.lineage import PRIVATE, lineage, private_columns
from hefu.suggestion import draft_mapping, suggest
from schemas.masking import mask, mask_text
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

    from connectors.config import SourceConfig
    from connectors.delivery import Delivery
    from hefu.node import Node, Source
    from schemas.contract import Contract, Field, Rule

SAMPLE_ROWS = 100
_LONGEST = 40
_TECHNICAL = ("_object", "_row")
NOTHING_SEEN = Look((), ())


@dataclass(frozen=True, slots=True)
class FieldTrial:
    """One output field on the sample.

    ``columns``: the source columns it is made of. ``raw`` and ``value``: one row's source
    values and what became of them, personal ones masked; a row that failed is preferred, so
    that the fault is seen. ``filled``: rows with a value. ``failed_rows``: rows that break a
    hard rule about this field. ``failed``: rule id → rows; ``flagged``: the same for soft rules.
    """

    name: str
    label_zh: str
    required: bool
    columns: tuple[str, ...]
    raw: str | None
    value: str | None
    filled: int
    failed_rows: int
    failed: Mapping[str, int]
    flagged: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Trial:
    """``rows`` were read into the sample, ``unreadable`` beside them could not be read.

    ``unused``: source columns that nothing uses and nobody explains. ``explained``: those with
    a reason in source.toml. ``contradicted``: named there as unused, and yet used.
    ``looked``: how the source was reached and what it has, as it says itself. ``suggested``:
    of the unused columns, which field each seems to be. ``drafted``: there is no mapping.sql yet,
    and this is the text that :mod:`hefu.suggestion` made and that was tried. ``details``: of
    rows that could not be read, what exactly is wrong with the first one, by its reason.
    """

    stream_id: str
    record_type: str
    objects: int
    rows: int
    unreadable: int
    quarantined: int
    fields: tuple[FieldTrial, ...]
    unused: tuple[str, ...]
    explained: Mapping[str, Text]
    contradicted: tuple[str, ...]
    reasons: Mapping[str, int]
    soft: Mapping[str, int]
    looked: Look = NOTHING_SEEN
    suggested: Mapping[str, str] = field(default_factory=dict)
    drafted: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def try_source(node: Node, source: Source, now: datetime) -> Trial:
    """Reach the source, fetch a little of it and try the mapping on up to 100 of its rows.

    Where there is no mapping.sql yet, the one that the columns' names suggest is tried. What was
    fetched stays in the landing folder like any other delivery; the lake, the cursor and the
    quarantine are not touched. Raises a :class:`HefuError` of the source or of the configuration.
    """
    from connectors.files.look import look_inside
    from connectors.landing import Landing
    from connectors.pull import look, probe
    from connectors.reader_config import FilesReader
    from schemas.sql import connect

    landing = Landing(node.place("landing"))
    looked = look(source.config, source.folder, secrets=node.secrets)
    delivery = probe(source.config, source.folder, landing, secrets=node.secrets, now=now)
    reader = source.config.reader
    if isinstance(reader, FilesReader) and delivery.objects:
        inside = look_inside(reader, delivery.objects[0], node.secrets)
        looked = replace(looked, reached=(*looked.reached, *inside))
    con = connect(memory_limit=node.config.node.memory_limit, codes=node.codes())
    try:
        return try_mapping(con, node, source, delivery, now, looked)
    finally:
        con.close()


def try_mapping(
    con: duckdb.DuckDBPyConnection,
    node: Node,
    source: Source,
    delivery: Delivery,
    now: datetime,
    looked: Look = NOTHING_SEEN,
) -> Trial:
    """As :func:`try_source`, over what was delivered. ``con`` is used up: it gets sealed."""
    from connectors.raw import load_raw
    from flows.change_log import log_candidates
    from flows.drift import told_of
    from flows.source_rows import check_order, create_objects, origin_of, read_mapping
    from quality.check import create_checked, settle
    from schemas.contract import load_contract
    from schemas.mapping import candidate_sql, parse_mapping, unused_columns
    from schemas.sql import seal

    contract = load_contract(source.config.record_type)
    batch = load_raw(con, source.config, delivery, secrets=node.secrets)
    if not batch.columns:
        return _nothing(con, source, contract, delivery, batch.unreadable, looked)
    _keep_sample(con)
    create_objects(con, delivery)
    seal(con)
    seen = columns_seen(source.config, batch.columns, looked)
    drafted = None
    if source.mapping_path.exists():
        sql = read_mapping(source)
    else:
        sql = drafted = draft_mapping(
            contract,
            seen,
            source.stream_id,
            clock=_clock(source.config),
            ordered=source.config.mode != "cursor",
        )
    mapping = parse_mapping(con, sql, str(source.mapping_path), contract)
    if drafted is None:
        check_order(source.config, mapping)
    origin = origin_of(node, source, now)
    rules = node.rules(contract)
    candidates = candidate_sql(con, mapping, contract, origin)
    candidates = log_candidates(con, source.config, candidates, str(source.mapping_path))
    create_checked(con, candidates, rules)
    _create_known(con)
    counts = settle(con)
    _create_broken(con)
    raw_columns = _raw_columns(con)
    made_of = lineage(con, sql, raw_columns)
    private = private_columns(made_of, contract, raw_columns)
    left = unused_columns(con, mapping)
    explained = source.config.explained(left)
    told = told_of(source.config, mapping, raw_columns)
    named = source.config.explained(raw_columns)
    fields = tuple(
        _try_field(con, rules, one, made_of.get(one.name, ()), private)
        for one in contract.fields
        if one.name in mapping.outputs
    )
    taken = {column for f in fields for column in f.columns}
    others = suggest(contract, [c for c in seen if c.name not in taken], besides=mapping.outputs)
    return Trial(
        stream_id=source.stream_id,
        record_type=contract.record_type,
        objects=len(delivery.objects),
        rows=_one(con, "SELECT count(*) FROM raw"),
        unreadable=_one(con, "SELECT count(*) FROM raw_reject"),
        quarantined=counts.quarantined,
        fields=fields,
        unused=tuple(name for name in left if name not in told),
        explained=explained,
        contradicted=tuple(name for name in named if name not in explained),
        reasons=counts.reasons,
        soft=counts.soft,
        looked=looked,
        suggested={column: name for name, column in others.items() if column not in told},
        drafted=drafted,
        details=_details(con),
    )


def _clock(config: SourceConfig) -> str | None:
    """The column that says when a row changed, of a source that is followed by that."""
    if config.mode != "cursor" or config.cursor is None or config.cursor.format != "iso":
        return None
    return config.cursor.field


def columns_seen(
    config: SourceConfig, names: Sequence[str], looked: Look
) -> tuple[ColumnSeen, ...]:
    """The columns that really came, each with what the source says of it.

    What tells the events of a log apart is no record's number: each event would be a record.
    """
    known = {c.name.lower(): c for c in looked.streams[0].columns} if looked.streams else {}
    seen = (replace(known.get(n.lower(), ColumnSeen(n)), name=n) for n in names)
    if config.mode == "events":
        return tuple(replace(column, in_key=False) for column in seen)
    return tuple(seen)


def _keep_sample(con: duckdb.DuckDBPyConnection) -> None:
    for table in ("raw", "raw_reject"):
        con.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {table} "
            f"ORDER BY _object, _row LIMIT {SAMPLE_ROWS}"
        )


def _details(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    told = con.execute(
        "SELECT rule_id, arg_min(detail, (_object, _row)) FROM raw_reject GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {reason: detail for reason, detail in told if detail}


def _nothing(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    contract: Contract,
    delivery: Delivery,
    unreadable: int,
    looked: Look,
) -> Trial:
    """No row could be read, so there are no columns to map."""
    return Trial(
        stream_id=source.stream_id,
        record_type=contract.record_type,
        objects=len(delivery.objects),
        rows=0,
        unreadable=unreadable,
        quarantined=unreadable,
        fields=(),
        unused=(),
        explained={},
        contradicted=(),
        reasons=dict(
            con.execute("SELECT rule_id, count(*) FROM raw_reject GROUP BY 1 ORDER BY 1").fetchall()
        ),
        soft={},
        looked=looked,
        details=_details(con),
    )


def _create_known(con: duckdb.DuckDBPyConnection) -> None:
    """An empty lake, so that every readable row of the sample is judged as new."""
    con.execute(
        "CREATE OR REPLACE TABLE known (record_id VARCHAR, content_hash VARCHAR, "
        "source_updated_time TIMESTAMPTZ, received_time TIMESTAMPTZ, _log_sequence VARCHAR, "
        "removed BOOLEAN)"
    )


def _create_broken(con: duckdb.DuckDBPyConnection) -> None:
    """Which rule each row breaks, once for all fields: ``quarantined`` is costly to ask."""
    con.execute(
        "CREATE OR REPLACE TABLE trial_broken AS "
        "SELECT _object, _row, unnest(reasons) AS reason, true AS hard FROM quarantined UNION ALL "
        "SELECT _object, _row, unnest(_flags), false FROM accepted"
    )


def _raw_columns(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    names = (row[0] for row in con.execute("DESCRIBE raw").fetchall())
    return tuple(name for name in names if name not in _TECHNICAL)


def _try_field(
    con: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    field: Field,
    columns: tuple[str, ...],
    private: frozenset[str],
) -> FieldTrial:
    from schemas.sql import ident, literal

    about_it = [literal(rule.rule_id) for rule in rules if field.name in rule.fields]
    broken = f"trial_broken WHERE list_contains([{', '.join(about_it)}]::VARCHAR[], reason)"
    # A raw column may have the name of a field, so the record's own is meant by its table.
    name = f"c.{ident(field.name)}"
    # A value that could not be cast is null in `checked`; its raw text is in `_uncast`.
    uncast = f"json_extract_string(c._uncast, {literal('$.' + field.name)})"
    value = f"coalesce({name}::VARCHAR, {uncast})"
    raws = ", ".join(f"r.{ident(column)}" for column in columns)
    example = con.execute(
        f"SELECT {value}, {raws or 'NULL'} FROM checked c JOIN raw r USING (_object, _row) "
        f"LEFT JOIN (SELECT DISTINCT _object, _row FROM {broken} AND hard) b "
        "USING (_object, _row) "
        f"ORDER BY b._row IS NULL, {value} IS NULL, c._object, c._row LIMIT 1"
    ).fetchone()
    counted = con.execute(
        f"SELECT reason, hard, count(*) FROM {broken} GROUP BY ALL ORDER BY 3 DESC, 1"
    ).fetchall()
    shown_raw, shown_value = _show(field, columns, private, example)
    return FieldTrial(
        name=field.name,
        label_zh=field.label_zh,
        required=field.required,
        columns=columns,
        raw=shown_raw,
        value=shown_value,
        filled=_one(con, f"SELECT count({name}) FROM checked c"),
        failed_rows=_one(con, f"SELECT count(DISTINCT (_object, _row)) FROM {broken} AND hard"),
        failed={reason: count for reason, hard, count in counted if hard},
        flagged={reason: count for reason, hard, count in counted if not hard},
    )


def _show(
    field: Field,
    columns: tuple[str, ...],
    private: frozenset[str],
    example: tuple[object, ...] | None,
) -> tuple[str | None, str | None]:
    """One row's source values and the canonical one, as they may be shown."""
    if example is None:
        return None, None
    value, *raws = example
    pairs = [
        (column, _cell(raw, hide=column in private))
        for column, raw in zip(columns, raws, strict=False)
    ]
    if not pairs:
        raw_text = None
    elif len(pairs) == 1:
        raw_text = pairs[0][1]
    else:
        raw_text = ", ".join(f"{column}={text}" for column, text in pairs)
    return raw_text, _cell(value, hide=field.classification in PRIVATE)


def _cell(value: object, *, hide: bool) -> str:
    if value is None:
        return "–"
    text = mask(str(value)) if hide else mask_text(str(value))
    text = text.replace("\n", "⏎")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0
