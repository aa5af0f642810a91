"""One round of the exchange without the night's Prefect: what nodes have done goes over.

For trying out what agencies do with each other: after an act on one node, a round shows it on the
others. The functions are those that the flows call.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from examples.region.agencies import AGENCIES, Agency
from examples.region.region import Region
from hefu.node import Node, load_node
from schemas.text import Text


def go_round(region: Region, now: datetime) -> Iterator[Text]:
    """Every node publishes, then takes in, then works on what came. Yields what happened."""
    nodes = [(agency, load_node(region.node(agency))) for agency in AGENCIES]
    for agency, node in nodes:
        yield from _publish(agency, node, now)
    for agency, node in nodes:
        yield from _receive(agency, node, now)
    for agency, node in nodes:
        yield from _cooperate(agency, node, now)


def _publish(agency: Agency, node: Node, now: datetime) -> Iterator[Text]:
    from exchange.repository.local import refresh
    from flows.outgoing import grants_of, publish_to

    sent = sum(
        sum(publish_to(node, going, now).counts.values()) for going in grants_of(node, now=now)
    )
    refresh(node.place("repository"), node.signers(), node.periods(), now)
    yield Text(
        en=f"{agency.label.en}: {sent} records published",
        zh=f"{agency.label.zh}：发布 {sent} 条记录",
    )


def _receive(agency: Agency, node: Node, now: datetime) -> Iterator[Text]:
    from flows.answers import note_unanswered
    from flows.incoming import incoming_of, take_in

    taken = [one for incoming in incoming_of(node, now=now) for one in take_in(node, incoming, now)]
    note_unanswered(node, now)
    yield Text(
        en=f"{agency.label.en}: {len(taken)} bundles taken in",
        zh=f"{agency.label.zh}：接收 {len(taken)} 个数据包",
    )


def _cooperate(agency: Agency, node: Node, now: datetime) -> Iterator[Text]:
    from flows.cooperating import cooperate, part_of

    for outcome in cooperate(node, now):
        for said in part_of(outcome.subject).told(outcome.result):
            yield Text(
                en=f"{agency.label.en}: {said.text.en}", zh=f"{agency.label.zh}：{said.text.zh}"
            )
