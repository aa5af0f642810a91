"""What a disposition of another system says, as acts of a referral.

A system that says 已立案 has signed for the lead without saying so: the steps before are taken
along, all at the time that it gives. Nothing is made up: what it does not say is unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.text import Text

_UNSIGNED = "sent"
_IN_HAND = ("signed", "verifying")
_WORKED = ("filed", "decided")
#: decision_type of a case → act_result
RESULTS = {
    "penalty": "penalty",
    "no_penalty": "no_penalty",
    "no_penalty_minor": "no_penalty",
    "no_penalty_first": "no_penalty",
    "no_penalty_no_fault": "no_penalty",
    "no_penalty_other": "no_penalty",
    "not_established": "not_established",
    "criminal_transfer": "transferred",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One act to do; ``when`` it was done in law, None: not said."""

    act: str
    when: datetime | None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A person has to look."""

    reason: Text


def steps(row: Mapping[str, Any], state: str) -> tuple[Step, ...] | Unclear:
    """The acts that lead from ``state`` to what the disposition says; none if it is there already.

    ``row``: fields of a ``disposition`` record.
    """
    return _SAID[_action(row)](row, state) if _action(row) in _SAID else _unknown(row)


def _action(row: Mapping[str, Any]) -> str:
    """``filing_decision`` decides where the action says only that the matter was accepted."""
    action, decision = row["disposition_action"], row.get("filing_decision")
    if action == "accepted" and decision in ("filed", "not_filed"):
        return str(decision)
    return str(action)


def _unknown(row: Mapping[str, Any]) -> Unclear:
    del row
    return Unclear(Text(en="its action is in no code list", zh="处置情况代码未对照，请人工登记"))


def _contradicts(row: Mapping[str, Any], decision: str) -> bool:
    other = {"filed": "not_filed", "not_filed": "filed"}[decision]
    return bool(row.get("filing_decision") == other)


def _accepted(row: Mapping[str, Any], state: str) -> tuple[Step, ...]:
    return _sign(row) if state == _UNSIGNED else ()


def _sign(row: Mapping[str, Any]) -> tuple[Step, ...]:
    return (Step("sign", _time(row)),)


def _time(row: Mapping[str, Any]) -> datetime | None:
    return row.get("decision_time") or row.get("feedback_time")


def _after_signing(row: Mapping[str, Any], state: str, step: Step) -> tuple[Step, ...] | Unclear:
    if state == _UNSIGNED:
        return (*_sign(row), step)
    return (step,) if state in _IN_HAND else _elsewhere()


def _elsewhere() -> Unclear:
    return Unclear(
        Text(
            en="the matter is in a state in which that is not possible",
            zh="该事项目前的状态下不能登记该处置，请人工核对",
        )
    )


def _filed(row: Mapping[str, Any], state: str) -> tuple[Step, ...] | Unclear:
    if _contradicts(row, "filed"):
        return _contradiction()
    step = Step("file", row.get("decision_time"), _papers(row))
    if state in (*_WORKED, "result_fed_back", "closed"):
        return ()
    return (step,) if state == "withdrawn" else _after_signing(row, state, step)


def _contradiction() -> Unclear:
    return Unclear(
        Text(
            en="action and filing decision contradict each other",
            zh="处置情况与立案决定互相矛盾，请核对来源",
        )
    )


def _papers(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "document_no": row.get("decision_document_no"),
        "result_no": row.get("result_case_no"),
        "result_record_id": row.get("result_case_record_id"),
    }
    return {name: value for name, value in found.items() if value}


def _reason(row: Mapping[str, Any], code: str) -> dict[str, Any]:
    text = row.get("disposition_reason")
    return {"reason_code": code, **({"reason_text": text} if text else {})}


def _not_filed(row: Mapping[str, Any], state: str) -> tuple[Step, ...] | Unclear:
    if _contradicts(row, "not_filed"):
        return _contradiction()
    if state in ("not_filed", "closed"):
        return ()
    fields = _reason(row, "other") | _papers(row)
    return _after_signing(row, state, Step("decline", row.get("decision_time"), fields))


def _supplement(row: Mapping[str, Any], state: str) -> tuple[Step, ...] | Unclear:
    if state == "supplement_requested":
        return ()
    wanted = "；".join(row.get("supplement_materials") or ()) or row.get("disposition_reason")
    if not wanted:
        return Unclear(Text(en="it does not say what is missing", zh="没有写明需补充的材料"))
    if state not in (_UNSIGNED, *_IN_HAND):
        return _elsewhere()
    return (Step("request_supplement", _time(row), {"reason_text": wanted}),)


def _returned(row: Mapping[str, Any], state: str) -> tuple[Step, ...] | Unclear:
    if state in ("rejected", "closed"):
        return ()
    if state not in (_UNSIGNED, *_IN_HAND):
        return _elsewhere()
    return (Step("reject", _time(row), _reason(row, "other")),)


def _forwarded(row: Mapping[str, Any], state: str) -> tuple[Step, ...] | Unclear:
    if state in ("forwarded", "closed"):
        return ()
    to = row.get("forwarded_to_org")
    if not to:
        return Unclear(Text(en="it does not say to whom", zh="没有写明转送给哪个机关"))
    fields = _reason(row, "not_competent") | {"competent_org": to}
    return _after_signing(row, state, Step("forward", _time(row), fields))


def _closed(row: Mapping[str, Any], state: str) -> tuple[Step, ...] | Unclear:
    if state in ("result_fed_back", "closed", "not_filed"):
        return ()
    if row.get("filing_decision") == "not_filed":
        return _not_filed(row, state)
    fields = _papers(row) | {"result_code": "handled"}
    if row.get("result_summary"):
        fields["result_summary"] = row["result_summary"]
    step = Step("feed_back", row.get("feedback_time") or row.get("decision_time"), fields)
    if state in (*_WORKED, *_IN_HAND):
        return (step,)
    if state != _UNSIGNED:
        return _elsewhere()
    if row.get("filing_decision") == "filed":
        return (*_sign(row), Step("file", row.get("decision_time"), _papers(row)), step)
    return (*_sign(row), step)


_SAID: dict[str, Callable[[Mapping[str, Any], str], tuple[Step, ...] | Unclear]] = {
    "accepted": _accepted,
    "filed": _filed,
    "not_filed": _not_filed,
    "supplement": _supplement,
    "returned": _returned,
    "forwarded": _forwarded,
    "closed": _closed,
}
