"""Section 10: the lists of a repository, their forms and who must have signed them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from own_envelope import good, key_id, sound
from own_json import jcs, strict_json
from own_refusal import RefusedError, need
from own_shapes import (
    CODE,
    HEX64,
    Shape,
    list_of,
    map_of,
    name_text,
    one_of,
    record,
    second_time,
    text,
    whole,
)

KEY = record(
    {
        "keytype": one_of("ed25519"),
        "scheme": one_of("ed25519"),
        "keyval": record({"public": HEX64}),
    }
)
ROLE_FIELDS = {"keyids": list_of(HEX64, 1, 16), "threshold": whole(1, 16)}
ROLE = record(ROLE_FIELDS)
DELEGATED = record(
    {
        **ROLE_FIELDS,
        "name": lambda v: isinstance(v, str),
        "paths": list_of(lambda v: isinstance(v, str), 1),
        "terminating": one_of(True, False),
    }
)
HASHES = record({"sha256": HEX64})
META = record({"version": whole(1), "length": whole(1), "hashes": HASHES}, ("length", "hashes"))
TARGET = record(
    {"length": whole(1), "hashes": HASHES, "custom": record({"statement_sha256": HEX64})},
    ("custom",),
)
COMMON = {
    "spec_version": text(r"1\.0\.\d+"),
    "version": whole(1),
    "expires": second_time,
}
ANY_TEXT: Shape = lambda v: isinstance(v, str)  # noqa: E731
DELEGATIONS = record({"keys": map_of(HEX64, KEY), "roles": list_of(DELEGATED)})
FORMS = {
    "root": record(
        {
            **COMMON,
            "_type": one_of("root"),
            "consistent_snapshot": one_of(True),
            "keys": map_of(HEX64, KEY),
            "roles": record(dict.fromkeys(("root", "targets", "snapshot", "timestamp"), ROLE)),
        },
        x=True,
    ),
    "targets": record(
        {
            **COMMON,
            "_type": one_of("targets"),
            "targets": map_of(ANY_TEXT, TARGET),
            "delegations": DELEGATIONS,
        },
        ("delegations",),
        x=True,
    ),
    "snapshot": record(
        {**COMMON, "_type": one_of("snapshot"), "meta": map_of(ANY_TEXT, META)}, x=True
    ),
    "timestamp": record(
        {
            **COMMON,
            "_type": one_of("timestamp"),
            "meta": record({"snapshot.json": META}),
            "x-hefu-published": second_time,
        },
        x=True,
    ),
}
ENVELOPE = record(
    {
        "signatures": list_of(record({"keyid": HEX64, "sig": text("[0-9a-f]{128}")}), 1, 16),
        "signed": lambda v: isinstance(v, dict),
    }
)
SEGMENT_NAME = re.compile(r"([a-z0-9][a-z0-9._-]{0,199})\.([0-9]{6})", re.ASCII)
AGENCY = record(
    {
        "_type": one_of("urn:hefu:agency:1"),
        "code": CODE,
        "name": name_text,
        "division_code": text(r"\d{6}"),
        "repository": lambda v: isinstance(v, str) and len(v) <= 2000,
        "recipients": list_of(text("age1[02-9ac-hj-np-z]{58}"), 0, 16),
        "sealed_recipients": list_of(text("age1[02-9ac-hj-np-z]{58}"), 0, 16),
    },
    ("repository", "recipients", "sealed_recipients"),
)


@dataclass(frozen=True)
class Holder:
    """Keys and threshold of a role."""

    keys: tuple[bytes, ...]
    threshold: int


def open_list(data: bytes, form: str, holders: Sequence[Holder]) -> dict[str, Any]:
    step = "trust"
    whole_list = strict_json(step, data, canonical=False)
    need(step, ENVELOPE(whole_list), "not a signed list")
    signatures = {s["keyid"]: s["sig"] for s in whole_list["signatures"]}
    need(step, len(signatures) == len(whole_list["signatures"]), "a key id twice")
    signed: dict[str, Any] = whole_list["signed"]
    try:
        message = jcs(signed)
    except ValueError:
        raise RefusedError(step, "a number out of range") from None
    need(step, FORMS[form](signed), f"not of the form of {form}")
    for holder in holders:
        have = {
            key
            for key in holder.keys
            if good(key, bytes.fromhex(signatures.get(key_id(key), "")), message)
        }
        need(step, len(have) >= holder.threshold, f"{form}: below the threshold")
    return signed


def holder_of(keys: dict[str, Any], role: dict[str, Any]) -> Holder:
    step = "trust"
    for name, key in keys.items():
        raw = bytes.fromhex(key["keyval"]["public"])
        need(step, key_id(raw) == name, "a key under another id")
        need(step, sound(raw), "a key of small order")
    ids = role["keyids"]
    need(step, len(set(ids)) == len(ids) and set(ids) <= set(keys), "key ids")
    need(step, role["threshold"] <= len(ids), "a threshold that cannot be met")
    return Holder(tuple(bytes.fromhex(keys[i]["keyval"]["public"]) for i in ids), role["threshold"])
