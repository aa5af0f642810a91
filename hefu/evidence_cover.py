"""The cover sheet of an exported folder of evidence: one HTML page to read and to print.

Pure: facts in, text out. Chinese first, English below. Nothing is loaded from elsewhere, and every
value is escaped: names and cells come from partners.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.evidence_verify import Check


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a table."""

    label: Text
    value: Text | str


@dataclass(frozen=True, slots=True)
class BundlePart:
    """One bundle on the cover. ``failed``: why it could not be verified, if it could not."""

    folder: str
    facts: Sequence[Fact]
    checks: Sequence[Check] = ()
    warnings: Sequence[Text] = ()
    failed: Text | None = None


@dataclass(frozen=True, slots=True)
class RecordTable:
    """One record as a table: a column for each version that the partner sent."""

    title: Text
    versions: Sequence[str]
    rows: Sequence[tuple[Text, Sequence[str]]]
    """Label of a field and its value in each version."""


@dataclass(frozen=True, slots=True)
class Cover:
    """All that the sheet says. ``later``: corrections of the record, in words."""

    made_by: str
    made_time: str
    bundles: Sequence[BundlePart]
    records: Sequence[RecordTable] = ()
    later: Sequence[Text] = field(default_factory=tuple)


TITLE = Text(
    en="Evidence: a signed bundle as it was received",
    zh="电子数据证据封面：已签名数据包及其接收情况",
)
DOES_NOT_PROVE = (
    Text(
        en="It proves who said this to whom and when, not that what was said is true.",
        zh="本证据证明“谁在何时向谁作出何种陈述”，不证明陈述内容本身属实。",
    ),
    Text(
        en="The time of receipt is the receiver's own word unless a signed receipt is named above.",
        zh="除上文载明已签名回执外，接收时间仅为接收方自述。",
    ),
    Text(
        en="That the root is the publisher's rests on two people having compared its card's "
        "fingerprint aloud; whoever judges this should ask both agencies for it.",
        zh="信任根归属于发布单位，以双方工作人员当面或电话核对名片指纹为前提；审查人可分别向双方查证。",
    ),
    Text(
        en="It does not show what else was sent or withheld, nor what holds today: a later "
        "correction may have followed.",
        zh="本证据不说明是否另有其他数据，也不说明现状：其后可能已有更正或撤销。",
    ),
    Text(
        en="A key is an agency's, not a person's: which officer acted is not shown here.",
        zh="签名密钥属于单位而非个人：本证据不说明由哪位工作人员操作。",
    ),
)
HOW_TO_CHECK = Text(
    en="With Hefu (its base installation is enough, no network): hefu evidence verify FOLDER. "
    "With common tools (sh, sha256sum, unzip, openssl 3.0): sh verify.sh. These check that no file "
    "changed, the signature of the statement and each file of the bundle; that the key was the "
    "publisher's at that time follows from the lists in repository/, which Hefu or any TUF client "
    "checks from root.json on.",
    zh="使用合符（基础安装即可，无需联网）：hefu evidence verify 本目录。使用通用工具（sh、"
    "sha256sum、unzip、openssl 3.0）：sh verify.sh，可核验文件未被改动、声明的签名及数据包内"
    "各文件的摘要；该密钥当时属于发布单位，由 repository/ 中的清单自 root.json 起逐级证明，"
    "可用合符或任何 TUF 客户端核验。",
)
PERSONAL = Text(
    en="This folder holds personal data: keep it as a case file.",
    zh="本目录含有个人信息，请按案卷管理，不得扩散。",
)
_STYLE = """
body{font-family:"Noto Serif CJK SC","Source Han Serif SC",SimSun,serif;margin:2em auto;
max-width:60em;line-height:1.5;color:#000;background:#fff}
h1{font-size:1.5em;text-align:center}h2{font-size:1.2em;border-bottom:1px solid #000}
table{border-collapse:collapse;width:100%;margin:.5em 0}
td,th{border:1px solid #666;padding:.3em .5em;text-align:left;vertical-align:top;
overflow-wrap:anywhere}
th{background:#eee;font-weight:normal;width:22%}.en{color:#444;font-size:.85em}
.failed{border:2px solid #000;padding:.5em}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}
"""


def render(cover: Cover) -> str:
    """The whole page."""
    body = [
        f"<h1>{_both(TITLE)}</h1>",
        f"<p>{_both(Text(en=f'Made by {cover.made_by}', zh=f'制作单位：{cover.made_by}'))}<br>"
        f"{_both(Text(en=f'on {cover.made_time}', zh=f'制作时间：{cover.made_time}'))}</p>",
        f"<p><strong>{_both(PERSONAL)}</strong></p>",
    ]
    for number, part in enumerate(cover.bundles, 1):
        body += _bundle(number, len(cover.bundles), part)
    for record in cover.records:
        body += _record(record)
    if cover.later:
        body.append(_heading("其后的更正", "Corrections that followed"))
        body.append(_list(cover.later))
    body += [
        _heading("本证据不证明的事项", "What this does not prove"),
        _list(DOES_NOT_PROVE),
        _heading("如何复核", "How to check it"),
        f"<p>{_both(HOW_TO_CHECK)}</p>",
    ]
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(TITLE.zh)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _bundle(number: int, of: int, part: BundlePart) -> list[str]:
    count = f"（{number}/{of}）" if of > 1 else ""
    lines = [
        _heading(f"数据包{count}", f"Bundle {number} of {of}"),
        f"<p>{escape(part.folder)}/</p>",
        _facts(part.facts),
    ]
    if part.failed is not None:
        lines.append(f'<p class="failed">{_both(part.failed)}</p>')
    if part.checks:
        lines.append(
            "<h3>"
            + _both(Text(en="Checked step by step, all passed", zh="逐步核验（均已通过）"))
            + "</h3>"
        )
        lines.append(_facts(Fact(check.name, check.found) for check in part.checks))
    if part.warnings:
        lines.append(_list(part.warnings))
    return lines


def _record(record: RecordTable) -> list[str]:
    head = "".join(f"<th>{escape(version)}</th>" for version in record.versions)
    rows = "".join(
        f"<tr><th>{_both(label)}</th>{''.join(f'<td>{escape(v)}</td>' for v in values)}</tr>"
        for label, values in record.rows
    )
    return [
        f"<h2>{_both(record.title)}</h2>",
        f"<table><tr><th></th>{head}</tr>{rows}</table>",
    ]


def _heading(zh: str, en: str) -> str:
    return f"<h2>{_both(Text(en=en, zh=zh))}</h2>"


def _facts(facts: Iterable[Fact]) -> str:
    rows = "".join(f"<tr><th>{_both(f.label)}</th><td>{_value(f.value)}</td></tr>" for f in facts)
    return f"<table>{rows}</table>"


def _list(texts: Iterable[Text]) -> str:
    return "<ul>" + "".join(f"<li>{_both(text)}</li>" for text in texts) + "</ul>"


def _value(value: Text | str) -> str:
    return escape(value) if isinstance(value, str) else _both(value)


def _both(text: Text) -> str:
    if text.zh == text.en:
        return escape(text.zh)
    return f'{escape(text.zh)}<br><span class="en">{escape(text.en)}</span>'
