"""The legal check of another agency's result: what stands against its full effect here.

It judges one use at a time: a decision under reconsideration still shows that somebody was first
to act, and a fine whose publication has ended still bars a second one (行政处罚法 art. 29).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from cooperation.recognition.sides import EXEMPTED, GONE, OVERTURNED, Side, Use, known
from schemas.law.basis import Basis
from schemas.law.calendar import Calendar, add_natural_days
from schemas.law.jurisdiction import parameter, rows_for
from schemas.rule_entries import Entry
from schemas.rulepack import RulePack
from schemas.text import Text

#: ``blocks``: not to be recognised; ``limits``: in part at most; ``told``: to be known.
Weight = Literal["blocks", "limits", "told"]

#: Uses for which the end of publication or of validity matters.
_ENDS_MATTER: tuple[Use, ...] = ("credit", "discretion")
#: Decisions by which nothing was found against the party.
_NOTHING_FOUND = ("not_established", "no_penalty_no_fault", "withdrawn")


@dataclass(frozen=True, slots=True)
class Finding:
    """``code`` is of list recognition_reason; ``basis`` the law that it rests on, if there is a
    row of it."""

    code: str
    weight: Weight
    text: Text
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The law of the place that recognises: its division, rule packs, calendar."""

    division: str
    packs: tuple[RulePack, ...] | None = None
    calendar: Calendar | None = None

    def basis(self, name: str, day: date) -> Basis | None:
        """The row of that name in force on a day, of the most specific pack."""
        found = rows_for(Entry, self.division, day, name=name, packs=self.packs)
        return found[0].basis if found else None

    def number(self, name: str, day: date) -> int:
        """Raises ``ConfigError`` if no row is in force."""
        return int(parameter(name, self.division, day, self.packs).entry.value)


def legal_check(original: Side, use: Use, on: date, rules: Rules) -> tuple[Finding, ...]:
    """What stands against recognising ``original`` for ``use`` on that day, the gravest first."""
    found = [*_status(original, on, rules)]
    if original.record_type == "inspection":
        found += _inspection(original)
    else:
        found += _remedies(original, on, rules)
        found += _effect(original, on, rules)
        found += _ends(original, use, on)
        found += _kind(original, use)
    if use != "inspection_exemption" and known(original.cause) is None:
        found.append(
            Finding(
                "cause_unmapped",
                "limits",
                Text(
                    en="its cause is not in the crosswalk of causes: see what it was for",
                    zh="案由没有对照到通用案由，请核对是什么违法行为",
                ),
            )
        )
    return tuple(sorted(found, key=lambda finding: _GRAVITY[finding.weight]))


_GRAVITY = {"blocks": 0, "limits": 1, "told": 2}


def _status(original: Side, on: date, rules: Rules) -> Iterator[Finding]:
    if original.data_status in GONE:
        yield Finding(
            "revoked",
            "blocks",
            Text(en="it was revoked or removed", zh="原结果已被撤销或者删除"),
            rules.basis("withdrawn_decision", on),
        )


def _remedies(original: Side, on: date, rules: Rules) -> Iterator[Finding]:
    law = rules.basis("withdrawn_decision", on)
    states = (original.review_status, original.litigation_status)
    if any(state in OVERTURNED for state in states):
        yield Finding(
            "revoked",
            "blocks",
            Text(
                en="it was revoked or found illegal on review",
                zh="经行政复议或者行政诉讼，原决定已被撤销或者确认违法",
            ),
            law,
        )
    if "changed" in states and original.data_status != "corrected":
        yield Finding(
            "revoked",
            "limits",
            Text(
                en="it was changed on review, but the record does not say that it was corrected",
                zh="经复议或者诉讼变更，但记录尚未标为已更正，请核对是否为变更后的内容",
            ),
            law,
        )
    if "pending" in states:
        yield Finding(
            "under_review",
            "limits",
            Text(en="it is under reconsideration or litigation", zh="正在行政复议或者行政诉讼中"),
        )


def _effect(original: Side, on: date, rules: Rules) -> Iterator[Finding]:
    if not original.is_decided or (original.decision_date or on) > on:
        yield _undecided()
        return
    law = rules.basis("delivery_of_decision", on)
    if original.delivery_date is None:
        yield Finding(
            "not_final",
            "limits",
            Text(
                en="the record does not say that the decision was delivered: ask the agency",
                zh="记录没有写明决定书已经送达，请向对方核实",
            ),
            law,
        )
    elif original.delivery_date > on:
        yield Finding(
            "not_final",
            "limits",
            Text(en="the decision is not delivered yet", zh="决定书尚未送达"),
            law,
        )
    elif not any(known(s) and s != "none" for s in _states(original)):
        yield from _period_runs(original.delivery_date, on, rules)


def _states(original: Side) -> tuple[str | None, str | None]:
    return original.review_status, original.litigation_status


def _period_runs(delivered: date, on: date, rules: Rules) -> Iterator[Finding]:
    row = rules.basis("review_application_days", on)
    if row is None:
        return
    days = rules.number("review_application_days", on)
    last = add_natural_days(delivered, days, calendar=rules.calendar).day
    if on <= last:
        yield Finding(
            "not_final",
            "told",
            Text(
                en=f"the party may ask for reconsideration until {last}; an application reopens "
                "the recognition by itself",
                zh=f"当事人在{last:%Y年%m月%d日}前可以申请行政复议；一经申请，本互认将自动重新提起",
            ),
            row,
        )


def _undecided() -> Finding:
    return Finding(
        "not_final",
        "limits",
        Text(en="there is no decision yet", zh="对方尚未作出处理决定"),
    )


def _ends(original: Side, use: Use, on: date) -> Iterator[Finding]:
    if use not in _ENDS_MATTER:
        return
    for last, said in (
        (original.penalty_valid_until, Text(en="its validity ended", zh="处罚有效期已届满")),
        (original.publicity_deadline, Text(en="its publication ended", zh="公示期已届满")),
    ):
        if last is not None and last < on:
            yield Finding("expired", "limits", said)
    if original.data_status == "repaired":
        yield Finding(
            "expired", "limits", Text(en="the party's credit was repaired", zh="已经信用修复")
        )


def _kind(original: Side, use: Use) -> Iterator[Finding]:
    """What was decided, against what it is to be used for."""
    decision = known(original.decision_type)
    if decision is None:
        return
    if decision == "criminal_transfer":
        yield Finding(
            "no_basis",
            "limits",
            Text(
                en="the case went to justice: no fine is decided while the transfer runs",
                zh="案件已移送司法机关，移送期间不作罚款决定",
            ),
        )
    elif use == "duplicate_fine_check":
        yield from _fine(original)
    elif decision in _NOTHING_FOUND:
        yield _no_basis("no offence was found there", "对方没有认定违法行为")
    elif use == "accumulation":
        yield from _counts(original)
    elif use == "credit" and decision != "penalty":
        yield _no_basis("no penalty was imposed there", "对方没有给予行政处罚")


def _fine(original: Side) -> Iterator[Finding]:
    if original.decision_type != "penalty":
        yield _no_basis(
            "no penalty was imposed there, so no second fine is at issue",
            "对方没有给予行政处罚，不存在再次罚款的问题",
        )
    elif original.fine_amount_cny is None:
        yield Finding(
            "no_basis",
            "limits",
            Text(
                en="the record does not say whether a fine was imposed: ask the agency",
                zh="记录没有写明是否罚款，请向对方核实",
            ),
        )
    elif not original.is_fined:
        yield _no_basis(
            "the penalty there is no fine, so it bars none here",
            "对方给予的处罚不是罚款，不影响本机关依法罚款",
        )


def _counts(original: Side) -> Iterator[Finding]:
    if original.counts_toward_accumulation is False:
        yield Finding(
            "rule_difference",
            "limits",
            Text(
                en="it does not count there; whether it counts here is for our own rules to say",
                zh="对方不计入累计次数；在本地是否计入，以本地规则为准",
            ),
        )
    elif original.counts_toward_accumulation is None:
        yield Finding(
            "rule_difference",
            "told",
            Text(
                en="the record does not say whether it counts there",
                zh="记录没有写明在对方是否计入累计次数",
            ),
        )


def _inspection(original: Side) -> Iterator[Finding]:
    result = known(original.inspection_result)
    if result is None:
        yield Finding(
            "not_final",
            "limits",
            Text(en="the inspection has no result yet", zh="检查尚无结果"),
        )
    elif result not in ("no_problem", "corrected_on_site"):
        yield _no_basis(
            "the inspection found something: it frees from no inspection",
            "检查发现了问题，不能据此免予检查",
        )


def _no_basis(en: str, zh: str) -> Finding:
    return Finding("no_basis", "blocks", Text(en=en, zh=zh))


def was_let_off(side: Side) -> bool:
    """An offence that went unpunished for being the first or slight."""
    return side.decision_type in EXEMPTED or side.non_penalty_basis in ("33-1a", "33-1b")


def first_reason(findings: Iterable[Finding]) -> str | None:
    """The code of the gravest finding that limits or blocks."""
    return next((f.code for f in findings if f.weight != "told"), None)
