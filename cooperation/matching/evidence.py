"""What speaks for and against a pair, as a list of codes, in SQL over ``candidate`` (a, b)."""

from __future__ import annotations

from collections.abc import Sequence

from cooperation.matching.settings import Settings
from schemas.sql import literal

_BOTH_PLATES = "a.vehicle_plate_no IS NOT NULL AND b.vehicle_plate_no IS NOT NULL"
#: A colour that is none of its own tells nothing.
_COLOUR = "nullif(nullif(nullif({0}.vehicle_plate_color, 'other'), 'unknown'), 'unmapped')"
_OF_ONE_AGENCY = "a.source_org_code = b.source_org_code"


def evidence_sql(settings: Settings) -> str:
    """SELECT a, a_org, b, b_org, evidence VARCHAR[]; without candidates that time excludes."""
    measured = (
        "SELECT a, b, abs(a._minute - b._minute) AS minutes, "
        "a.act_time IS NULL OR b.act_time IS NULL AS about, "
        "a._is_date OR b._is_date AS dated, "
        f"{characters_off_sql()} AS off, {_alike_sql(settings)} AS alike, "
        f"{_colour('a')} AS a_colour, {_colour('b')} AS b_colour, "
        f"{_family('a', settings)} AS a_family, {_family('b', settings)} AS b_family, "
        "CASE WHEN least(a.total_weight_kg, b.total_weight_kg) > 0 THEN "
        "round(100.0 * abs(a.total_weight_kg - b.total_weight_kg) / "
        "greatest(a.total_weight_kg, b.total_weight_kg), 1) END AS percent FROM candidate"
    )
    kinds = _choose(
        "coalesce(a_family, b_family)",
        {name: family.kind for name, family in settings.families.items()},
        "CASE WHEN a._cause IS NULL AND b._cause IS NULL THEN 'unknown' ELSE 'moment' END",
    )
    windowed = (
        f"SELECT *, {_window(settings, 'near_minutes')} AS near, "
        f"{_window(settings, 'exact_minutes')} AS sure, "
        f"{_window(settings, 'probable_minutes')} AS wide "
        f"FROM (SELECT *, {kinds} AS kind FROM ({measured}))"
    )
    pieces = ", ".join(
        (
            *_identity(),
            *_references(),
            *_time(settings),
            *_place(settings),
            *_cause(),
            *_load(settings),
            *_against(),
        )
    )
    return (
        "SELECT a.record_id AS a, a.source_org_code AS a_org, b.record_id AS b, "
        "b.source_org_code AS b_org, "
        f"list_filter([{pieces}], lambda e: e IS NOT NULL) AS evidence "
        f"FROM ({windowed}) WHERE {_possible(settings)}"
    )


def _possible(settings: Settings) -> str:
    """What time alone excludes, and a misread plate that nothing bears out.

    Consecutive plates of one fleet differ in one character, too, and its trucks come in a row: the
    load, the driver or the trailer has to agree.
    """
    borne_out = (
        f"coalesce(percent <= {settings.limits.weight_same_percent}, false) "
        "OR coalesce(a.driver_key = b.driver_key, false) "
        "OR coalesce(a.trailer_plate_no = b.trailer_plate_no, false)"
    )
    days = settings.limits.about_days * 24 * 60
    return (
        f"({_names_inspection()} OR CASE WHEN about THEN minutes <= {days} "
        "WHEN dated THEN a._day = b._day ELSE minutes <= wide END) "
        f"AND (off IS NULL OR off = 0 OR (off = 1 AND alike) OR {borne_out})"
    )


def _identity() -> Sequence[str]:
    return (
        "CASE WHEN off = 0 AND a_colour = b_colour THEN 'same_plate_colour' "
        "WHEN off = 0 AND (a_colour IS NULL OR b_colour IS NULL) THEN 'same_plate' "
        "WHEN off = 0 THEN 'plate_other_colour' "
        "WHEN off = 1 AND alike THEN 'plate_one_alike' "
        "WHEN off = 1 THEN 'plate_one_character' "
        "WHEN off > 1 THEN 'contradicts_plate' ELSE 'plate_unread' END",
        _when("a.trailer_plate_no = b.trailer_plate_no", "same_trailer"),
        _when("a.trailer_plate_no <> b.trailer_plate_no", "contradicts_trailer"),
        _when("a.transport_certificate_no = b.transport_certificate_no", "same_certificate"),
        _when("a.driver_key = b.driver_key", "same_driver"),
        _when(
            "a.party_key = b.party_key "
            "AND NOT coalesce(a.driver_key = b.driver_key AND a.driver_key = a.party_key, false)",
            "same_party",
        ),
    )


def _references() -> Sequence[str]:
    return (
        _when(_names_inspection(), "names_inspection"),
        _when(f"a.same_act_group_id = b.same_act_group_id AND {_OF_ONE_AGENCY}", "same_group"),
        _when(
            "a.police_penalty_decision_no = b.police_penalty_decision_no", "same_police_decision"
        ),
    )


def _names_inspection() -> str:
    return (
        f"coalesce({_OF_ONE_AGENCY} AND ((a.record_type = 'inspection' AND b.inspection_no = a.no "
        "AND b.record_type <> 'inspection') OR (b.record_type = 'inspection' "
        "AND a.inspection_no = b.no AND a.record_type <> 'inspection')), false)"
    )


def _time(settings: Settings) -> Sequence[str]:
    moment = settings.limits.same_moment_minutes
    return (
        "CASE WHEN about THEN 'time_about:' || CAST(round(minutes / 1440) AS INTEGER) "
        "WHEN dated AND a._day = b._day THEN 'same_day' "
        f"WHEN minutes <= {moment} THEN 'same_moment:' || CAST(round(minutes) AS INTEGER) "
        "WHEN minutes <= near THEN 'time_within_minutes:' || CAST(round(minutes) AS INTEGER) "
        "WHEN minutes <= sure AND kind = 'continuous' "
        "THEN 'while_it_lasts:' || round(minutes / 60, 1) "
        "WHEN minutes <= sure THEN 'time_within_hours:' || round(minutes / 60, 1) "
        "ELSE 'time_within_days:' || round(minutes / 1440, 1) END",
    )


def _place(settings: Settings) -> Sequence[str]:
    again = settings.limits.passed_again_minutes
    exact = "NOT about AND NOT dated"
    return (
        _when("a._place = b._place AND a.division IS NOT DISTINCT FROM b.division", "same_place"),
        _when("a.division = b.division", "same_division"),
        _when("a.division <> b.division AND kind = 'moment'", "contradicts_division"),
        f"CASE WHEN a._place = b._place AND a.division = b.division AND kind = 'trip' AND {exact} "
        f"AND minutes > {again} THEN 'passed_again:' || CAST(round(minutes) AS INTEGER) END",
    )


def _cause() -> Sequence[str]:
    inspected = "(a.record_type = 'inspection' OR b.record_type = 'inspection')"
    return (
        "CASE WHEN a._cause = b._cause THEN 'same_cause_by_crosswalk' "
        "WHEN a_family = b_family THEN 'cause_of_one_family:' || a_family "
        "WHEN a._cause IS NOT NULL AND b._cause IS NOT NULL THEN 'contradicts_cause' "
        f"WHEN {inspected} THEN 'without_cause' ELSE 'cause_unmapped' END",
    )


def _load(settings: Settings) -> Sequence[str]:
    limits = settings.limits
    moves = "kind IN ('trip', 'unknown', 'moment')"
    return (
        f"CASE WHEN percent <= {limits.weight_same_percent} "
        "THEN 'weight_within_percent:' || percent "
        f"WHEN percent <= {limits.weight_near_percent} THEN 'weight_near:' || percent "
        f"WHEN percent IS NOT NULL AND {moves} THEN 'contradicts_weight:' || percent END",
        _when("a.axle_count = b.axle_count", "same_axles"),
        _when("a.axle_count <> b.axle_count", "contradicts_axles"),
    )


def _against() -> Sequence[str]:
    decided = "CAST(floor((epoch({0}.decision_date::TIMESTAMP)) / 86400) AS BIGINT)"
    later = " OR ".join(
        f"({one}.act_time IS NOT NULL AND {one}._day > {decided.format(other)})"
        for one, other in (("a", "b"), ("b", "a"))
    )
    return (
        _when("a.driver_key <> b.driver_key AND kind <> 'continuous'", "contradicts_driver"),
        _when(
            f"{_OF_ONE_AGENCY} AND a.record_type = 'case_result' AND b.record_type = 'case_result'",
            "one_agency_twice",
        ),
        _when(later, "after_decision"),
    )


def _when(condition: str, code: str) -> str:
    return f"CASE WHEN {condition} THEN {literal(code)} END"


def _colour(side: str) -> str:
    return _COLOUR.format(side)


def characters_off_sql() -> str:
    """In how many characters two plates differ; 9 for plates of different lengths, NULL if one is
    not known."""
    places = " + ".join(f"CAST({_character(n)} AS INTEGER)" for n in range(1, 9))
    return (
        f"CASE WHEN NOT ({_BOTH_PLATES}) THEN NULL "
        f"WHEN length(a.vehicle_plate_no) = length(b.vehicle_plate_no) THEN {places} ELSE 9 END"
    )


def _character(n: int) -> str:
    return f"(substr(a.vehicle_plate_no, {n}, 1) <> substr(b.vehicle_plate_no, {n}, 1))"


def _alike_sql(settings: Settings) -> str:
    """Is the one character that differs easily taken for the other?"""
    listed = ", ".join(map(literal, settings.alike_pairs()))
    tests = " OR ".join(
        f"({_character(n)} AND substr(a.vehicle_plate_no, {n}, 1) || "
        f"substr(b.vehicle_plate_no, {n}, 1) IN ({listed}))"
        for n in range(1, 9)
    )
    return f"coalesce({tests}, false)"


def _family(side: str, settings: Settings) -> str:
    by_cause = {cause: name for name, f in settings.families.items() for cause in f.causes}
    return _choose(f"{side}._cause", by_cause, "NULL")


def _choose(sql: str, values: dict[str, str], otherwise: str) -> str:
    branches = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in values.items())
    return f"CASE {sql} {branches} ELSE {otherwise} END"


def _window(settings: Settings, name: str) -> str:
    minutes = " ".join(
        f"WHEN {literal(kind)} THEN {getattr(window, name)}"
        for kind, window in settings.windows.items()
    )
    return f"CASE kind {minutes} END"
