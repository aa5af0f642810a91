"""Reading a contract's YAML through the standard's own model.

The bytes may be a stranger's (a bundle carries its contracts), so: a size limit, no YAML
aliases (a few lines of them can grow to gigabytes), and every name that we would put into
SQL is checked to be a plain identifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from schemas.codes import all_codes
from schemas.contract import CLASSIFICATIONS, CodeMode, Contract, Field, Rule, unreadable
from schemas.rulepack import RulePack, load_rule_pack
from schemas.text import Text
from schemas.types import DUCKDB_TYPES

if TYPE_CHECKING:
    from open_data_contract_standard.model import (
        CustomProperty,
        DataQuality,
        OpenDataContractStandard,
        SchemaProperty,
    )

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_SCALAR = 10_000
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
QUERY = "SELECT COUNT(*) FROM {object} WHERE "
SEVERITIES = {"error": "hard", "warning": "soft"}


def read_contract(yaml_bytes: bytes) -> Contract:
    """See :func:`schemas.contract.parse_contract`."""
    document = _document(yaml_bytes)
    if not document.schema_ or len(document.schema_) != 1:
        raise unreadable(Text(en="a contract has exactly one table", zh="一份数据标准只能有一个表"))
    table = document.schema_[0]
    custom = _custom(document.customProperties)
    record_type = _plain(table.name)
    fields = tuple(_field(p) for p in table.properties or ())
    if len({f.name for f in fields}) != len(fields):
        raise unreadable(Text(en="a field is declared twice", zh="有重复的字段"))
    pack = load_rule_pack(_plain(str(custom.get("rulePack", "cn"))))
    return Contract(
        record_type=record_type,
        version=document.version or "",
        label=Text(en=str(custom.get("labelEn", record_type)), zh=table.businessName or ""),
        description=table.description or "",
        fields=fields,
        declared=_rules(record_type, fields, table.quality or (), pack),
        yaml_bytes=yaml_bytes,
        note_zh=str(custom.get("noteZh", "")),
    )


def _document(yaml_bytes: bytes) -> OpenDataContractStandard:
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    try:
        return OpenDataContractStandard.model_validate(yaml_document(yaml_bytes))
    except ValidationError as error:
        raise unreadable(_NO_CONTRACT) from error


def yaml_document(yaml_bytes: bytes) -> Any:
    """What a contract's YAML says, whoever wrote it. Raises ``ConfigError`` if it can't be read.

    Its events are looked at one by one before anything is built of them: libyaml's composer
    calls itself for each level of nesting, and ends the process where the stack ends.
    """
    import yaml

    if len(yaml_bytes) > MAX_BYTES:
        raise unreadable(Text(en="the contract is too large", zh="数据标准文件过大"))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(yaml_bytes, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise unreadable(
                    Text(en="a contract may not use YAML aliases", zh="数据标准不得使用 YAML 别名")
                )
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            # A number of 100,000 digits in base 60 takes half a minute to be one.
            if depth > MAX_DEPTH or len(getattr(event, "value", "")) > MAX_SCALAR:
                raise unreadable(_NO_CONTRACT)
        return yaml.load(yaml_bytes, Loader=loader)  # noqa: S506 (a safe loader, the C one if it is there)
    # ValueError: a date that is none, a number of thousands of digits, bytes that are no text
    except (yaml.YAMLError, ValueError) as error:
        raise unreadable(_NO_CONTRACT) from error


_NO_CONTRACT = Text(
    en="the contract is not YAML of the Open Data Contract Standard",
    zh="数据标准不是符合开放数据合同标准（ODCS）的 YAML",
)


def _custom(properties: Iterable[CustomProperty] | None) -> dict[str, Any]:
    return {p.property: p.value for p in properties or () if p.property}


def _plain(name: str | None) -> str:
    if not name or not NAME.match(name):
        raise unreadable(Text(en="a name is not a plain identifier", zh="有名称不是合法的标识符"))
    return name


def _field(prop: SchemaProperty) -> Field:
    name = _plain(prop.name)
    custom = _custom(prop.customProperties)
    tags = frozenset(prop.tags or ())
    duckdb_type = prop.physicalType or ""
    code_list = custom.get("codeList")
    if duckdb_type not in DUCKDB_TYPES or prop.classification not in CLASSIFICATIONS:
        raise unreadable(
            Text(
                en=f"field {name} has a type or a classification that is not known here",
                zh=f"字段 {name} 的类型或者敏感级别无法识别",
            )
        )
    if code_list is not None and str(code_list) not in all_codes():
        raise unreadable(
            Text(
                en=f"field {name} names a code list that is not known here",
                zh=f"字段 {name} 引用的代码表不存在",
            )
        )
    return Field(
        name=name,
        label_zh=prop.businessName or name,
        label_en=str(custom.get("labelEn", name)),
        description=prop.description or "",
        note_zh=str(custom.get("noteZh", "")),
        logical_type=prop.logicalType or "",
        duckdb_type=duckdb_type,
        required=bool(prop.required),
        classification=prop.classification,
        code_list=code_list,
        code_mode=_code_mode(name, custom),
        examples=tuple(_example(e) for e in prop.examples or ()),
        source=str(custom.get("source", "")),
        envelope="envelope" in tags,
        technical="technical" in tags,
        filled_by_node="filled-by-node" in tags,
        node_default="node-default" in tags,
        derived="derived" in tags,
        limits=dict(prop.logicalTypeOptions or {}),
    )


def _code_mode(name: str, custom: dict[str, Any]) -> CodeMode:
    is_open, is_closed = (bool(custom.get(f"codeList{m}", False)) for m in ("Open", "Closed"))
    if (is_open and is_closed) or ((is_open or is_closed) and "codeList" not in custom):
        raise unreadable(
            Text(
                en=f"field {name} says two things of its code list, or has none",
                zh=f"字段 {name} 的代码表设置互相矛盾，或者没有代码表",
            )
        )
    return "open" if is_open else "closed" if is_closed else "translated"


def _example(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(_example(v) for v in value)
    return str(value)


def _rules(
    record_type: str, fields: tuple[Field, ...], quality: Iterable[DataQuality], pack: RulePack
) -> tuple[Rule, ...]:
    names = [f.name for f in fields]
    rules = tuple(_rule(record_type, names, entry, pack) for entry in quality)
    if len({r.rule_id for r in rules}) != len(rules):
        raise unreadable(Text(en="a rule is declared twice", zh="有重复的规则"))
    return rules


def _rule(record_type: str, names: list[str], entry: DataQuality, pack: RulePack) -> Rule:
    custom = _custom(entry.customProperties)
    query = entry.query or ""
    if entry.type != "sql" or not query.startswith(QUERY) or entry.severity not in SEVERITIES:
        raise unreadable(
            Text(
                en=f"rule {entry.id} is not of the form that this version can run",
                zh=f"规则 {entry.id} 不是本版本能执行的形式",
            )
        )
    violation = query.removeprefix(QUERY)
    dated_by = custom.get("datedBy")
    for parameter in re.findall(r"\{([a-z_]+)\}", violation):
        violation = violation.replace(f"{{{parameter}}}", pack.sql(parameter, _day(dated_by)))
    words = set(re.findall(r"[a-z_][a-z0-9_]*", re.sub(r"'[^']*'", "''", violation)))
    return Rule(
        rule_id=f"{record_type}.{entry.id}",
        kind="sql",
        severity=cast("Any", SEVERITIES[entry.severity]),
        fields=tuple(n for n in names if n in words),
        violation_sql=violation,
        params={},
        message=Text(en=entry.description or "", zh=entry.name or ""),
        hint=Text(en=str(custom.get("hintEn", "")), zh=str(custom.get("hintZh", ""))),
        source=str(custom.get("source", "")),
    )


def _day(dated_by: Any) -> str:
    if not isinstance(dated_by, str):
        raise unreadable(
            Text(
                en="a rule with parameters does not say which field's date decides",
                zh="带参数的规则没有写明按哪个字段的日期取值",
            )
        )
    name = _plain(dated_by)
    return f"day_cn({name})" if name.endswith("_time") else name
