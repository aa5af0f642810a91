"""The tables as pages: a state diagram, the states, the acts and the periods of each procedure.

Text in, text out; ``python -m cooperation.procedures`` writes the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from cooperation.procedures.table import START, Procedure, procedures
from schemas.contract import load_contract
from schemas.rule_entries import Parameter
from schemas.rulepack import load_rule_pack
from schemas.text import Text

Language = Literal["en", "zh"]
FILES: dict[Language, str] = {
    "en": "docs/cooperation/procedures.md",
    "zh": "docs/cooperation/procedures.zh-CN.md",
}
_INTRO = Text(
    en="# Procedures between agencies\n\n"
    "Written by `python -m cooperation.procedures` from `cooperation/procedures/tables/*.toml`; "
    "change those. A matter is opened by one agency; every step is a signed record of who took "
    "it; both sides compute the state from the records. `hefu <group> list --mine` says what this "
    "agency has to do, `show NUMBER` everything about one matter, and each act is a command. "
    "Periods: [clocks.md](clocks.md).\n\n"
    "A body marked * may have no node: a party enters what its paper says (`--by-org`, "
    "`--document-no`).",
    zh="# 机关之间的办理程序\n\n"
    "本页由 `python -m cooperation.procedures` 根据 `cooperation/procedures/tables/*.toml` 生成，"
    "如需修改请改该处。一个事项由一个机关发起，每个环节都是办理机关签名的一条记录，双方各自由记录推算出"
    "同一状态。`hefu <命令组> list --mine` 列出轮到本机关办理的事项，`show 编号` 显示一个事项的全部"
    "情况，每个环节都是一条命令。期限见 [clocks.zh-CN.md](clocks.zh-CN.md)。\n\n"
    "带 * 的机关可以没有节点，由当事一方依其文书登记（`--by-org`、`--document-no`）。",
)
_WORDS = {
    "states": Text(en="States", zh="状态"),
    "state": Text(en="state", zh="状态"),
    "next": Text(en="what is next", zh="下一步"),
    "fines": Text(en="fines held up for", zh="暂停处罚"),
    "acts": Text(en="Acts", zh="环节"),
    "act": Text(en="act", zh="环节"),
    "command": Text(en="command", zh="命令"),
    "by": Text(en="by", zh="办理机关"),
    "from": Text(en="in state", zh="适用状态"),
    "to": Text(en="leads to", zh="转为"),
    "needs": Text(en="needs", zh="必填"),
    "asked": Text(en="asked before", zh="事前核查"),
    "law": Text(en="law", zh="依据"),
    "periods": Text(en="Periods", zh="期限"),
    "period": Text(en="period", zh="期限"),
    "who": Text(en="who must act", zh="由谁"),
    "duty": Text(en="duty", zh="办理内容"),
    "length": Text(en="length", zh="长度"),
    "runs": Text(en="runs in", zh="计算期间"),
    "agreed": Text(en="may be agreed", zh="可另行约定"),
    "opening": Text(en="(opens)", zh="（发起）"),
    "ended": Text(en="ended", zh="已结束"),
    "signed": Text(en="signed decision", zh="签名决定"),
    "yes": Text(en="yes", zh="可以"),
    "no": Text(en="no", zh="法定"),
    "given": Text(en=", unless the act names a time itself", zh="；文书载明期限的，从其载明"),
}
_FREEZES = {
    "nobody": Text(en="–", zh="–"),
    "all": Text(en="everybody", zh="各方"),
    "not_competent": Text(en="who is not competent", zh="无管辖权一方"),
}
_UNITS = {
    "days": Text(en="days", zh="日"),
    "natural_days": Text(en="days", zh="日"),
    "working_days": Text(en="working days", zh="个工作日"),
    "hours": Text(en="hours", zh="小时"),
    "months": Text(en="months", zh="个月"),
}


def page(language: Language) -> str:
    """The whole page in one language."""
    parts = [_in(_INTRO, language)]
    for table in procedures().values():
        parts += _section(table, language)
    return "\n\n".join(parts) + "\n"


def _in(text: Text, language: Language) -> str:
    return text.en if language == "en" else text.zh


def _word(name: str, language: Language) -> str:
    return _in(_WORDS[name], language)


def _section(table: Procedure, language: Language) -> Iterator[str]:
    def word(name: str) -> str:
        return _word(name, language)

    yield f"## {_in(table.label, language)} (`{table.name}`, {table.prefix})"
    yield table.source
    yield "\n".join(["```mermaid", *_diagram(table, language), "```"])
    yield f"### {word('states')}"
    yield _grid(
        [word("state"), word("next"), word("fines")],
        (
            (
                f"{_in(state.label, language)} `{state.name}`",
                word("ended") if state.phase == "ended" else _in(state.next, language),
                _in(_FREEZES[state.freezes], language),
            )
            for state in table.states
        ),
    )
    yield f"### {word('acts')}"
    heads = ("act", "command", "by", "from", "to", "needs", "asked", "law")
    yield _grid([word(h) for h in heads], _acts(table, language))
    if table.clocks:
        yield f"### {word('periods')}"
        columns = ("period", "who", "duty", "length", "runs", "law", "agreed")
        yield _grid([word(c) for c in columns], _clocks(table, language))


def _diagram(table: Procedure, language: Language) -> Iterator[str]:
    yield "stateDiagram-v2"
    for state in table.states:
        yield f'    state "{_in(state.label, language)}" as {state.name}'
    for row in table.rows:
        for before in row.from_states:
            source = "[*]" if before == START else before
            yield f"    {source} --> {row.to}: {_in(row.label, language)}"
    for state in table.states:
        if state.phase == "ended":
            yield f"    {state.name} --> [*]"


def _acts(table: Procedure, language: Language) -> Iterator[tuple[str, ...]]:
    contract = load_contract("procedure_act")
    for row in table.rows:
        needs = [
            contract.field("material_kinds" if name == "materials" else name)
            for name in row.needs
            if name != "decision_sha256"
        ]
        labels = [field.label_en if language == "en" else field.label_zh for field in needs]
        asked = [f"`{guard}`" for guard in row.guards]
        yield (
            _in(row.label, language),
            f"`{row.act.replace('_', '-')}`",
            _joined((_role(table, role, language) for role in row.by), language),
            _joined((_state(table, name, language) for name in row.from_states), language),
            _in(table.state(row.to).label, language),
            _joined(labels, language),
            _joined([*asked, *([_word("signed", language)] if row.decision else [])], language),
            row.source or "–",
        )


def _state(table: Procedure, name: str, language: Language) -> str:
    return _word("opening", language) if name == START else _in(table.state(name).label, language)


def _role(table: Procedure, name: str, language: Language) -> str:
    role = table.role(name)
    return _in(role.label, language) + (" \\*" if role.outside else "")


def _clocks(table: Procedure, language: Language) -> Iterator[tuple[str, ...]]:
    pack = load_rule_pack()
    newest = {entry.name: entry for entry in pack.entries(Parameter)}
    for clock in table.clocks:
        entry = newest[clock.parameter]
        yield (
            _in(clock.label, language),
            _role(table, clock.who, language),
            _in(clock.duty, language),
            f"{entry.value:g} {_in(_UNITS[clock.unit], language)} `{clock.parameter}`"
            + (_word("given", language) if clock.given_by else ""),
            _joined((_state(table, name, language) for name in clock.states), language),
            entry.article,
            _word("no" if clock.statutory else "yes", language),
        )


def _joined(words: Iterable[str], language: Language) -> str:
    return ("; " if language == "en" else "、").join(words) or "–"


def _grid(heads: list[str], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
