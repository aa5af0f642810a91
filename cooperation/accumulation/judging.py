"""SQL of the question whether a case counts, and if not, why (``cooperation/accumulation/model``).

Days are days of Chinese legal time. A case is looked at twice, by the day of the act and by the day
of the decision; one act counts once, on the earliest day that its records give.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from cooperation.accumulation.law import AccumulationLaw, Kind
from schemas.sql import ident, literal

#: Which column of the relation says who it is.
KEY_COLUMN: dict[Kind, str] = {
    "vehicle": "vehicle_key",
    "driver": "driver_key",
    "transport_enterprise": "operator_key",
}
#: Of a masked number nobody can say whose it is: two people may have the same stars.
_MASK = "'*'"
_STRUCK = "('revoked', 'confirmed_illegal')"
#: Columns of the relation that a judged row keeps.
COLUMNS = (
    "record_id", "source_org_code", "no", "vehicle_key", "operator_key", "act_time", "cause",
    "decision_date", "filing_time", "vehicle_registration_division", "accumulation_reason",
    "same_act_group_id", "data_status", "decision_type", "fine_amount_cny", "review_status",
    "litigation_status", "counts_toward_accumulation",
)  # fmt: skip


def known_sql(column: str) -> str:
    """SQL: does the column say whose case it is?"""
    return f"({column} IS NOT NULL AND NOT contains({column}, {_MASK}))"


def possible_sql(laws: Iterable[AccumulationLaw]) -> str:
    """SQL over the relation: could the row count under one of these laws, by either date?

    Wider than the judgement itself: it picks the subjects that are then looked at closely.
    """
    some = list(laws)
    first = min(law.earliest for law in some)
    last = max(law.as_of for law in some)
    causes = sorted({cause for law in some for cause in law.causes})
    warned = any(law.warnings_count for law in some)
    fines = "" if warned else " AND fine_amount_cny IS DISTINCT FROM 0"
    pending = "" if any(law.pending_count for law in some) else f" AND {_not_pending()}"
    return (
        "record_type = 'case_result' AND decision_type = 'penalty' "
        f"AND cause IN ({', '.join(map(literal, causes))}) "
        "AND data_status NOT IN ('removed', 'revoked') "
        f"AND coalesce(review_status, '') NOT IN {_STRUCK} "
        f"AND coalesce(litigation_status, '') NOT IN {_STRUCK} "
        "AND counts_toward_accumulation IS DISTINCT FROM FALSE "
        f"{fines}{pending} "
        f"AND ((act_time >= {moment_sql(first)} AND act_time < {moment_sql(_next(last))}) "
        f"OR decision_date BETWEEN DATE '{first}' AND DATE '{last}')"
    )


def _not_pending() -> str:
    return (
        "coalesce(review_status, '') <> 'pending' AND coalesce(litigation_status, '') <> 'pending'"
    )


def moment_sql(day: date) -> str:
    """The first moment of a day in Chinese legal time."""
    return f"TIMESTAMPTZ '{day} 00:00:00+08'"


def _next(day: date) -> date:
    return day + timedelta(days=1)


#: Why a row can't count whatever its dates; NULL if nothing stands against it. ``s``: its subject.
_AGAINST = f"""
CASE
  WHEN r.data_status = 'removed' THEN 'removed'
  WHEN r.cause IS NULL OR r.cause = 'unmapped' THEN 'cause_unknown'
  WHEN NOT list_contains(s.causes, r.cause) THEN 'other_cause'
  WHEN r.data_status = 'revoked' OR r.review_status IN {_STRUCK}
    OR r.litigation_status IN {_STRUCK} OR r.decision_type = 'withdrawn' THEN 'revoked'
  WHEN r.decision_type IS NULL OR r.decision_type = 'unmapped' THEN 'no_decision'
  WHEN r.decision_type <> 'penalty' THEN 'no_penalty'
  WHEN r.fine_amount_cny = 0 AND NOT s.warnings_count THEN 'warning'
  WHEN r.counts_toward_accumulation = FALSE THEN 'own_word'
  WHEN NOT s.pending_count
    AND (r.review_status = 'pending' OR r.litigation_status = 'pending') THEN 'under_review'
END
"""


def judged_sql(rows: str, subjects: str, acts: str, as_of: date, decided_by: date) -> str:
    """SQL of the judged rows.

    ``rows``: kind, key, :data:`COLUMNS`; ``subjects``: kind, key, start, causes, warnings_count,
    pending_count; ``acts``: act, root of acts that are known to be the same.
    """
    day = f"DATE '{as_of}'"
    return f"""
WITH dated AS (
  SELECT r.*, s.start, {_AGAINST} AS against,
    CAST(r.act_time AT TIME ZONE 'Asia/Shanghai' AS DATE) AS act_day,
    {act_sql("r")} AS own_act
  FROM {ident(rows)} r JOIN {ident(subjects)} s USING (kind, key)
), timed AS (
  SELECT d.*, coalesce(a.root, d.own_act)
      || CASE WHEN kind = 'transport_enterprise' THEN coalesce('/' || vehicle_key, '') ELSE '' END
      AS act,
    CASE WHEN against IS NOT NULL THEN against WHEN act_day IS NULL THEN 'no_date'
      WHEN act_day > {day} THEN 'after_window'
      WHEN decision_date > DATE '{decided_by}' THEN 'not_yet_decided' END AS why_violation,
    CASE WHEN against IS NOT NULL THEN against WHEN decision_date IS NULL THEN 'no_date'
      WHEN decision_date > {day} THEN 'after_window'
      WHEN act_day > {day} THEN 'after_window' END AS why_decision
  FROM dated d LEFT JOIN {ident(acts)} a ON a.act = d.own_act
), placed AS (
  SELECT *,
    {_place("why_violation", "act_day")} AS place_violation,
    {_place("why_decision", "decision_date")} AS place_decision
  FROM timed
)
SELECT * EXCLUDE (why_violation, why_decision, place_violation, place_decision),
  {_final("violation", "act_day")} AS violation, {_final("decision", "decision_date")} AS decision
FROM placed
"""


def act_sql(row: str) -> str:
    """SQL: which act a row is about, as far as its own agency says."""
    return (
        f"CASE WHEN {row}.same_act_group_id IS NOT NULL THEN 'g:' || {row}.same_act_group_id "
        f"ELSE 'r:' || {row}.source_org_code || '/' || {row}.record_id END"
    )


def _place(why: str, day: str) -> str:
    """The place of a row among those of its act, NULL for rows that can't count."""
    return (
        f"CASE WHEN {why} IS NULL THEN row_number() OVER (PARTITION BY kind, key, act, "
        f"({why} IS NULL) ORDER BY {day}, filing_time NULLS LAST, source_org_code, record_id) END"
    )


def _final(base: str, day: str) -> str:
    return (
        f"CASE WHEN why_{base} IS NOT NULL THEN why_{base} "
        f"WHEN place_{base} > 1 THEN 'same_act' WHEN {day} < start THEN 'before_window' END"
    )
