"""Section 11: a bundle, step by step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta, timezone
from typing import Any

import yaml
from own_container import STATEMENT, read_container
from own_envelope import check_signatures, read_envelope
from own_held import CLASSES, Contract, Reader, stream_of
from own_json import jcs, strict_json
from own_parquet import decode, read_footer
from own_refusal import MIB, RefusedError, need, sha256
from own_shapes import moment
from own_statement import read_statement


def verify(data: bytes, keys: Sequence[bytes], threshold: int, reader: Reader) -> dict[str, Any]:
    entries = read_container(data)
    payload, signatures = read_envelope(entries[STATEMENT])
    check_signatures(payload, signatures, keys, threshold)
    statement = read_statement(payload)
    told = statement["predicate"]
    check_parties(told, reader)
    grant = check_agreement(told, reader)
    check_subjects(statement, entries)
    sequence, digest = reader.head
    need("stream", told["sequence"] == sequence + 1, "not the next number")
    need("stream", told["previous_statement_sha256"] == digest, "another history")
    contracts = check_contracts(told, entries, reader)
    check_tables(told, entries, contracts, grant)
    return statement


def check_parties(told: dict[str, Any], reader: Reader) -> None:
    step = "parties"
    need(step, told["publisher"]["code"] == reader.publisher, "another publisher")
    need(step, reader.code in [r["code"] for r in told["recipients"]], "not for us")
    late = moment(told["created_time"]) > reader.now + timedelta(hours=1)
    need(step, not late, "from the future")


def check_agreement(told: dict[str, Any], reader: Reader) -> dict[str, Any]:
    step, held = "agreement", reader.agreement
    mine = {"id": held["id"], "version": held["version"], "digest": sha256(jcs(held))}
    need(step, told["agreement"] == mine, "another agreement")
    for when in (moment(told["created_time"]), reader.now):
        day = when.astimezone(timezone(timedelta(hours=8))).date().isoformat()
        need(step, held["valid_from"] <= day <= held["valid_until"], "it does not run")
    for grant in held["grants"]:
        if stream_of(held, grant) == told["stream"]:
            found = (
                told["publisher"]["code"],
                [r["code"] for r in told["recipients"]],
                told["purpose"],
                told["legal_basis"],
            )
            expected = (grant["from"], [grant["to"]], grant["purpose"], grant["legal_basis"])
            need(step, found == expected, "not as granted")
            return dict(grant)
    raise RefusedError(step, "no such stream")


def check_subjects(statement: dict[str, Any], entries: dict[str, bytes]) -> None:
    step, told = "subjects", statement["predicate"]
    names = [s["name"] for s in statement["subject"]]
    need(step, names == [n for n in entries if n != STATEMENT], "other entries")
    for subject in statement["subject"]:
        data = entries[subject["name"]]
        need(step, len(data) == subject["annotations"]["size"], f"size of {subject['name']}")
        need(step, sha256(data) == subject["digest"]["sha256"], f"digest of {subject['name']}")
    wanted = {"readme.txt", "quality/verdict.json"}
    for one in told["contracts"]:
        wanted |= {f"contracts/{one}.odcs.yaml", f"records/{one}.parquet"}
    for name in names:
        attached = re.fullmatch(r"attachments/([0-9a-f]{64})\.[a-z0-9]{1,8}", name, re.ASCII)
        if attached:
            need(step, attached[1] == sha256(entries[name]), "an attachment's name")
            need(step, len(entries[name]) <= 64 * MIB, "an attachment too large")
        else:
            need(step, name in wanted, f"{name} is not expected")
            is_table = name.startswith("records/")
            need(step, is_table or len(entries[name]) <= 4 * MIB, f"{name} is too large")
    need(step, wanted <= set(names), "an entry is missing")
    verdict = entries["quality/verdict.json"]
    need(step, sha256(verdict) == told["verdict_sha256"], "another verdict")
    strict_json(step, verdict, canonical=False)


def check_contracts(
    told: dict[str, Any], entries: dict[str, bytes], reader: Reader
) -> dict[str, Contract]:
    step, found = "contract", {}
    for name, named in told["contracts"].items():
        data = entries[f"contracts/{name}.odcs.yaml"]
        need(step, sha256(data) == named["sha256"], "another digest")
        need(step, name in reader.contracts, "an unknown record type")
        mine = reader.contracts[name]
        if named["version"] == mine.version:
            need(step, data == mine.data, "other bytes of the same version")
            found[name] = mine
            continue
        same_major = named["version"].split(".")[0] == mine.version.split(".")[0]
        need(step, same_major, "another major version")
        try:
            theirs = Contract.parse(data)
        except (yaml.YAMLError, KeyError, TypeError, IndexError, AttributeError):
            raise RefusedError(step, "no contract") from None
        need(step, (theirs.record_type, theirs.version) == (name, named["version"]), "another one")
        types = {c.name: c.type for c in mine.columns}
        for column in theirs.columns:
            need(step, types.get(column.name, column.type) == column.type, "another type")
        found[name] = theirs
    return found


def check_tables(
    told: dict[str, Any],
    entries: dict[str, bytes],
    contracts: dict[str, Contract],
    grant: dict[str, Any],
) -> None:
    footers, classes = {}, ["public"]
    for name, contract in contracts.items():
        footer = read_footer(entries[f"records/{name}.parquet"])
        footers[name] = footer
        need("grant", name in grant["records"], "a record type that is not granted")
        allowed = [c for c in contract.columns if c.technical or c.name in grant["records"][name]]
        got = [leaf.name for leaf in footer.leaves]
        need("grant", got == [c.name for c in allowed], "other columns than granted")
        for leaf, column in zip(footer.leaves, allowed, strict=True):
            need("table", leaf.type == column.type, f"type of {leaf.name}")
        classes += [c.classification for c in allowed]
    highest = max(classes, key=CLASSES.index)
    need("grant", highest == told["sensitivity_class"], "another sensitivity")
    for name, footer in footers.items():
        need("table", footer.rows == told["counts"][name], "another number of rows")
        decode(entries[f"records/{name}.parquet"], footer.rows)
