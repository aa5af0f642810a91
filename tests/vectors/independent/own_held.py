"""Sections 6 and 7: what a reader holds before a bundle comes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

TYPES = {
    "VARCHAR", "BIGINT", "DECIMAL(16,2)", "DECIMAL(6,4)", "DATE", "TIMESTAMPTZ", "BOOLEAN",
    "VARCHAR[]", "BIGINT[]",
}  # fmt: skip
CLASSES = ("public", "internal", "personal", "sensitive")


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    classification: str
    technical: bool


@dataclass(frozen=True)
class Contract:
    record_type: str
    version: str
    columns: tuple[Column, ...]
    data: bytes

    @classmethod
    def parse(cls, data: bytes) -> Contract:
        document = yaml.safe_load(data)
        columns = tuple(
            Column(
                p["name"],
                p["physicalType"],
                p["classification"],
                "technical" in (p.get("tags") or ()),
            )
            for p in document["schema"][0]["properties"]
        )
        for column in columns:
            if column.type not in TYPES or column.classification not in CLASSES:
                raise KeyError(column.name)
        return cls(document["schema"][0]["name"], str(document["version"]), columns, data)


def load_agreement(path: Path) -> dict[str, Any]:
    """The object of section 6, with defaults written out."""
    found = tomllib.loads(path.read_text("utf-8"))
    day: Callable[[date | None], str | None] = lambda d: d.isoformat() if d else None  # noqa: E731
    grants = []
    for grant in found["grants"]:
        rows, delivery = grant.get("rows", {}), grant.get("delivery", {})
        grants.append(
            {
                **{k: grant[k] for k in ("from", "to", "purpose", "legal_basis", "records")},
                "rows": {
                    "divisions": rows.get("divisions", []),
                    "domains": rows.get("domains", []),
                    "registration_divisions": rows.get("registration_divisions", []),
                    "since": day(rows.get("since")),
                    "until": day(rows.get("until")),
                },
                "encryption": grant.get("encryption", "when_personal"),
                "retention_days": grant.get("retention_days"),
                "delivery": {
                    "receipt_within_working_days": delivery.get("receipt_within_working_days", 2),
                    "at_least_every_days": delivery.get("at_least_every_days"),
                },
            }
        )
    return {
        "id": found["id"],
        "version": found["version"],
        "valid_from": day(found["valid_from"]),
        "valid_until": day(found["valid_until"]),
        "parties": [{"code": p["code"], "name": p["name"]} for p in found["parties"]],
        "grants": grants,
    }


def stream_of(agreement: dict[str, Any], grant: dict[str, Any]) -> str:
    return ".".join((agreement["id"], grant["from"], grant["to"], grant["purpose"])).lower()


@dataclass(frozen=True)
class Reader:
    """What a reader holds before a bundle comes."""

    code: str
    publisher: str
    agreement: dict[str, Any]
    contracts: dict[str, Contract]
    now: datetime
    head: tuple[int, str | None] = (0, None)
