"""Columns that a source gained or lost since its mapping was written, and what becomes of them.

A column is told of if the mapping reads it, ``[unused_columns]`` explains it, or ``source.toml``
names it otherwise (``optional_columns``, ``[cursor] field`` …). What the source's ``drift`` says is
done with any other:

``evolve``          it is told once, on its first appearance, and the run goes on
``freeze``          nothing is taken in; so it is when a column that the mapping reads is gone
``discard_row``     rows with a value there are quarantined, reason ``read:drift``
``discard_value``   the column is left out; landing still holds it

That a run saw a column before makes it no news, but under the three others it does not make it
accepted: only a person does, in the mapping or in ``[unused_columns]``.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from connectors.config import SourceConfig
from connectors.raw import RawBatch
from connectors.reader_config import DatabaseReader
from flows.drift_words import day_of, named, new_column
from flows.shapes import describe
from lake.runs import Drift, NewColumn, RunRecord
from schemas.contract import Rule
from schemas.errors import ConfigError, DataError, Where
from schemas.mapping import Mapping
from schemas.masking import mask_text
from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

READ_DRIFT = "read:drift"
_ROWS = "drift_rows"
_LONGEST_NAME = 60
_ALIKE = 0.6

Earlier = Callable[[], Sequence[RunRecord]]
"""The stream's committed runs, newest first; asked only when there is something to compare."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the run keeps (``drift``, ``columns``) and the rules that it adds to the contract's."""

    drift: Drift = field(default_factory=Drift)
    columns: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


def compare_columns(
    con: duckdb.DuckDBPyConnection,
    source: SourceConfig,
    raw: RawBatch,
    mapping: Mapping,
    earlier: Earlier,
    now: datetime,
) -> Seen:
    """Compare the columns of table ``raw`` with what was told of them, and do as ``drift`` says.

    ``now`` is the run's time. With ``discard_value`` columns of ``raw`` are dropped. Raises
    :class:`DataError` with ``freeze``, before anything is stored.
    """
    headless = _without_header(raw, mapping)
    columns = tuple(c for c in raw.columns if _is_name(con, raw, c, headless))
    known = told_of(source, mapping, columns)
    untold = [c for c in columns if c not in known]
    missing = tuple(c for c in sorted(raw.absent) if c.lower() in mapping.used_columns)
    runs = earlier() if untold else ()
    news = _news(source, untold, runs)
    details = tuple(
        _detail(con, raw, name, runs, day_of(now), _instead_of(con, raw, name, missing, news))
        for name in news
    )
    drift = Drift(
        unused=tuple(shown(c) for c in untold),
        new=tuple(shown(c) for c in news),
        missing=tuple(shown(c) for c in missing),
        columns=details,
        mode=source.drift,
    )
    if source.drift == "freeze" and (news or missing):
        raise _frozen(source, drift)
    if source.drift == "discard_value":
        for name in news:
            con.execute(f"ALTER TABLE raw DROP COLUMN {ident(name)}")
    rules = (_discarding(con, news),) if news and source.drift == "discard_row" else ()
    return Seen(drift, tuple(dict.fromkeys(shown(c) for c in columns)), rules)


def told_of(source: SourceConfig, mapping: Mapping, columns: Sequence[str]) -> frozenset[str]:
    """Those of ``columns`` that the mapping or ``source.toml`` knows."""
    if mapping.uses_all:
        return frozenset(columns)
    reader, names = source.reader, set(mapping.used_columns)
    names |= {c.lower() for c in reader.optional_columns}
    if isinstance(reader, DatabaseReader):
        names |= {c.lower() for c in (*reader.key, reader.partition_column or "")}
    for table, key in ((source.cursor, "field"), (source.window, "field")):
        names.add((getattr(table, key, None) or "").lower())
    names.add((source.events.operation or "" if source.events else "").lower())
    explained = source.explained(columns)
    return frozenset(c for c in columns if c.lower() in names or c in explained)


def lost_columns(
    error: ConfigError,
    source: SourceConfig,
    raw: RawBatch,
    mapping: Mapping,
    earlier: Earlier,
    *,
    asked: bool,
) -> ConfigError:
    """The error of a mapping that reads a column which the source used to have; else ``error``.

    ``asked``: the source was asked what is new, not for something from long ago.
    """
    here = {c.lower() for c in raw.columns}
    had: dict[str, tuple[str, RunRecord]] = {}
    runs = earlier()
    for run in runs:
        for name in run.columns:
            had.setdefault(name.lower(), (name, run))
    lost = [had[name] for name in sorted(mapping.used_columns & had.keys() - here)]
    if not any(name.lower() in error.message.en.lower() for name, _ in lost):
        return error
    names, where = named([name for name, _ in lost]), Where(mapping.path)
    if not asked:
        return ConfigError(
            Text(
                en=f"what came then does not have {names.en}, which the mapping reads",
                zh=f"当时收到的数据中没有映射所用的列：{names.zh}",
            ),
            where=where,
            hint=_optional(),
        )
    last = day_of(max(run.started_at for _, run in lost))
    return ConfigError(
        Text(
            en=f"the source no longer has {names.en}, which the mapping reads; "
            f"the run of {last} was the last to see it",
            zh=f"来源不再提供映射所用的列：{names.zh}；最后一次出现在 {last} 的运行中",
        ),
        where=where,
        hint=_hint_for_lost([name for name, _ in lost], source, raw, mapping, runs),
    )


def shown(name: str) -> str:
    """A column's name as it may be kept: a key of a JSON object can be anything."""
    plain = mask_text(" ".join(name.split()))
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"


def _news(source: SourceConfig, untold: Sequence[str], runs: Sequence[RunRecord]) -> list[str]:
    if source.drift != "evolve":
        return list(untold)
    known = {c.lower() for run in runs for c in run.columns}
    # Without any run that kept its columns there is nothing to compare with.
    return [c for c in untold if known and shown(c).lower() not in known]


def _detail(
    con: duckdb.DuckDBPyConnection,
    raw: RawBatch,
    name: str,
    runs: Sequence[RunRecord],
    day: str,
    instead_of: str | None,
) -> NewColumn:
    seen = [run for run in runs if shown(name) in run.columns]
    what = describe(con, name)
    return NewColumn(
        name=shown(name),
        filled=what.filled,
        rows=raw.received - raw.unreadable,
        first_seen=day_of(seen[-1].started_at) if seen else day,
        shape=what.shape,
        samples=what.samples,
        instead_of=None if instead_of is None else shown(instead_of),
    )


def _without_header(raw: RawBatch, mapping: Mapping) -> frozenset[int]:
    """Objects that lack most of what the mapping reads: their "names" may be a row's values."""
    read = [c for c in raw.columns if c.lower() in mapping.used_columns]
    lacking = Counter(index for c in read for index in raw.absent.get(c, ()))
    return frozenset(index for index, count in lacking.items() if 2 * count > len(read))


def _is_name(
    con: duckdb.DuckDBPyConnection, raw: RawBatch, column: str, headless: frozenset[int]
) -> bool:
    """Whether a column's name is one, and not the first row of a file without its header."""
    if not headless or column not in raw.absent:
        return True
    return bool(_objects(con, column) - headless)


def _objects(con: duckdb.DuckDBPyConnection, column: str) -> set[int]:
    """Indexes of the objects with a value in the column."""
    rows = con.execute(f"SELECT DISTINCT _object FROM raw WHERE {ident(column)} IS NOT NULL")
    return {int(index) for (index,) in rows.fetchall()}


def _instead_of(
    con: duckdb.DuckDBPyConnection,
    raw: RawBatch,
    name: str,
    missing: Sequence[str],
    news: Sequence[str],
) -> str | None:
    """The missing column that ``name`` may be the new name of: alike, or in just its place."""
    alike = nearest(name, missing)
    if alike is not None or len(missing) != 1 or len(news) != 1:
        return alike
    return missing[0] if _objects(con, name) == set(raw.absent[missing[0]]) else None


def nearest(name: str, among: Sequence[str]) -> str | None:
    """The name most like ``name``, or None if none is like it."""
    found = difflib.get_close_matches(name, list(among), n=1, cutoff=_ALIKE)
    return found[0] if found else None


def _discarding(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Rule:
    """The rule that quarantines rows with a value in one of these columns.

    Its SQL asks by the row's place, as the mapped record has nothing of the column.
    """
    filled = " OR ".join(f"txt({ident(name)}) IS NOT NULL" for name in names)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS SELECT _object, _row FROM raw WHERE {filled}"
    )
    return Rule(
        rule_id=READ_DRIFT,
        kind="sql",
        severity="hard",
        fields=(),
        violation_sql=f"(_object, _row) IN (SELECT (d._object, d._row) FROM {_ROWS} AS d)",
        params={},
        message=Text(en="a value in a column that nobody told of", zh="在未作说明的列中有值"),
        hint=_tell_it(),
        source="source.toml, drift",
    )


def _frozen(source: SourceConfig, drift: Drift) -> DataError:
    told = [new_column(column, "freeze") for column in drift.columns]
    if drift.missing:
        names = named(drift.missing)
        told.append(
            Text(
                en=f"part of what came lacks {names.en}, which the mapping reads",
                zh=f"部分数据缺少映射所用的列：{names.zh}",
            )
        )
    hint = _tell_it() if drift.new else _optional()
    return DataError(
        Text(
            en='the source\'s columns have changed, and drift = "freeze" takes nothing in: '
            + "; ".join(t.en for t in told),
            zh='来源的列有变化，因设置了 drift = "freeze"，本次未收取数据：'
            + "；".join(t.zh for t in told),
        ),
        where=Where(source.stream_id),
        hint=Text(
            en=f"{hint.en}; nothing was stored, and the next sync reads the same again",
            zh=f"{hint.zh}；数据未入湖，下次同步会重新读取",
        ),
    )


def _hint_for_lost(
    lost: Sequence[str],
    source: SourceConfig,
    raw: RawBatch,
    mapping: Mapping,
    runs: Sequence[RunRecord],
) -> Text:
    known = {c.lower() for run in runs for c in run.columns}
    last: Sequence[str] = next((run.columns for run in runs if run.columns), ())
    here = {c.lower() for c in raw.columns}
    if 2 * sum(c.lower() in here for c in last) < len(last):
        # Then these "names" may be a row's values.
        return Text(
            en="most of its columns are gone: a file may have come without its header line, "
            "or it is another table",
            zh="大部分列都不在了：可能是文件缺少表头行，也可能是另一张表",
        )
    told = told_of(source, mapping, raw.columns)
    fresh = [shown(c) for c in raw.columns if c not in told and shown(c).lower() not in known]
    pairs = [(new, old) for new in fresh if (old := nearest(new, lost)) is not None]
    if not pairs and len(fresh) == len(lost) == 1:
        pairs = [(fresh[0], lost[0])]
    if not pairs:
        return _optional()
    return Text(
        en="; ".join(f"{new} may be the new name of {old}" for new, old in pairs)
        + ": change mapping.sql and try it with hefu check",
        zh="；".join(f"{new} 可能是 {old} 的新名称" for new, old in pairs)
        + "：请修改 mapping.sql，并用 hefu check 试跑",
    )


def _tell_it() -> Text:
    return Text(
        en="read it in mapping.sql, or say under [unused_columns] in source.toml why no field "
        "takes it",
        zh="请在 mapping.sql 中使用该列，或在 source.toml 的 [unused_columns] 中说明不使用的原因",
    )


def _optional() -> Text:
    return Text(
        en="ask the source's operator; a column that the source may leave out belongs in "
        "optional_columns under [reader]",
        zh="请询问来源系统的运维人员；来源可以不提供的列，请列入 [reader] 的 optional_columns",
    )
