"""The matters of a node: acts out of the lake, folded (cooperation/procedures)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cooperation.procedures.act import Act, Material, MatterKey
from cooperation.procedures.clocks import Law
from cooperation.procedures.fold import Matter, fold_all
from exchange.agreement.versions import in_force
from flows.recognition_records import recognition_acts
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

RECORD_TYPE = "procedure_act"
_Stands: TypeAlias = tuple[tuple[str, int], ...]

_PLAIN = (
    "record_id", "procedure", "act_time", "acting_org", "acting_org_name", "acting_role",
    "approver_role", "actor_name", "to_org", "to_org_name", "competent_org",
    "subject_record_type", "case_cause_code", "suspected_offence", "reason_code", "reason_text",
    "document_no", "document_title", "document_sha256", "result_record_id", "result_no",
    "result_code", "result_summary", "due_time", "decision_sha256",
)  # fmt: skip
_LISTS = ("party_orgs", "officer_certificate_nos", "subject_record_ids", "subject_nos")
_MATERIALS = ("material_kinds", "material_states", "material_titles", "material_sha256")
_OTHERS = (
    "source_org_code", "matter_org", "matter_no", "act_code", "act_sequence",
    "source_updated_time", "proposed_by_node", "data_status",
)  # fmt: skip
_TAKEN_BACK = (REMOVED, "revoked")
_COLUMNS = (*_PLAIN, *_LISTS, *_MATERIALS, *_OTHERS)


def acts_of(node: Node) -> list[Act]:
    """Every act that this node knows, its own and its partners'; those taken back say so."""
    lake = node.place("lake")
    stands = _stands(lake)
    kept = _READ.get(lake)
    if kept is None or kept[0] != stands:
        with reading(node) as con:
            acts = tuple(read_acts(con, Lake(lake)))
        if len(_READ) >= _KEPT:
            _READ.clear()
        kept = _READ[lake] = (stands, acts)
    return list(kept[1])


#: Acts as last read, by lake, with what the lake was then: a night asks for them in every part,
#: and they change in few.
_READ: dict[Path, tuple[_Stands, tuple[Act, ...]]] = {}
_KEPT = 4


def _stands(lake: Path) -> _Stands:
    """When each folder of the lake last had a file added, replaced or removed."""
    return tuple(sorted((folder, Path(folder).stat().st_mtime_ns) for folder, *_ in os.walk(lake)))


def read_acts(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[Act]:
    lake.attach(con, RECORD_TYPE)
    rows = con.execute(f"SELECT {', '.join(_COLUMNS)} FROM {RECORD_TYPE}_current").fetchall()
    acts = [_act(dict(zip(_COLUMNS, row, strict=True))) for row in rows]
    return [*acts, *recognition_acts(con, lake)]


def _act(row: Mapping[str, Any]) -> Act:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    values |= {name: tuple(row[name] or ()) for name in _LISTS}
    return Act(
        source_org=row["source_org_code"],
        matter=MatterKey(row["matter_org"], row["matter_no"]),
        code=row["act_code"],
        sequence=row["act_sequence"],
        recorded_time=row["source_updated_time"],
        proposed_by_node=bool(row["proposed_by_node"]),
        taken_back=row["data_status"] in _TAKEN_BACK,
        materials=_materials(row),
        **values,
    )


def _materials(row: Mapping[str, Any]) -> tuple[Material, ...]:
    kinds: Sequence[str] = row["material_kinds"] or ()
    lists = [row[name] or [""] * len(kinds) for name in _MATERIALS]
    return tuple(Material(*parts) for parts in zip(*lists, strict=True))


def matters_of(
    node: Node, procedure: str | None = None, acts: Iterable[Act] | None = None
) -> list[Matter]:
    """The node's matters, or those of one procedure."""
    found = fold_all(acts_of(node) if acts is None else acts)
    return [m for m in found if procedure in (None, m.table.name)]


def find_matter(matters: Iterable[Matter], wanted: str) -> Matter:
    """The matter of that number, or the only one whose number ends with it.

    Raises ``ConfigError`` if there is none, or more than one.
    """
    known = list(matters)
    whole = [m for m in known if m.key.no == wanted]
    found = whole or [m for m in known if m.key.no.endswith(wanted.upper())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(
            Text(en=f"there is no matter {wanted!r}", zh=f"没有编号为 {wanted!r} 的事项"),
            hint=Text(en="see the list of matters", zh="请先列出事项查看编号"),
        )
    raise ConfigError(
        Text(
            en=f"{len(found)} matters have a number that ends with {wanted!r}",
            zh=f"有 {len(found)} 个事项的编号以 {wanted!r} 结尾",
        ),
        hint=Text(en="give the whole number", zh="请写完整编号"),
    )


def law_of(node: Node, now: datetime) -> Law:
    """Rule packs, calendar and the periods that the agreements in force fix."""
    return Law(node.rule_packs(), node.calendar(), agreed_clocks(node, now))


def agreed_clocks(node: Node, now: datetime) -> dict[tuple[frozenset[str], str], int]:
    """Lengths of ``[cooperation.clocks]``, by the two agencies and the parameter."""
    found: dict[tuple[frozenset[str], str], int] = {}
    for agreement in in_force(node.agreements(), now):
        if agreement.cooperation is None:
            continue
        parties = frozenset(p.code for p in agreement.parties)
        for name, length in agreement.cooperation.clocks.items():
            found[parties, name] = length
    return found
