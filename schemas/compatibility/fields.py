"""What changed in one field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.compatibility.changes import Change, Level
from schemas.contract import CLASSIFICATIONS, CodeMode, Contract, Field
from schemas.text import Text

# What every value of the first type is also a value of.
_WIDER = {
    "BOOLEAN": {"VARCHAR"},
    "BIGINT": {"DECIMAL(16,2)", "VARCHAR"},
    "DECIMAL(6,4)": {"VARCHAR"},
    "DECIMAL(16,2)": {"VARCHAR"},
    "DATE": {"TIMESTAMPTZ", "VARCHAR"},
    "TIMESTAMPTZ": {"VARCHAR"},
    "BIGINT[]": {"VARCHAR[]"},
}

# Contracts of before a field could say ``codeListClosed``: what was not open was closed.
_WITHOUT_MODES = {
    ("case_result", "1.0.0"),
    ("inspection", "1.0.0"),
    ("lead", "1.0.0"),
    ("receipt", "1.0.0"),
}


def added(field: Field) -> Change:
    """A field that the older version does not have."""
    name, labels = field.name, _labels(field)
    if field.technical:
        return Change(
            "field-added-technical", name, "major",
            Text(
                en=f"field {labels.en} is new and technical: it would leave without a grant",
                zh=f"新增技术字段{labels.zh}：无需协议授权即会随数据包送出",
            ),
        )  # fmt: skip
    if field.node_default:
        return Change(
            "field-added-default", name, "major",
            Text(
                en=f"field {labels.en} is new and filled with a default: the content hash of "
                "every record changes",
                zh=f"新增带默认值的字段{labels.zh}：每条记录的摘要都会改变",
            ),
        )  # fmt: skip
    if field.required and not field.filled_by_node:
        return Change(
            "field-added-required", name, "major",
            Text(
                en=f"field {labels.en} is new and required: no row made before has it",
                zh=f"新增必填字段{labels.zh}：以前的数据均没有该字段",
            ),
        )  # fmt: skip
    return Change(
        "field-added", name, "minor",
        Text(en=f"field {labels.en} is new and optional", zh=f"新增选填字段{labels.zh}"),
    )  # fmt: skip


def removed(field: Field) -> Change:
    """A field that the newer version does not have."""
    labels = _labels(field)
    return Change(
        "field-removed", field.name, "major",
        Text(en=f"field {labels.en} is gone", zh=f"删除了字段{labels.zh}"),
    )  # fmt: skip


def changed(old: Contract, new: Contract, name: str) -> Iterator[Change]:
    """All that differs in the field ``name``, which both have."""
    before, after = old.field(name), new.field(name)
    yield from _type(before, after)
    yield from _required(before, after)
    yield from _classification(before, after)
    yield from _tags(before, after)
    yield from _codes(before, _mode(old, before), after, _mode(new, after))
    yield from _limits(before, after)
    yield from _words(before, after)


def _type(old: Field, new: Field) -> Iterator[Change]:
    one, other = old.duckdb_type, new.duckdb_type
    if one != other:
        if other in _WIDER.get(one, ()):
            kind, en, zh = "type-widened", "widened", "放宽"
        elif one in _WIDER.get(other, ()):
            kind, en, zh = "type-narrowed", "narrowed", "收窄"
        else:
            kind, en, zh = "type-changed", "changed", "更换"
        # Also the wider one: a column's type is part of the bundle, of the lake's table and,
        # by how its values are written, of the content hash.
        yield _change(
            kind,
            new,
            "major",
            f"its type was {en}: {one} to {other}",
            f"类型{zh}：{one} 改为 {other}",
        )
    elif old.logical_type != new.logical_type:
        yield _change(
            "logical-type", new, "minor",
            f"its logical type changed: {old.logical_type} to {new.logical_type}",
            f"逻辑类型由 {old.logical_type} 改为 {new.logical_type}",
        )  # fmt: skip


def _required(old: Field, new: Field) -> Iterator[Change]:
    if old.required and not new.required:
        yield _change(
            "required-loosened", new, "major",
            "it may be empty now: who has the older version holds such rows back",
            "由必填改为选填：旧版本的接收方会隔离无此值的数据",
        )  # fmt: skip
    elif new.required and not old.required:
        yield _change(
            "required-tightened", new, "major",
            "it is required now: rows without it were right before",
            "由选填改为必填：以前无此值的数据不再合格",
        )  # fmt: skip


def _classification(old: Field, new: Field) -> Iterator[Change]:
    one, other = old.classification, new.classification
    if CLASSIFICATIONS.index(other) < CLASSIFICATIONS.index(one):
        yield _change(
            "classification-lowered", new, "major",
            f"it was {one} and is {other}: what was protected may be shown or travel now",
            f"敏感级别由 {one} 降为 {other}：原受保护的内容可能被展示或送出",
        )  # fmt: skip
    elif one != other:
        yield _change(
            "classification-raised", new, "minor",
            f"it was {one} and is {other}", f"敏感级别由 {one} 升为 {other}",
        )  # fmt: skip


#: tag → (level if set, words, level if taken off, words)
_TAGS: dict[str, tuple[Level, str, str, Level, str, str]] = {
    "technical": (
        "major", "it is technical now: it would leave without a grant",
        "改为技术字段：无需协议授权即会送出",
        "major", "it is no longer technical: partners who relied on it get it by grant only",
        "不再是技术字段：须经协议授权才会送出",
    ),
    "filled_by_node": (
        "major", "the node fills it now: no mapping may give it, and every content hash changes",
        "改由节点填写：映射不得再给出，且所有记录的摘要改变",
        "major", "the node no longer fills it: mappings must, and every content hash changes",
        "不再由节点填写：须由映射给出，且所有记录的摘要改变",
    ),
    "node_default": (
        "major", "it has a default now: content hashes of rows without it change",
        "增加默认值：原无此值的记录，其记录摘要改变",
        "major", "it has no default any more: mappings that left it out fall silent on it",
        "取消默认值：未给出该字段的映射将缺少此值",
    ),
    "derived": (
        "major", "it is derived now: mappings that give it no longer load",
        "改为派生字段：给出该字段的映射将无法使用",
        "minor", "it is no longer derived: mappings may give it", "不再是派生字段：映射可以给出",
    ),
}  # fmt: skip


def _tags(old: Field, new: Field) -> Iterator[Change]:
    for tag, (on, on_en, on_zh, off, off_en, off_zh) in _TAGS.items():
        before, after = getattr(old, tag), getattr(new, tag)
        word = tag.replace("_", "-")
        if after and not before:
            yield _change(f"{word}-added", new, on, on_en, on_zh)
        elif before and not after:
            yield _change(f"{word}-removed", new, off, off_en, off_zh)


def _mode(contract: Contract, field: Field) -> CodeMode:
    if (contract.record_type, contract.version) in _WITHOUT_MODES and field.code_mode != "open":
        return "closed"
    return field.code_mode


def _codes(old: Field, mode: CodeMode, new: Field, new_mode: CodeMode) -> Iterator[Change]:
    if old.code_list != new.code_list:
        yield _change(
            "code-list", new, "major",
            f"its code list was {old.code_list or 'none'} and is {new.code_list or 'none'}",
            f"代码表由 {old.code_list or '无'} 改为 {new.code_list or '无'}",
        )  # fmt: skip
    elif new.code_list is not None and mode != new_mode:
        # To refuse what was taken is narrower; the other ways a reader of the older version
        # translates what it doesn't know, or holds back that one row.
        closes = new_mode == "closed"
        yield _change(
            "code-mode-closed" if closes else "code-mode", new, "major" if closes else "minor",
            f"values outside its code list were {_MODES[mode].en} and are {_MODES[new_mode].en}",
            f"代码表以外的值由“{_MODES[mode].zh}”改为“{_MODES[new_mode].zh}”",
        )  # fmt: skip


_MODES: dict[CodeMode, Text] = {
    "translated": Text(en="read as unmapped", zh="记为 unmapped 并保留原值"),
    "open": Text(en="kept as they are", zh="原样保留"),
    "closed": Text(en="held back", zh="隔离"),
}


def _limits(old: Field, new: Field) -> Iterator[Change]:
    for key in sorted(old.limits.keys() | new.limits.keys()):
        before, after = old.limits.get(key), new.limits.get(key)
        if before != after:
            yield _limit(new, key, before, after)


def _limit(field: Field, key: str, old: Any, new: Any) -> Change:
    en = f"{key}: {_or_none(old)} to {_or_none(new)}"
    zh = f"{key} 由 {_or_wu(old)} 改为 {_or_wu(new)}"
    if key == "maxLength":
        # Too long a text only flags its row.
        return _change(
            "length", field, "minor", f"its longest text changed: {en}", f"长度上限：{zh}"
        )
    if key not in ("pattern", "minimum", "maximum"):
        return _change("limit", field, "minor", f"its {en}", zh)
    if _is_wider(key, old, new):
        return _change(
            f"{key}-widened", field, "minor",
            f"it takes more values: {en}", f"允许的取值放宽：{zh}",
        )  # fmt: skip
    return _change(
        f"{key}-narrowed", field, "major",
        f"it takes fewer values, or others: {en}", f"允许的取值收窄或改变：{zh}",
    )  # fmt: skip


def _is_wider(key: str, old: Any, new: Any) -> bool:
    if new is None or old is None:
        return new is None
    match key:
        case "minimum":
            return bool(new < old)
        case "maximum":
            return bool(new > old)
        case _:
            # Whether one expression takes all that another takes is not to be told from the
            # two, but for this form: the old one or something else.
            return str(new).startswith(f"{old}|")


def _words(old: Field, new: Field) -> Iterator[Change]:
    parts: Mapping[str, Text] = {
        "label_zh": Text("the Chinese label", "中文名称"),
        "label_en": Text("the English label", "英文名称"),
        "description": Text("the description", "说明"),
        "note_zh": Text("the note", "备注"),
        "examples": Text("the examples", "示例"),
        "source": Text("the source", "来源依据"),
        "envelope": Text("its place among the envelope's fields", "公共字段的归类"),
    }
    for part, label in parts.items():
        if getattr(old, part) != getattr(new, part):
            yield _change("words", new, "patch", f"{label.en} changed", f"{label.zh}有改动")


def _or_none(value: Any) -> Any:
    return "none" if value is None else value


def _or_wu(value: Any) -> Any:
    return "无" if value is None else value


def _labels(field: Field) -> Text:
    return Text(en=field.name, zh=f" {field.name}（{field.label_zh}）")


def _change(kind: str, field: Field, level: Level, en: str, zh: str) -> Change:
    return Change(
        kind,
        field.name,
        level,
        Text(en=f"field {field.name}: {en}", zh=f"字段{_labels(field).zh}{zh}"),
    )
