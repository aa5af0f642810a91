"""The head's decision on a criminal transfer, asked for by a form of Prefect.

The form is only the waiting room: what the person says is signed and written as the act ``approve``
or ``refuse`` by the same way, with the same guards, as ``hefu transfer approve``. What does not
pass is asked again. Nobody who says nothing decides: the form ends after ``wait_days`` and the
matter stays as it is, its clock running on.

Prefect runs a suspended flow again from the top when it is resumed: so what was said is tried in a
task whose result is kept, and a matter that was decided meanwhile is left alone.
Source: 310号令 第五条.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast

from prefect import flow, task
from prefect.cache_policies import INPUTS
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from cooperation.procedures.clocks import CHINA, clocks
from cooperation.procedures.fold import Matter
from flows.acting import do, following
from flows.matters import find_matter, law_of, matters_of
from hefu.node import Node, load_node
from schemas.errors import ConfigError
from schemas.text import Text

PROCEDURE = "transfer"
WAITING = "reported"
_DAY_SECONDS = 86_400
#: More forms than this for one matter mean that something else is wrong.
_MOST_FORMS = 20


class Approval(RunInput):
    """What the head fills in. Only what a JSON schema can say stands here: Prefect checks no more
    before it resumes the run."""

    decision: Literal["approve", "refuse"] = Field(
        title="决定 / decision", description="approve 批准移送；refuse 不批准移送"
    )
    office: Literal["principal_head", "acting_head"] = Field(
        title="职务 / office",
        description="principal_head 正职负责人；acting_head 主持工作的负责人",
    )
    name: Annotated[str, Field(pattern=r"\S", max_length=100)] = Field(
        title="姓名 / name", description="作出决定的负责人姓名"
    )
    reason: Annotated[str, Field(max_length=2000)] = Field(
        default="",
        title="理由 / reason",
        description="不批准的，必须写明理由并记录在案 / a refusal needs one",
    )


@task(
    name="try the decision",
    task_run_name="decision on {number}, form {attempt}",
    persist_result=True,
    result_serializer="json",
    cache_policy=INPUTS,
)
def try_decision(
    node: str, number: str, attempt: int, said: dict[str, str], run: str
) -> dict[str, str]:
    """Do the act; the refusal in both languages, or nothing if it was done. ``run`` keeps what one
    run of the flow was told apart from what another was."""
    del attempt, run
    refusal = decide(load_node(node), number, said, datetime.now(UTC))
    return {} if refusal is None else {"en": refusal.en, "zh": refusal.zh}


def decide(node: Node, number: str, said: dict[str, str], now: datetime) -> Text | None:
    """Write what the head said as an act; why not, if it can't be."""
    matter = _matter(node, number)
    if matter.state_name != WAITING:
        return None
    act = following(
        node, matter, said["decision"], now,
        approver_role=said["office"], actor_name=said["name"].strip(),
        reason_text=said["reason"].strip() or None,
    )  # fmt: skip
    try:
        do(node, act, now)
    except ConfigError as error:
        return error.message
    return None


@flow(
    name="approve transfer",
    flow_run_name="approve transfer {number}",
    persist_result=True,
    result_serializer="json",
)
def approve_transfer(node: str, number: str, wait_days: int = 30) -> str:
    """Ask the principal or acting head to approve or refuse a criminal transfer.

    Args:
        node: Folder of the node (holds hefu.toml).
        number: The transfer's number, or the end of it (see hefu transfer list).
        wait_days: How many days the form waits; after that nothing is decided.
    """
    told: Text | None = None
    for attempt in range(1, _MOST_FORMS + 1):
        matter = _matter(load_node(node), number)
        if matter.state_name != WAITING:
            return matter.state_name
        said = _ask(attempt, briefing(load_node(node), matter, told), wait_days)
        refusal = try_decision(node, matter.key.no, attempt, said, _run_id())
        if not refusal:
            return _matter(load_node(node), number).state_name
        told = Text(en=refusal["en"], zh=refusal["zh"])
    raise ConfigError(
        Text(
            en=f"{_MOST_FORMS} forms were filled in and none could be accepted",
            zh=f"已填写 {_MOST_FORMS} 次，均未通过",
        ),
        hint=Text(en="decide with hefu transfer approve", zh="请改用 hefu transfer approve 办理"),
    )


def _ask(attempt: int, shown: str, wait_days: int) -> dict[str, str]:
    """Suspend until somebody fills in the form; the run goes on from the top in another process."""
    form: Any = Approval.with_initial_data(description=shown)
    said = suspend_flow_run(
        wait_for_input=form, timeout=wait_days * _DAY_SECONDS, key=f"form-{attempt}"
    )
    filled = cast(Approval, said)
    return {
        "decision": filled.decision,
        "office": filled.office,
        "name": filled.name,
        "reason": filled.reason,
    }


def _run_id() -> str:
    from prefect.runtime import flow_run

    return str(flow_run.id)


def _matter(node: Node, number: str) -> Matter:
    return find_matter(matters_of(node, PROCEDURE), number)


def briefing(node: Node, matter: Matter, told: Text | None = None) -> str:
    """What the head sees: Markdown, without the party's name."""
    first, report = matter.opening, matter.last_of("report")
    now = datetime.now(UTC) if matter.since is None else matter.since
    (clock,) = [c for c in clocks(matter, law_of(node, now), now) if c.stopped is None]
    lines = [
        f"**{matter.key.no}** {matter.table.label.zh} / {matter.table.label.en}",
        f"- 案号 / case: {'、'.join(first.subject_nos)}",
        f"- 涉嫌罪名 / offence: {first.suspected_offence or '–'}",
        f"- 专案组报告 / report: {(report.document_no if report else None) or '–'}",
        f"- 提出报告 / reported: {_moment(matter.since)}",
        f"- 最迟 / until the end of: {clock.last_day}（{clock.basis.article}）",
    ]
    if told is not None:
        lines.insert(
            0, f"**未通过，请重新填写 / refused, fill it in again: {told.zh} / {told.en}**"
        )
    return "\n".join(lines)


def _moment(when: datetime | None) -> str:
    return when.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") if when else "–"
