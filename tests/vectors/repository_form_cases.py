"""Vectors of the step ``trust``: what the lists may say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from bundles import STRANGER, flipped
from repositories import Alter, File, RepositoryCase, facts
from repository_states import FIRST, ONE, SEGMENT, STREAM, target_of, trust_case, with_field

from exchange.trust.roles import target_path


def form_cases() -> Iterator[RepositoryCase]:
    """What the lists may say."""
    path = target_path(STREAM, 1, is_encrypted=False)
    yield trust_case(
        "spec_version",
        "The timestamp is of a later TUF specification.",
        replace(ONE, alter={"timestamp": with_field("spec_version", "2.0.0")}),
    )
    yield trust_case(
        "type",
        "The timestamp calls itself a snapshot.",
        replace(ONE, alter={"timestamp": with_field("_type", "snapshot")}),
    )
    yield trust_case(
        "unknown_field",
        "The segment has a field that the format does not know.",
        replace(ONE, alter={SEGMENT: with_field("remark", "hello")}),
    )
    yield trust_case(
        "segment_delegates_null",
        "The segment has delegations, and they are null.",
        replace(ONE, alter={SEGMENT: with_field("delegations", None)}),
    )
    yield trust_case(
        "not_json",
        "The timestamp is no JSON.",
        replace(ONE, done=_replaced("timestamp", b"<html>")),
    )
    yield trust_case(
        "doubled_key",
        "The timestamp has the key version twice, of which the signed one is the last.",
        replace(ONE, done=_doubled_version),
    )
    yield trust_case(
        "targets_lists_bundle",
        "The list of roles, signed by the root keys, lists a bundle itself.",
        replace(
            ONE,
            alter={"targets": lambda s: s["targets"].update({path: target_of(FIRST)})},
        ),
    )
    yield trust_case(
        "bundles_lists_bundle",
        "The list of segments lists a bundle itself.",
        replace(ONE, alter={"bundles": lambda s: s["targets"].update({path: target_of(FIRST)})}),
    )
    yield trust_case(
        "delegation_too_wide",
        "The role that signs statements may list any file.",
        replace(
            ONE,
            alter={"targets": lambda s: s["delegations"]["roles"][0].update(paths=["*", "*/*"])},
        ),
    )
    yield trust_case(
        "segment_delegated_elsewhere",
        "A segment of one stream may list bundles of another.",
        replace(
            ONE,
            alter={"bundles": lambda s: s["delegations"]["roles"][0].update(paths=["streams/x/*"])},
        ),
    )
    yield trust_case(
        "segment_delegated_twice",
        "A segment is delegated twice.",
        replace(
            ONE,
            alter={
                "bundles": lambda s: s["delegations"]["roles"].extend(s["delegations"]["roles"])
            },
        ),
    )
    yield trust_case(
        "segment_paths_too_few",
        "The paths of a segment leave out one of its numbers.",
        replace(ONE, alter={"bundles": lambda s: s["delegations"]["roles"][0]["paths"].pop()}),
    )
    yield trust_case(
        "segment_of_other_keys",
        "The list of segments gives one to another key than that of its own role.",
        replace(ONE, alter={"bundles": _give_to_stranger}, signers={SEGMENT: (STRANGER,)}),
    )
    yield trust_case(
        "segment_lists_other_stream",
        "A segment lists a bundle of another stream.",
        replace(ONE, alter={SEGMENT: _also("streams/other/00000001.hefu")}),
    )
    yield trust_case(
        "segment_lists_other_number",
        "The first segment lists number 257.",
        replace(ONE, alter={SEGMENT: _also(target_path(STREAM, 257, is_encrypted=False))}),
    )
    yield trust_case(
        "path_climbs_out",
        "A segment lists a path that climbs out.",
        replace(ONE, alter={SEGMENT: _also(f"streams/{STREAM}/../../00000001.hefu")}),
    )
    yield trust_case(
        "listed_twice",
        "One number is listed with and without encryption.",
        replace(ONE, alter={SEGMENT: _also(target_path(STREAM, 1, is_encrypted=True))}),
    )
    yield trust_case(
        "segment_not_in_snapshot",
        "A segment is delegated and does not stand in the snapshot.",
        replace(ONE, alter={"snapshot": lambda s: s["meta"].pop(f"{SEGMENT}.json")}),
    )
    yield trust_case(
        "no_statement_digest",
        "A listed bundle does not name the digest of its statement.",
        replace(ONE, alter={SEGMENT: lambda s: s["targets"][path].pop("custom")}),
    )
    yield trust_case(
        "statement_digest_differs",
        "A listed bundle's statement is not the one that the list names.",
        replace(ONE, files={1: replace(File.plain(FIRST), statement_sha256="0" * 64)}),
    )
    yield trust_case(
        "agency_changed",
        "A byte of agency.json was changed.",
        replace(ONE, done=_agency_changed),
    )
    yield trust_case(
        "other_agency",
        "The repository is that of another agency.",
        replace(ONE, facts=facts(code="TESTOTHER")),
    )


def _replaced(role: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda found: found.update({f"metadata/{role}.json": data})


def _doubled_version(found: dict[str, bytes]) -> None:
    text = found["metadata/timestamp.json"]
    found["metadata/timestamp.json"] = text.replace(b'"version": 1', b'"version": 9,"version": 1')


def _also(path: str) -> Alter:
    return lambda signed: signed["targets"].update({path: target_of(FIRST)})


def _give_to_stranger(signed: dict[str, Any]) -> None:
    found = signed["delegations"]
    plain = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {}}
    plain["keyval"] = {"public": STRANGER.public.raw.hex()}
    found["keys"][STRANGER.public.key_id] = plain
    found["roles"][0]["keyids"] = [STRANGER.public.key_id]


def _agency_changed(found: dict[str, bytes]) -> None:
    name = next(path for path in found if path.endswith("agency.json"))
    found[name] = flipped(found[name], 20)
