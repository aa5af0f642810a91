"""From a source's rows to candidate records: a mapping is one SELECT over ``raw``.

A mapping says what each field is; everything else happens here: every output is a field of
the contract, every value gets its field's type, a value that can't keeps its raw text in
``_uncast``, and the node adds what only it can know. No row is added or lost: the rows are
tied to those of ``raw`` by (``_object``, ``_row``), which the caller counts.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from schemas import mapping_tree as tree_of
from schemas.casting import NO_TYPE, Column, cast_problem, casts, unit_column
from schemas.codes import canonical
from schemas.contract import Contract, Field, did_you_mean
from schemas.errors import ConfigError
from schemas.identity import content_json_sql, hash_of, record_id_sql
from schemas.mapping_expressions import Expressions, always_coded, is_clean, unit_text
from schemas.raw_values import RAW_VALUES, is_translated, keeps_raw_values
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

DEFAULT_DATA_STATUS = "valid"
DEFAULT_SHARING_ATTRIBUTE = "conditional"


@dataclass(frozen=True)
class Mapping:
    """A mapping that was read and found to fit its contract."""

    sql: str
    path: str
    outputs: tuple[str, ...]
    used_columns: frozenset[str]
    uses_all: bool
    tree: tree_of.Node


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run knows about where its rows come from; it goes into every envelope."""

    org_code: str
    org_name: str
    system: str
    division_code: str
    business_domain: str | None
    received_time: datetime
    rule_pack_version: str


def parse_mapping(
    con: duckdb.DuckDBPyConnection, sql: str, path: str, contract: Contract
) -> Mapping:
    """Read a mapping and check it against its contract. ``raw`` need not exist yet.

    Raises :class:`ConfigError` that names ``path`` and the trouble: not one SELECT, something
    that could lose or multiply rows, an output that is no field (with the nearest name), a
    field that the node fills, a required field that is not given, an unknown code list.
    """
    tree = tree_of.parse(con, sql, path)
    tree_of.check(con, tree, path)
    outputs = tuple(name for name, _ in tree_of.outputs(tree_of.select_node(tree), path))
    _check_outputs(outputs, path, contract)
    used, uses_all = tree_of.columns(tree)
    return Mapping(
        sql=sql, path=path, outputs=outputs, used_columns=used, uses_all=uses_all, tree=tree
    )


def candidate_sql(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, contract: Contract, origin: Origin
) -> str:
    """One SELECT of candidate records; ``raw`` and ``objects`` must exist on ``con``.

    Columns: every contract field with its type, then ``_object`` INTEGER, ``_row`` BIGINT,
    ``_uncast`` VARCHAR (JSON object of field and raw text where a cast failed or a text holds
    control characters, else NULL), ``_has_clock`` BOOLEAN (the mapping gives
    source_updated_time; without it, it is the fetch time of the row's object, from table
    ``objects(_object INTEGER, fetched_at TIMESTAMPTZ)``).

    ``record_version`` is 0: the lake sets it when it appends. Raises :class:`ConfigError` if
    the mapping names a column that raw does not have, gives a field a type that can't be its
    own, or nobody gives the business domain.
    """
    expressions = dict(tree_of.outputs(tree_of.select_node(mapping.tree), mapping.path))
    units = _units(contract, expressions)
    inner = tree_of.with_row_identity(con, mapping.tree, units)
    types = _types(con, inner, mapping.path)
    texts = _literal_texts(contract, expressions)
    asked = Expressions(mapping.tree)
    columns = [
        _read(contract, field, expressions[field.name], types[field.name], asked)
        for field in contract.fields
        if field.name in mapping.outputs and field.name not in texts
    ]
    for column in columns:
        problem = cast_problem(column)
        if problem is not None:
            raise tree_of.config_error(mapping.path, *problem)
    constants = texts | _constants(contract, mapping, origin)
    return _compose(inner, columns, constants, contract, origin)


def unused_columns(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[str, ...]:
    """Columns of ``raw`` that the mapping never names: what a source has beyond it, or drift."""
    if mapping.uses_all:
        return ()
    rows = con.execute("SELECT column_name FROM (DESCRIBE raw)").fetchall()
    names = [str(row[0]) for row in rows]
    return tuple(
        n for n in names if n not in ("_object", "_row") and n.lower() not in mapping.used_columns
    )


def mapping_error(error: Exception, path: str) -> ConfigError:
    """What DuckDB said about a mapping, as a ConfigError.

    A conversion error quotes the value that failed, which may be personal: its text is dropped.
    """
    import duckdb

    if isinstance(
        error,
        duckdb.ConversionException | duckdb.InvalidInputException | duckdb.OutOfRangeException,
    ):
        return tree_of.config_error(
            path,
            Text(
                en="an expression of the mapping fails on some row",
                zh="映射中有表达式在某些行上出错",
            ),
            Text(
                en="use the macros, or TRY_CAST with the raw text as a fallback: "
                "they leave what they can't read to the checks",
                zh="请使用宏，或者用 TRY_CAST 并保留原文：无法识别的值交给校验处理",
            ),
        )
    said = str(error).split("\n\nLINE", 1)[0].strip().replace("\n", " ")
    # These are the source's columns: values of a row, where a file came without its header.
    said = said.split("Candidate bindings", 1)[0].strip()
    return tree_of.config_error(
        path, Text(en=f"DuckDB can't run the mapping: {said}", zh=f"映射无法执行：{said}")
    )


def _check_outputs(outputs: tuple[str, ...], path: str, contract: Contract) -> None:
    known = {f.name: f for f in contract.fields}
    givable = [f.name for f in contract.givable_fields()]
    for name in outputs:
        if name not in known:
            raise tree_of.config_error(
                path,
                Text(
                    en=f"{contract.record_type} has no field {name}",
                    zh=f"{contract.label.zh}没有字段 {name}",
                ),
                did_you_mean(name, givable)
                or Text(
                    en="the fields are in docs/data-dictionary.md",
                    zh="字段见 docs/data-dictionary.zh-CN.md",
                ),
            )
        if known[name].filled_by_node or known[name].derived:
            raise tree_of.config_error(
                path,
                Text(
                    en=f"{name} is filled by the node; the mapping may not give it",
                    zh=f"{name}（{known[name].label_zh}）由节点填写，映射不得给出",
                ),
            )
        if outputs.count(name) > 1:
            raise tree_of.config_error(
                path,
                Text(en=f"the mapping gives {name} twice", zh=f"映射重复给出 {name}"),
            )
    missing = [
        f
        for f in contract.givable_fields()
        if f.required and not f.node_default and f.name not in outputs
    ]
    if missing:
        raise tree_of.config_error(
            path,
            Text(
                en="the mapping does not give "
                + ", ".join(f"{f.name} ({f.label_zh})" for f in missing),
                zh="映射没有给出" + "、".join(f"{f.name}（{f.label_zh}）" for f in missing),
            ),
        )


def _types(con: duckdb.DuckDBPyConnection, inner: str, path: str) -> dict[str, str]:
    import duckdb

    try:
        rows = con.execute(f"DESCRIBE {inner}").fetchall()
    except duckdb.Error as error:
        raise mapping_error(error, path) from error
    return {str(row[0]).lower(): str(row[1]) for row in rows}


def _compose(
    inner: str,
    columns: list[Column],
    constants: dict[str, str],
    contract: Contract,
    origin: Origin,
) -> str:
    """The layers: mapped ``m``, typed ``t`` (then with what the source wrote), with its JSON ``c``,
    and the record outermost.

    Each is one projection over the one before, so that no expression is worked out twice.
    What is the same in every row is a literal of the outermost SELECT.
    """
    given = {c.field.name for c in columns}
    has_clock = "source_updated_time" in given | constants.keys()
    plan = casts(columns)
    typed = f"SELECT {', '.join(['m._object', 'm._row', *plan.outputs])} FROM ({inner}) m"
    if plan.raw_values_sql is not None:
        typed = f"SELECT t.*, {plan.raw_values_sql} AS {RAW_VALUES} FROM ({typed}) t"
        given |= {RAW_VALUES}
    content = {n: v for n, v in constants.items() if not contract.field(n).filled_by_node}
    node = {name: literal(text) for name, text in constants.items()}
    node["received_time"] = literal(origin.received_time.isoformat())
    node["record_version"] = "0"
    record = literal(constants["source_record_id"]) if "source_record_id" in constants else None
    node["record_id"] = record_id_sql(
        node["source_org_code"],
        node["record_type"],
        node["source_system"],
        record or "c.source_record_id",
    )
    node["content_hash"] = hash_of("c._json")
    node["sensitivity_class"] = _sensitivity(contract, given, constants)
    if not has_clock:
        node["source_updated_time"] = "o.fetched_at"
    fields = [f"{_column(f, given, node.get(f.name))} AS {ident(f.name)}" for f in contract.fields]
    clock = "" if has_clock else " LEFT JOIN objects o ON o._object = c._object"
    return (
        f"SELECT {', '.join(fields)}, CAST(c._object AS INTEGER) AS _object, "
        f"CAST(c._row AS BIGINT) AS _row, {plan.uncast_sql} AS _uncast, "
        f"{'TRUE' if has_clock else 'FALSE'} AS _has_clock FROM ("
        f"SELECT t.*, {content_json_sql(contract, given, content)} AS _json FROM ({typed}) t"
        f") c{clock}"
    )


def _read(
    contract: Contract,
    field: Field,
    expression: tree_of.Node,
    given_type: str,
    asked: Expressions,
) -> Column:
    """What an output's expression says about its values."""
    translated = is_translated(contract, field)
    codes = _codes(field) if translated else frozenset()
    return Column(
        field=field,
        given_type=NO_TYPE if tree_of.is_null(expression) else given_type,
        function=tree_of.function_name(expression),
        clean=is_clean(expression),
        marked=asked.may_be_marked(expression),
        translated=translated,
        coded=translated and always_coded(expression, field.code_list or "", codes),
        converted=keeps_raw_values(contract) and unit_text(expression) is not None,
    )


def _units(contract: Contract, expressions: dict[str, tree_of.Node]) -> dict[str, tree_of.Node]:
    """Expressions of what converted values were given as, by the name of their column."""
    if not keeps_raw_values(contract):
        return {}
    found = {unit_column(name): unit_text(e) for name, e in expressions.items()}
    return {name: text for name, text in found.items() if text is not None}


def _codes(field: Field) -> frozenset[str]:
    return frozenset(row.code for row in canonical(field.code_list or ""))


def _literal_texts(contract: Contract, expressions: dict[str, tree_of.Node]) -> dict[str, str]:
    """Text fields that the mapping gives as a literal: the same in every row.

    A literal that is no code of a translated field is left to the cast layer.
    """
    found = {}
    for name, expression in expressions.items():
        field, text = contract.field(name), tree_of.text_of(expression)
        if not text or not text.isprintable() or field.duckdb_type != "VARCHAR":
            continue
        normal = unicodedata.normalize("NFC", text)
        if not is_translated(contract, field) or normal in _codes(field):
            found[name] = normal
    return found


def _constants(contract: Contract, mapping: Mapping, origin: Origin) -> dict[str, str]:
    """What the run knows, by field, without what the mapping gives."""
    if origin.business_domain is None and "business_domain" not in mapping.outputs:
        raise tree_of.config_error(
            mapping.path,
            Text(
                en="nobody gives business_domain (业务门类)",
                zh="没有给出 business_domain（业务门类）",
            ),
            Text(
                en="give it in the mapping, or under [defaults] in source.toml",
                zh="请在映射中给出，或者写在 source.toml 的 [defaults] 中",
            ),
        )
    _check_default(mapping, contract, "business_domain", origin.business_domain)
    constants = {
        "record_type": contract.record_type,
        "schema_version": contract.version,
        "source_org_code": origin.org_code,
        "source_org_name": origin.org_name,
        "source_system": origin.system,
        "division_code": origin.division_code,
        "business_domain": origin.business_domain or "",
        "data_status": DEFAULT_DATA_STATUS,
        "sharing_attribute": DEFAULT_SHARING_ATTRIBUTE,
        "rule_pack_version": origin.rule_pack_version,
    }
    return {name: text for name, text in constants.items() if name not in mapping.outputs}


def _check_default(mapping: Mapping, contract: Contract, name: str, default: str | None) -> None:
    """A default is no text of the source's, so a wrong one is a fault of the configuration."""
    field = contract.field(name)
    if default is None or name in mapping.outputs or not is_translated(contract, field):
        return
    if default not in _codes(field):
        raise tree_of.config_error(
            mapping.path,
            Text(
                en=f"the default of {name} is not in the code list {field.code_list}",
                zh=f"{name}（{field.label_zh}）的默认值不在代码表 {field.code_list} 中",
            ),
            Text(
                en="correct it under [defaults] in source.toml or under [agency] in hefu.toml",
                zh="请更正 source.toml 的 [defaults] 或 hefu.toml 的 [agency]",
            ),
        )


def _column(field: Field, given: set[str], sql: str | None) -> str:
    if field.name in given:
        return f"c.{ident(field.name)}"
    return f"CAST({sql or 'NULL'} AS {field.duckdb_type})"


def _sensitivity(contract: Contract, given: set[str], constants: dict[str, str]) -> str:
    """SQL of the highest class among the fields that have a value."""
    branches = []
    for level in ("sensitive", "personal"):
        names = [f.name for f in contract.fields if f.classification == level]
        tests = ["TRUE" for n in names if n in constants]
        tests += [f"c.{ident(n)} IS NOT NULL" for n in names if n in given]
        if tests:
            branches.append(f"WHEN {' OR '.join(tests)} THEN {literal(level)}")
    return f"CASE {' '.join(branches)} ELSE 'internal' END" if branches else "'internal'"
