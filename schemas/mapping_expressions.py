"""What an output's expression says about its value: translated, normalised, converted.

Read off the syntax tree of a mapping (``schemas.mapping_tree``), so that the cast layer need not
look for each value what is the same for all of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from typing import Any

from schemas.mapping_tree import (
    CODE_MACROS,
    Node,
    function_name,
    is_null,
    select_node,
    text_of,
    walk,
)

# Macros that convert a unit. Each has a twin with this suffix: what it was given, with its unit.
CONVERSIONS = frozenset({"yuan_from_wan", "kg_from_t"})
TWIN_SUFFIX = "_raw"
# Macros whose result is NFC and never an empty text.
CLEAN_TEXT = frozenset({"txt", "plate", "credit_code", "id_no", "split_list", *CODE_MACROS})


class Expressions:
    """Questions about the expressions of one mapping."""

    def __init__(self, tree: Node) -> None:
        self._inner = _inner_names(tree)
        self._marked = self._closure()

    def code_calls(self, expression: Node) -> Iterator[tuple[str, str]]:
        """(list, scheme) of each translation in an expression, also by way of a WITH clause."""
        seen: set[str] = set()
        waiting = [expression]
        while waiting:
            for node in walk(waiting.pop()):
                if _is_code_call(node):
                    code_list, scheme = (text_of(c) for c in node["children"][:2])
                    yield (code_list or "", scheme or "")
                for name in _names(node):
                    if name in self._inner and name not in seen:
                        seen.add(name)
                        waiting.extend(self._inner[name])

    def may_be_marked(self, expression: Node) -> bool:
        """Whether the value may carry the mark that ``code()`` puts on an unknown text."""
        return any(
            _is_code_call(node) or any(name in self._marked for name in _names(node))
            for node in walk(expression)
        )

    def _closure(self) -> frozenset[str]:
        """Names of inner columns that are made with a translation, directly or not."""
        marked: set[str] = set()
        while True:
            more = {
                name
                for name, expressions in self._inner.items()
                if name not in marked
                and any(
                    _is_code_call(node) or any(n in marked for n in _names(node))
                    for expression in expressions
                    for node in walk(expression)
                )
            }
            if not more:
                return frozenset(marked)
            marked |= more


def always_coded(expression: Node, code_list: str, codes: Collection[str]) -> bool:
    """Whether the value is a code of this list, marked, or NULL, or a list of such values."""
    if _is_code_call(expression):
        return text_of(expression["children"][0]) == code_list
    if expression.get("class") == "CONSTANT":
        return is_null(expression) or text_of(expression) in codes
    parts = _choices(expression)
    if not parts and function_name(expression) == "list_value":
        parts = expression["children"]
    return bool(parts) and all(always_coded(part, code_list, codes) for part in parts)


def is_clean(expression: Node) -> bool:
    """Whether every text in the value is NFC and not empty, whatever the row."""
    if function_name(expression) in CLEAN_TEXT or is_null(expression):
        return True
    text = text_of(expression)
    if text:
        return unicodedata.is_normalized("NFC", text)
    parts = _choices(expression)
    if not parts and function_name(expression) == "list_value":
        parts = expression["children"]
    return bool(parts) and all(is_clean(part) for part in parts)


def unit_text(expression: Node) -> Node | None:
    """The expression of what a converted value was given as, with its unit; None if none was.

    Where the value may or may not be converted (CASE, coalesce, nullif), neither is the text
    there in the other case.
    """
    name = function_name(expression)
    if name in CONVERSIONS and len(expression["children"]) == 1:
        return expression | {"alias": "", "function_name": name + TWIN_SUFFIX}
    if name == "nullif" or expression.get("class") == "CAST":
        return unit_text(expression["children"][0] if name else expression["child"])
    if expression.get("class") == "CASE":
        return _unit_of_case(expression)
    if expression.get("type") == "OPERATOR_COALESCE":
        *first, last = expression["children"]
        checks = [{"when_expr": _is_there(child), "then_expr": child} for child in first]
        return _unit_of_case(_case(checks, last))
    return None


def _unit_of_case(expression: Node) -> Node | None:
    checks = expression["case_checks"]
    texts = [unit_text(check["then_expr"]) for check in checks]
    otherwise = unit_text(expression["else_expr"])
    if otherwise is None and not any(texts):
        return None
    return _case(
        [check | {"then_expr": text or _NULL} for check, text in zip(checks, texts, strict=True)],
        otherwise or _NULL,
    )


_NULL: Node = {
    "class": "CONSTANT",
    "type": "VALUE_CONSTANT",
    "alias": "",
    "query_location": 0,
    "value": {"type": {"id": "NULL", "type_info": None}, "is_null": True},
}


def _case(checks: list[Any], otherwise: Node) -> Node:
    return {
        "class": "CASE",
        "type": "CASE_EXPR",
        "alias": "",
        "query_location": 0,
        "case_checks": checks,
        "else_expr": otherwise,
    }


def _is_there(expression: Node) -> Node:
    return {
        "class": "OPERATOR",
        "type": "OPERATOR_IS_NOT_NULL",
        "alias": "",
        "query_location": 0,
        "children": [expression],
    }


def _choices(expression: Node) -> list[Node]:
    """The expressions one of which is the value: branches of CASE, arguments of coalesce."""
    if expression.get("class") == "CASE":
        return [c["then_expr"] for c in expression["case_checks"]] + [expression["else_expr"]]
    if expression.get("type") == "OPERATOR_COALESCE":
        return list(expression["children"])
    return []


def _is_code_call(node: Node) -> bool:
    return CODE_MACROS.get(function_name(node)) == len(node.get("children", ()))


def _names(node: Node) -> list[str]:
    if node.get("class") != "COLUMN_REF":
        return []
    return [name.lower() for name in node["column_names"]]


def _inner_names(tree: Node) -> dict[str, list[Node]]:
    """Expressions of the named columns of all inner SELECTs, by name in lower case."""
    outermost = select_node(tree)
    found: dict[str, list[Node]] = {}
    for node in walk(tree):
        if node.get("type") == "SELECT_NODE" and node is not outermost:
            for item in node.get("select_list", ()):
                if item.get("alias"):
                    found.setdefault(item["alias"].lower(), []).append(item)
    return found
