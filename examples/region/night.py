"""One night of the region: every node syncs, publishes, receives and works on what came; then
receipts, referrals and answers go back.

The flows are the ones that ``prefect.yaml`` schedules. All three nodes sync before the first
publishes, and all publish before the first receives, so that one pass is enough for the
records and a second, short one for what was done with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from examples.region.agencies import AGENCIES, BY_CODE, Agency
from examples.region.region import Region
from examples.region.screen import ExchangeLine, SourceLine
from hefu.node import load_node
from hefu.summary import NodeStatus, summarise
from schemas.contract import load_contract
from schemas.text import Text

if TYPE_CHECKING:
    from flows.outcome import Outcome

STEPS: tuple[Text, ...] = (
    Text(en="pulling, checking and storing", zh="拉取、校验、入库"),
    Text(en="signing and publishing", zh="签名、发布"),
    Text(en="verifying and taking in", zh="验签、接收"),
    Text(en="proposing and referring", zh="提出建议、自动抄告"),
    Text(en="publishing receipts and referrals", zh="发布回执与抄告"),
    Text(en="taking in receipts and referrals", zh="接收回执与抄告"),
)


Flow = Callable[[str], "Sequence[Outcome]"]


@dataclass(frozen=True, slots=True)
class Part:
    """A step of the night at one agency, and how many parts it has (sources or streams)."""

    step: Text
    agency: Agency
    node: Path
    size: int
    run: Callable[[], Sequence[Outcome]]


def parts(region: Region) -> Iterator[Part]:
    """The parts of the night in their order; running them is the caller's."""
    from flows.cooperate import cooperate
    from flows.publish_bundles import publish_bundles
    from flows.receive_bundles import receive_bundles
    from flows.sync_sources import sync_sources

    flows: tuple[Flow, ...] = (
        sync_sources,
        publish_bundles,
        receive_bundles,
        cooperate,
        publish_bundles,
        receive_bundles,
    )
    for step, flow in zip(STEPS, flows, strict=True):
        for agency in AGENCIES:
            root = region.node(agency)
            node = load_node(root)
            size = len(node.sources()) if flow is sync_sources else len(AGENCIES) - 1
            yield Part(step, agency, root, size, partial(_run, flow, root))


def _run(flow: Flow, root: Path) -> Sequence[Outcome]:
    from flows.outcome import PartsFailedError

    try:
        return flow(str(root))
    except PartsFailedError as error:
        return error.outcomes


def states(region: Region, now: datetime) -> dict[str, NodeStatus]:
    """Agency's code → its node's state, read from its lake, ledger and published chain."""
    return {agency.code: summarise(load_node(region.node(agency)), now) for agency in AGENCIES}


def source_lines(known: Mapping[str, NodeStatus]) -> list[SourceLine]:
    """What the last run of every source did, from the nodes' :func:`states`."""
    lines = []
    for agency in AGENCIES:
        for source in known[agency.code].sources:
            run = source.last_run
            if run is None:
                continue
            lines.append(
                SourceLine(
                    agency=agency.label,
                    source=source.label,
                    received=run.received,
                    accepted=run.accepted,
                    unchanged=run.unchanged,
                    duplicate=run.duplicate,
                    quarantined=run.quarantined,
                    reasons=_in_words(source.record_type, run.reasons),
                )
            )
    return lines


def _in_words(record_type: str, reasons: Mapping[str, int]) -> dict[Text, int]:
    """Rule ids as the contract words them; a row that can't be read has no rule in a contract."""
    messages = {rule.rule_id: rule.message for rule in load_contract(record_type).rules()}
    words: Counter[Text] = Counter()
    for rule_id, count in reasons.items():
        words[messages.get(rule_id, Text(en=rule_id, zh=rule_id))] += count
    return dict(words)


def exchange_lines(known: Mapping[str, NodeStatus]) -> list[ExchangeLine]:
    """What every agency sent to every other, and what of it was verified and taken in."""
    return [
        _exchange(sender, known[sender], receiver, known[receiver])
        for sender in known
        for receiver in known
        if sender != receiver
    ]


def _exchange(sender: str, sent: NodeStatus, receiver: str, taken: NodeStatus) -> ExchangeLine:
    from_sender = [each for each in taken.taken if each.partner == sender]
    return ExchangeLine(
        sender=BY_CODE[sender].label,
        receiver=BY_CODE[receiver].label,
        bundles=sum(each.sequence for each in sent.sent if each.partner == receiver),
        verified=sum(each.sequence for each in from_sender),
        records=sum(each.rows for each in from_sender),
    )
