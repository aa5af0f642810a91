"""What each decision would mean here, and where our own tariff gives another result.

Recognition is never copying: it says what a fact or a decision made elsewhere counts for here, and
our own law says what follows (行政处罚法 art. 29, 33; 公路安全保护条例 art. 66).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from cooperation.recognition.legal import Rules, was_let_off
from cooperation.recognition.sides import Side, Use
from schemas.errors import ConfigError
from schemas.law import overload
from schemas.law.basis import Basis
from schemas.text import Text

Decision = Literal["recognised", "partly", "not_recognised"]
DECISIONS: tuple[Decision, ...] = ("recognised", "partly", "not_recognised")

#: The row of law that each use rests on first; schemas/rules.
LAW: dict[Use, str] = {
    "duplicate_fine_check": "no_second_fine",
    "first_offence_check": "exempt_first",
    "accumulation": "accumulation_vehicle_times",
    "discretion": "discretion_of_penalty",
    "credit": "discretion_of_penalty",
    "inspection_exemption": "inspection_not_repeated_days",
}

_EFFECTS: dict[Use, dict[Decision, Text]] = {
    "duplicate_fine_check": {
        "recognised": Text(
            en="no second fine for this act; a correction may still be ordered, and penalties "
            "other than fines stay possible",
            zh="对该行为不再罚款；仍可责令改正，依法可以给予罚款以外的其他行政处罚",
        ),
        "partly": Text(
            en="no fine is decided here until it is settled what happens there; whoever filed "
            "first is competent (行政处罚法 art. 25)",
            zh="对方的处理确定之前，本机关不作罚款决定；管辖以最先立案的机关为准"
            "（行政处罚法第二十五条）",
        ),
        "not_recognised": Text(
            en="it bars no fine here: the case goes on under our own law",
            zh="不影响本机关罚款，案件按本地规定继续办理",
        ),
    },
    "first_offence_check": {
        "recognised": Text(
            en="this is no first offence: the case can't go unpunished as one",
            zh="本案不属于初次违法，不能按首违不罚处理",
        ),
        "partly": Text(
            en="whether this is a first offence stays open: verify before letting it go unpunished",
            zh="是否初次违法尚不能确定，作出不予处罚决定前须先核实",
        ),
        "not_recognised": Text(
            en="it does not speak against a first offence here",
            zh="不影响认定本案为初次违法",
        ),
    },
    "accumulation": {
        "recognised": Text(
            en="it counts among the illegal overloads of one year, by our own counting rule",
            zh="按本地计次规则，计入一年内违法超限运输次数",
        ),
        "partly": Text(
            en="it is listed beside the count, and does not make the threshold full by itself",
            zh="列入累计清单备查，不单独据以认定达到次数",
        ),
        "not_recognised": Text(en="it does not count here", zh="不计入本地累计次数"),
    },
    "discretion": {
        "recognised": Text(
            en="it may be weighed when the amount is chosen, within our own tariff",
            zh="可以在本地裁量幅度内作为裁量情节考虑",
        ),
        "partly": Text(
            en="only the fact of the earlier act may be weighed, not what was decided on it",
            zh="只可考虑曾有该违法行为的事实，不考虑对方的处理结果",
        ),
        "not_recognised": Text(en="it is left out when the amount is chosen", zh="裁量时不予考虑"),
    },
    "credit": {
        "recognised": Text(en="it enters the credit evaluation", zh="计入信用评价"),
        "partly": Text(
            en="it enters the credit evaluation up to the end of its publication",
            zh="在公示期内计入信用评价",
        ),
        "not_recognised": Text(en="it does not enter the credit evaluation", zh="不计入信用评价"),
    },
    "inspection_exemption": {
        "recognised": Text(
            en="the vehicle need not be inspected again for the same items in that time, unless "
            "there is a concrete sign of an offence",
            zh="在该期限内，对同一检查事项不再重复检查；有具体违法线索的除外",
        ),
        "partly": Text(
            en="only what was not inspected there is inspected here",
            zh="只检查对方没有检查过的事项",
        ),
        "not_recognised": Text(en="it is inspected as usual", zh="照常检查"),
    },
}

_FIRST_AFTER_EXEMPTION = Text(
    en="the party was let off there as a first or slight offence and has offended again: it was "
    "warned then, a second exemption as a first offence is not possible",
    zh="该当事人在对方曾因首违或者轻微不予处罚，现再次违法：当时已经教育，不能再次适用首违不罚",
)


def effects(use: Use, own: Side, original: Side) -> Mapping[Decision, Text]:
    """What each of the three decisions would mean for the own record."""
    told = dict(_EFFECTS[use])
    if use == "first_offence_check" and was_let_off(original):
        told["recognised"] = _both(_FIRST_AFTER_EXEMPTION, told["recognised"])
    if use == "duplicate_fine_check" and own.is_fined:
        told["recognised"] = _both(
            told["recognised"],
            Text(
                en="our own fine stands against that: have it looked at and, if it was the "
                "second, revoked",
                zh="本机关已经作出的罚款与此抵触：请复核，确属重复罚款的应予撤销",
            ),
        )
    return told


def own_tariff(own: Side, original: Side, rules: Rules) -> tuple[Text, Basis] | None:
    """What our tariff gives for the weights of the act, where it is not what was decided there.

    None if weights, day or tariff are not known, or the result is the same.
    """
    total = original.total_weight_kg or own.total_weight_kg
    limit = original.limit_weight_kg or own.limit_weight_kg
    day = original.act_day or own.act_day
    if not (total and limit and day):
        return None
    try:
        ours = overload.fine(total, limit, rules.division, day, packs=rules.packs)[0]
    except ConfigError:  # no tariff was in force: nothing can be compared
        return None
    if original.fine_amount_cny == ours.fine_cny:
        return None
    outcome = _OUTCOMES[ours.outcome]
    there = original.fine_amount_cny
    fined = _amount(there, "not known", "不详")
    return (
        Text(
            en=f"for {total} kg at a limit of {limit} kg our tariff gives {outcome.en} "
            f"({ours.fine_cny:,.2f} yuan); there: {fined.en}. Rules differ across the border: "
            "what was decided there is a fact, not a measure for here",
            zh=f"车货总质量{total}千克、限值{limit}千克，按本地标准为{outcome.zh}"
            f"（{ours.fine_cny:,.2f}元），对方为{fined.zh}。两地标准不同：对方的决定是事实，"
            "不是本地裁量的尺度",
        ),
        ours.basis,
    )


_OUTCOMES = {
    "no_excess": Text(en="no excess", zh="不超限"),
    "warning": Text(en="a warning", zh="警告"),
    "may_be_exempt": Text(en="that it may go unpunished", zh="可以不予处罚"),
    "fine": Text(en="a fine", zh="罚款"),
}


def _amount(value: object, en: str, zh: str) -> Text:
    if value is None:
        return Text(en=en, zh=zh)
    return Text(en=f"{value:,.2f} yuan", zh=f"{value:,.2f}元")


def _both(one: Text, other: Text) -> Text:
    return Text(en=f"{one.en}; {other.en}", zh=f"{one.zh}；{other.zh}")
