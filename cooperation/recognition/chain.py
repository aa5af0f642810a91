"""The state of a recognition: a fold over its records, and what follows from the original.

A recognition record is never changed, only followed: the proposal is the first record of a
recognition, each decision, reopening and lapse is another one with the next number. They are read
as acts of the procedure ``recognition``, so that its table, clocks and diagram hold for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.fold import Matter, fold
from cooperation.recognition.sides import CHINA
from schemas.codes import REMOVED

PROCEDURE = "recognition"
PROPOSE, REOPEN, LAPSE = "propose_recognition", "reopen", "lapse"
#: Decision of the contract -> act of the table.
ACTS = {
    "recognised": "recognise",
    "partly": "recognise_partly",
    "not_recognised": "do_not_recognise",
}
DECIDED_STATES = ("recognised", "partly_recognised", "not_recognised")

#: A change of these is told even if there was no value before: they carry legal effect.
LEGAL_FIELDS = frozenset(
    (
        "data_status", "decision_type", "non_penalty_basis", "penalty_category", "penalty_content",
        "fine_amount_cny", "confiscated_amount_cny", "suspended_or_revoked_licence",
        "penalty_decision_no", "decision_date", "penalty_valid_until", "publicity_deadline",
        "delivery_date", "review_status", "litigation_status", "counts_toward_accumulation",
        "criminal_flag", "common_cause_code", "case_cause_code", "occurred_time",
        "supersedes_record_id", "inspection_result", "inspection_time",
        "vehicle_plate_no", "vehicle_plate_color", "party_id_no", "party_id_token",
        "driver_license_no", "driver_id_token", "vehicle_operator_uscc",
    )
)  # fmt: skip
#: What may change without a word on the matter: how the fine is being paid, who reported, remarks.
HARMLESS = frozenset(
    (
        "paid_amount_cny", "execution_result", "execution_method", "closed_date", "remark",
        "inspection_remark", "raw_values", "source_updated_time", "reported_time", "reporter_name",
        "reporting_org_name", "reporting_org_uscc", "party_phone", "party_address",
    )
)  # fmt: skip
#: Of the own record: what a match rests on.
MATCHED_FIELDS = frozenset(
    (
        "vehicle_plate_no", "vehicle_plate_color", "party_id_no", "party_id_token",
        "driver_license_no", "driver_id_token", "vehicle_operator_uscc", "common_cause_code",
        "occurred_time", "violation_start_time", "violation_place", "inspection_time",
    )
)  # fmt: skip
#: Uses whose basis ends with validity or publication, and those whose effect just ends.
_REOPENS_AT_END = ("credit", "discretion")
_LAPSES_AT_END = ("inspection_exemption",)
#: Texts that say that there is nothing, as no text does.
_NOTHING = {"review_status": "none", "litigation_status": "none", "data_status": "valid"}


@dataclass(frozen=True, slots=True)
class Link:
    """One recognition record; ``is_own``: this node made it.

    ``step`` and ``sequence`` are None in a record of another system, or where the agreement does
    not grant them: then they follow from the order of the records.
    """

    record_id: str
    source_org: str
    recognition_no: str
    step: str | None
    sequence: int | None
    use: str
    decision: str
    recognising_org: str
    recognising_org_name: str | None
    recognised_org: str | None
    own_record_type: str | None
    own_record_id: str | None
    own_no: str | None
    own_hash: str | None
    original_type: str | None
    original_id: str | None
    original_no: str | None
    original_hash: str | None
    act_time: datetime
    recorded_time: datetime
    valid_to: date | None = None
    reason: str | None = None
    reason_text: str | None = None
    role: str | None = None
    name: str | None = None
    effect: str | None = None
    changed: tuple[str, ...] = ()
    decision_sha256: str | None = None
    proposed: str | None = None
    identity: str | None = None
    score: Decimal | None = None
    evidence: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    crosswalk_id: str | None = None
    is_own: bool = False

    @property
    def key(self) -> MatterKey:
        return MatterKey(self.recognising_org, self.recognition_no)


@dataclass(frozen=True, slots=True)
class Chain:
    """The records of one recognition in order, and the matter that they make."""

    links: tuple[Link, ...]
    matter: Matter

    @property
    def first(self) -> Link:
        return self.links[0]

    @property
    def last(self) -> Link:
        return self.links[-1]

    @property
    def decided(self) -> Link | None:
        """The decision that stands; None if none does."""
        if self.matter.state_name not in DECIDED_STATES:
            return None
        return next((k for k in reversed(self.links) if k.step in ACTS.values()), None)


@dataclass(frozen=True, slots=True)
class Step:
    """What has to follow by itself: ``reopen`` or ``lapse``, and the fields that changed."""

    code: str
    changed: tuple[str, ...]


def chains(links: Iterable[Link]) -> list[Chain]:
    """All recognitions; their order is that of their numbers."""
    by_key: defaultdict[MatterKey, dict[str, Link]] = defaultdict(dict)
    for link in links:
        by_key[link.key][link.record_id] = link
    return [_chain(key, list(by_key[key].values())) for key in sorted(by_key)]


def _chain(key: MatterKey, links: Sequence[Link]) -> Chain:
    ordered = _completed(links)
    return Chain(ordered, fold(key, PROCEDURE, [act_of(link) for link in ordered]))


def _completed(links: Sequence[Link]) -> tuple[Link, ...]:
    """In order, with step and sequence where another system gave none."""
    if all(link.step and link.sequence for link in links):
        return tuple(sorted(links, key=lambda k: (k.sequence or 0, k.source_org, k.record_id)))
    done: list[Link] = []
    for link in sorted(links, key=lambda k: (k.recorded_time, k.act_time, k.record_id)):
        step = ACTS.get(link.decision, REOPEN if done else PROPOSE)
        if not done and step != PROPOSE:
            proposal = replace(
                link, record_id=f"{link.record_id}:proposal", step=PROPOSE, sequence=1
            )
            done.append(proposal)
        done.append(replace(link, step=step, sequence=len(done) + 1))
    return tuple(done)


def acts(links: Iterable[Link]) -> list[Act]:
    """The records as acts of the procedure, to be folded with those of the other procedures."""
    return [act_of(link) for chain in chains(links) for link in chain.links]


def act_of(link: Link) -> Act:
    ids = [i for i in (link.own_record_id, link.original_id) if i]
    nos = [n for n in (link.own_no, link.original_no) if n]
    orgs = (link.recognising_org, link.recognised_org)
    return Act(
        record_id=link.record_id,
        source_org=link.source_org,
        procedure=PROCEDURE,
        matter=link.key,
        code=link.step or PROPOSE,
        sequence=link.sequence or 1,
        act_time=link.act_time,
        recorded_time=link.recorded_time,
        acting_org=link.recognising_org,
        acting_org_name=link.recognising_org_name,
        acting_role=link.role,
        actor_name=link.name,
        party_orgs=tuple(dict.fromkeys(org for org in orgs if org)),
        to_org=link.recognised_org,
        subject_record_ids=tuple(ids),
        subject_record_type=link.own_record_type,
        subject_nos=tuple(nos),
        reason_code=link.reason,
        reason_text=link.reason_text,
        result_record_id=link.original_id,
        result_no=link.original_no,
        result_code=link.decision,
        result_summary=link.effect,
        decision_sha256=link.decision_sha256,
        proposed_by_node=link.step in (PROPOSE, REOPEN, LAPSE),
    )


def following(chain: Chain, step: Step, known_time: datetime, recorded_time: datetime) -> Link:
    """The record that has to follow: pending again, with the fields that changed.

    ``known_time``: when this node came to know of the change; the period to decide runs from it.
    """
    last = chain.last
    return replace(
        last,
        record_id=f"next:{last.record_id}",
        step=step.code,
        sequence=(last.sequence or 0) + 1,
        decision="pending",
        act_time=known_time,
        recorded_time=recorded_time,
        reason=None,
        reason_text=None,
        role=None,
        name=None,
        effect=None,
        changed=step.changed,
        decision_sha256=None,
    )


@dataclass(frozen=True, slots=True)
class Versions:
    """What became of a record: the version that was looked at, if it is still there, and the one
    of now (None: the record is gone from the lake). ``hash_now`` is that of the latter."""

    seen: Mapping[str, Any] | None
    now: Mapping[str, Any] | None
    hash_now: str | None


def next_step(chain: Chain, original: Versions, own: Versions, on: date) -> Step | None:
    """What follows by itself from the records as they are on that day; None if nothing.

    After the step was recorded, with the versions of now, nothing follows any more.
    """
    state = chain.matter.state_name
    gone = _gone(original, "data_status") or _gone(own, "own.data_status")
    if state == "lapsed":
        return None if gone or _is_over(chain.last, on) else _back(chain.last)
    if gone:
        return Step(LAPSE, (gone,))
    if _is_over(chain.last, on):
        return Step(LAPSE, ("valid_to",))
    changed = changed_fields(chain.last, original, own)
    if changed:
        return Step(REOPEN, changed)
    if state in DECIDED_STATES and _ended(chain.last, original, on):
        return Step(REOPEN, _ended(chain.last, original, on))
    return None


def _gone(record: Versions, name: str) -> str | None:
    if record.now is None or record.now.get("data_status") == REMOVED:
        return name
    return None


def _back(last: Link) -> Step | None:
    """A record that was removed is there again."""
    return Step(REOPEN, last.changed) if set(last.changed) & _GONE_FIELDS else None


_GONE_FIELDS = {"data_status", "own.data_status"}


def _is_over(last: Link, on: date) -> bool:
    return last.use in _LAPSES_AT_END and last.valid_to is not None and last.valid_to < on


def _ended(last: Link, original: Versions, on: date) -> tuple[str, ...]:
    """Validity or publication that ended since the decision, for uses that rest on them."""
    if last.use not in _REOPENS_AT_END or original.now is None:
        return ()
    decided = last.act_time.astimezone(CHINA).date()
    ends = {name: original.now.get(name) for name in ("penalty_valid_until", "publicity_deadline")}
    return tuple(n for n, day in ends.items() if day is not None and decided <= day < on)


def changed_fields(last: Link, original: Versions, own: Versions) -> tuple[str, ...]:
    """Fields that changed since the last record was made; those of the own record as ``own.…``."""
    theirs = _changed(last.original_hash, original, is_own=False)
    ours = _changed(last.own_hash, own, is_own=True)
    return (*theirs, *(f"own.{name}" for name in ours))


def _changed(seen_hash: str | None, record: Versions, *, is_own: bool) -> tuple[str, ...]:
    if seen_hash is None or record.hash_now is None or seen_hash == record.hash_now:
        return ()
    if record.seen is None or record.now is None:  # what was looked at is not kept any more
        return () if is_own else ("content_hash",)
    names = sorted({*record.seen, *record.now} - HARMLESS)
    differing = tuple(n for n in names if _differs(n, record.seen.get(n), record.now.get(n)))
    return tuple(n for n in differing if not is_own or n in MATCHED_FIELDS)


def _differs(name: str, before: object, after: object) -> bool:
    """A field of no legal effect that is told or not told any more (as the agreement grants it)
    has not changed."""
    nothing: tuple[object, ...] = (None, "", [], _NOTHING.get(name))
    if before in nothing and after in nothing:
        return False
    if name not in LEGAL_FIELDS and (before in nothing or after in nothing):
        return False
    return before != after
