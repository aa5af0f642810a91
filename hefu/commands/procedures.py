"""A command group made from a procedure's table: ``list``, ``show`` and one command per act.

    group = add_procedure(app, "refer", "referral", en=…, zh=…)
    add_command(group, send, "send", …)      # what opens a matter is written by hand

A command that the caller adds goes before the one that the table would make of that name. Acts
that only open a matter get none. The table is read when the group is used, not when ``hefu``
starts. After an act of their own, callers use :func:`say_done`; what is shown of a matter is in
``matter_shown``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from hefu.commands.matter_options import EVERYTHING, MATTER, MINE
from hefu.commands.options import (
    COMMANDS_PANEL,
    JSON,
    NODE,
    REVEAL,
    Group,
    add_command,
    open_node,
)
from hefu.terminal import say, say_json, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from cooperation.procedures.table import Procedure, Row
    from flows.acting import Done
    from hefu.node import Node


def add_procedure(
    app: typer.Typer, name: str, procedure: str | None = None, *, en: str, zh: str
) -> typer.Typer:
    """Add the group ``name`` for ``procedure`` (by default of the same name) and return it."""
    table = procedure or name
    group = typer.Typer(
        cls=_lazy(lambda: _act_commands(table)), no_args_is_help=True, help=tr(en, zh)
    )
    app.add_typer(group, name=name, rich_help_panel=COMMANDS_PANEL)
    _add_list(group, table)
    _add_show(group, table)
    return group


def _lazy(more: Callable[[], dict[str, Any]]) -> type[TyperGroup]:
    """A group whose further commands are made when somebody asks for one."""

    class Lazy(Group):
        _given: Mapping[str, Any]
        _made: MutableMapping[str, Any] | None = None

        @property
        def commands(self) -> MutableMapping[str, Any]:
            if self._made is None:
                self._made = {**self._given}
                for name, made in more().items():
                    self._made.setdefault(name, made)
            return self._made

        @commands.setter
        def commands(self, given: MutableMapping[str, Any]) -> None:
            self._given, self._made = dict(given), None

    return Lazy


def _act_commands(name: str) -> dict[str, Any]:
    from cooperation.procedures.table import procedure

    table, app = procedure(name), typer.Typer()
    for act in table.acts():
        rows = table.rows_of(act)
        if any(state != "start" for row in rows for state in row.from_states):
            _add_act(app, table, act)
    made = typer.main.get_group(app)
    return dict(made.commands)


def _add_list(group: typer.Typer, table: str) -> None:
    def list_(
        ctx: typer.Context,
        mine: Annotated[
            bool,
            MINE,
        ] = False,
        everything: Annotated[bool, EVERYTHING] = False,
        as_json: Annotated[bool, JSON] = False,
        node: Annotated[Path | None, NODE] = None,
    ) -> None:
        from hefu.commands.matter_shown import say_list

        here = open_node(ctx, node)
        say_list(here, table, datetime.now(UTC), mine=mine, everything=everything, as_json=as_json)

    add_command(
        group,
        list_,
        "list",
        en="List the matters that are open: state, what is next, until when.",
        zh="列出未结束的事项：状态、下一步由谁做什么、期限。",
    )


def _add_show(group: typer.Typer, table: str) -> None:
    def show(
        ctx: typer.Context,
        number: Annotated[
            str,
            MATTER,
        ],
        reveal: Annotated[bool, REVEAL] = False,
        as_json: Annotated[bool, JSON] = False,
        node: Annotated[Path | None, NODE] = None,
    ) -> None:
        from hefu.commands.matter_shown import say_matter

        here = open_node(ctx, node)
        say_matter(here, table, number, datetime.now(UTC), reveal=reveal, as_json=as_json)

    add_command(
        group,
        show,
        "show",
        en="Show one matter: parties, state, what is next, every act, every period.\n\n"
        "Acts that did not count are shown with the reason. Personal values are masked unless "
        "--reveal is given.",
        zh="显示一个事项：各方、状态、下一步、全部环节和期限。\n\n"
        "未生效的环节一并列出并说明原因。个人信息默认脱敏，加 --reveal 才显示原文。",
    )


def _add_act(group: typer.Typer, table: Procedure, act: str) -> None:
    from hefu.commands.act_options import command_of, fields_of, help_of, options_of

    rows = table.rows_of(act)
    options = options_of(table, rows)

    def run(
        ctx: typer.Context,
        number: str,
        said: Mapping[str, Any],
        as_json: bool,
        node: Path | None,
    ) -> None:
        here, now = open_node(ctx, node), datetime.now(UTC)
        fields = fields_of(options, said)
        say_done(here, act_on(here, table.name, number, act, now, **fields), now, as_json=as_json)

    en, zh = help_of(table, rows)
    add_command(group, command_of(options, run), act.replace("_", "-"), en=en, zh=zh)


def act_on(node: Node, procedure: str, number: str, act: str, now: datetime, **fields: Any) -> Done:
    """Do ``act`` in the matter of that number (or end of it) of that procedure.

    An act of a body without a node is by the one that plays its role in the matter, unless
    ``acting_org`` says otherwise. Raises ``ConfigError``, saying what is possible now.
    """
    from flows.acting import do, following
    from flows.matters import find_matter, matters_of

    matter = find_matter(matters_of(node, procedure), number)
    row = matter.table.row(matter.state_name, act)
    outside = [r for r in (row.by if row else ()) if matter.table.role(r).outside]
    if row and outside and len(outside) == len(row.by) and matter.orgs.get(outside[0]):
        fields.setdefault("acting_org", matter.orgs[outside[0]])
    if row is not None:
        _ask_for(matter.table, row, fields)
    return do(node, following(node, matter, act, now, **fields), now)


def _ask_for(table: Procedure, row: Row, fields: Mapping[str, Any]) -> None:
    """Name the options that are missing. Raises ``ConfigError`` if one is."""
    from hefu.commands.act_options import options_of

    flags = {one.field: one.flag for one in options_of(table, table.rows_of(row.act))}
    wanted = [*row.needs, *(["to_org"] if row.addresses else [])]
    missing = [flags[name] for name in wanted if name in flags and not fields.get(name)]
    if missing:
        raise ConfigError(
            Text(
                en=f"{row.act.replace('_', '-')} needs {', '.join(dict.fromkeys(missing))}",
                zh=f"“{row.label_zh}”还需要填写 {'、'.join(dict.fromkeys(missing))}",
            ),
            hint=Text(
                en=f"see {row.act.replace('_', '-')} --help for what each means",
                zh=f"各选项的含义见 {row.act.replace('_', '-')} --help",
            ),
        )


def say_done(node: Node, done: Done, now: datetime, *, as_json: bool = False) -> None:
    """What an act led to: the new state, what comes next, who has to do it and until when."""
    from hefu.commands.matter_json import matter_as_json
    from hefu.commands.matter_shown import Shown, say_state

    shown = Shown(node, now)
    shown.note_names(a.act for a in done.matter.applied)
    if as_json:
        say_json(matter_as_json(shown, done.matter, reveal=False))
        return
    label = next(iter(done.matter.table.rows_of(done.act.code))).label
    number = done.matter.key.no
    say(tr(f"{number}: noted: {label.en}", f"{number}：已登记“{label.zh}”"))
    say_state(shown, done.matter)
    others = [o for o in done.act.party_orgs if o != node.agency.code and shown.has_node(o)]
    if others:
        names_en, names_zh = ", ".join(map(shown.name, others)), "、".join(map(shown.name, others))
        say(
            tr(
                f"the next hefu publish tells {names_en}",
                f"下一次 hefu publish 时告知{names_zh}",
            )
        )
