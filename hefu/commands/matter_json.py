"""Matters, acts and clocks for another program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.masking import mask, mask_text

if TYPE_CHECKING:
    from cooperation.procedures.act import Act
    from cooperation.procedures.clocks import Clock
    from cooperation.procedures.fold import Matter
    from hefu.commands.matter_shown import Shown


def clock_as_json(shown: Shown, clock: Clock) -> dict[str, Any]:
    return {
        "clock": clock.row.name,
        "label": {"en": clock.row.label_en, "zh": clock.row.label_zh},
        "duty": {"en": clock.row.duty_en, "zh": clock.row.duty_zh},
        "role": clock.who,
        "org": clock.org,
        "org_name": shown.name(clock.org) if clock.org else None,
        "started": clock.started,
        "length": clock.length,
        "unit": clock.unit,
        "due": clock.due,
        "last_day": clock.last_day.isoformat(),
        "provisional": clock.provisional,
        "calendar_version": clock.calendar_version or None,
        "article": None if clock.given else clock.basis.article,
        "agreed": clock.agreed,
        "given": clock.given,
        "stopped": clock.stopped,
        "entered_late": clock.entered_late,
        "doubtful": clock.doubtful,
        "standing": clock.standing,
    }


def matter_as_json(
    shown: Shown, matter: Matter, *, reveal: bool, whole: bool = True
) -> dict[str, Any]:
    """A matter for another program; without ``whole`` its acts are left out."""
    clocks = shown.clocks(matter)
    value: dict[str, Any] = {
        "number": matter.key.no,
        "opened_by": matter.key.org,
        "procedure": matter.table.name,
        "state": matter.state_name,
        "state_label": {"en": matter.state.label_en, "zh": matter.state.label_zh},
        "open": matter.is_open,
        "since": matter.since,
        "next": {"en": matter.state.next_en, "zh": matter.state.next_zh},
        "next_roles": list(matter.table.next_roles(matter.state_name)) if matter.is_open else [],
        "mine": shown.is_ours(matter),
        "orgs": [
            {"role": role, "org": code, "name": shown.name(code)}
            for role, code in matter.orgs.items()
        ],
        "subject_record_ids": list(matter.opening.subject_record_ids),
        "subject_nos": [mask_text(no) for no in matter.opening.subject_nos],
        "possible": [row.act for row in matter.possible()],
        "clocks": [clock_as_json(shown, clock) for clock in clocks],
    }
    if whole:
        value["acts"] = [act_as_json(a.act, reveal=reveal) for a in matter.applied]
        value["overtaken"] = [
            act_as_json(o.act, reveal=reveal) | {"why": {"en": o.reason.en, "zh": o.reason.zh}}
            for o in matter.overtaken
        ]
    return value


_PERSONAL = frozenset({"actor_name", "suspected_offence"})
_WRITTEN = frozenset({"reason_text", "result_summary"})


def act_as_json(act: Act, *, reveal: bool) -> dict[str, Any]:
    """Every field that has a value; personal ones masked unless ``reveal``."""
    from dataclasses import asdict

    value = {name: field for name, field in asdict(act).items() if field not in (None, (), "")}
    value["matter"] = act.matter.no
    value["matter_org"] = act.matter.org
    if not reveal:
        value |= {name: mask(value[name]) for name in _PERSONAL & set(value)}
        value |= {name: mask_text(value[name]) for name in _WRITTEN & set(value)}
        if act.materials:
            value["materials"] = [
                {"kind": m.kind, "state": m.state, "sha256": m.sha256} for m in act.materials
            ]
    return value
