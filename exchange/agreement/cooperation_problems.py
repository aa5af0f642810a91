"""What contradicts itself in the table ``[cooperation]`` of an agreement."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from exchange.agreement.problem import Problem
from schemas.codes import canonical
from schemas.rule_entries import Parameter
from schemas.rulepack import load_rule_pack
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.cooperation import Route
    from exchange.agreement.model import Agreement

_NATIONAL = "cn"


def cooperation_problems(agreement: Agreement) -> Iterator[Problem]:
    """Everything that is wrong with the routes and periods, in the order of the file."""
    if agreement.cooperation is None:
        return
    for name in agreement.cooperation.clocks:
        yield from _of_clock(name)
    codes = [p.code for p in agreement.parties]
    for index, route in enumerate(agreement.cooperation.routes):
        yield from _of_route(route, ("cooperation", "routes", index), codes)


def _of_clock(name: str) -> Iterator[Problem]:
    known = [p.name for p in load_rule_pack(_NATIONAL).entries(Parameter) if not p.verified]
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    yield Problem(
        Text(
            en=f"no period {name!r} is open to agreement",
            zh=f"没有可以由协议约定的期限 {name!r}",
        ),
        ("cooperation", "clocks", name),
        Text(en=f"did you mean {near[0]!r}?", zh=f"是否应为 {near[0]!r}？")
        if near
        else Text(
            en="periods that a law fixes can't be agreed otherwise; see hefu rules list",
            zh="法定期限不能由协议另行约定；可用 hefu rules list 查看",
        ),
    )


def _of_route(route: Route, place: tuple[str | int, ...], codes: list[str]) -> Iterator[Problem]:
    for key, code in (("from", route.from_org), ("to", route.to_org)):
        if code not in codes:
            yield Problem(
                Text(
                    en=f"a route names {code!r}, which is not a party",
                    zh=f"抄告路线中的 {code!r} 不是协议参与单位",
                ),
                (*place, key),
                Text(en=f"parties: {', '.join(codes)}", zh=f"参与单位：{'、'.join(codes)}"),
            )
    if route.from_org == route.to_org:
        yield Problem(
            Text(en="a route is from a party to itself", zh="抄告路线的双方是同一单位"),
            (*place, "to"),
        )
    if route.names_place() and not route.divisions:
        yield Problem(
            Text(
                en=f"a route by {route.by} needs divisions: which places are the receiver's",
                zh=f"按 {route.by} 抄告的，须在 divisions 写明接收单位的辖区",
            ),
            (*place, "divisions"),
        )
    causes = {row.code for row in canonical("case_cause")}
    for cause in route.causes:
        if cause not in causes:
            near = difflib.get_close_matches(cause, causes, n=1)
            yield Problem(
                Text(en=f"there is no common cause {cause!r}", zh=f"没有通用案由 {cause!r}"),
                (*place, "causes"),
                Text(en=f"did you mean {near[0]!r}?", zh=f"是否应为 {near[0]!r}？")
                if near
                else None,
            )
