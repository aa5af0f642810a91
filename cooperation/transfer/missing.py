"""The numbers by which a missing transfer would show: cases with a sign, what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from cooperation.procedures.fold import Matter
from cooperation.transfer.signs import Sign

#: What became of a case that shows a sign; the furthest that one of its matters came.
Outcome = Literal["none", "suspected", "refused", "transferred"]
OUTCOMES: tuple[Outcome, ...] = ("none", "suspected", "refused", "transferred")
#: The line of all signs of a month together: a case with two signs counts there once.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Line:
    """One month and one sign (or :data:`ALL`). ``cases``: the denominator; ``transferred``: the
    numerator; the others are told so that the sum can be checked. ``month`` None: no date known.
    """

    month: date | None
    sign: str
    offence: str
    offence_en: str
    cases: int
    transferred: int
    suspected: int
    refused: int
    none: int
    versions: tuple[str, ...]
    verified: bool


def outcomes(matters: Iterable[Matter]) -> dict[str, Outcome]:
    """What became of each subject of a criminal transfer, by record identifier and number."""
    found: dict[str, Outcome] = {}
    for matter in matters:
        if matter.table.name != "transfer" or not matter.applied:
            continue
        reached = _outcome(matter)
        acts = [applied.act for applied in matter.applied]
        for subject in {s for a in acts for s in (*a.subject_record_ids, *a.subject_nos)}:
            before = found.get(subject, "none")
            found[subject] = max(before, reached, key=OUTCOMES.index)
    return found


def _outcome(matter: Matter) -> Outcome:
    if matter.last_of("dispatch") is not None:
        return "transferred"
    return "refused" if matter.state_name == "refused" else "suspected"


def outcome_of(sign: Sign, known: Mapping[str, Outcome]) -> Outcome:
    """A case that ended as a transfer to justice was transferred, also without a matter here."""
    if sign.transferred:
        return "transferred"
    both = (known.get(sign.record_id, "none"), known.get(sign.case_no, "none"))
    return max(both, key=OUTCOMES.index)


def lines(
    found: Iterable[Sign],
    known: Mapping[str, Outcome],
    since: date | None = None,
    until: date | None = None,
) -> list[Line]:
    """By month and sign, the line of all signs of a month last. ``until`` itself is counted."""
    groups: defaultdict[tuple[date | None, str], dict[str, Sign]] = defaultdict(dict)
    for sign in found:
        day = sign.month_date
        if (since or until) and day is None:
            continue
        if day is not None and ((since and day < since) or (until and day > until)):
            continue
        month = day.replace(day=1) if day else None
        for name in (sign.entry.name, ALL):
            groups[month, name][sign.record_id] = sign
    order = sorted(groups, key=lambda key: (key[0] or date.max, key[1] == ALL, key[1]))
    return [_line(month, name, groups[month, name], known) for month, name in order]


def _line(
    month: date | None, name: str, cases: Mapping[str, Sign], known: Mapping[str, Outcome]
) -> Line:
    counted = [outcome_of(sign, known) for sign in cases.values()]
    first = next(iter(cases.values())).entry
    return Line(
        month=month,
        sign=name,
        offence="" if name == ALL else first.offence,
        offence_en="" if name == ALL else first.offence_en,
        cases=len(cases),
        transferred=counted.count("transferred"),
        suspected=counted.count("suspected"),
        refused=counted.count("refused"),
        none=counted.count("none"),
        versions=tuple(sorted({sign.version for sign in cases.values()})),
        verified=all(sign.entry.verified for sign in cases.values()),
    )
