"""Reading a mapping's syntax tree, as DuckDB's own parser gives it.

Hefu has no mapping language and no SQL parser: DuckDB turns the text into JSON, we look at
it, add two columns, and DuckDB turns it back into SQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from schemas.contract import did_you_mean
from schemas.errors import ConfigError, Where
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

Node = dict[str, Any]
Schemes = Mapping[str, Sequence[str]]

# Macros that translate codes: number of arguments; the first two are list and scheme.
CODE_MACROS = {"code": 3, "code_on": 4, "codes": 4}

# A row must give the same record whenever it is read; these would not.
_VOLATILE = frozenset(
    [
        "now",
        "today",
        "current_date",
        "current_time",
        "current_timestamp",
        "get_current_timestamp",
        "get_current_time",
        "localtime",
        "localtimestamp",
        "transaction_timestamp",
        "random",
        "uuid",
        "uuidv4",
        "uuidv7",
        "gen_random_uuid",
        "setseed",
        "nextval",
        "currval",
        "getvariable",
        "getenv",
        "txid_current",
    ]
)
_CLOCK_WORDS = frozenset(w for w in _VOLATILE if w.startswith(("current_", "local")))
_ROW_SOURCES = frozenset({"unnest", "range", "generate_series", "values"})
_DROPS_ROWS = {
    "where_clause": "WHERE",
    "having": "HAVING",
    "qualify": "QUALIFY",
    "sample": "SAMPLE",
}


def parse(con: duckdb.DuckDBPyConnection, sql: str, path: str) -> Node:
    """The tree of the one SELECT in ``sql``. Raises :class:`ConfigError` for anything else."""
    row = con.execute(f"SELECT json_serialize_sql({literal(sql)})").fetchone()
    tree: Node = json.loads(row[0]) if row else {"error": True}
    if tree.get("error") or not tree["statements"]:
        raise config_error(
            path,
            Text(
                en=f"this is not one SELECT statement: {tree.get('error_message', '')}".rstrip(
                    ": "
                ),
                zh=f"不是一条 SELECT 语句：{tree.get('error_message', '')}".rstrip("："),
            ),
            Text(
                en="a mapping is one SELECT … FROM raw",
                zh="映射是一条 SELECT … FROM raw 语句",
            ),
        )
    if len(tree["statements"]) != 1:
        raise config_error(
            path,
            Text(en="a mapping is one statement", zh="一个映射只能有一条语句"),
        )
    return tree


def check(con: duckdb.DuckDBPyConnection, tree: Node, path: str) -> None:
    """Refuse what could drop or multiply rows, reach outside, or change from day to day."""
    select = select_node(tree)
    if select.get("type") != "SELECT_NODE":
        raise config_error(
            path,
            Text(
                en="a mapping may not combine several SELECTs (UNION, EXCEPT, INTERSECT)",
                zh="映射不得使用 UNION、EXCEPT、INTERSECT",
            ),
            Text(en="make two streams of it", zh="请拆成两个数据流"),
        )
    ctes = {cte["key"].lower() for cte in _walk_keys(tree, "cte_map")}
    schemes = _schemes(con)
    _check_rows_kept(select, path)
    for node in walk(tree):
        if node.get("type") == "SELECT_NODE" and reads_raw(node):
            _check_rows_kept(node, path)
        _check_source(node, ctes, path)
        _check_function(node, schemes, path)
        _check_cast(node, path)
    _check_aggregates(con, select, path)


def select_node(tree: Node) -> Node:
    """The outermost SELECT."""
    node: Node = tree["statements"][0]["node"]
    return node


def outputs(select: Node, path: str) -> tuple[tuple[str, Node], ...]:
    """Name and expression of each output column. ConfigError for one without a name."""
    named = []
    for position, expression in enumerate(select["select_list"], start=1):
        name = expression.get("alias") or (
            expression["column_names"][-1] if expression["class"] == "COLUMN_REF" else ""
        )
        if not name or expression["class"] == "STAR":
            raise config_error(
                path,
                Text(
                    en=f"output column {position} has no field name",
                    zh=f"第 {position} 个输出列没有字段名",
                ),
                Text(
                    en="write: expression AS field_name; * is not a field",
                    zh="请写成：表达式 AS 字段名；不能用 *",
                ),
            )
        named.append((str(name).lower(), expression))
    return tuple(named)


def columns(tree: Node) -> tuple[frozenset[str], bool]:
    """Names in column references, lower case, and whether the whole row is used at once."""
    names: set[str] = set()
    tables = {"raw"}
    whole = False
    for node in walk(tree):
        if node.get("type") == "BASE_TABLE" and node["table_name"].lower() == "raw":
            tables.add(node["alias"].lower() or "raw")
        elif node.get("class") == "STAR" and node.get("columns"):
            whole = True
        elif node.get("class") == "COLUMN_REF":
            names.update(n.lower() for n in node["column_names"])
    whole = whole or any(
        node.get("class") == "COLUMN_REF"
        and len(node["column_names"]) == 1
        and node["column_names"][0].lower() in tables
        for node in walk(tree)
    )
    return frozenset(names), whole


def with_row_identity(
    con: duckdb.DuckDBPyConnection, tree: Node, more: Mapping[str, Node] | None = None
) -> str:
    """SQL of the mapping with ``_object`` and ``_row`` added to its outputs, and ``more``.

    ``more``: expressions by name, over what the mapping's own outputs are made of.
    """
    changed = json.loads(json.dumps(tree))
    added = [
        {
            "class": "COLUMN_REF",
            "type": "COLUMN_REF",
            "alias": "",
            "query_location": 0,
            "column_names": [name],
        }
        for name in ("_object", "_row")
    ]
    added += [expression | {"alias": name} for name, expression in (more or {}).items()]
    select_node(changed)["select_list"] += added
    row = con.execute(
        f"SELECT json_deserialize_sql({literal(json.dumps(changed))}::JSON)"
    ).fetchone()
    if row is None:
        raise AssertionError("json_deserialize_sql gives one row")
    return str(row[0]).rstrip("; \n")


def function_name(expression: Node) -> str:
    """Name of the outermost function of an expression, or an empty text."""
    return str(expression.get("function_name", "")).lower()


def is_null(expression: Node) -> bool:
    """Whether an expression is the literal NULL."""
    return expression.get("class") == "CONSTANT" and bool(expression["value"]["is_null"])


def text_of(expression: Node) -> str | None:
    """The text of an expression that is a text literal, else None."""
    if expression.get("class") != "CONSTANT" or is_null(expression):
        return None
    kind, given = expression["value"]["type"]["id"], expression["value"]["value"]
    return str(given) if kind == "VARCHAR" else None


def reads_raw(select: Node) -> bool:
    """Whether raw is (part of) what this SELECT reads from."""
    return any(
        node.get("type") == "BASE_TABLE" and node["table_name"].lower() == "raw"
        for node in walk(select.get("from_table") or {})
    )


def config_error(path: str, message: Text, hint: Text | None = None) -> ConfigError:
    """A ConfigError that points at the mapping's file."""
    return ConfigError(message, where=Where(file=path), hint=hint)


def _check_rows_kept(select: Node, path: str) -> None:
    found = [word for key, word in _DROPS_ROWS.items() if select.get(key)]
    found += [
        m["type"].removesuffix("_MODIFIER").replace("_", " ")
        for m in select.get("modifiers", ())
        if m["type"] != "ORDER_MODIFIER"
    ]
    if select.get("group_expressions") or select.get("aggregate_handling") == "FORCE_AGGREGATES":
        found.append("GROUP BY")
    if (select.get("from_table") or {}).get("sample"):
        found.append("SAMPLE")
    if found:
        raise config_error(
            path,
            Text(
                en=f"a mapping gives one record for each row; {found[0]} would lose rows",
                zh=f"映射要为每一行给出一条记录；{found[0]} 会丢失数据行",
            ),
            Text(
                en="map every row; a rule or a second stream decides what becomes of it",
                zh="请映射每一行；如何处置由规则或者另一个数据流决定",
            ),
        )


def _check_source(node: Node, ctes: set[str], path: str) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = node["table_name"].lower()
        # A CTE's name may be used where the CTE is out of sight, and would then be a file's or
        # another schema's table; no file has a plain word for its name.
        plain = name.isidentifier() and not node["schema_name"] and not node["catalog_name"]
        if not plain or (name != "raw" and name not in ctes):
            raise config_error(
                path,
                Text(
                    en=f"a mapping reads raw and nothing else, not {node['table_name']}",
                    zh=f"映射只能读取 raw，不能读取 {node['table_name']}",
                ),
            )
    elif kind == "TABLE_FUNCTION" and function_name(node["function"]) not in _ROW_SOURCES:
        raise config_error(
            path,
            Text(
                en=f"a mapping may not call the table function {function_name(node['function'])}",
                zh=f"映射不得调用表函数 {function_name(node['function'])}",
            ),
        )


def _check_function(node: Node, schemes: Schemes, path: str) -> None:
    name = function_name(node)
    if node.get("class") == "COLUMN_REF" and node["column_names"][-1].lower() in _CLOCK_WORDS:
        name = node["column_names"][-1].lower()
    if name in _VOLATILE:
        raise config_error(
            path,
            Text(
                en=f"{name} would give another record each time the same row is read",
                zh=f"{name} 会使同一行每次得到不同的记录",
            ),
        )
    if len(node.get("children", ())) == CODE_MACROS.get(name, -1):
        _check_code(name, node["children"], schemes, path)


def _check_cast(node: Node, path: str) -> None:
    """A cast that fails stops the whole run, and the message quotes the value."""
    if node.get("class") != "CAST" or node["try_cast"] or node["cast_type"]["id"] == "VARCHAR":
        return
    if any(inner.get("class") == "COLUMN_REF" for inner in walk(node["child"])):
        raise config_error(
            path,
            Text(
                en=f"CAST to {node['cast_type']['id']} would stop the run at the first bad row",
                zh=f"CAST 为 {node['cast_type']['id']} 遇到一行错误就会使整个任务中断",
            ),
            Text(
                en="leave it out (the field's type is given anyway), use a macro, or hand the text "
                "back: coalesce(TRY_CAST(x AS INTEGER)::VARCHAR, x)",
                zh="可去掉转换（字段类型会自动给出）、使用宏，或者保留原文："
                "coalesce(TRY_CAST(x AS INTEGER)::VARCHAR, x)",
            ),
        )


def _check_code(name: str, children: list[Node], schemes: Schemes, path: str) -> None:
    words = [text_of(c) for c in children[:2]]
    code_list, scheme = words
    if code_list is None or scheme is None:
        raise config_error(
            path,
            Text(
                en=f"{name}() wants the names of list and scheme as literal texts",
                zh=f"{name}() 的代码表和体系必须写成文本常量",
            ),
        )
    if code_list not in schemes:
        raise config_error(
            path,
            Text(en=f"there is no code list {code_list}", zh=f"没有代码表 {code_list}"),
            did_you_mean(code_list, schemes),
        )
    known = sorted(schemes[code_list])
    if scheme not in known:
        raise config_error(
            path,
            Text(
                en=f"code list {code_list} has no scheme {scheme}",
                zh=f"代码表 {code_list} 没有体系 {scheme}",
            ),
            did_you_mean(scheme, known)
            or Text(
                en=f"schemes: {', '.join(known)}; one of your own begins with its first row: "
                f"hefu codes accept {code_list} {scheme} TEXT CODE --by ROLE",
                zh=f"可用的体系：{'、'.join(known)}；新增本单位的体系，补入第一行即可："
                f"hefu codes accept {code_list} {scheme} 原文 代码 --by 岗位",
            ),
        )


def _schemes(con: duckdb.DuckDBPyConnection) -> Schemes:
    """Schemes by code list, as the macros on this connection know them."""
    rows = con.execute("SELECT list, list_distinct(list(scheme)) FROM hefu_code GROUP BY list")
    return {str(name): [str(s) for s in found] for name, found in rows.fetchall()}


def _check_aggregates(con: duckdb.DuckDBPyConnection, select: Node, path: str) -> None:
    rows = con.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'"
    ).fetchall()
    aggregates = {str(r[0]).lower() for r in rows} | {"unnest"}
    for node in walk({"list": select["select_list"]}, into_subqueries=False):
        name = function_name(node)
        if node.get("class") == "FUNCTION" and name in aggregates:
            raise config_error(
                path,
                Text(
                    en=f"a mapping gives one record for each row; {name}() would not",
                    zh=f"映射要为每一行给出一条记录；{name}() 做不到",
                ),
            )


def walk(node: Any, *, into_subqueries: bool = True) -> Iterator[Node]:
    """Every object of a tree, in no particular order."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if not into_subqueries and item.get("class") == "SUBQUERY":
                continue
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _walk_keys(tree: Node, key: str) -> Iterator[Node]:
    for node in walk(tree):
        if key in node and isinstance(node[key], dict):
            yield from node[key].get("map", ())
