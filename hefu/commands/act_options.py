"""The options of an act's command, made from what its rows need, and the act's fields from them."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from hefu.commands.matter_options import MATTER
from hefu.commands.options import JSON, NODE, option
from hefu.terminal import CST, tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import typer

    from cooperation.procedures.act import Material
    from cooperation.procedures.table import Procedure, Row

#: Codes that are no file: what is said of an item of material that is not there.
_STATES = ("missing", "not_applicable", "present")


@dataclass(frozen=True, slots=True)
class ActOption:
    """One option: its name, the act's field that it gives, and its help."""

    flag: str
    field: str
    metavar: str
    en: str
    zh: str
    repeated: bool = False
    codes: str | None = None


#: Every act may carry these.
COMMON = (
    ActOption(
        "--time",
        "act_time",
        "TIME",
        "when it was done in law; now if left out",
        "实际办理时间，期限由此起算；不写为现在",
    ),
    ActOption(
        "--name", "actor_name", "NAME", "who did or decided it", "办理人或者作出决定的人员姓名"
    ),
    ActOption(
        "--reason",
        "reason_code",
        "CODE",
        "the ground, a code (hefu dictionary procedure_act reason_code)",
        "理由代码（hefu dictionary procedure_act reason_code）",
        codes="act_reason",
    ),
    ActOption("--reason-text", "reason_text", "TEXT", "the ground in words", "理由说明"),
    ActOption("--document-no", "document_no", "NUMBER", "number of the document", "文书文号"),
    ActOption("--document-title", "document_title", "TEXT", "title of the document", "文书名称"),
    ActOption(
        "--document",
        "document_sha256",
        "FILE",
        "the document; only its SHA-256 is kept",
        "文书文件，只记录其 SHA-256",
    ),
    ActOption("--summary", "result_summary", "TEXT", "the result in words", "结果说明"),
    ActOption(
        "--cc",
        "party_orgs",
        "CODE",
        "a partner that gets a copy; may be repeated",
        "抄送的合作单位代码，可重复",
        repeated=True,
    ),
)
_APPROVER = ActOption(
    "--role",
    "approver_role",
    "CODE",
    "the office of who decided",
    "作出决定的负责人的职务代码",
    codes="approver_role",
)
_ACTING = ActOption(
    "--role", "acting_role", "CODE", "the role of who acted", "办理人角色代码", codes="decider_role"
)
#: For acts of a body that may have no node.
OUTSIDE = (
    ActOption(
        "--by-org",
        "acting_org",
        "CODE",
        "which body did it, entered from its paper; the one that is in the matter if left out",
        "由哪个机关办理（依其文书登记）；不写为事项中的该机关",
    ),
    ActOption("--by-name", "acting_org_name", "NAME", "the body's name", "该机关名称"),
)
#: Asked where a row needs the field.
NEEDED = (
    ActOption(
        "--officer",
        "officer_certificate_nos",
        "NUMBER",
        "an officer's certificate number; repeat it",
        "执法证号，可重复",
        repeated=True,
    ),
    ActOption(
        "--material",
        "materials",
        "KIND=FILE",
        "an item of material: KIND=FILE, KIND:missing or KIND:not_applicable; repeat it",
        "材料：种类=文件，种类:missing（缺少）或者 种类:not_applicable（不适用），可重复",
        repeated=True,
    ),
    ActOption("--to", "to_org", "CODE", "the addressee's code", "对方机关代码"),
    ActOption("--to-name", "to_org_name", "NAME", "the addressee's name", "对方机关名称"),
    ActOption(
        "--competent", "competent_org", "CODE", "the competent agency's code", "有管辖权的机关代码"
    ),
    ActOption(
        "--result",
        "result_code",
        "CODE",
        "the result, a code (hefu dictionary procedure_act result_code)",
        "结果代码（hefu dictionary procedure_act result_code）",
        codes="act_result",
    ),
    ActOption(
        "--result-no",
        "result_no",
        "NUMBER",
        "case number or number of the decision",
        "案号或者决定书文号",
    ),
    ActOption(
        "--result-record",
        "result_record_id",
        "ID",
        "the record that holds the result",
        "承载结果的记录标识",
    ),
)
_WITH = {"to_org": ("to_org_name",), "result_code": ("result_no", "result_record_id")}


def options_of(table: Procedure, rows: Sequence[Row]) -> tuple[ActOption, ...]:
    """What the command of an act may be told; ``rows``: all rows of the act."""
    wanted = {name for row in rows for name in row.needs}
    wanted |= {"to_org" for row in rows if row.addresses}
    wanted |= {more for name in list(wanted) for more in _WITH.get(name, ())}
    is_decided = any(row.decision for row in rows) or "approver_role" in wanted
    is_outside = any(table.role(role).outside for row in rows for role in row.by)
    return (
        *(o for o in NEEDED if o.field in wanted),
        *(OUTSIDE if is_outside else ()),
        _APPROVER if is_decided else _ACTING,
        *COMMON,
    )


def command_of(
    options: Sequence[ActOption],
    run: Callable[[typer.Context, str, Mapping[str, Any], bool, Path | None], None],
) -> Callable[..., None]:
    """A function with a parameter for each option, as Typer reads it; calls ``run`` with the
    number of the matter and what was said, by field."""
    import typer

    def command(**said: Any) -> None:
        ctx, number = said.pop("ctx"), said.pop("number")
        as_json, node = said.pop("as_json"), said.pop("node")
        run(ctx, number, {k: v for k, v in said.items() if v}, as_json, node)

    parameters = [
        _parameter("ctx", typer.Context),
        _parameter("number", Annotated[str, MATTER]),
        *(_of(one) for one in options),
        _parameter("as_json", Annotated[bool, JSON], default=False),
        _parameter("node", Annotated[Path | None, NODE], default=None),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _of(one: ActOption) -> inspect.Parameter:
    told = option(one.flag, metavar=one.metavar, en=one.en, zh=one.zh)
    kind = Annotated[list[str], told] if one.repeated else Annotated[str | None, told]
    return _parameter(one.field, kind, default=[] if one.repeated else None)


def _parameter(name: str, kind: Any, **default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, **default)


def fields_of(options: Sequence[ActOption], said: Mapping[str, Any]) -> dict[str, Any]:
    """The act's fields, each of its type.

    Raises ``ConfigError`` for a code that its list does not have, a file that can't be read, or a
    time that is none.
    """
    by_field = {one.field: one for one in options}
    return {name: _value(by_field[name], value) for name, value in said.items()}


def _value(one: ActOption, value: Any) -> Any:
    if one.field == "act_time":
        return time_of(one.flag, value)
    if one.field == "document_sha256":
        return sha256_of(Path(value))
    if one.field == "materials":
        return tuple(material_of(text) for text in value)
    if one.codes is not None:
        return code_of(one.codes, one.flag, value)
    return tuple(value) if one.repeated else value


def time_of(flag: str, text: str) -> datetime:
    """A moment; without a zone it is Beijing time. Raises ``ConfigError`` that names the option."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            Text(en=f"{flag}: {text!r} is not a time", zh=f"{flag}：“{text}”不是时间"),
            hint=Text(
                en='write it as "2026-10-01 09:30"', zh="请写成 “2026-10-01 09:30” 的形式，并加引号"
            ),
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=CST)


def code_of(code_list: str, flag: str, text: str) -> str:
    """``text`` if it is a code of the list, or the code that has it as its label."""
    from schemas.codes import canonical

    rows = {row.code: row for row in canonical(code_list)}
    labelled = {label: row.code for row in rows.values() for label in (row.label_zh, row.label_en)}
    if text in rows or text in labelled:
        return text if text in rows else labelled[text]
    en = ", ".join(f"{row.code} ({row.label_en})" for row in rows.values())
    zh = "、".join(f"{row.code}（{row.label_zh}）" for row in rows.values())
    raise ConfigError(
        Text(en=f"{flag}: {text!r} is no code of {code_list}", zh=f"{flag}：没有代码“{text}”"),
        hint=Text(en=f"codes: {en}", zh=f"可用代码：{zh}"),
    )


def material_of(text: str) -> Material:
    """``KIND=FILE``, or ``KIND:missing``, ``KIND:not_applicable``, ``KIND:present``."""
    from cooperation.procedures.act import Material

    kind, sign, rest = _split(text)
    if sign and rest and (sign == "=" or rest in _STATES):
        kind = code_of("material_kind", "--material", kind)
        if sign == ":":
            return Material(kind, rest)
        return Material(kind, "present", sha256=sha256_of(Path(rest)))
    raise ConfigError(
        Text(en="--material is not of the form", zh="--material 的写法不对"),
        hint=Text(
            en="write KIND=FILE, KIND:missing or KIND:not_applicable",
            zh="请写成 种类=文件、种类:missing 或者 种类:not_applicable",
        ),
    )


def _split(text: str) -> tuple[str, str, str]:
    places = [place for place in (text.find("="), text.find(":")) if place > 0]
    if not places:
        return text, "", ""
    at = min(places)
    return text[:at], text[at], text[at + 1 :]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file. Raises ``ConfigError`` if it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the file can't be read ({error.strerror})",
                zh=f"无法读取该文件（{error.strerror}）",
            ),
            where=Where(str(path)),
        ) from error


def help_of(table: Procedure, rows: Sequence[Row]) -> tuple[str, str]:
    """Help of an act's command in English and Chinese: what it does, who may, from which state."""
    row = rows[0]
    by = [table.role(role).label for role in dict.fromkeys(r for one in rows for r in one.by)]
    states = [
        table.state(name).label
        for name in dict.fromkeys(s for one in rows for s in one.from_states if s != "start")
    ]
    en = (
        f"{row.label_en[:1].upper()}{row.label_en[1:]}.\n\n"
        f"By: {', '.join(b.en for b in by)}. When: {', '.join(s.en for s in states)}."
    )
    zh = (
        f"{row.label_zh}。\n\n"
        f"由{'、'.join(b.zh for b in by)}办理；适用状态：{'、'.join(s.zh for s in states)}。"
    )
    needs = [o for o in options_of(table, rows) if any(o.field in r.needs for r in rows)]
    if needs:
        en += f" Needs: {', '.join(o.flag for o in needs)}."
        zh += f"必填：{'、'.join(o.flag for o in needs)}。"
    if row.source:
        zh += f"依据：{row.source}。"
        en += f" {tr('Law', '依据')}: {row.source}."
    return en, zh
