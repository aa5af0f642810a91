"""Vectors of repositories that a reader accepts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from age_cases import BOTH, OURS
from age_file import encrypted
from bundles import KEY_A, KEY_B, NOW, agreement, good, statement_digest
from repositories import (
    ROOT_1,
    ROOT_2,
    ROOT_4,
    File,
    Repository,
    RepositoryCase,
    RootOf,
    open_bundle,
    stream_of,
)
from repository_states import (
    AFTER,
    BEFORE,
    FIRST,
    NEXT,
    ONE,
    SAME_ROLES,
    SEGMENT,
    following,
    with_field,
)


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
        replace(ONE, alter={"timestamp": with_field("x-hefu-remark", "hello")}),
    )
