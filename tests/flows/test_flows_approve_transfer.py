"""The head decides by a form of Prefect, resumed as a worker resumes it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from flows_matters import make_two
from flows_transfer import add_cases, case, matter, reported

from flows.decisions import verify_act
from flows.transferring import frozen
from hefu.node import Node, load_node

pytestmark = pytest.mark.usefixtures("prefect_server")
CASE = "甲交案〔2026〕1号"


class Run:
    """One run of the flow's deployment, executed here in place of a worker."""

    def __init__(self, node: Node):
        from flows.approve_transfer import approve_transfer

        self.flow = approve_transfer
        self.id: UUID = asyncio.run(self._create(node))

    async def _create(self, node: Node) -> UUID:
        from prefect.client.orchestration import get_client

        async with get_client() as client:
            flow_id = await client.create_flow(self.flow)
            deployment = await client.create_deployment(flow_id, "approve-transfer")
            run = await client.create_flow_run_from_deployment(
                deployment, parameters={"node": str(node.root), "number": matter(node, CASE).key.no}
            )
        return run.id

    def execute(self) -> str:
        """Go on until it waits or ends; the type of the state that it is in then."""
        from prefect.client.orchestration import get_client
        from prefect.exceptions import Pause
        from prefect.flow_engine import run_flow

        with get_client(sync_client=True) as client:
            run = client.read_flow_run(self.id)
            with suppress(Pause):  # as a worker's process ends
                run_flow(
                    self.flow, flow_run=run, parameters=dict(run.parameters), return_type="state"
                )
            state = client.read_flow_run(self.id).state
        assert state is not None
        return state.type.value

    def fill_in(self, **said: Any) -> None:
        from prefect.flow_runs import resume_flow_run

        resume_flow_run(self.id, run_input=said)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    two = make_two(tmp_path_factory.mktemp("approve"))
    add_cases(two.a, [case(CASE, "no_dangerous_goods_licence")], datetime.now(UTC))
    reported(two.a, CASE, datetime.now(UTC))
    return two.a


def test_what_the_head_says_is_signed_and_what_does_not_pass_is_asked_again(node: Node) -> None:
    run = Run(node)
    assert run.execute() == "PAUSED"
    assert matter(node, CASE).state_name == "reported"

    # What the form itself does not allow is refused before anything runs.
    with pytest.raises(RuntimeError):
        run.fill_in(decision="approve", office="deputy_head", name="测试负责人")

    run.fill_in(decision="refuse", office="principal_head", name="测试负责人")
    assert run.execute() == "PAUSED"  # a refusal needs a reason
    assert matter(node, CASE).state_name == "reported"

    run.fill_in(decision="approve", office="acting_head", name="测试负责人", reason="事实清楚")
    assert run.execute() == "COMPLETED"
    found = matter(load_node(node.root), CASE)
    assert found.state_name == "approved"
    act = found.latest
    assert (act.approver_role, act.actor_name) == ("acting_head", "测试负责人")
    assert verify_act(node, act).fields["reason_text"] == "事实清楚"
    assert frozen(node, [CASE]) == [found]
