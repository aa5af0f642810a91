"""Section 5: the statement."""

from __future__ import annotations

from typing import Any

from own_json import jcs, strict_json
from own_refusal import need, sha256
from own_shapes import (
    CODE,
    HEX64,
    PARTY,
    RECORD_TYPE,
    SEQUENCE,
    STREAM,
    list_of,
    map_of,
    micro_time,
    name_text,
    one_of,
    optional,
    record,
    text,
    whole,
)

PREDICATE = record(
    {
        "bundle_id": text("[0-9a-f]{32}"),
        "publisher": PARTY,
        "recipients": list_of(PARTY, 1, 16),
        "agreement": record({"id": name_text, "version": whole(1), "digest": HEX64}),
        "purpose": name_text,
        "legal_basis": name_text,
        "stream": STREAM,
        "sequence": SEQUENCE,
        "previous_statement_sha256": optional(HEX64),
        "period": optional(record({"start": micro_time, "end": micro_time})),
        "lake_versions": map_of(RECORD_TYPE, whole(0)),
        "counts": map_of(RECORD_TYPE, whole(0)),
        "contracts": map_of(RECORD_TYPE, record({"version": name_text, "sha256": HEX64})),
        "heads": list_of(
            record(
                {
                    "publisher": CODE,
                    "stream": STREAM,
                    "sequence": SEQUENCE,
                    "statement_sha256": HEX64,
                }
            ),
            0,
            1024,
        ),
        "rule_pack_version": name_text,
        "verdict_sha256": HEX64,
        "created_time": micro_time,
        "sensitivity_class": one_of("public", "internal", "personal", "sensitive"),
    }
)
STATEMENT_FORM = record(
    {
        "_type": one_of("https://in-toto.io/Statement/v1"),
        "subject": list_of(
            record(
                {
                    "name": name_text,
                    "digest": record({"sha256": HEX64}),
                    "annotations": record({"size": whole(0)}),
                }
            )
        ),
        "predicateType": one_of("urn:hefu:bundle:1"),
        "predicate": PREDICATE,
    }
)


def read_statement(payload: bytes) -> dict[str, Any]:
    step = "statement"
    value = strict_json(step, payload, canonical=True)
    need(step, STATEMENT_FORM(value), "not of its form")
    told = value["predicate"]
    rest = {k: v for k, v in told.items() if k != "bundle_id"}
    need(step, sha256(jcs({**value, "predicate": rest}))[:32] == told["bundle_id"], "bundle_id")
    types = set(told["contracts"])
    need(step, types == set(told["counts"]) == set(told["lake_versions"]), "record types differ")
    first = told["sequence"] == 1
    need(step, first == (told["previous_statement_sha256"] is None), "previous")
    if told["period"]:
        need(step, told["period"]["start"] <= told["period"]["end"], "period")
    heads = [(h["publisher"], h["stream"]) for h in told["heads"]]
    need(step, heads == sorted(set(heads)), "heads unsorted or doubled")
    for head in told["heads"]:
        if (head["publisher"], head["stream"]) == (told["publisher"]["code"], told["stream"]):
            need(step, head["sequence"] < told["sequence"], "a head after the bundle")
            if head["sequence"] == told["sequence"] - 1:
                same = head["statement_sha256"] == told["previous_statement_sha256"]
                need(step, same, "head and previous differ")
    return value
