"""The rules that follow from a field's own properties: type, presence, code, pattern, range.

What more than one field or a law has to say is declared in the contract's ``quality``.
Length limits are one rule for all fields, because a feed that keeps them has nothing to tell
and 40 more expectations per run would cost time; the columns are looked at only then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from schemas.codes import canonical
from schemas.contract import Contract, Field, Rule, RuleKind, Severity
from schemas.raw_values import (
    CONTROL,
    LONGEST_CODE,
    LONGEST_LITERAL,
    is_no_code,
    is_translated,
    is_unknown,
)
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping


def generated_rules(
    contract: Contract, *, projected: bool, names: Collection[str] | None = None
) -> tuple[Rule, ...]:
    """Rules of the fields, in order.

    A candidate row (``projected=False``) has ``_uncast`` and node-filled fields that are right
    by construction. A received row is typed already, and nothing about it is taken for granted.
    """
    fields = [f for f in contract.fields if names is None or f.name in names]
    return tuple(_rules(contract, fields, projected))


def _rules(contract: Contract, fields: list[Field], projected: bool) -> Iterator[Rule]:
    checked = fields if projected else [f for f in fields if not (f.filled_by_node or f.derived)]
    if not projected:
        yield from (_type(f) for f in checked if f.duckdb_type != "VARCHAR")
    texts = [f for f in checked if f.duckdb_type == "VARCHAR"]
    translated = [f for f in checked if is_translated(contract, f)]
    scalars = [f for f in texts if f in translated]
    yield _control([f for f in texts if projected or f not in translated], projected)
    if scalars or (projected and translated):
        yield _no_code(translated if projected else scalars, projected)
    yield from (_required(f) for f in checked if f.required)
    yield from (_code(f, _code_severity(contract, f)) for f in checked if f.code_list)
    yield from (_pattern(f) for f in checked if "pattern" in f.limits)
    yield from (_range(f) for f in checked if {"minimum", "maximum"} & f.limits.keys())
    limited = [f for f in texts if "maxLength" in f.limits]
    if limited:
        yield _length(limited)


def _of(
    rule_id: str,
    kind: RuleKind,
    fields: Iterable[Field],
    violation_sql: str,
    message: Text,
    hint: Text,
    *,
    severity: Severity = "hard",
    params: Mapping[str, Any] | None = None,
) -> Rule:
    fields = tuple(fields)
    return Rule(
        rule_id=rule_id,
        kind=kind,
        severity=severity,
        fields=tuple(f.name for f in fields),
        violation_sql=violation_sql,
        params=params or {},
        message=message,
        hint=hint,
        source=fields[0].source if len(fields) == 1 else "",
    )


_FIX = Text(
    en="correct it in the source system, or the expression in the mapping",
    zh="请在来源系统更正，或者修改映射中的表达式",
)


def _add_code(code_list: str) -> Text:
    return Text(
        en=f"translate it with code('{code_list}', 'SCHEME', …) in the mapping; what a text of "
        f"SCHEME means is added by: hefu codes accept {code_list} SCHEME TEXT CODE --by ROLE",
        zh=f"请在映射中用 code('{code_list}', '体系', …) 转换；体系中某个写法的含义用下列命令补充："
        f"hefu codes accept {code_list} 体系 原文 代码 --by 岗位",
    )


def _type(field: Field) -> Rule:
    # The key as JSON writes it: inside a value the quotes would be escaped, so this is exact.
    key = literal(f'"{field.name}":')
    return _of(
        f"type:{field.name}",
        "type",
        [field],
        f"contains(_uncast, {key})",
        Text(
            en=f"{field.label_en} can't be read as {_KINDS[field.duckdb_type].en}",
            zh=f"{field.label_zh}无法识别为{_KINDS[field.duckdb_type].zh}",
        ),
        _FIX,
    )


_KINDS = {
    "BIGINT": Text("a whole number", "整数"),
    "DECIMAL(16,2)": Text("an amount in yuan and fen", "精确到分的金额"),
    "DECIMAL(6,4)": Text("a ratio", "比值"),
    "DATE": Text("a date", "日期"),
    "TIMESTAMPTZ": Text("a point in time with its zone", "带时区的时间"),
    "BOOLEAN": Text("yes or no", "是或否"),
    "VARCHAR[]": Text("a list of texts", "文本列表"),
    "BIGINT[]": Text("a list of whole numbers", "整数列表"),
}


def _control(texts: list[Field], projected: bool) -> Rule:
    if projected:
        columns = ", ".join(ident(f.name) for f in texts)
        violation = f"regexp_matches(concat_ws(' ', {columns}), {literal(CONTROL)})"
    else:
        keys = ", ".join(literal(f.name) for f in texts)
        violation = (
            "CASE WHEN _uncast IS NOT NULL "
            f"THEN list_has_any(json_keys(_uncast), [{keys}]) ELSE FALSE END"
        )
    return _of(
        "text:control",
        "sql",
        texts,
        violation,
        Text(en="a text holds control characters", zh="文本中含有控制字符"),
        Text(
            en="remove them in the source system; they are often left by a broken export",
            zh="请在来源系统清除，多为导出异常所致",
        ),
    )


def _no_code(fields: list[Field], projected: bool) -> Rule:
    if projected:
        violation = " OR ".join(_is_no_code(f) for f in fields)
    else:
        keys = ", ".join(literal(f.name) for f in fields)
        violation = (
            "CASE WHEN _uncast IS NOT NULL "
            f"THEN list_has_any(json_keys(_uncast), [{keys}]) ELSE FALSE END"
        )
    return _of(
        "type:code",
        "sql",
        fields,
        violation,
        Text(
            en="a code field holds a text that can't be a code of any list: "
            f"more than {LONGEST_CODE} characters, or control characters",
            zh=f"代码字段中的文本不可能是代码：超过 {LONGEST_CODE} 个字符，或者含有控制字符",
        ),
        Text(
            en="the mapping takes it from the wrong column, or the columns of the file have moved",
            zh="映射取错了列，或者文件的列发生了错位",
        ),
    )


def _is_no_code(field: Field) -> str:
    name = ident(field.name)
    if field.duckdb_type.endswith("[]"):
        return f"len(list_filter({name}, lambda e: {is_no_code('e')})) > 0"
    # Control characters are told by text:control.
    return (
        f"CASE WHEN strlen({name}) > {LONGEST_CODE} "
        f"THEN length({name}) > {LONGEST_CODE} ELSE FALSE END"
    )


def _required(field: Field) -> Rule:
    return _of(
        f"required:{field.name}",
        "required",
        [field],
        f"{ident(field.name)} IS NULL",
        Text(en=f"{field.label_en} is missing", zh=f"缺少{field.label_zh}"),
        Text(
            en="add it in the source system, or give it in the mapping",
            zh="请在来源系统补录，或者在映射中给出",
        ),
    )


def _code_severity(contract: Contract, field: Field) -> Severity:
    """Hard where the node decides by the code, or where an unknown one would not be kept."""
    if field.code_mode == "open" or is_translated(contract, field):
        return "soft"
    return "hard"


def _code(field: Field, severity: Severity) -> Rule:
    code_list = field.code_list or ""
    values = [row.code for row in canonical(code_list)]
    name = ident(field.name)
    kind: RuleKind = "sql"
    if field.duckdb_type.endswith("[]"):
        unknown = is_unknown(code_list, "e", in_lambda=True)
        violation = f"len(list_filter({name}, lambda e: e <> '' AND {unknown})) > 0"
    else:
        # GX takes a set of values for what it is, but not a table to look them up in.
        kind = "code" if len(values) <= LONGEST_LITERAL else "sql"
        violation = is_unknown(code_list, name)
    return _of(
        f"code:{field.name}",
        kind,
        [field],
        violation,
        Text(
            en=f"{field.label_en} is not in the code list {code_list}",
            zh=f"{field.label_zh}不在代码表 {code_list} 中",
        ),
        _add_code(code_list),
        severity=severity,
        params={"value_set": values} if kind == "code" else {},
    )


def _pattern(field: Field) -> Rule:
    regex = str(field.limits["pattern"])
    return _of(
        f"pattern:{field.name}",
        "pattern",
        [field],
        f"NOT regexp_matches({ident(field.name)}, {literal(regex)})",
        Text(
            en=f"{field.label_en} does not have the prescribed form",
            zh=f"{field.label_zh}不符合规定的格式",
        ),
        _FIX,
        params={"regex": regex},
    )


def _range(field: Field) -> Rule:
    low, high = field.limits.get("minimum"), field.limits.get("maximum")
    name = ident(field.name)
    tests = [f"{name} < {low}"] if low is not None else []
    tests += [f"{name} > {high}"] if high is not None else []
    return _of(
        f"range:{field.name}",
        "range",
        [field],
        " OR ".join(tests),
        Text(
            en=f"{field.label_en} is outside its possible range",
            zh=f"{field.label_zh}超出可能的范围",
        ),
        _FIX,
        params={"min": low, "max": high},
    )


def _length(fields: list[Field]) -> Rule:
    # Bytes are counted in no time and are never fewer than characters.
    tests = (
        f"CASE WHEN strlen({ident(f.name)}) > {n} THEN length({ident(f.name)}) > {n} ELSE FALSE END"
        for f in fields
        for n in [int(f.limits["maxLength"])]
    )
    return _of(
        "length:text",
        "sql",
        fields,
        " OR ".join(tests),
        Text(
            en="a text is longer than the receiving systems' columns",
            zh="有文本超过接收系统的字段长度",
        ),
        Text(
            en="the text is kept whole; shorten it in the source system if it is to be published",
            zh="全文予以保留；如需公示，请在来源系统精简",
        ),
        severity="soft",
    )
