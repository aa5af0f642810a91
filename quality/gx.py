"""Validation by Great Expectations, on the connection that holds the rows.

The suite comes from the contract's rules. What is there as an expectation of GX (not null,
in set, between) is one; each other rule is an unexpected-rows expectation over the rule's own
SQL. GX counts on its own; ``Verdict.agree_with`` then holds its counts against the marks that
decide quarantine. Rows are never fetched through GX: a million broken rows cost what none do.

An expectation that crashes looks like one that found bad data (``success: false``), so every
``exception_info`` is read and is an error of ours, never a verdict.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from quality.check import CONFLICT, moment_column
from quality.verdict import Verdict
from schemas.contract import Contract, Rule
from schemas.errors import AccountingError
from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

__all__ = ["ValidationCrashError", "Verdict", "validate"]


class ValidationCrashError(AccountingError):
    """An expectation raised instead of judging: a defect of ours or of the engine."""


def validate(
    con: duckdb.DuckDBPyConnection, table: str, contract: Contract, rules: Sequence[Rule]
) -> Verdict:
    """Counts the rows of ``table`` (or view) that break each rule, by Great Expectations.

    A candidate table (it has ``_has_clock``) is also checked for CONFLICT.

    Raises ValidationCrashError if an expectation could not be computed.
    """
    columns = {row[0] for row in con.execute(f"DESCRIBE {ident(table)}").fetchall()}
    rows = _count(con, table)
    names = [rule.rule_id for rule in rules]
    if "_has_clock" in columns:
        names.append(CONFLICT)
    engine = f"great_expectations {version('great_expectations')}, duckdb {version('duckdb')}"
    if rows == 0 or not names:
        return Verdict(True, dict.fromkeys(names, 0), rows, engine)
    moment = moment_column(columns) if CONFLICT in names else None
    with _quiet():
        results = _run(con, table, contract, rules, moment)
    unexpected = {name: results[name] for name in names}
    hard = {rule.rule_id for rule in rules if rule.severity == "hard"} | {CONFLICT}
    broken = any(count for name, count in unexpected.items() if name in hard)
    return Verdict(not broken, unexpected, rows, engine)


def _run(
    con: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    rules: Sequence[Rule],
    moment: str | None,
) -> dict[str, int]:
    import great_expectations
    from sqlalchemy.pool import StaticPool

    # This one sets itself to INFO when imported, and tells of every temporary folder.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

    from quality import dialect
    from quality.expectations import conflict_expectation, expectation

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    shared = dialect.BorrowedConnection(con)
    source = context.data_sources.add_sql(
        "candidates",
        connection_string=dialect.URL,
        create_temp_table=False,
        kwargs={"creator": lambda: shared, "poolclass": StaticPool},
    )
    try:
        batch = (
            source.add_table_asset("table", table_name=table)
            .add_batch_definition_whole_table("all")
            .get_batch()
        )
        expectations = [expectation(rule, contract) for rule in rules]
        if moment is not None:
            expectations.append(conflict_expectation(CONFLICT, moment))
        suite = great_expectations.ExpectationSuite(contract.record_type, expectations=expectations)
        # No value of a row is asked for, not even as an example: they are personal data.
        result = batch.validate(
            suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": 0}
        )
    finally:
        source.get_engine().dispose()
    return {r.expectation_config.meta["rule_id"]: _unexpected(r) for r in result.results}


def _unexpected(result: Any) -> int:
    name = result.expectation_config.meta["rule_id"]
    if _raised(result.exception_info):
        raise ValidationCrashError(
            Text(
                en=f"rule {name} could not be computed by Great Expectations",
                zh=f"Great Expectations 未能计算规则 {name}",
            ),
            hint=Text(
                en=f"the engine said: {_said(result.exception_info)}",
                zh=f"引擎信息：{_said(result.exception_info)}",
            ),
        )
    found = result.result
    return int(found["unexpected_count"] if "unexpected_count" in found else found["broken"])


def _exceptions(info: Any) -> Iterator[dict[str, Any]]:
    """GX gives one exception record, or a mapping of metric ids to such records."""
    if isinstance(info, dict):
        if "raised_exception" in info:
            yield info
        else:
            for value in info.values():
                yield from _exceptions(value)


def _raised(info: Any) -> bool:
    return any(record["raised_exception"] for record in _exceptions(info))


def _said(info: Any) -> str:
    # The kind of failure only: an engine's message may quote the value that it stumbled on.
    messages = [str(r.get("exception_message")) for r in _exceptions(info)]
    return messages[0].split(":")[0].splitlines()[0][:120] if messages else ""


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {ident(table)}").fetchone()
    return 0 if row is None else int(row[0])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """GX prints and warns about itself; none of it is for the person at the terminal."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    log = logging.getLogger("great_expectations")
    if not log.handlers:
        log.addHandler(logging.NullHandler())  # else the first warning goes to stderr
    out, err = io.StringIO(), io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        warnings.simplefilter("ignore")
        yield
