"""Two versions of a contract, side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.compatibility import fields, rules
from schemas.compatibility.changes import Change
from schemas.contract import Contract
from schemas.errors import ConfigError
from schemas.text import Text

#: Custom properties of a field that ``Field`` holds; what it doesn't hold is compared here.
_HELD = {"labelEn", "noteZh", "source", "codeList", "codeListOpen", "codeListClosed"}
_LABELS = {"labelEn", "labelZh"}


def compare(old: Contract, new: Contract) -> tuple[Change, ...]:
    """All changes from ``old`` to ``new``; empty if and only if their bytes are equal.

    Raises ``ConfigError`` for contracts of different record types. Code lists are not part of a
    contract: see :mod:`schemas.compatibility.releases`.
    """
    if old.record_type != new.record_type:
        raise ConfigError(
            Text(
                en=f"{old.record_type} and {new.record_type} are not versions of one contract",
                zh=f"{old.record_type} 与 {new.record_type} 不是同一数据标准的两个版本",
            )
        )
    if old.yaml_bytes == new.yaml_bytes:
        return ()
    found = (*_fields(old, new), *rules.changed(old, new), *_whole(old, new))
    return found or (_layout(old, new),)


def _fields(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = old.names(), new.names()
    for field in new.fields:
        if field.name not in before:
            yield fields.added(field)
    for field in old.fields:
        if field.name not in after:
            yield fields.removed(field)
    custom_before, custom_after = _custom(old), _custom(new)
    for name in (n for n in after if n in before):
        yield from fields.changed(old, new, name)
        yield from _properties(name, custom_before[name], custom_after[name])
    kept_before = [n for n in before if n in after]
    if kept_before != [n for n in after if n in before]:
        yield Change(
            "order", "", "minor",
            Text(
                en="the fields stand in another order: who reads columns by position sees others",
                zh="字段顺序有改动：按位置读取列的程序会读到别的列",
            ),
        )  # fmt: skip


def _properties(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted((old.keys() | new.keys()) - _HELD):
        one, other = old.get(key), new.get(key)
        if one == other:
            continue
        if key == "unit":
            yield Change(
                "unit", name, "major",
                Text(
                    en=f"field {name}: its unit was {one or 'none'} and is {other or 'none'}: "
                    "the same number says something else",
                    zh=f"字段 {name}：单位由 {one or '无'} 改为 {other or '无'}，同一数值含义不同",
                ),
            )  # fmt: skip
        else:
            yield Change(
                "property", name, "minor",
                Text(en=f"field {name}: {key} changed", zh=f"字段 {name}：属性 {key} 有改动"),
            )  # fmt: skip


def _whole(old: Contract, new: Contract) -> Iterator[Change]:
    if (old.label, old.description) != (new.label, new.description):
        yield Change(
            "words", "", "patch",
            Text(
                en="the record type's label or description changed",
                zh="记录类型的名称或说明有改动",
            ),
        )  # fmt: skip
    before, after = _table(old)[0], _table(new)[0]
    for key in sorted((before.keys() | after.keys()) - _LABELS):
        if before.get(key) != after.get(key):
            yield Change(
                "property", "", "minor",
                Text(en=f"the contract's {key} changed", zh=f"数据标准的属性 {key} 有改动"),
            )  # fmt: skip


def _layout(old: Contract, new: Contract) -> Change:
    if old.version != new.version and old.yaml_bytes == _with_version(new, old.version):
        return Change(
            "version", "", "patch",
            Text(en="only the version number changed", zh="仅版本号有改动"),
        )  # fmt: skip
    return Change(
        "layout", "", "patch",
        Text(en="comments or the file's layout changed", zh="注释或文件排版有改动"),
    )  # fmt: skip


def _with_version(contract: Contract, version: str) -> bytes:
    line = rf'^(\s*"?version"?: *"?){re.escape(contract.version)}'
    return re.sub(
        line.encode(), rb"\g<1>" + version.encode(), contract.yaml_bytes, count=1, flags=re.M
    )


def _custom(contract: Contract) -> dict[str, dict[str, Any]]:
    """Custom properties of every field, as the file has them."""
    return {p["name"]: _pairs(p) for p in _table(contract)[1]}


def _table(contract: Contract) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The document's custom properties and the properties of its one table."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # Parsed once already, so it is known to be of the standard, small and without aliases.
    document = yaml.load(contract.yaml_bytes, Loader=loader)  # noqa: S506
    return _pairs(document), document["schema"][0].get("properties") or []


def _pairs(holder: Mapping[str, Any]) -> dict[str, Any]:
    # As JSON, so that lists and maps compare by content.
    return {
        pair["property"]: value
        if isinstance(value := pair.get("value"), str)
        else json.dumps(value)
        for pair in holder.get("customProperties") or []
    }
