"""What the reasons say that no contract declares: of rows that could not be read or compared.

The rules of a contract bring their own words (``Contract.rules``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Reason:
    """``message``: when a row has it; ``hint``: what to do."""

    message: Text
    hint: Text


OF_READING: Mapping[str, Reason] = MappingProxyType(
    {
        "read:columns": Reason(
            Text(
                en="more or fewer columns than the header names",
                zh="列数与表头不符",
            ),
            Text(
                en="an unquoted comma or line break inside a field: have the export quote its "
                "fields",
                zh="多为字段中的逗号或换行没有用引号括起，请让导出程序加引号",
            ),
        ),
        "read:quote": Reason(
            Text(
                en="a quote opens and never closes, or closes in the middle of a field",
                zh="引号没有成对，或者在字段中间闭合",
            ),
            Text(
                en="have the export double the quotes inside a field",
                zh="请让导出程序把字段中的引号写成两个",
            ),
        ),
        "read:encoding": Reason(
            Text(en="bytes that don't belong to the encoding", zh="有不属于所设编码的字节"),
            Text(
                en="if it is every row, `encoding` in source.toml is wrong; if it is one, the "
                "source holds a damaged text",
                zh="如果每行都这样，是 source.toml 的 encoding 有误；如果只有个别行，"
                "是来源中的文字已损坏",
            ),
        ),
        "read:nul": Reason(
            Text(en="a NUL byte", zh="含有 NUL 字节"),
            Text(
                en="damaged in transfer or by a broken export: have it exported again",
                zh="传输或导出时损坏，请重新导出",
            ),
        ),
        "read:oversize": Reason(
            Text(en="longer than max_record_bytes", zh="超过 max_record_bytes 的长度上限"),
            Text(
                en="often the open quote of an earlier row; raise the limit only if the row "
                "is right",
                zh="多为前面某行引号未闭合；确认该行无误后才提高上限",
            ),
        ),
        "read:json": Reason(
            Text(
                en="not JSON, not an object, or a key twice",
                zh="不是 JSON、不是对象，或者同一键出现两次",
            ),
            Text(en="ask the system's operator", zh="请联系该系统的运维人员"),
        ),
        "read:xml": Reason(
            Text(
                en="an XML record in which an element repeats, or that is nested too deeply",
                zh="XML 记录中有重复的元素，或者嵌套过深",
            ),
            Text(
                en="name an element that may repeat in `lists` of source.toml",
                zh="请把可以重复的元素写入 source.toml 的 lists",
            ),
        ),
        "read:cell": Reason(
            Text(
                en="a cell with an error, a formula without its result, or a date that is none",
                zh="单元格是错误值、没有计算结果的公式或者无效日期",
            ),
            Text(
                en="have it corrected in the sheet; if the column does not matter, "
                'cell_errors = "null" in source.toml',
                zh='请在表格中更正；如该列无关紧要，可在 source.toml 中设置 cell_errors = "null"',
            ),
        ),
        "read:precision": Reason(
            Text(
                en="a number of more than 15 digits, which the program has rounded",
                zh="超过 15 位的数字，已被表格软件舍入",
            ),
            Text(
                en="its last digits are lost: have the column formatted as text and entered anew",
                zh="末尾几位已经丢失：请将该列设为文本格式后重新录入",
            ),
        ),
        "read:merged": Reason(
            Text(
                en="a merged cell of another row or column covers a cell of this row",
                zh="本行有单元格被其他行或列的合并单元格覆盖",
            ),
            Text(
                en='if its value is meant for all rows that it covers, merged_cells = "fill" in '
                "source.toml; a line below the table belongs to `footer`",
                zh='如该值适用于其覆盖的各行，请在 source.toml 中设置 merged_cells = "fill"；'
                "表格下方的说明行请写入 footer",
            ),
        ),
        "read:sequence": Reason(
            Text(
                en="no place in the log of changes that can be read",
                zh="没有可识别的变更日志序号",
            ),
            Text(
                en="compare [cursor] field and format with what the source writes there",
                zh="请将 [cursor] 的 field 与 format 和来源的实际写法核对",
            ),
        ),
        "read:file": Reason(
            Text(en="a file that can't be read as a whole", zh="整个文件无法读取"),
            Text(
                en="have it exported again, or remove it; the other files went through",
                zh="请重新导出或者移走；其他文件已经通过",
            ),
        ),
        "read:drift": Reason(
            Text(en="a value in a column that nobody told of", zh="在未作说明的列中有值"),
            Text(
                en="read the column in mapping.sql, or say under [unused_columns] in source.toml "
                "why no field takes it; then hefu backfill SOURCE --from-landing",
                zh="请在 mapping.sql 中使用该列，或在 source.toml 的 [unused_columns] 中说明"
                "不使用的原因，然后运行 hefu backfill 来源 --from-landing",
            ),
        ),
        "conflict:record_id": Reason(
            Text(
                en="rows of one record and one update time say different things",
                zh="同一记录、同一更新时间的几行内容不同",
            ),
            Text(
                en="only the source can tell which is right: have it send one with a later time",
                zh="哪一行正确只有来源单位能确认，请其以更晚的更新时间重新报送",
            ),
        ),
    }
)
