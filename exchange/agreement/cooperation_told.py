"""The table ``[cooperation]`` in sentences, for the people who sign it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemas.codes import canonical
from schemas.rule_entries import Parameter
from schemas.rulepack import load_rule_pack
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.cooperation import Route
    from exchange.agreement.model import Agreement

_WHAT = {
    "case_result": Text(en="closed cases", zh="已办结案件"),
    "lead": Text(en="leads", zh="违法线索"),
    "accumulation_snapshot": Text(en="accumulations over the limit", zh="累计超过限值的情形"),
}
_BY = {
    "registration_place": Text(en="of vehicles registered in", zh="车籍地为"),
    "act_place": Text(en="of acts done in", zh="违法行为地为"),
}


def cooperation_sentences(agreement: Agreement) -> Iterator[Text]:
    """One sentence for each route and each period; none without the table."""
    if agreement.cooperation is None:
        return
    for route in agreement.cooperation.routes:
        yield _route(agreement, route)
    lengths = {p.name: p for p in load_rule_pack("cn").entries(Parameter)}
    for name, length in agreement.cooperation.clocks.items():
        known = lengths[name]
        yield Text(
            en=f"{name}: {length} {known.unit}",
            zh=f"{known.text.rstrip('。')}：{length}{known.unit_zh}",
        )
    if agreement.cooperation.copy_transfers_to_procuratorate:
        yield Text(
            en="criminal transfers are copied to the procuratorate",
            zh="移送涉嫌犯罪案件时抄送人民检察院",
        )


def _route(agreement: Agreement, route: Route) -> Text:
    sender, receiver = agreement.party(route.from_org).name, agreement.party(route.to_org).name
    kind = next(r for r in canonical("lead_type") if r.code == route.kind)
    causes = [r for r in canonical("case_cause") if r.code in route.causes]
    what, by = _WHAT[route.record_type], _BY.get(route.by)
    where_en = f" {by.en} {', '.join(route.divisions)}" if by else " that name it"
    where_zh = f"{by.zh}{'、'.join(route.divisions)}的" if by else "载明由其接收的"
    of_en = f" for {', '.join(r.label_en for r in causes)}" if causes else ""
    of_zh = f"（案由：{'、'.join(r.label_zh for r in causes)}）" if causes else ""
    return Text(
        en=f"{sender} refers to {receiver} ({kind.label_en}): {what.en}{where_en}{of_en}; "
        + ("an answer is expected" if route.feedback_required else "no answer is expected"),
        zh=f"{sender} 向 {receiver} {kind.label_zh}：{where_zh}{what.zh}{of_zh}，"
        + ("须反馈结果" if route.feedback_required else "不要求反馈"),
    )
