"""The fields of an ``accumulation_snapshot`` record, out of a count."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from cooperation.accumulation.following import News
from cooperation.accumulation.law import Kind
from cooperation.accumulation.model import Accumulation, CountedCase

_DOMAIN = "hefu-accumulation-v1"
_NUMBER_LENGTH = 10
_FOUR_PLACES = Decimal("0.0001")
#: These say nothing of a correction, and every old case has one.
_PLAIN_REASONS = frozenset({"before_window", "after_window", "not_yet_decided", "other_cause"})
PURPOSE = "一超四罚累计（公路安全保护条例第六十六条）"
#: The cause of the common list that an accumulation is, by kind of subject.
CAUSES: dict[Kind, str] = {
    "vehicle": "overload_repeat_vehicle",
    "driver": "overload_repeat_driver",
    "transport_enterprise": "overload_repeat_operator",
}


@dataclass(frozen=True, slots=True)
class Covered:
    """An agency whose cases were counted; ``as_of`` None: nothing was ever read of it."""

    org: str
    as_of: datetime | None
    records: int


@dataclass(frozen=True, slots=True)
class About:
    """What the counted records say of the subject beyond who it is."""

    transport_certificate_no: str | None = None
    operator_uscc: str | None = None
    to_org: str | None = None


def subject_token(key: bytes, kind: Kind, subject: str) -> str:
    """What holds the snapshots of one subject together, under the node's own ``key``."""
    text = "\n".join((_DOMAIN, kind, subject))
    return "hs256:" + hmac.new(key, text.encode(), sha256).hexdigest()


def snapshot_no(org: str, token: str, news: News) -> str:
    """Follows from what the snapshot says: the same result is the same record."""
    a = news.accumulation
    listed = sorted(c.record_id for c in a.counted())
    after = news.earlier.record_id if news.earlier else ""
    parts = (token, news.change, after, a.base, a.window.end.isoformat(), *listed)
    digest = sha256("\x1f".join(parts).encode()).hexdigest()
    return f"LJ-{org[2:8]}-{digest[:_NUMBER_LENGTH].upper()}"


def own_case(accumulation: Accumulation, org: str) -> CountedCase | None:
    """The latest counted case of that agency."""
    own = [c for c in accumulation.counted() if c.org == org]
    return own[-1] if own else None


def snapshot_values(
    news: News,
    token: str,
    org: str,
    coverage: Sequence[Covered],
    about: About,
    now: datetime,
) -> dict[str, object]:
    """A record by field, all but the envelope's. ``org``: the agency that counted."""
    a = news.accumulation
    counted = a.counted()
    excluded = [c for c in a.cases if c.why_not(a.base) not in (None, *_PLAIN_REASONS)]
    told = own_case(a, org)
    answered = [c for c in coverage if c.as_of is not None]
    no = snapshot_no(org, token, news)
    return {
        "source_record_id": no,
        "snapshot_no": no,
        "snapshot_time": now,
        "source_updated_time": now,
        "supersedes_record_id": news.earlier.record_id if news.earlier else None,
        "snapshot_change": news.change,
        "subject_kind": a.kind,
        "subject_token": token,
        "about_record_id": told.record_id if told else None,
        "about_source_org_code": told.org if told else None,
        "case_cause_scope": a.law.causes,
        "window_kind": a.window.kind,
        "window_start_date": a.window.start,
        "window_end_date": a.window.end,
        "base_date_kind": f"{a.base}_date",
        "count_by_violation_date": len(a.counted("violation")),
        "count_by_decision_date": len(a.counted("decision")),
        "accumulation_result": _result(a),
        "hit_record_ids": tuple(c.record_id for c in counted),
        "hit_source_org_codes": tuple(c.org for c in counted),
        "hit_nos": tuple(c.no for c in counted),
        "not_counted_record_ids": tuple(c.record_id for c in excluded),
        "not_counted_source_org_codes": tuple(c.org for c in excluded),
        "not_counted_reasons": tuple(str(c.why_not(a.base)) for c in excluded),
        "answered_org_codes": tuple(c.org for c in answered),
        "answered_as_of_times": tuple(c.as_of.isoformat() for c in answered if c.as_of),
        "unanswered_org_codes": tuple(c.org for c in coverage if c.as_of is None),
        "query_purpose": PURPOSE,
        "operator_role": "system",
        "applied_rule_pack_version": a.law.version,
        "applied_article": a.law.bases[a.kind].article,
        "vehicle_registration_division": a.division,
        "transport_certificate_no": about.transport_certificate_no,
        "vehicle_operator_uscc": about.operator_uscc,
        "to_org": about.to_org,
    } | (_fleet(a) if a.kind == "transport_enterprise" else {"threshold_count": int(a.limit)})


def _result(a: Accumulation) -> str:
    if a.standing == "fleet_unknown":
        return "identity_uncertain"
    return "exceeded" if a.standing == "exceeded" else "not_exceeded_in_answered_sources"


def _fleet(a: Accumulation) -> dict[str, object]:
    ratio = None
    if a.fleet is not None and a.fleet.vehicles:
        ratio = (Decimal(a.count) / a.fleet.vehicles).quantize(_FOUR_PLACES)
    return {
        "overloaded_vehicle_count": a.count,
        "fleet_vehicle_count": a.fleet.vehicles if a.fleet else None,
        "fleet_count_date": a.fleet.day if a.fleet else None,
        "overloaded_vehicle_ratio": ratio,
        "threshold_ratio": a.limit,
        "revocation_ratio": a.law.revocation_ratio,
        "exceeds_revocation_ratio": a.grave if a.law.revocation_ratio is not None else None,
    }
