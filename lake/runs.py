"""What one run did, as it is kept in the commit that made its rows part of the lake.

The record rides in the metadata of that Delta commit, so rows, counts and cursor appear
together or not at all; there is no second place that could disagree with the rows. It holds
counts, digests, positions and rule ids, never values of a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from lake.drift import Drift, NewColumn
from schemas.errors import DataError
from schemas.text import Text

__all__ = ["FORMAT", "Drift", "Mode", "NewColumn", "RunRecord", "bundle_stream_id"]

FORMAT = "hefu.run/1"
Mode = Literal["cursor", "window", "replay", "bundle"]


@dataclass(frozen=True)
class RunRecord:
    """One run over one stream of one record type.

    ``stream_id`` is ``system/stream`` for an own source and what ``bundle_stream_id`` gives for
    a partner's bundles; ``sequence`` counts the runs of a stream from 1 and is set by the lake
    on append. ``bundle_id`` is None for own rows. ``landed`` are the SHA-256 digests of the
    objects that were read, in the order that the rows' ``_object`` index refers to, and
    ``outside_window`` counts rows of theirs that were not asked for and not judged (a backfill
    of a window reads whole files).
    ``mapping_digest`` and ``codes_digest`` say by which mapping and by which code lists, the
    node's own rows among them, the rows were read.
    ``quarantine_file`` is the path under the node's quarantine folder, which becomes visible
    by being named here.
    ``columns``: the source's columns as this run saw them; empty if nothing came, and of runs that
    did not ask the source. ``source_count`` is what the source itself counted and ``node_count``
    what stands against it here (``flows/reconcile.py``); both None where nobody counted.
    ``followed``: the column and table, query or path that ``cursor`` is a value of; empty in runs
    from before it was kept, and where files are followed.
    ``surplus_rows``: by how many the source's rows are more than the records that they make, as the
    last read of everything found.
    ``alarms``: what a person must look into, though the run is good.

    received = accepted + unchanged + duplicate + quarantined counts the source's rows.
    ``retracted`` counts versions that say that a record is gone at its source, made from the
    record's last version. Of these, ``retracted_by_row`` had a row that said so (a removal in a
    log of changes), which is one of the ``accepted``; the others are of records that a full copy
    no longer held, and no row stands behind them. So the run appended ``appended`` = accepted +
    retracted - retracted_by_row versions.
    ``read_at``: of a full copy, the moment that all of it counts as read, later than that of any
    earlier one. ``complete``: it was taken for all that the source had, so that what it did not
    hold was retracted.
    """

    run_id: str
    stream_id: str
    record_type: str
    mode: Mode
    started_at: datetime
    received: int
    accepted: int
    unchanged: int
    duplicate: int
    quarantined: int
    flagged: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    soft: Mapping[str, int] = field(default_factory=dict)
    cursor: Mapping[str, Any] | None = None
    gate_passed: bool = True
    gate_reasons: tuple[Text, ...] = ()
    quarantine_file: str | None = None
    landed: tuple[str, ...] = ()
    mapping_digest: str | None = None
    codes_digest: str | None = None
    contract_version: str = ""
    drift: Drift = field(default_factory=Drift)
    columns: tuple[str, ...] = ()
    source_count: int | None = None
    node_count: int | None = None
    followed: str = ""
    surplus_rows: int = 0
    alarms: tuple[Text, ...] = ()
    outside_window: int = 0
    retracted: int = 0
    retracted_by_row: int = 0
    read_at: datetime | None = None
    complete: bool = False
    bundle_id: str | None = None
    sequence: int = 0

    @property
    def appended(self) -> int:
        """Versions that the run appended to the lake."""
        return self.accepted + self.retracted - self.retracted_by_row

    def to_json(self) -> str:
        """Canonical enough to compare: sorted keys, no spaces."""
        plain: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        plain |= {
            "format": FORMAT,
            "started_at": self.started_at.isoformat(),
            "read_at": None if self.read_at is None else self.read_at.isoformat(),
            "reasons": dict(self.reasons),
            "soft": dict(self.soft),
            "cursor": None if self.cursor is None else dict(self.cursor),
            "gate_reasons": [{"en": t.en, "zh": t.zh} for t in self.gate_reasons],
            "landed": list(self.landed),
            "drift": self.drift.as_dict(),
            "columns": list(self.columns),
            "alarms": [{"en": t.en, "zh": t.zh} for t in self.alarms],
        }
        return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RunRecord:
        """Reads what ``to_json`` wrote; fields added by a later version are left aside.

        Raises:
            DataError: another format, or a field missing.
        """
        try:
            plain = json.loads(text)
            if plain["format"] != FORMAT:
                raise ValueError(plain["format"])
            known = {k: v for k, v in plain.items() if k in {f.name for f in fields(cls)}}
            known |= {
                "started_at": datetime.fromisoformat(plain["started_at"]),
                "read_at": datetime.fromisoformat(plain["read_at"])
                if plain.get("read_at")
                else None,
                "gate_reasons": tuple(Text(**t) for t in plain["gate_reasons"]),
                "landed": tuple(plain["landed"]),
                "drift": Drift.from_dict(plain["drift"]),
                "columns": tuple(plain.get("columns", ())),
                "alarms": tuple(Text(**t) for t in plain.get("alarms", ())),
            }
            return cls(**known)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                Text(
                    en="a run record in the lake's log cannot be read",
                    zh="数据湖日志中有一条运行记录无法读取",
                ),
                hint=Text(
                    en="it may have been written by a newer version; update this node",
                    zh="可能由更新版本的程序写入，请升级本节点",
                ),
            ) from error


def bundle_stream_id(publisher: str, stream: str) -> str:
    """The stream id under which a partner's bundles are appended and counted."""
    return f"bundle:{publisher}/{stream}"
