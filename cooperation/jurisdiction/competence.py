"""Who is competent for an act, as far as records can say: a proposal with its articles.

The place of the violation comes first (行政处罚法 art. 22); of several agencies that are competent
by it the first to file (art. 25). What the records do not tell is said, not guessed, and what
speaks against the proposal stands beside it. A person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from cooperation.jurisdiction.divisions import Superior, common_superior, is_within, spoken
from schemas.law.basis import Basis
from schemas.law.jurisdiction import not_in_force, prevailing, rows_for
from schemas.rule_entries import Provision
from schemas.rulepack import RulePack
from schemas.text import Text

CHINA = ZoneInfo("Asia/Shanghai")
_BY_PLACE, _FIRST_FILED = "jurisdiction_by_place", "jurisdiction_first_filed"
_NO_SECOND_FINE = "no_second_fine"


@dataclass(frozen=True, slots=True)
class Filing:
    """One agency's record of the act. ``filed``: when it filed the case, aware; ``place``: GB/T
    2260 code of the place of the act by this record; ``decided``: the day of its decision."""

    org: str
    record_id: str
    no: str
    filed: datetime | None = None
    place: str | None = None
    decided: date | None = None
    fined: bool = False


@dataclass(frozen=True, slots=True)
class FirstFiled:
    """``first``: the filing before all others, None if that can't be said; ``tied``: those that
    share the earliest moment (or day, where one of them has no time of day); ``undated``: those
    without a filing time."""

    first: Filing | None
    tied: tuple[Filing, ...] = ()
    undated: tuple[Filing, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence and the article that it rests on."""

    text: Text
    basis: Basis


@dataclass(frozen=True, slots=True)
class Proposal:
    """``competent``: the agency that the records speak for; None: they don't say.

    ``against``: what speaks against it or has to be cleared up first.
    """

    competent: str | None
    reasons: tuple[Reason, ...]
    against: tuple[Reason, ...]
    first: FirstFiled
    superior: Superior


def first_filed(filings: Iterable[Filing]) -> FirstFiled:
    """Who filed first.

    Many systems keep the day of filing only: a time of midnight in China is read as a day, and
    then filings of that day can't be told apart. A filing without a time may have been the
    first: there is no first then.
    """
    known = list(filings)
    dated = sorted(
        ((f.filed, f) for f in known if f.filed is not None),
        key=lambda pair: (pair[0], pair[1].org),
    )
    undated = tuple(f for f in known if f.filed is None)
    if not dated:
        return FirstFiled(None, (), undated)
    tied = tuple(f for filed, f in dated if _not_after(filed, dated[0][0], [t for t, _ in dated]))
    alone = len({f.org for f in tied}) == 1
    if not alone:
        return FirstFiled(None, tied, undated)
    missing = any(f.org != tied[0].org for f in undated)
    return FirstFiled(None if missing else tied[0], (), undated)


def _not_after(filed: datetime, earliest: datetime, all_times: Sequence[datetime]) -> bool:
    """Whether a filing may have been as early as the earliest, as far as the times are told."""
    if filed == earliest:
        return True
    day = earliest.astimezone(CHINA).date()
    same_day = [t for t in all_times if t.astimezone(CHINA).date() == day]
    return filed in same_day and any(_is_a_day(t) for t in same_day)


def _is_a_day(moment: datetime) -> bool:
    here = moment.astimezone(CHINA)
    return (here.hour, here.minute, here.second, here.microsecond) == (0, 0, 0, 0)


def competent_by_place(
    filings: Iterable[Filing], agencies: Mapping[str, str], on: date
) -> tuple[str, ...]:
    """The agencies in whose territory the act was by any of the records.

    Args:
        agencies: the division of each agency by its code.
    """
    places = {f.place for f in filings if f.place}
    return tuple(
        org
        for org, territory in sorted(agencies.items())
        if any(is_within(place, territory, on) for place in places)
    )


def propose_competent(
    filings: Sequence[Filing],
    agencies: Mapping[str, str],
    on: date,
    packs: Iterable[RulePack] | None = None,
) -> Proposal:
    """Who the records speak for.

    Args:
        filings: one or more records of the same act, of two or more agencies.
        agencies: code and division of every agency that is in dispute.
        on: the day that law and divisions are read by.
    """
    law = _Law(min(agencies.values()), on, None if packs is None else tuple(packs))
    by_place = competent_by_place(filings, agencies, on)
    first = first_filed([f for f in filings if not by_place or f.org in by_place])
    superior = common_superior([agencies[org] for org in sorted(agencies)], on)
    competent, reasons = _chosen(by_place, first, law)
    against = [
        *_about_places(filings, agencies, by_place, law),
        *_about_filing(first, law),
        *_about_decisions(filings, competent, law),
        *_about_tree(superior, law),
    ]
    return Proposal(competent, tuple(reasons), tuple(against), first, superior)


@dataclass(frozen=True, slots=True)
class _Law:
    division: str
    on: date
    packs: tuple[RulePack, ...] | None

    def reason(self, name: str, text: Text) -> Reason:
        found = prevailing(rows_for(Provision, self.division, self.on, name=name, packs=self.packs))
        if not found:
            raise not_in_force(name, self.on)
        return Reason(text, found[0].basis)


def _chosen(
    by_place: tuple[str, ...], first: FirstFiled, law: _Law
) -> tuple[str | None, list[Reason]]:
    if len(by_place) == 1:
        text = Text(
            en="by its records the act was in the territory of this agency alone",
            zh="按现有记录，违法行为只发生在该机关辖区内",
        )
        return by_place[0], [law.reason(_BY_PLACE, text)]
    if by_place and first.first is not None:
        text = Text(
            en="several agencies are competent by the place of the act; this one filed first",
            zh="按违法行为发生地，两个以上机关都有管辖权，该机关最先立案",
        )
        return first.first.org, [law.reason(_FIRST_FILED, text)]
    return None, []


def _about_places(
    filings: Sequence[Filing],
    agencies: Mapping[str, str],
    by_place: tuple[str, ...],
    law: _Law,
) -> list[Reason]:
    said: list[Text] = []
    places = {f.place for f in filings if f.place}
    if not places:
        said.append(
            Text(
                en="no record names the division of the place of the act: clear up where it was",
                zh="各方记录均未填写违法行为发生地的行政区划，请先查清发生地",
            )
        )
    elif not by_place:
        said.append(
            Text(
                en="the place that the records name is in nobody's territory of these agencies: "
                "another one may be competent",
                zh="记录所载的违法行为发生地不在任何一方辖区内，可能应由其他机关管辖",
            )
        )
    elif len(places) > 1:
        said.append(
            Text(
                en="the records name different places: either the act went on through all of them, "
                "or one of the records is wrong; compare the evidence",
                zh="各方记录的违法行为发生地不一致：可能是连续行为经过多地，也可能是一方记录有误，"
                "请核对证据",
            )
        )
    silent = sorted({f.org for f in filings if not f.place} & set(agencies))
    if places and silent:
        said.append(
            Text(
                en=f"the record of {', '.join(silent)} does not say where the act was",
                zh=f"{'、'.join(silent)} 的记录没有写明违法行为发生地",
            )
        )
    return [law.reason(_BY_PLACE, text) for text in said]


def _about_filing(first: FirstFiled, law: _Law) -> list[Reason]:
    said: list[Text] = []
    if first.tied:
        said.append(
            Text(
                en="by what the records tell, two or more filed at the same time; compare the "
                "approvals of filing",
                zh="按记录所载时间，两个以上机关同时立案（或者只记到日），请核对立案审批表",
            )
        )
    if first.undated:
        orgs = sorted({f.org for f in first.undated})
        said.append(
            Text(
                en=f"no time of filing is known of {', '.join(orgs)}: it may have been the first",
                zh=f"{'、'.join(orgs)} 的立案时间未知，不能排除其最先立案",
            )
        )
    return [law.reason(_FIRST_FILED, text) for text in said]


def _about_decisions(filings: Sequence[Filing], competent: str | None, law: _Law) -> list[Reason]:
    return [
        law.reason(
            _NO_SECOND_FINE,
            Text(
                en=f"{f.org} has decided already, on {f.decided}"
                + (", with a fine: nobody may fine again while that stands" if f.fined else ""),
                zh=f"{f.org} 已于{f.decided}作出决定"
                + ("并处罚款：该决定有效期间，任何机关不得再次罚款" if f.fined else ""),
            ),
        )
        for f in filings
        if f.decided is not None and f.org != competent
    ]


def _about_tree(superior: Superior, law: _Law) -> list[Reason]:
    said = spoken(superior.divisions)
    if superior.within:
        said.append(
            Text(
                en="one agency's place lies within the other's, or both are of one place: who the "
                "common superior is follows from how they are organised, not from the map",
                zh="双方属于同一地方或者上下级关系，共同上级应按机构隶属关系确定，不能只看行政区划",
            )
        )
    return [law.reason(_FIRST_FILED, text) for text in said]
