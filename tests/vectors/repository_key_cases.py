"""Vectors of the step ``trust``: who signed what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bundles import KEY_A, KEY_B, STRANGER
from odd_signatures import SMALL
from repositories import (
    ONLINE,
    ROOT_1,
    ROOT_2,
    ROOT_3,
    ROOT_4,
    ROOTS,
    Alter,
    File,
    Repository,
    RepositoryCase,
    RootOf,
    open_bundle,
    resigned,
    signed_file,
)
from repository_states import FIRST, ONE, SAME_ROLES, SEGMENT, trust_case, with_field

from exchange.jsontext import sha256_hex


def key_cases() -> Iterator[RepositoryCase]:
    """Who signed what."""
    yield trust_case(
        "other_root",
        "The repository's root is not the one that was handed over.",
        replace(ONE, roots=(RootOf((ROOT_4,), 1, (ONLINE,), (ROOT_4,)),), bundle_keys=(KEY_A,)),
        root=replace(ONE, roots=(RootOf(online=(KEY_B,)),)),
    )
    mine = RootOf((ROOT_4, STRANGER), 2, (ONLINE,), (ROOT_4, STRANGER))
    yield trust_case(
        "root_signed_by_new_keys_only",
        "The second root is signed by its own keys and not by those of the first.",
        replace(ONE, roots=(SAME_ROLES, mine)),
    )
    yield trust_case(
        "root_signed_by_old_keys_only",
        "The second root names other keys and is signed by those of the first only.",
        replace(ONE, roots=(SAME_ROLES, replace(mine, signers=(ROOT_1, ROOT_2)))),
    )
    yield trust_case(
        "root_below_threshold",
        "One of the root keys signed the second root, the threshold is two.",
        replace(ONE, roots=(SAME_ROLES, replace(SAME_ROLES, signers=(ROOT_3,)))),
    )
    yield trust_case(
        "root_signed_twice_by_one_key",
        "One root key signed the second root twice, the threshold is two.",
        replace(ONE, roots=(SAME_ROLES, SAME_ROLES), done=_sign_root_twice),
    )
    yield trust_case(
        "root_version_skipped",
        "The file of the second root holds a root of version 3.",
        replace(ONE, roots=(SAME_ROLES, SAME_ROLES), done=_third_in_the_place_of_second),
    )
    yield trust_case(
        "root_expired",
        "The root expired before it was read.",
        replace(ONE, alter={"root.1": with_field("expires", "2026-11-01T00:00:00Z")}),
    )
    yield trust_case(
        "root_key_under_two_ids",
        "The second root names one key under two ids, so that one holder meets its threshold.",
        replace(
            ONE,
            roots=(SAME_ROLES, replace(SAME_ROLES, signers=(ROOT_1, ROOT_2, ROOT_4))),
            alter={"root.2": _second_id_for(ROOT_4, "root")},
        ),
    )
    yield trust_case(
        "root_key_of_small_order",
        "The second root names a key for which anybody can sign.",
        replace(ONE, roots=(SAME_ROLES, replace(SAME_ROLES, root_keys=(*ROOTS, SMALL)))),
    )
    yield trust_case(
        "root_not_consistent",
        "The second root says that names do not carry versions and digests.",
        replace(
            ONE,
            roots=(SAME_ROLES, SAME_ROLES),
            alter={"root.2": with_field("consistent_snapshot", False)},
        ),
    )
    yield trust_case(
        "root_consistent_as_number",
        "The second root says 1 where it must say true.",
        replace(
            ONE,
            roots=(SAME_ROLES, SAME_ROLES),
            alter={"root.2": with_field("consistent_snapshot", 1)},
        ),
    )
    for role, about in (
        ("targets", "The list of roles"),
        ("bundles", "The list of segments"),
        (SEGMENT, "The segment"),
        ("snapshot", "The snapshot"),
        ("timestamp", "The timestamp"),
    ):
        name = "segment" if role == SEGMENT else role
        yield trust_case(
            f"{name}_signed_by_stranger",
            f"{about} is signed by a key that nobody named.",
            replace(ONE, signers={role: (STRANGER,)}),
        )
    yield trust_case(
        "targets_below_threshold",
        "One root key signed the list of roles, the threshold is two.",
        replace(ONE, signers={"targets": (ROOT_1,)}),
    )
    yield trust_case(
        "targets_signed_by_online_key",
        "The online key signed the list of roles.",
        replace(ONE, signers={"targets": (ONLINE,)}),
    )
    yield trust_case(
        "bundles_key_under_two_ids",
        "One key stands under two ids in the role that signs statements, the threshold is two.",
        Repository(
            {1: File.plain(FIRST)},
            bundle_keys=(KEY_A, KEY_B),
            bundle_threshold=2,
            alter={"targets": _second_id_for(KEY_A, "bundles")},
        ),
    )
    yield trust_case(
        "signature_changed",
        "A byte of the snapshot's signature was changed, and the timestamp made good.",
        replace(ONE, done=_break_snapshot_signature),
    )
    yield RepositoryCase(
        "signature_key_revoked_fail",
        "The key that signed the statement no longer stands in the role, and the bundle was not "
        "signed anew.",
        replace(ONE, bundle_keys=(KEY_B,)),
        "signature",
    )
    yield RepositoryCase(
        "signature_offline_keys_fail",
        "Root keys signed the statement; only the role's keys may.",
        replace(ONE, files={1: File.plain(open_bundle(ROOT_1, ROOT_2))}),
        "signature",
    )


def _sign_root_twice(found: dict[str, bytes]) -> None:
    signed = json.loads(found["metadata/2.root.json"])["signed"]
    found["metadata/2.root.json"] = signed_file(
        signed, (ROOT_1, ROOT_1), (ROOT_1.public.key_id, ROOT_2.public.key_id)
    )


def _third_in_the_place_of_second(found: dict[str, bytes]) -> None:
    resigned(found, "metadata/2.root.json", with_field("version", 3), ROOT_1, ROOT_2)


def _second_id_for(key: Any, role: str) -> Alter:
    """The key once more, under an id that is not its digest."""

    def change(signed: dict[str, Any]) -> None:
        holder = signed if role == "root" else signed["delegations"]
        plain = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {}}
        plain["keyval"] = {"public": key.public.raw.hex()}
        holder["keys"]["0" * 64] = plain
        found = signed["roles"][role] if role == "root" else holder["roles"][0]
        found["keyids"] = [*found["keyids"], "0" * 64]

    return change


def _break_snapshot_signature(found: dict[str, bytes]) -> None:
    whole = json.loads(found["metadata/1.snapshot.json"])
    sig = whole["signatures"][0]["sig"]
    whole["signatures"][0]["sig"] = ("0" if sig[0] != "0" else "1") + sig[1:]
    data = json.dumps(whole).encode()
    found["metadata/1.snapshot.json"] = data

    def change(signed: dict[str, Any]) -> None:
        signed["meta"]["snapshot.json"] |= {"length": len(data)}
        signed["meta"]["snapshot.json"]["hashes"] = {"sha256": sha256_hex(data)}

    resigned(found, "metadata/timestamp.json", change, ONLINE)
