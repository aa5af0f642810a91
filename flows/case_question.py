"""The question of ``hefu check-case`` as rows of the case index: table ``asked``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flows.case_index import pair_keys
from flows.subject_key import subject_key
from hefu.node import Node
from schemas.errors import ConfigError
from schemas.identities import credit_code, credit_code_ok, id_no, id_no_ok, plate, vehicle_key
from schemas.identities.tokens import party_token
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

#: Of what record type a question of facts is: a case that nobody has written yet.
_RECORD_ID = "question"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an act that has no record here yet. ``act_time`` is aware; ``colour``,
    ``cause`` and ``division`` are codes of their lists; ``party``: an identity number or a unified
    social credit code. It is never kept or logged."""

    act_time: datetime
    plate: str | None = None
    colour: str | None = None
    trailer: str | None = None
    party: str | None = None
    division: str | None = None
    place: str | None = None
    cause: str | None = None
    weight_kg: int | None = None
    axles: int | None = None

    def __repr__(self) -> str:
        return f"Facts(act_time={self.act_time!r}, …)"


def ask_number(con: duckdb.DuckDBPyConnection, number: str) -> None:
    """The records with that number: the agency's own, else a partner's.

    Raises ``ConfigError`` if there is none.
    """
    # A literal: with a parameter DuckDB imports pandas, which takes longer than all the rest.
    con.execute(
        "CREATE TEMP TABLE asked AS SELECT * FROM cases_and_copies "
        f"WHERE _no_hash = hash({literal(number)}) AND no = {literal(number)} "
        "QUALIFY is_own OR NOT bool_or(is_own) OVER ()"
    )
    if con.execute("SELECT 1 FROM asked LIMIT 1").fetchone() is None:
        raise ConfigError(
            Text(
                en=f"no case, lead or inspection here has the number {number}",
                zh=f"本节点没有编号为 {number} 的案件、线索或者检查记录",
            ),
            hint=Text(
                en="if it is not entered yet, give facts: --plate, --color, --time, --place or "
                "--party",
                zh="尚未录入的，请给出要素：--plate、--color、--time、--place 或 --party",
            ),
        )


def ask_facts(con: duckdb.DuckDBPyConnection, node: Node, facts: Facts) -> None:
    """One row per name that a partner may call the party by; each may find what it finds."""
    if not (facts.plate or facts.party or facts.trailer):
        raise ConfigError(
            Text(
                en="a plate, a trailer's plate or a party is needed",
                zh="请至少给出号牌、挂车号牌或者当事人证件号码之一",
            )
        )
    values = {
        "record_type": "question",
        "source_org_code": node.agency.code,
        "is_own": True,
        "data_status": "valid",
        "no": "",
        "vehicle_plate_no": plate(facts.plate),
        "vehicle_plate_color": facts.colour,
        "vehicle_key": vehicle_key(facts.plate, facts.colour),
        "trailer_plate_no": plate(facts.trailer),
        "act_time": facts.act_time,
        "about_time": facts.act_time,
        "place": facts.place,
        "division": facts.division,
        "cause": facts.cause,
        "total_weight_kg": facts.weight_kg,
        "axle_count": facts.axles,
    }
    con.execute("CREATE TEMP TABLE asked AS SELECT * FROM cases LIMIT 0")
    is_person = facts.party is not None and _kind(facts.party) == "resident_id"
    for number, key in enumerate(_names_of(node, facts.party)):
        who = {"party_key": key, "driver_key": key if is_person else None}
        row = {"record_id": f"{_RECORD_ID}-{number}"} | who | values
        listed = ", ".join(_sql(value) for value in row.values())
        con.execute(f"INSERT INTO asked ({', '.join(row)}) VALUES ({listed})")


def _sql(value: object) -> str:
    return "NULL" if value is None else literal(str(value))


def _names_of(node: Node, party: str | None) -> list[str | None]:
    """The own token, and what each partner calls somebody whom this node has never met."""
    if party is None:
        return [None]
    kind = _kind(party)
    if kind is None:
        raise ConfigError(
            Text(
                en="the party is neither an identity number nor a unified social credit code",
                zh="当事人证件号码既不是有效的居民身份证号码，也不是有效的统一社会信用代码",
            ),
            hint=Text(en="compare it with the document", zh="请对照证件原件核对"),
        )
    keys = (subject_key(node), *pair_keys(node).values())
    return [party_token(key, kind, party) for key in keys]


def _kind(party: str) -> str | None:
    if id_no_ok(id_no(party)):
        return "resident_id"
    return "uscc" if credit_code_ok(credit_code(party)) else None
