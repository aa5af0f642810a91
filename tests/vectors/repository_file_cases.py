"""Vectors of the files that the lists name, and of what was agreed about their encryption."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from age_cases import BOTH, OURS
from age_file import encrypted
from bundles import agreement, flipped, good, statement_digest
from repositories import File, Repository, RepositoryCase, open_agreement, open_bundle, stream_of
from repository_states import FIRST, ONE, SECOND, SEGMENT, STREAM, following, trust_case

from exchange.jsontext import sha256_hex
from exchange.trust.roles import target_file, target_path


def file_cases() -> Iterator[RepositoryCase]:
    """The files that the lists name."""
    path = target_path(STREAM, 1, is_encrypted=False)
    place = target_file(path, sha256_hex(FIRST))

    def changed(change: Callable[[bytes], bytes]) -> Repository:
        return replace(ONE, done=lambda found: found.update({place: change(found[place])}))

    yield trust_case("file_changed", "A byte of the bundle's file was changed.",
                changed(lambda data: flipped(data, 99)))  # fmt: skip
    yield trust_case(
        "file_truncated", "The bundle's file was cut short.", changed(lambda data: data[:-1])
    )
    yield trust_case(
        "file_longer", "The bundle's file is longer than listed.", changed(lambda data: data + b"x")
    )
    yield trust_case(
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
