"""Rules as expectations of Great Expectations. Imported only while validating (slow import).

A rule in SQL becomes ``RowsKeepRule``, an UnexpectedRowsExpectation whose count is asked for
as an aggregate over the batch: GX computes all such aggregates, and those of its own column
expectations, in one statement and one scan. The expectation as shipped runs each query twice
and fetches every row that it finds; on 1,000,000 broken rows that is 8 times slower.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.compatibility.sqlalchemy import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations import (
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    UnexpectedRowsExpectation,
)
from great_expectations.expectations.expectation import BatchExpectation, Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from quality.by_value import broken_values, is_dear, same_values
from schemas.contract import Contract, Rule

COUNT_METRIC = "hefu.broken_rows"


class BrokenRows(TableMetricProvider):  # type: ignore[misc] # untyped library
    """Rows of the batch for which a boolean SQL expression is TRUE."""

    metric_name = COUNT_METRIC
    value_keys = ("unexpected_rows_query",)

    @metric_partial(  # type: ignore[untyped-decorator] # untyped library
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # noqa: N805 # GX binds it to the class
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        condition = condition_of(metric_value_kwargs["unexpected_rows_query"])
        # literal_column, as text() would take ":name" inside a pattern for a parameter
        broken = sa.func.sum(sa.case((sa.literal_column(f"({condition})"), 1), else_=0))
        return broken, metric_domain_kwargs, {}


class _Settled(Expectation):  # type: ignore[misc] # untyped library
    """An expectation that never changes once it is made.

    GX works out ``configuration`` anew whenever it looks at it, some fifty times per
    expectation: a third of the time that it takes to judge a small night.
    """

    _configuration: Any = PrivateAttr(default=None)

    @property
    def configuration(self) -> ExpectationConfiguration:
        if self._configuration is None:
            self._configuration = super().configuration
        return self._configuration


class _Counted(_Settled):
    """A column expectation of GX of which only the count is asked.

    As shipped it also asks for values that break it, and for a query that finds them: a
    statement for each expectation, and two thirds of what a batch of one row costs.
    """

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: Any = None, **_: Any
    ) -> Any:
        # The base's: the count named in metric_dependencies, and nothing else.
        return BatchExpectation.get_validation_dependencies(
            self, execution_engine, runtime_configuration
        )

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        (count,) = self.metric_dependencies
        return _judged(metrics[count])


class NotNull(_Counted, ExpectColumnValuesToNotBeNull):  # type: ignore[misc] # untyped library
    """The column has a value in each row."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("column_values.nonnull.unexpected_count",)


class InSet(_Counted, ExpectColumnValuesToBeInSet):  # type: ignore[misc] # untyped library
    """The column's values are codes of its list."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("column_values.in_set.unexpected_count",)


class Between(_Counted, ExpectColumnValuesToBeBetween):  # type: ignore[misc] # untyped library
    """The column's values are within their range."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("column_values.between.unexpected_count",)


class RowsKeepRule(_Settled, UnexpectedRowsExpectation):  # type: ignore[misc] # untyped library
    """No row of the batch breaks the rule."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (COUNT_METRIC,)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        return _judged(metrics[COUNT_METRIC])


class NoRowsFound(_Settled, UnexpectedRowsExpectation):  # type: ignore[misc] # untyped library
    """A query finds no row. GX counts what it finds; no row is fetched."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        return _judged(metrics["unexpected_rows_query.row_count"])


def _judged(count: int) -> dict[str, Any]:
    return {"success": count == 0, "result": {"broken": int(count)}}


PREFIX = "SELECT * FROM {batch} WHERE "


def query_of(condition: str) -> str:
    """The unexpected-rows query of a rule; braces are doubled, as GX formats the text."""
    return PREFIX + "(" + condition.replace("{", "{{").replace("}", "}}") + ")"


def condition_of(query: str) -> str:
    """What ``query_of`` was given."""
    return query.removeprefix(PREFIX)[1:-1].replace("{{", "{").replace("}}", "}")


def expectation(rule: Rule, contract: Contract) -> Any:
    """The expectation of one rule, with the rule's id in its ``meta``."""
    common: dict[str, Any] = {
        "meta": {"rule_id": rule.rule_id},
        "severity": "warning" if rule.severity == "soft" else "critical",
    }
    scalar = len(rule.fields) == 1 and contract.field(rule.fields[0]).logical_type != "array"
    if scalar:
        column = rule.fields[0]
        if rule.kind == "required":
            return NotNull(column=column, **common)
        if rule.kind == "code" and "value_set" in rule.params:
            values = list(rule.params["value_set"])
            return InSet(column=column, value_set=values, **common)
        if rule.kind == "range" and set(rule.params) <= {"min", "max"}:
            low, high = (_bound(rule.params.get(end)) for end in ("min", "max"))
            return Between(column=column, min_value=low, max_value=high, **common)
    if is_dear(rule):
        return NoRowsFound(unexpected_rows_query=_query_by_value(rule), **common)
    return RowsKeepRule(unexpected_rows_query=query_of(rule.violation_sql), **common)


_BATCH = "hefu_the_batch"


def _query_by_value(rule: Rule) -> str:
    broken = _as_text(broken_values(rule, _BATCH)).replace(_BATCH, "{batch}")
    return (
        f"SELECT 1 FROM (FROM {{batch}}) AS b WHERE EXISTS (FROM ({broken}) AS v "
        f"WHERE {same_values(rule, 'v', 'b')})"
    )


def _as_text(sql: str) -> str:
    """Braces and colons as GX's format and SQLAlchemy's text() need them."""
    return sql.replace("{", "{{").replace("}", "}}").replace(":", r"\:")


def _bound(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def conflict_expectation(rule_id: str, moment: str) -> Any:
    """Rows whose (identity, ``moment``) has more than one content.

    Asked by groups, unlike the windows that mark the rows: two ways to one count. Identities
    that occur once are left out first, as comparing all hashes is what would cost.
    """
    repeated = (
        "SELECT record_id FROM {batch} WHERE record_id IS NOT NULL GROUP BY ALL HAVING count(*) > 1"
    )
    differing = (
        f"SELECT record_id, {moment} FROM {{batch}} SEMI JOIN ({repeated}) USING (record_id) "
        "GROUP BY ALL HAVING min(content_hash) <> max(content_hash)"
    )
    query = (
        f"SELECT record_id, {moment} FROM {{batch}} AS b WHERE EXISTS "
        f"(FROM ({differing}) AS d WHERE d.record_id = b.record_id "
        f"AND d.{moment} IS NOT DISTINCT FROM b.{moment})"
    )
    return NoRowsFound(unexpected_rows_query=query, meta={"rule_id": rule_id}, severity="critical")
