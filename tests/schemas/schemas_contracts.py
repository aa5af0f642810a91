"""Small contracts, written as the files are."""

from __future__ import annotations

import json
from typing import Any

from schemas.contract import Contract, parse_contract

FIELDS: dict[str, dict[str, Any]] = {
    "record_id": {"tags": ["technical", "filled-by-node"], "required": True},
    "note_no": {"required": True},
    "mass_kg": {"physicalType": "BIGINT"},
    "colour": {"codeList": "plate_color"},
}


def small_contract(
    fields: dict[str, dict[str, Any]] | None = None,
    rules: dict[str, dict[str, Any]] | None = None,
    version: str = "1.0.0",
    comment: str = "",
    **more: Any,
) -> Contract:
    """A contract of record type ``thing``. Custom properties are given like the standard's own."""
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "urn:hefu:contract:thing",
        "version": version,
        "status": "active",
        "customProperties": [{"property": k, "value": v} for k, v in more.items()],
        "schema": [
            {
                "name": "thing",
                "properties": [_field(n, f) for n, f in (fields or FIELDS).items()],
                "quality": [_rule(i, r) for i, r in (rules or {}).items()],
            }
        ],
    }
    # JSON is YAML, but the version stands on a line of its own, as in the files.
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return parse_contract((text + comment).encode())


STANDARD = {
    "businessName", "classification", "description", "examples", "logicalType",
    "logicalTypeOptions", "physicalType", "required", "tags",
}  # fmt: skip


def _field(name: str, given: dict[str, Any]) -> dict[str, Any]:
    held = {"name": name, "physicalType": "VARCHAR", "classification": "internal"}
    custom = [{"property": k, "value": v} for k, v in given.items() if k not in STANDARD]
    return (
        held
        | {k: v for k, v in given.items() if k in STANDARD}
        | ({"customProperties": custom} if custom else {})
    )


def _rule(identifier: str, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": identifier,
        "name": "规则",
        "description": "a rule",
        "type": "sql",
        "severity": given.get("severity", "error"),
        "query": f"SELECT COUNT(*) FROM {{object}} WHERE {given['where']}",
        "customProperties": [{"property": "hintEn", "value": given.get("hint", "")}],
    }
