"""The ground truth: which defects were put into which feed, and what must become of them.

The tests compare a node's own counts with these. A row has at most one defect, so the
numbers add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final, Literal

Kind = Literal[
    "plate_variant",
    "plate_unread",
    "wrong_check_digit",
    "duplicate_decision_no",
    "exact_duplicate",
    "same_act",
    "late",
    "corrected",
    "blank_required",
    "impossible_date",
    "negative_fine",
    "same_party",
    "unknown_code",
    "fine_off_tariff",
    "fine_out_of_range",
    "summary_over_limit",
    "limitation_passed",
]
Outcome = Literal["accepted", "duplicate", "quarantined"]

# What a node must do with the row (of `exact_duplicate` and `corrected`: with the second one).
OUTCOME: Final[dict[Kind, Outcome]] = {
    "plate_variant": "accepted",  # and written the canonical way
    "plate_unread": "accepted",  # and flagged
    "wrong_check_digit": "quarantined",
    "duplicate_decision_no": "accepted",  # two cases, one number: a person looks at it later
    "exact_duplicate": "duplicate",
    "same_act": "accepted",  # two records of two agencies; whose act it is, is decided later
    "late": "accepted",  # an update time older than rows that were fetched before
    "corrected": "accepted",  # a second version beside the first
    "blank_required": "quarantined",
    "impossible_date": "quarantined",
    "negative_fine": "quarantined",
    "same_party": "accepted",  # one party, a case on each side; numbers never go over
    "unknown_code": "accepted",  # `unmapped`, the source's text kept, flagged and counted
    "fine_off_tariff": "accepted",  # this and the next three: flagged with the article
    "fine_out_of_range": "accepted",
    "summary_over_limit": "accepted",
    "limitation_passed": "accepted",
}
# What the agency's own law does not give. The defect's ``detail`` is the rule that must say so.
AGAINST_THE_LAW: Final[frozenset[Kind]] = frozenset(
    ("fine_off_tariff", "fine_out_of_range", "summary_over_limit", "limitation_passed")
)
# Cases of one party at two agencies; cases with the same ``detail`` are one party's.
OF_ONE_PARTY: Final[frozenset[Kind]] = frozenset(("same_act", "same_party"))


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect, on the night when its row arrives; ``identity`` is the row's own number.

    ``detail`` says more where there is more: ``field=text`` of an unknown code, the rule that a
    decision breaks, the name of an act or a party that two agencies have.
    """

    feed: str
    night: int
    kind: Kind
    identity: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a node's run of one night must count for one feed when it sees only new rows."""

    received: int
    accepted: int
    duplicate: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """``rows`` counts the rows of (feed, night); every defect is in ``defects``."""

    rows: dict[tuple[str, int], int]
    defects: tuple[Defect, ...]

    def count(self, feed: str, night: int = 1) -> dict[Kind, int]:
        return dict(Counter(d.kind for d in self.defects if (d.feed, d.night) == (feed, night)))

    def of_kind(self, feed: str, *kinds: Kind) -> list[Defect]:
        """The defects of these kinds in ``feed``, of both nights."""
        return [d for d in self.defects if d.feed == feed and d.kind in kinds]

    def expected(self, feed: str, night: int = 1) -> Expected:
        outcomes = Counter[Outcome]()
        for kind, number in self.count(feed, night).items():
            outcomes[OUTCOME[kind]] += number
        received = self.rows[feed, night]
        return Expected(
            received=received,
            accepted=received - outcomes["duplicate"] - outcomes["quarantined"],
            duplicate=outcomes["duplicate"],
            quarantined=outcomes["quarantined"],
        )

    def as_json(self) -> dict[str, object]:
        """For a file beside the region, so that a reader can look up what was put in."""
        return {
            "rows": [
                {"feed": feed, "night": night, **asdict(self.expected(feed, night))}
                for feed, night in self.rows
            ],
            "defects": [asdict(defect) for defect in self.defects],
        }


def ledger(rows: Iterable[tuple[str, int]], defects: Iterable[Defect]) -> Ledger:
    """``rows`` gives (feed, night) once for each row."""
    return Ledger(rows=dict(Counter(rows)), defects=tuple(defects))
