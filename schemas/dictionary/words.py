"""What the dictionary says in words: types, units, classes, who fills a field, what limits it.

One place for the screen (``hefu dictionary``) and the pages in ``docs``, so that both say the
same of a field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.contract import Classification, CodeMode, Field, Rule
from schemas.text import Text

TYPES: Mapping[str, Text] = {
    "VARCHAR": Text("text", "文本"),
    "BIGINT": Text("whole number", "整数"),
    "DECIMAL(16,2)": Text("amount, 2 decimals", "金额，两位小数"),
    "DECIMAL(6,4)": Text("ratio, 4 decimals", "比值，四位小数"),
    "DATE": Text("date", "日期"),
    "TIMESTAMPTZ": Text("point in time, with zone", "带时区的时间"),
    "BOOLEAN": Text("yes or no", "是或否"),
    "VARCHAR[]": Text("list of texts", "文本列表"),
    "BIGINT[]": Text("list of whole numbers", "整数列表"),
}

CLASSES: Mapping[Classification, Text] = {
    "public": Text("public", "公开"),
    "internal": Text("internal", "内部"),
    "personal": Text("personal", "个人信息"),
    "sensitive": Text("sensitive", "敏感个人信息"),
}
_MASKING: Mapping[Classification, Text] = {
    "public": Text("shown in full", "界面上完整显示"),
    "internal": Text("shown in full, inside the agencies only", "界面上完整显示，仅限机关内部"),
    "personal": Text(
        "masked on screens, in reports and in the quarantine: the first character stays, "
        "and the last one from 5 characters on",
        "在界面、报告和隔离区中脱敏：保留首字，五字以上另保留末字",
    ),
    "sensitive": Text(
        "masked on screens, in reports and in the quarantine: nothing of it is shown",
        "在界面、报告和隔离区中脱敏：一个字也不显示",
    ),
}
MODES: Mapping[CodeMode, Text] = {
    "translated": Text("translated", "转换"),
    "open": Text("open", "开放"),
    "closed": Text("closed", "封闭"),
}
UNKNOWN_CODES: Mapping[CodeMode, Text] = {
    "translated": Text(
        "an unknown value becomes `unmapped`, its text is kept in `raw_values`, "
        "and the row is flagged and counted",
        "表外的值记为 `unmapped`，原文保留在 `raw_values`，并作标记、计数",
    ),
    "open": Text(
        "an unknown value stays and the row is flagged: we hold the standard's list in part",
        "表外的值照原样保留并作标记：本表只收录了该标准的一部分",
    ),
    "closed": Text(
        "an unknown value puts the row into quarantine: the node itself decides by this field",
        "表外的值使该行进入隔离区：节点要依据本字段作出处理",
    ),
}
SEVERITIES: Mapping[str, Text] = {
    "hard": Text("quarantine", "隔离"),
    "soft": Text("flag", "标记"),
}
BLOCKS: Mapping[str, Text] = {
    "envelope": Text("Envelope", "通用字段"),
    "party": Text("Party", "行政相对人"),
    "vehicle": Text("Vehicle", "车辆"),
    "driver": Text("Driver and freight", "驾驶人与货源"),
    "act": Text("Act", "违法行为"),
    "weighing": Text("Weighing", "称重"),
    "supervision": Text("Supervision", "监管事项"),
}
# By the ending of a field's name (docs/naming.md); the longest that fits wins.
_UNITS: Mapping[str, Text] = {
    "_cny": Text("yuan", "元"),
    "_kg": Text("kilograms", "千克"),
    "_km": Text("kilometres", "公里"),
    "_mm": Text("millimetres", "毫米"),
    "_m": Text("metres", "米"),
    "_kmh": Text("kilometres per hour", "公里/小时"),
    "_km_h": Text("kilometres per hour", "公里/小时"),
    "_days": Text("days", "日"),
    "_hours": Text("hours", "小时"),
    "_years": Text("years", "年"),
    "_bytes": Text("bytes", "字节"),
}
_OF_TYPE: Mapping[str, Text] = {
    "DECIMAL(6,4)": Text("fraction of one: 0.53 is 53 %", "比值：0.53 即 53%"),
    "TIMESTAMPTZ": Text(
        "an instant; shown in Beijing time, +08:00", "时刻；一律按北京时间（+08:00）显示"
    ),
    "DATE": Text("a calendar day in China", "中国的公历日"),
}
YES, NO = Text("yes", "是"), Text("no", "否")


def block_words(name: str) -> Text:
    """A shared block's name; a block that has no words yet goes by its own."""
    return BLOCKS.get(name, Text(name, name))


def unit_words(field: Field) -> Text | None:
    """The unit of a field's values, or None if they have none."""
    if field.duckdb_type in {"BIGINT", "DECIMAL(16,2)", "BIGINT[]"}:
        for ending in sorted(_UNITS, key=len, reverse=True):
            if field.name.endswith(ending):
                return _UNITS[ending]
        return None
    return _OF_TYPE.get(field.duckdb_type)


def presence_words(field: Field) -> Text:
    """Whether a field may be empty."""
    if field.required:
        return Text("required: never empty", "必填，不得为空")
    return Text("optional: may be empty", "选填，可以为空")


def filler_words(field: Field) -> Text:
    """Who gives a field its value."""
    if field.filled_by_node:
        return Text("the node; a mapping may not give it", "节点填写，映射不得给出")
    if field.derived:
        return Text(
            "derived by the node from what the source gave; a mapping may not give it",
            "由节点根据来源的原值生成，映射不得给出",
        )
    if field.node_default:
        return Text(
            "the mapping; where it gives none, the node's or the source's default",
            "映射给出；没有给出时取节点或者来源的默认值",
        )
    return Text("the mapping", "映射给出")


def masking_words(field: Field) -> Text:
    """How a screen shows a value of the field's class."""
    return _MASKING[field.classification]


def sharing_words(field: Field) -> Text:
    """Under what condition the field leaves the agency."""
    if field.technical:
        return Text(
            "in every bundle; needs no grant of an agreement", "每个数据包都带，不需协议授权"
        )
    return Text(
        "leaves the agency only if an agreement grants this field by name",
        "协议逐项写明授权本字段的，才能离开本机关",
    )


def limit_words(field: Field) -> Iterator[Text]:
    """What a value must satisfy by itself."""
    limits = field.limits
    if "pattern" in limits:
        yield Text(f"form {limits['pattern']}", f"格式 {limits['pattern']}")
    if "maxLength" in limits:
        most = limits["maxLength"]
        yield Text(
            f"at most {most} characters; a longer text is kept whole and flagged",
            f"不超过 {most} 个字符；超长的全文保留并作标记",
        )
    low, high = limits.get("minimum"), limits.get("maximum")
    if low is not None:
        yield Text(f"not below {low}", f"不小于 {low}")
    if high is not None:
        yield Text(f"not above {high}", f"不大于 {high}")


def consequence_words(rule: Rule) -> Text:
    """What becomes of a row that breaks the rule."""
    return SEVERITIES[rule.severity]


def yes_no(value: bool) -> Text:
    return YES if value else NO
