"""For two records that matched: what the other agency's may count for here, use by use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from cooperation.recognition.effects import LAW, Decision, effects, own_tariff
from cooperation.recognition.legal import (
    Finding,
    Rules,
    Weight,
    first_reason,
    legal_check,
    was_let_off,
)
from cooperation.recognition.sides import Match, Side, Use, known
from schemas.law.basis import Basis
from schemas.law.jurisdiction import choice, rows_for
from schemas.rule_entries import DiscretionTier
from schemas.rulepack import rule_set_version
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal for a person to decide on.

    ``proposed`` is what the findings suggest and ``reason`` the code of the gravest of them;
    ``effects`` says what each decision would mean; ``valid_to`` is the last day of the effect,
    where it ends by itself; ``crosswalk_id`` names the two sets of rules between which it goes.
    """

    use: Use
    own: Side
    original: Side
    match: Match
    findings: tuple[Finding, ...]
    proposed: Decision
    reason: str | None
    effects: Mapping[Decision, Text]
    bases: tuple[Basis, ...]
    crosswalk_id: str
    valid_to: date | None
    tariff: Text | None


def proposals(
    own: Side, original: Side, match: Match, on: date, rules: Rules
) -> Iterator[Proposal]:
    """Every use for which the result of ``original`` matters to ``own``.

    Raises ``ConfigError`` if a parameter that it needs is not in force on the day.
    """
    for use in uses(own, original, match, on, rules):
        yield propose(use, own, original, match, on, rules)


def uses(own: Side, original: Side, match: Match, on: date, rules: Rules) -> Iterator[Use]:
    """What two records that matched raise as questions. Pure: no use depends on other records."""
    if original.is_own or not own.is_own or own.is_gone:
        return
    if original.record_type == "inspection":
        if _frees_from_inspection(own, original, match, on, rules):
            yield "inspection_exemption"
        return
    # A lead is no result yet; what was inspected only is no case of ours.
    if own.record_type == "inspection" or original.record_type != "case_result":
        return
    if match.same_act:
        if own.is_open or own.is_fined:
            yield "duplicate_fine_check"
        return
    if not _is_earlier(original, own):
        return
    if _accumulates(own, original, match, rules):
        yield "accumulation"
    if "party" in match.shared and _is_prior(own, original, rules):
        if own.is_open or own.decision_type == "no_penalty_first":
            yield "first_offence_check"
        if own.is_open and original.decision_type == "penalty" and _has_tiers(own, on, rules):
            yield "discretion"


def propose(use: Use, own: Side, original: Side, match: Match, on: date, rules: Rules) -> Proposal:
    """The proposal for one use; see :func:`uses` for whether there should be one."""
    findings = (*_identity(match), *legal_check(original, use, on, rules))
    tariff = own_tariff(own, original, rules) if use in _WITH_TARIFF else None
    if tariff is not None:
        weight: Weight = "limits" if use == "discretion" else "told"
        findings = (*findings, Finding("rule_difference", weight, tariff[0], tariff[1]))
    proposed: Decision = "recognised"
    if any(f.weight == "blocks" for f in findings):
        proposed = "not_recognised"
    elif any(f.weight == "limits" for f in findings):
        proposed = "partly"
    grave = sorted(findings, key=lambda f: ("blocks", "limits", "told").index(f.weight))
    return Proposal(
        use=use,
        own=own,
        original=original,
        match=match,
        findings=tuple(grave),
        proposed=proposed,
        reason=first_reason(grave),
        effects=effects(use, own, original),
        bases=_bases(use, grave, on, rules),
        crosswalk_id=crosswalk_id(original, rules),
        valid_to=_valid_to(use, original, on, rules),
        tariff=None if tariff is None else tariff[0],
    )


_WITH_TARIFF: tuple[Use, ...] = ("duplicate_fine_check", "accumulation", "discretion")


def crosswalk_id(original: Side, rules: Rules) -> str:
    """The rule packs there and here, as ``cn-2026.11~cn-2026.11+zj-2026.11``."""
    ours = rule_set_version(rules.division, rules.packs)
    return f"{original.rule_pack_version or '?'}~{ours}"[:64]


def _identity(match: Match) -> Iterator[Finding]:
    if match.level == "probable":
        yield Finding(
            "identity_uncertain",
            "limits",
            Text(
                en="the match is probable, not certain: compare the evidence",
                zh="比对结果为可能一致，请核对证据后再决定",
            ),
        )


def _bases(use: Use, findings: list[Finding], on: date, rules: Rules) -> tuple[Basis, ...]:
    rows = [rules.basis(LAW[use], on), rules.basis("no_two_fines", on)]
    first = [row for row in rows[: 2 if use == "duplicate_fine_check" else 1] if row]
    more = [f.basis for f in findings if f.basis is not None]
    return tuple({(b.pack, b.entry): b for b in (*first, *more)}.values())


def _is_earlier(original: Side, own: Side) -> bool:
    return (
        original.act_time is not None
        and own.act_time is not None
        and original.act_time < own.act_time
    )


def _accumulates(own: Side, original: Side, match: Match, rules: Rules) -> bool:
    """Both are overloads of one vehicle, driver or company within the law's year."""
    if not match.shared & {"vehicle", "driver", "operator"}:
        return False
    if not (_is_overload(own) and _is_overload(original)):
        return False
    return _within(original, own, rules, "accumulation_years")


def _is_overload(side: Side) -> bool:
    if side.counts_toward_accumulation is not None:
        return side.counts_toward_accumulation or side.decision_type == "penalty"
    total, limit = side.total_weight_kg, side.limit_weight_kg
    return bool(total and limit and total > limit)


def _is_prior(own: Side, original: Side, rules: Rules) -> bool:
    """An earlier offence of the party that speaks against a first one, by the local reading."""
    if original.decision_type in ("not_established", "no_penalty_no_fault", "withdrawn"):
        return False
    day = own.act_day
    if day is None or not _within(original, own, rules, "first_offence_years"):
        return False
    scope = choice("first_offence_scope", rules.division, day, rules.packs).entry.value
    return scope == "any_cause" or same_cause(own, original)


def same_cause(one: Side, other: Side) -> bool:
    """The same cause of the common list; an unknown one is the same as none."""
    cause = known(one.cause)
    return cause is not None and cause == known(other.cause)


def _within(original: Side, own: Side, rules: Rules, parameter: str) -> bool:
    if original.act_day is None or own.act_day is None:
        return False
    return original.act_day >= years_before(own.act_day, rules.number(parameter, own.act_day))


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; of 29 February the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=day.day - 1)


def _has_tiers(own: Side, on: date, rules: Rules) -> bool:
    rows = rows_for(DiscretionTier, rules.division, on, packs=rules.packs)
    return any(row.entry.cause == known(own.cause) for row in rows)


def _frees_from_inspection(own: Side, original: Side, match: Match, on: date, rules: Rules) -> bool:
    """An own inspection that has no result yet, of a vehicle that was inspected there lately."""
    if own.record_type != "inspection" or known(own.inspection_result) is not None:
        return False
    if "vehicle" not in match.shared or original.act_day is None:
        return False
    planned = own.act_day or on
    last = last_day_of_inspection(original, rules)
    return last is not None and original.act_day <= planned <= last


def last_day_of_inspection(original: Side, rules: Rules) -> date | None:
    """The last day on which an inspection there still frees from one here."""
    if original.act_day is None:
        return None
    days = rules.number("inspection_not_repeated_days", original.act_day)
    return original.act_day + timedelta(days=days)


def _valid_to(use: Use, original: Side, on: date, rules: Rules) -> date | None:
    if use == "inspection_exemption":
        return last_day_of_inspection(original, rules)
    if use in ("credit", "discretion"):
        ends = (original.penalty_valid_until, original.publicity_deadline)
        later = [day for day in ends if day is not None and day >= on]
        return min(later, default=None)
    return None


def is_reminder(earlier: Side, later: Side, rules: Rules) -> bool:
    """A party that was let off has offended again (首违免罚后续跟踪): the pair to be told of."""
    if not was_let_off(earlier) or earlier.is_gone or later.is_gone:
        return False
    if not (earlier.is_own or later.is_own) or not _is_earlier(earlier, later):
        return False
    return _within(earlier, later, rules, "first_offence_years")


#: A match on one subject that is not the same act: how strongly it speaks.
SUBJECT_SCORE = Decimal("1.0000")
