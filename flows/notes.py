"""Notes: what this node was told of chains, for a partner to hold against what it was told.

One canonical JSON file (RFC 8785), handed over out of band::

    _type       "urn:hefu:notes:1"
    agency      {"code", "name"} of who made them
    made_time   when
    chains      [{"publisher", "stream", "first", "digests": [statement digest…]}]
                from number `first`: what the maker took in, and what it published itself
    statements  the signed envelopes that the maker holds, sorted by digest
    metadata    [{"publisher", "role", "version", "sha256", "signed": file | null}]
                sha256 of what is signed; the file itself for timestamps

No records and no personal data are in it; that agencies exchange bundles, for which purpose and
how many rows, is. Notes prove nothing by who hands them over: what is believed is what their
statements' publishers signed; the rest is the maker's word, and is called so.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exchange.bundle.dsse import Envelope, read_envelope, verify_signatures
from exchange.bundle.statement import (
    Code,
    Party,
    Predicate,
    Sha256,
    StreamId,
    Time,
    parse_time,
    read_statement,
)
from exchange.jsontext import canonical, parse_strict, sha256_hex
from exchange.limits import DEFAULT_LIMITS, MIB, Limits
from exchange.trust.evidence import STATEMENT
from flows.compare import Difference, Sighting, Told, told_by
from flows.history import (
    FORKS,
    METADATA_SUFFIX,
    History,
    differences_of,
    history_of,
    is_signed_timestamp,
    known_trusts,
    sighting_of,
)
from hefu.standing import write_whole
from schemas.errors import ConfigError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from exchange.bundle.policy import Trust
    from hefu.node import Node

NOTES_TYPE = "urn:hefu:notes:1"
LIMITS = Limits(json_depth=32, json_text_length=2 * MIB)
MOST_BYTES = 128 * MIB


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Chain(_Model):
    publisher: Code
    stream: StreamId
    first: Annotated[int, Field(ge=1, le=99_999_999)]
    digests: Annotated[list[Sha256], Field(min_length=1)]


class SeenFile(_Model):
    publisher: Code
    role: Literal["root", "targets", "bundles", "snapshot", "timestamp"]
    version: Annotated[int, Field(ge=1)]
    sha256: Sha256
    signed: dict[str, Any] | None


class Notes(_Model):
    type_: Annotated[Literal["urn:hefu:notes:1"], Field(alias="_type")] = "urn:hefu:notes:1"
    agency: Party
    made_time: Time
    chains: list[Chain]
    statements: list[dict[str, Any]]
    metadata: list[SeenFile]

    def to_bytes(self) -> bytes:
        return canonical(self.model_dump(by_alias=True, mode="json"))


@dataclass(frozen=True, slots=True)
class Read:
    """Notes that were read: whose, and how many of their statements could be checked.

    ``unchecked``: statements of agencies whose keys this node doesn't know, or signed with keys
    that it has never seen. They count as the maker's word.
    """

    agency: Party
    made_time: datetime
    statements: int
    unchecked: int


def make_notes(node: Node, now: datetime, since: datetime | None = None) -> Notes:
    """What this node knows. ``since``: leave out statements that were made before."""
    history = history_of(node)
    envelopes = {}
    for digest, path in history.statements.items():
        data = path.read_bytes()
        if since is None or _created(data) >= since:
            envelopes[digest] = json.loads(data)
    seen = {(one.publisher, one.role, one.version, one.digest): one for one in history.seen}
    return Notes(
        agency=Party(code=node.agency.code, name=node.agency.name),
        made_time=now,
        chains=_chains(history.told, node.agency.code),
        statements=[envelopes[digest] for digest in sorted(envelopes)],
        metadata=[_seen_file(seen[key], history) for key in sorted(seen)],
    )


def _created(envelope: bytes) -> datetime:
    statement = json.loads(read_envelope(envelope, DEFAULT_LIMITS).payload)
    return parse_time(statement["predicate"]["created_time"])


def _chains(told: Iterable[Told], own: str) -> list[Chain]:
    """What the ledger and the published chains say, as runs of numbers without gaps."""
    known: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for one in told:
        is_published = one.by == own == one.publisher and one.digest == one.proof
        if one.proof is None or is_published:
            known[one.publisher, one.stream][one.sequence] = one.digest
    found = []
    for (publisher, stream), numbers in sorted(known.items()):
        run: list[int] = []
        for number in [*sorted(numbers), None]:
            if run and number != run[-1] + 1:
                digests = [numbers[n] for n in run]
                found.append(
                    Chain(publisher=publisher, stream=stream, first=run[0], digests=digests)
                )
                run = []
            if number is not None:
                run.append(number)
    return found


def _seen_file(one: Sighting, history: History) -> SeenFile:
    signed = None
    if one.role == "timestamp":
        signed = json.loads(history.files[one.digest].read_bytes())
    return SeenFile(
        publisher=one.publisher,
        role=one.role,  # type: ignore[arg-type]  # one of history.ROLES, which are the same
        version=one.version,
        sha256=one.digest,
        signed=signed,
    )


def read_notes(path: Path) -> Notes:
    """Raises ``ConfigError`` if the file can't be read, ``VerificationError`` (step ``envelope``)
    if it isn't notes in their one form."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the notes can't be read ({error.strerror})",
                zh=f"无法读取比对记录（{error.strerror}）",
            ),
            where=Where(str(path)),
        ) from error
    if len(data) > MOST_BYTES:
        raise _no_notes(path, f"at most {MOST_BYTES} bytes", "a larger file")
    value = parse_strict(data, "envelope", path.name, LIMITS)
    try:
        return Notes.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])[:200]
        raise _no_notes(path, first["msg"], field) from None


def _no_notes(path: Path, expected: str, found: str) -> VerificationError:
    return VerificationError(
        Text(en="this file is no notes of hefu compare", zh="此文件不是 hefu compare 的比对记录"),
        step="envelope",
        expected=expected,
        found=found,
        where=Where(str(path)),
        hint=Text(
            en="ask the partner for a file that hefu compare --export wrote",
            zh="请合作单位用 hefu compare --export 重新导出",
        ),
    )


def compare_notes(
    node: Node, notes: Sequence[tuple[Path, Notes]]
) -> tuple[list[Difference], list[Read]]:
    """Hold what this node was told against what the makers of ``notes`` were told.

    Statements and metadata that prove a publisher's two histories are kept in
    ``inbox/<publisher>/forks/``, so that the finding stays.
    """
    history = history_of(node)
    trusts: dict[str, list[Trust]] = {}
    envelopes: dict[str, bytes] = {}
    files: dict[str, bytes] = {}
    read = []
    for path, one in notes:
        unchecked = 0
        for plain in one.statements:
            data = canonical(plain)
            predicate, digest, is_signed = _checked(node, data, trusts)
            told = told_by(predicate, digest, str(path))
            if is_signed:
                envelopes[digest] = data
                history.told += told
            else:
                unchecked += 1
                history.told += (
                    _word_of(word, one.agency.code) for word in told if word.digest == digest
                )
        history.told += _chain_words(one, path)
        for seen in one.metadata:
            history.seen.append(_sighting(node, seen, path, files))
        read.append(Read(one.agency, one.made_time, len(one.statements), unchecked))
    found = differences_of(history, node.agency.code)
    _keep_proofs(node, found, history, envelopes, files)
    return found, read


def _word_of(word: Told, by: str) -> Told:
    """What an unchecked statement says is the word of who handed it over."""
    return word._replace(by=by, proof=None, at=None)


def _checked(
    node: Node, data: bytes, trusts: dict[str, list[Trust]]
) -> tuple[Predicate, str, bool]:
    """The predicate and digest, and whether its publisher's known keys signed it."""
    envelope = read_envelope(data, DEFAULT_LIMITS)
    predicate = read_statement(envelope.payload, DEFAULT_LIMITS).predicate
    code = predicate.publisher.code
    if code not in trusts:
        trusts[code] = known_trusts(node, code)
    is_signed = any(_verifies(envelope, trust) for trust in trusts[code])
    return predicate, sha256_hex(envelope.payload), is_signed


def _verifies(envelope: Envelope, trust: Trust) -> bool:
    try:
        verify_signatures(envelope, trust.keys, trust.threshold)
    except VerificationError:
        return False
    return True


def _chain_words(notes: Notes, path: Path) -> list[Told]:
    by = notes.agency.code
    return [
        Told(by, chain.publisher, chain.stream, number, digest, None, None, str(path))
        for chain in notes.chains
        for number, digest in enumerate(chain.digests, chain.first)
    ]


def _sighting(node: Node, seen: SeenFile, path: Path, files: dict[str, bytes]) -> Sighting:
    """What the maker says it saw; believed if the file is there and the publisher signed it."""
    is_signed = False
    if seen.signed is not None:
        found = sighting_of(seen.publisher, seen.signed, str(path))
        named = (seen.publisher, seen.role, seen.version, seen.sha256)
        if found is None or (found.publisher, found.role, found.version, found.digest) != named:
            raise _no_notes(path, "the file that the digest is of", f"{seen.role} {seen.version}")
        is_signed = is_signed_timestamp(node, seen.publisher, seen.signed)
        if is_signed:
            files[seen.sha256] = canonical(seen.signed)
    return Sighting(seen.publisher, seen.role, seen.version, seen.sha256, str(path), is_signed)


def _keep_proofs(
    node: Node,
    found: Sequence[Difference],
    history: History,
    envelopes: dict[str, bytes],
    files: dict[str, bytes],
) -> None:
    inbox = node.place("inbox")
    for difference in found:
        folder = inbox / difference.publisher / FORKS
        wanted = {one.proof: envelopes for one in difference.told}
        wanted_files = {one.digest: files for one in difference.seen}
        for digest, source in [*wanted.items(), *wanted_files.items()]:
            known = history.statements if source is envelopes else history.files
            if digest is None or digest in known or digest not in source:
                continue
            suffix = STATEMENT if source is envelopes else METADATA_SUFFIX
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / f"{digest}{suffix}", source[digest].decode("utf-8"))
