"""What a person may want to look at after a night, over the three nodes.

Texts that no code list knows, results that the agency's own law does not give, and parties that
two agencies both have, found by tokens. All of it is read from the nodes' lakes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from examples.region.agencies import AGENCIES
from examples.region.region import Region
from examples.region.screen import SharedLine, UnknownLine
from exchange.keys.pairs import load_pair_key
from hefu.code_work.unmapped import unmapped
from hefu.node import load_node
from lake.store import Lake
from schemas.contract import load_contract
from schemas.identities.tokens import field_token_sql, set_token_key
from schemas.sql import connect
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node

_CASES: Final = "case_result"
# What a rule of law is about, by how its id begins; its article says where it stands.
_ABOUT: Final = {
    r"law:\w+:overload_fine": Text(en="overload fine", zh="超限罚款数额"),
    r"law:\w+:fine_range_": Text(en="range of the fine", zh="罚款幅度"),
    r"law:\w+:filed_after_limitation": Text(en="limitation", zh="追责时效"),
    r"case_result\.summary_fine_over_limit": Text(en="fined on the spot", zh="当场处罚"),
    r"law:": Text(en="other", zh="其他"),
}
# The screen is narrow: the law by its short name, without the number it was issued by.
_LONG: Final = re.compile("（.*?）|^中华人民共和国| ")


def unknown_lines(region: Region) -> list[UnknownLine]:
    """Of each agency's own records: how many texts no list knows, and in how many values."""
    lines = []
    for agency in AGENCIES:
        node = load_node(region.node(agency))
        own = unmapped(node, [source.stream_id for source in node.sources()])
        texts = {(each.field, each.raw) for each in own}
        lines.append(UnknownLine(agency.label, len(texts), sum(each.records for each in own)))
    return lines


def against_the_law(region: Region) -> dict[Text, int]:
    """Article → records of the agencies' own that were flagged by it when they came in."""
    rules = {rule.rule_id: rule for rule in load_contract(_CASES).rules()}
    counted: Counter[Text] = Counter()
    for agency in AGENCIES:
        for run in Lake(load_node(region.node(agency)).place("lake")).runs(_CASES):
            if run.bundle_id is not None:
                continue
            for rule_id, records in run.soft.items():
                about = _about(rule_id)
                if about is not None:
                    article = _LONG.sub("", rules[rule_id].source or "")
                    label = Text(en=f"{article}, {about.en}", zh=f"{article}（{about.zh}）")
                    counted[label] += records
    return dict(counted)


def _about(rule_id: str) -> Text | None:
    return next((text for start, text in _ABOUT.items() if re.match(start, rule_id)), None)


@dataclass(frozen=True, slots=True)
class SameParty:
    """One token that cases of two agencies have, and the case numbers on either side."""

    token: str
    own: tuple[str, ...]
    theirs: tuple[str, ...]


def same_parties(node: Node, partner: str) -> list[SameParty]:
    """The parties of a node's cases that are parties of ``partner``'s, too, by their tokens.

    The tokens of the node's own cases are computed here, under the key that the two share;
    the partner's came in bundles. No number of the partner's is needed, or there.
    """
    con = connect()
    try:
        Lake(node.place("lake")).attach(con, _CASES)
        set_token_key(con, load_pair_key(node.pair_key_path(partner), partner))
        rows = con.execute(
            f"WITH own AS (SELECT {field_token_sql('party_id_token')} AS token,"
            "    list(case_no ORDER BY case_no) AS ids"
            f"  FROM {_CASES}_current WHERE source_org_code = $own GROUP BY token),"
            " theirs AS (SELECT party_id_token AS token,"
            "    list(case_no ORDER BY case_no) AS ids"
            f"  FROM {_CASES}_current WHERE source_org_code = $partner GROUP BY token)"
            " SELECT token, own.ids, theirs.ids FROM own JOIN theirs USING (token) ORDER BY token",
            {"own": node.agency.code, "partner": partner},
        ).fetchall()
    finally:
        con.close()
    return [SameParty(token, tuple(own), tuple(theirs)) for token, own, theirs in rows]


def shared_lines(region: Region) -> list[SharedLine]:
    """How many parties each two agencies both have."""
    return [
        SharedLine(
            one.label,
            other.label,
            len(same_parties(load_node(region.node(one)), other.code)),
        )
        for one, other in combinations(AGENCIES, 2)
    ]
