"""Writing a paper of a matter: records out of the lake, a template, a file for its owner alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cooperation.paper.filling import Facts, fill
from cooperation.paper.kinds import Kind
from cooperation.paper.render import Template, render
from cooperation.procedures.fold import Matter
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.contract import load_contract
from schemas.errors import ConfigError, Where
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

FOLDER = "templates"
#: What a matter may be about; the one with most to say first.
RECORD_TYPES = ("case_result", "lead", "inspection", "transfer")


@dataclass(frozen=True, slots=True)
class Written:
    """``template``: the path of the one that was used, None for ours; ``blank``: placeholders that
    are a line to fill by hand; ``missing``: records that the matter names and the node has not."""

    path: Path
    sha256: str
    template: Path | None
    filled: tuple[str, ...]
    blank: tuple[str, ...]
    missing: int


def own_template(node: Node, kind: Kind) -> Path:
    """Where this agency's own template of a kind lies, if it has one."""
    return node.root / FOLDER / f"{kind.name}.docx"


def installed_template(kind: Kind) -> bytes:
    """The template that comes with Hefu."""
    return files("cooperation.paper").joinpath("templates", f"{kind.name}.docx").read_bytes()


def template_of(node: Node, kind: Kind) -> Template:
    """The agency's own template, else ours."""
    own = own_template(node, kind)
    if own.is_file():
        return Template(own.read_bytes(), str(own))
    return Template(installed_template(kind), f"{kind.name}.docx")


def default_name(kind: Kind, matter: Matter) -> str:
    """A file name that tells of no person."""
    return f"{kind.name}-{matter.key.no}.docx"


def write_paper(
    node: Node,
    kind: Kind,
    matter: Matter,
    to: Path,
    now: datetime,
    given: Mapping[str, str] | None = None,
) -> Written:
    """Fill a paper and write it, mode 0600.

    Args:
        to: a new file, or a folder to make one of :func:`default_name` in.
        given: placeholders whose text the officer gave; they go before what records say.

    Raises ``ConfigError`` if the paper is not for such a matter, the file is there already, or the
    template can't be used.
    """
    path = to / default_name(kind, matter) if to.is_dir() else to
    records, missing = _records_of(node, matter)
    facts = Facts(matter, node.agency.code, records, _names(node, matter), now, given or {})
    template = template_of(node, kind)
    rendered = render(template, kind, fill(kind, facts))
    write_private(path, rendered.data)
    own = own_template(node, kind)
    return Written(
        path,
        sha256(rendered.data).hexdigest(),
        own if template.path == str(own) else None,
        rendered.filled,
        rendered.blank,
        missing,
    )


def write_private(path: Path, data: bytes) -> None:
    """A new file for its owner alone. Raises ``ConfigError`` if it can't be made."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the file can't be made ({error.strerror})",
                zh=f"无法写入该文件（{error.strerror}）",
            ),
            where=Where(str(path)),
            hint=Text(en="name a new file with --out", zh="请用 --out 指定一个新文件"),
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _records_of(node: Node, matter: Matter) -> tuple[list[dict[str, Any]], int]:
    """The records that the acts name, this agency's own first, and how many are not here."""
    wanted = list(
        dict.fromkeys(
            record
            for applied in matter.applied
            for record in (*applied.act.subject_record_ids, applied.act.result_record_id or "")
            if record
        )
    )
    if not wanted:
        return [], 0
    with reading(node) as con:
        lake = Lake(node.place("lake"))
        found = [r for name in RECORD_TYPES for r in _read(con, lake, name, wanted)]
    found.sort(
        key=lambda r: (r["source_org_code"] != node.agency.code, wanted.index(r["record_id"]))
    )
    return found, len(set(wanted) - {r["record_id"] for r in found})


def _read(
    con: duckdb.DuckDBPyConnection, lake: Lake, record_type: str, wanted: list[str]
) -> list[dict[str, Any]]:
    lake.attach(con, record_type)
    names = [f.name for f in load_contract(record_type).fields]
    rows = con.execute(
        f"SELECT {', '.join(map(ident, names))} FROM {record_type}_current WHERE record_id IN "
        f"({', '.join(map(literal, wanted))}) AND data_status <> {literal(REMOVED)}"
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def _names(node: Node, matter: Matter) -> dict[str, str]:
    """Names of agencies: as acts say, over that as agreements and cards say."""
    acts = [applied.act for applied in matter.applied]
    told = {a.to_org: a.to_org_name for a in acts if a.to_org and a.to_org_name}
    told |= {a.acting_org: a.acting_org_name for a in acts if a.acting_org_name}
    known = {p.code: p.name for agreement in node.agreements() for p in agreement.parties}
    known |= {partner.code: partner.config.name for partner in node.partners()}
    return {**told, **known, node.agency.code: node.agency.name}
