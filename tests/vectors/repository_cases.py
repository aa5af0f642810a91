"""Vectors of the steps ``fetch`` and ``trust``, and of bundles as they come from a repository."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from age_cases import BOTH, OURS
from age_file import encrypted
from bundles import (
    KEY_A,
    KEY_B,
    NOW,
    STRANGER,
    Key,
    agreement,
    flipped,
    good,
    statement_digest,
)
from odd_signatures import SMALL
from repositories import (
    ONLINE,
    PUBLISHED,
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
    facts,
    open_agreement,
    open_bundle,
    resigned,
    signed_file,
    stream_of,
)

from exchange.jsontext import sha256_hex
from exchange.trust.roles import target_file, target_path

FIRST = open_bundle()
STREAM = stream_of(open_agreement())
SEGMENT = f"{STREAM}.000000"
EARLIER = PUBLISHED - timedelta(days=3)
"""When the earlier of two publications was."""


def following(
    before: bytes, sequence: int = 2, keys: tuple[Key, ...] = (), **changes: Any
) -> bytes:
    link = statement_digest(before)
    return open_bundle(*keys, sequence=sequence, previous_statement_sha256=link, **changes)


SECOND = following(FIRST)
ONE = Repository({1: File.plain(FIRST)})
TWO = Repository({1: File.plain(FIRST), 2: File.plain(SECOND)})
BEFORE = replace(ONE, published=EARLIER)
NEXT = {"timestamp": 2, "snapshot": 2, SEGMENT: 2}
AFTER = replace(TWO, versions=NEXT)
SAME_ROLES = RootOf()


def good_repository_cases() -> Iterator[RepositoryCase]:
    yield RepositoryCase("repository", "The first bundle of a published stream.", ONE)
    yield RepositoryCase(
        "repository_continued",
        "The second bundle, published after the reader had taken in the first.",
        AFTER,
        sequence=2,
        earlier=BEFORE,
        previous=FIRST,
    )
    yield RepositoryCase(
        "repository_nothing_new",
        "The repository is as it was when it was read before.",
        ONE,
        earlier=ONE,
    )
    yield RepositoryCase(
        "repository_encrypted",
        "The agreement grants a personal field, so the bundle is encrypted.",
        Repository(
            {1: File(encrypted(good(), BOTH), statement_digest(good()), is_encrypted=True)},
            stream=stream_of(agreement()),
        ),
        identity=OURS,
        agreement=agreement(),
    )
    before = open_bundle(sequence=256, previous_statement_sha256="2" * 64)
    yield RepositoryCase(
        "repository_second_segment",
        "Number 257 is the first of the stream's second segment.",
        Repository({256: File.plain(before), 257: File.plain(following(before, 257))}),
        sequence=257,
        previous=before,
    )
    rotated = RootOf((ROOT_1, ROOT_2, ROOT_4), 2, (KEY_B,), (ROOT_1, ROOT_2))
    yield RepositoryCase(
        "repository_keys_rotated",
        "A root key, the online key and the key of the statements were exchanged, and the bundle "
        "signed anew.",
        replace(
            ONE,
            files={1: File.plain(open_bundle(KEY_B))},
            roots=(SAME_ROLES, rotated),
            bundle_keys=(KEY_B,),
            versions={"timestamp": 2, "snapshot": 2, "targets": 2, "bundles": 2, SEGMENT: 2},
        ),
        earlier=BEFORE,
    )
    yield RepositoryCase(
        "repository_recovered",
        "Somebody with the online key had driven the versions up; after the key was exchanged they "
        "begin anew.",
        replace(
            ONE,
            files={1: File.plain(open_bundle(KEY_B))},
            roots=(SAME_ROLES, rotated),
            bundle_keys=(KEY_B,),
            versions={"targets": 2, "bundles": 2, SEGMENT: 2},
        ),
        earlier=replace(BEFORE, versions={"timestamp": 99, "snapshot": 99}),
    )
    yield RepositoryCase(
        "repository_signed_again",
        "The bundle that was taken in was signed again by another key; the next one follows it.",
        Repository(
            {1: File.plain(open_bundle(KEY_B)), 2: File.plain(following(FIRST, keys=(KEY_B,)))},
            bundle_keys=(KEY_B,),
            versions=NEXT | {"targets": 2, "bundles": 2},
        ),
        earlier=BEFORE,
        sequence=2,
        previous=FIRST,
    )
    yield RepositoryCase(
        "repository_three_roots",
        "Three changes of trust happened since the card was handed over.",
        replace(ONE, roots=(SAME_ROLES, SAME_ROLES, SAME_ROLES, SAME_ROLES)),
    )
    yield RepositoryCase(
        "repository_threshold_of_two",
        "Two keys sign statements and lists.",
        Repository(
            {1: File.plain(open_bundle(KEY_A, KEY_B))},
            bundle_keys=(KEY_A, KEY_B),
            bundle_threshold=2,
        ),
    )
    yield RepositoryCase(
        "repository_stale_allowed",
        "The timestamp expired two weeks ago; the reader's policy allows thirty days.",
        ONE,
        now=NOW + timedelta(days=28),
        max_stale_days=30,
    )
    yield RepositoryCase(
        "repository_unknown_field",
        "The timestamp has a field of its own whose name begins with x-.",
        replace(ONE, alter={"timestamp": _with("x-hefu-remark", "hello")}),
    )


def _with(name: str, value: Any) -> Alter:
    return lambda signed: signed.update({name: value})


def _case(name: str, about: str, repository: Repository, **changes: Any) -> RepositoryCase:
    return RepositoryCase(f"trust_{name}_fail", about, repository, "trust", **changes)


def age_of_lists_cases() -> Iterator[RepositoryCase]:
    """Nothing goes back, nothing is too old, nothing is mixed."""
    yield _case(
        "timestamp_expired",
        "The timestamp expired before it was read.",
        ONE,
        now=NOW + timedelta(days=15),
    )
    yield _case(
        "frozen",
        "The repository shows for a month what it showed before.",
        ONE,
        earlier=ONE,
        now=NOW + timedelta(days=30),
    )
    yield _case(
        "stale_beyond_policy",
        "The timestamp expired longer ago than the reader's policy allows.",
        ONE,
        now=NOW + timedelta(days=60),
        max_stale_days=30,
    )
    yield _case(
        "rolled_back",
        "The reader has seen a later state of the repository.",
        BEFORE,
        earlier=replace(AFTER, published=EARLIER),
    )
    yield _case(
        "timestamp_rolled_back",
        "The timestamp's version is lower than before, all else is newer.",
        replace(AFTER, versions=NEXT | {"timestamp": 2}),
        earlier=replace(BEFORE, versions={"timestamp": 3}),
    )
    yield _case(
        "snapshot_rolled_back",
        "A newer timestamp names an older snapshot than before.",
        replace(TWO, versions={"timestamp": 5, "snapshot": 2}),
        earlier=replace(BEFORE, versions={"timestamp": 4, "snapshot": 3}),
    )
    yield _case(
        "segment_rolled_back",
        "A newer snapshot names an older version of a segment than before.",
        replace(ONE, versions={"timestamp": 3, "snapshot": 3, SEGMENT: 1}),
        earlier=replace(BEFORE, versions={"timestamp": 2, "snapshot": 2, SEGMENT: 2}),
    )
    yield _case(
        "segment_dropped",
        "A newer snapshot no longer names a segment that it named before.",
        replace(
            ONE,
            versions=NEXT,
            alter={"snapshot": lambda signed: signed["meta"].pop(f"{SEGMENT}.json")},
        ),
        earlier=BEFORE,
    )
    yield _case(
        "two_stories",
        "Two timestamps of one version are signed, which name different snapshots.",
        replace(TWO, versions={"snapshot": 2, SEGMENT: 2}),
        earlier=BEFORE,
    )
    yield _case(
        "mix_and_match",
        "A segment is a rightly signed one, but not the one that the snapshot names.",
        replace(AFTER, done=_segment_of(replace(ONE, versions=NEXT))),
    )
    yield _case(
        "snapshot_expired",
        "The snapshot expired, the timestamp did not.",
        replace(ONE, alter={"snapshot": _with("expires", "2026-11-01T00:00:00Z")}),
    )
    yield _case(
        "segment_expired",
        "The segment expired, nothing else did.",
        replace(ONE, alter={SEGMENT: _with("expires", "2026-11-01T00:00:00Z")}),
    )
    yield _case(
        "published_in_the_future",
        "The timestamp says that it was written two hours from now.",
        replace(ONE, alter={"timestamp": _with("x-hefu-published", "2026-11-22T03:00:00Z")}),
    )
    yield _case(
        "published_missing",
        "The timestamp does not say when it was written.",
        replace(ONE, alter={"timestamp": lambda signed: signed.pop("x-hefu-published")}),
    )
    yield _case(
        "taken_in_not_listed",
        "The bundle that was taken in last stands in the lists with another statement.",
        Repository({1: File.plain(_other_first()), 2: File.plain(SECOND)}),
        sequence=2,
        previous=FIRST,
    )


def _other_first() -> bytes:
    return open_bundle(rule_pack_version="another")


def _segment_of(other: Repository) -> Callable[[dict[str, bytes]], None]:
    path = f"metadata/2.{SEGMENT}.json"
    return lambda found: found.update({path: other.write()[path]})


def key_cases() -> Iterator[RepositoryCase]:
    """Who signed what."""
    yield _case(
        "other_root",
        "The repository's root is not the one that was handed over.",
        replace(ONE, roots=(RootOf((ROOT_4,), 1, (ONLINE,), (ROOT_4,)),), bundle_keys=(KEY_A,)),
        root=replace(ONE, roots=(RootOf(online=(KEY_B,)),)),
    )
    mine = RootOf((ROOT_4, STRANGER), 2, (ONLINE,), (ROOT_4, STRANGER))
    yield _case(
        "root_signed_by_new_keys_only",
        "The second root is signed by its own keys and not by those of the first.",
        replace(ONE, roots=(SAME_ROLES, mine)),
    )
    yield _case(
        "root_signed_by_old_keys_only",
        "The second root names other keys and is signed by those of the first only.",
        replace(ONE, roots=(SAME_ROLES, replace(mine, signers=(ROOT_1, ROOT_2)))),
    )
    yield _case(
        "root_below_threshold",
        "One of the root keys signed the second root, the threshold is two.",
        replace(ONE, roots=(SAME_ROLES, replace(SAME_ROLES, signers=(ROOT_3,)))),
    )
    yield _case(
        "root_signed_twice_by_one_key",
        "One root key signed the second root twice, the threshold is two.",
        replace(ONE, roots=(SAME_ROLES, SAME_ROLES), done=_sign_root_twice),
    )
    yield _case(
        "root_version_skipped",
        "The file of the second root holds a root of version 3.",
        replace(ONE, roots=(SAME_ROLES, SAME_ROLES), done=_third_in_the_place_of_second),
    )
    yield _case(
        "root_expired",
        "The root expired before it was read.",
        replace(ONE, alter={"root.1": _with("expires", "2026-11-01T00:00:00Z")}),
    )
    yield _case(
        "root_key_under_two_ids",
        "The second root names one key under two ids, so that one holder meets its threshold.",
        replace(
            ONE,
            roots=(SAME_ROLES, replace(SAME_ROLES, signers=(ROOT_1, ROOT_2, ROOT_4))),
            alter={"root.2": _second_id_for(ROOT_4, "root")},
        ),
    )
    yield _case(
        "root_key_of_small_order",
        "The second root names a key for which anybody can sign.",
        replace(ONE, roots=(SAME_ROLES, replace(SAME_ROLES, root_keys=(*ROOTS, SMALL)))),
    )
    yield _case(
        "root_not_consistent",
        "The second root says that names do not carry versions and digests.",
        replace(
            ONE,
            roots=(SAME_ROLES, SAME_ROLES),
            alter={"root.2": _with("consistent_snapshot", False)},
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
        yield _case(
            f"{name}_signed_by_stranger",
            f"{about} is signed by a key that nobody named.",
            replace(ONE, signers={role: (STRANGER,)}),
        )
    yield _case(
        "targets_below_threshold",
        "One root key signed the list of roles, the threshold is two.",
        replace(ONE, signers={"targets": (ROOT_1,)}),
    )
    yield _case(
        "targets_signed_by_online_key",
        "The online key signed the list of roles.",
        replace(ONE, signers={"targets": (ONLINE,)}),
    )
    yield _case(
        "bundles_key_under_two_ids",
        "One key stands under two ids in the role that signs statements, the threshold is two.",
        Repository(
            {1: File.plain(FIRST)},
            bundle_keys=(KEY_A, KEY_B),
            bundle_threshold=2,
            alter={"targets": _second_id_for(KEY_A, "bundles")},
        ),
    )
    yield _case(
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
    resigned(found, "metadata/2.root.json", _with("version", 3), ROOT_1, ROOT_2)


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


def form_cases() -> Iterator[RepositoryCase]:
    """What the lists may say."""
    path = target_path(STREAM, 1, is_encrypted=False)
    yield _case(
        "spec_version",
        "The timestamp is of a later TUF specification.",
        replace(ONE, alter={"timestamp": _with("spec_version", "2.0.0")}),
    )
    yield _case(
        "type",
        "The timestamp calls itself a snapshot.",
        replace(ONE, alter={"timestamp": _with("_type", "snapshot")}),
    )
    yield _case(
        "unknown_field",
        "The segment has a field that the format does not know.",
        replace(ONE, alter={SEGMENT: _with("remark", "hello")}),
    )
    yield _case(
        "not_json",
        "The timestamp is no JSON.",
        replace(ONE, done=_replaced("timestamp", b"<html>")),
    )
    yield _case(
        "doubled_key",
        "The timestamp has the key version twice, of which the signed one is the last.",
        replace(ONE, done=_doubled_version),
    )
    yield _case(
        "targets_lists_bundle",
        "The list of roles, signed by the root keys, lists a bundle itself.",
        replace(
            ONE,
            alter={"targets": lambda s: s["targets"].update({path: _target(FIRST)})},
        ),
    )
    yield _case(
        "bundles_lists_bundle",
        "The list of segments lists a bundle itself.",
        replace(ONE, alter={"bundles": lambda s: s["targets"].update({path: _target(FIRST)})}),
    )
    yield _case(
        "delegation_too_wide",
        "The role that signs statements may list any file.",
        replace(
            ONE,
            alter={"targets": lambda s: s["delegations"]["roles"][0].update(paths=["*", "*/*"])},
        ),
    )
    yield _case(
        "segment_delegated_elsewhere",
        "A segment of one stream may list bundles of another.",
        replace(
            ONE,
            alter={"bundles": lambda s: s["delegations"]["roles"][0].update(paths=["streams/x/*"])},
        ),
    )
    yield _case(
        "segment_delegated_twice",
        "A segment is delegated twice.",
        replace(
            ONE,
            alter={
                "bundles": lambda s: s["delegations"]["roles"].extend(s["delegations"]["roles"])
            },
        ),
    )
    yield _case(
        "segment_paths_too_few",
        "The paths of a segment leave out one of its numbers.",
        replace(ONE, alter={"bundles": lambda s: s["delegations"]["roles"][0]["paths"].pop()}),
    )
    yield _case(
        "segment_of_other_keys",
        "The list of segments gives one to another key than that of its own role.",
        replace(ONE, alter={"bundles": _give_to_stranger}, signers={SEGMENT: (STRANGER,)}),
    )
    yield _case(
        "segment_lists_other_stream",
        "A segment lists a bundle of another stream.",
        replace(ONE, alter={SEGMENT: _also("streams/other/00000001.hefu")}),
    )
    yield _case(
        "segment_lists_other_number",
        "The first segment lists number 257.",
        replace(ONE, alter={SEGMENT: _also(target_path(STREAM, 257, is_encrypted=False))}),
    )
    yield _case(
        "path_climbs_out",
        "A segment lists a path that climbs out.",
        replace(ONE, alter={SEGMENT: _also(f"streams/{STREAM}/../../00000001.hefu")}),
    )
    yield _case(
        "listed_twice",
        "One number is listed with and without encryption.",
        replace(ONE, alter={SEGMENT: _also(target_path(STREAM, 1, is_encrypted=True))}),
    )
    yield _case(
        "segment_not_in_snapshot",
        "A segment is delegated and does not stand in the snapshot.",
        replace(ONE, alter={"snapshot": lambda s: s["meta"].pop(f"{SEGMENT}.json")}),
    )
    yield _case(
        "no_statement_digest",
        "A listed bundle does not name the digest of its statement.",
        replace(ONE, alter={SEGMENT: lambda s: s["targets"][path].pop("custom")}),
    )
    yield _case(
        "statement_digest_differs",
        "A listed bundle's statement is not the one that the list names.",
        replace(ONE, files={1: replace(File.plain(FIRST), statement_sha256="0" * 64)}),
    )
    yield _case(
        "agency_changed",
        "A byte of agency.json was changed.",
        replace(ONE, done=_agency_changed),
    )
    yield _case(
        "other_agency",
        "The repository is that of another agency.",
        replace(ONE, facts=facts(code="TESTOTHER")),
    )


def _replaced(role: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda found: found.update({f"metadata/{role}.json": data})


def _doubled_version(found: dict[str, bytes]) -> None:
    text = found["metadata/timestamp.json"]
    found["metadata/timestamp.json"] = text.replace(b'"version": 1', b'"version": 9,"version": 1')


def _target(bundle: bytes) -> dict[str, Any]:
    return {
        "length": len(bundle),
        "hashes": {"sha256": sha256_hex(bundle)},
        "custom": {"statement_sha256": statement_digest(bundle)},
    }


def _also(path: str) -> Alter:
    return lambda signed: signed["targets"].update({path: _target(FIRST)})


def _give_to_stranger(signed: dict[str, Any]) -> None:
    found = signed["delegations"]
    plain = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {}}
    plain["keyval"] = {"public": STRANGER.public.raw.hex()}
    found["keys"][STRANGER.public.key_id] = plain
    found["roles"][0]["keyids"] = [STRANGER.public.key_id]


def _agency_changed(found: dict[str, bytes]) -> None:
    name = next(path for path in found if path.endswith("agency.json"))
    found[name] = flipped(found[name], 20)


def file_cases() -> Iterator[RepositoryCase]:
    """The files that the lists name."""
    path = target_path(STREAM, 1, is_encrypted=False)
    place = target_file(path, sha256_hex(FIRST))

    def changed(change: Callable[[bytes], bytes]) -> Repository:
        return replace(ONE, done=lambda found: found.update({place: change(found[place])}))

    yield _case("file_changed", "A byte of the bundle's file was changed.",
                changed(lambda data: flipped(data, 99)))  # fmt: skip
    yield _case(
        "file_truncated", "The bundle's file was cut short.", changed(lambda data: data[:-1])
    )
    yield _case(
        "file_longer", "The bundle's file is longer than listed.", changed(lambda data: data + b"x")
    )
    yield _case(
        "file_of_other_number",
        "In the place of the file lies another good bundle of the stream.",
        changed(lambda _: SECOND),
    )

    def without(name: str, about: str, *gone: str, **changes: Any) -> RepositoryCase:
        def remove(found: dict[str, bytes]) -> None:
            for one in gone:
                del found[one]

        return RepositoryCase(
            f"fetch_{name}_fail", about, replace(ONE, done=remove), "fetch", **changes
        )

    yield without("file_missing", "The bundle's file is not there.", place)
    yield without("segment_missing", "The segment's file is not there.",
                  f"metadata/1.{SEGMENT}.json")  # fmt: skip
    yield without("snapshot_missing", "The snapshot's file is not there.",
                  "metadata/1.snapshot.json")  # fmt: skip
    yield without("timestamp_missing", "There is no timestamp.", "metadata/timestamp.json")
    yield RepositoryCase(
        "fetch_not_listed_fail", "Nobody has published this number.", ONE, "fetch",
        sequence=2, previous=FIRST,
    )  # fmt: skip
    yield RepositoryCase(
        "fetch_file_too_large_fail",
        "The list says that the bundle is larger than any may be.",
        replace(ONE, alter={SEGMENT: lambda s: s["targets"][path].update(length=1 << 40)}),
        "fetch",
    )
    yield RepositoryCase(
        "stream_listed_under_other_number_fail",
        "The list gives number 1 to the stream's second bundle.",
        Repository({1: File.plain(SECOND)}),
        "stream",
    )
    yield RepositoryCase(
        "stream_gap_in_repository_fail",
        "The third bundle is listed, the second is not, and the reader took in the first.",
        Repository(
            {1: File.plain(FIRST), 3: File.plain(following(SECOND, 3))},
        ),
        "stream",
        sequence=3,
        previous=FIRST,
    )


def encryption_cases() -> Iterator[RepositoryCase]:
    """What is agreed about encryption, and what came."""
    deal, bundle = agreement(), good()
    yield RepositoryCase(
        "decrypt_plain_where_agreed_encrypted_fail",
        "The agreement grants a personal field, and the bundle is not encrypted.",
        Repository({1: File.plain(bundle)}, stream=stream_of(deal)),
        "decrypt",
        identity=OURS,
        agreement=deal,
    )
    yield RepositoryCase(
        "decrypt_encrypted_where_agreed_plain_fail",
        "The agreement grants nothing personal, and the bundle is encrypted.",
        Repository({1: File(encrypted(FIRST, BOTH), statement_digest(FIRST), is_encrypted=True)}),
        "decrypt",
        identity=OURS,
    )
    yield RepositoryCase(
        "decrypt_named_encrypted_fail",
        "A file is named as an encrypted one and is none.",
        Repository(
            {1: File(bundle, statement_digest(bundle), is_encrypted=True)}, stream=stream_of(deal)
        ),
        "decrypt",
        identity=OURS,
        agreement=deal,
    )
    always = open_agreement().model_dump(mode="json", by_alias=True, exclude={"contracts"})
    always["grants"][0]["encryption"] = "always"
    strict = type(deal).model_validate(always)
    plain = open_bundle(agreement=strict)
    yield RepositoryCase(
        "decrypt_plain_where_always_encrypted_fail",
        "The agreement asks for encryption whatever the fields, and the bundle is not encrypted.",
        Repository({1: File.plain(plain)}),
        "decrypt",
        identity=OURS,
        agreement=strict,
    )


def repository_cases() -> Iterator[RepositoryCase]:
    for group in (
        good_repository_cases, age_of_lists_cases, key_cases, form_cases, file_cases,
        encryption_cases,
    ):  # fmt: skip
        yield from group()
