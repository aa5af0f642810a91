"""Repositories of a publisher from fixed keys, good ones and ones that lie in one place.

The honest metadata is made by ``exchange.trust.roles``. A lie is told before signing (``alter``)
or done to the files afterwards, so that everything else stays right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from age_file import Identity
from bundles import (
    KEY_A,
    NOW,
    RECEIVER,
    SENDER,
    Key,
    _agreement_toml,
    _pretty,
    agreement,
    contents,
    contract,
    payload_of,
    rows,
)
from odd_signatures import OddKey
from securesystemslib.formats import encode_canonical

from exchange.agreement.model import Agreement
from exchange.bundle.build import build_bundle
from exchange.jsontext import sha256_hex
from exchange.trust import roles
from exchange.trust.agency import AgencyFacts
from exchange.trust.roles import Periods

ROOT_1, ROOT_2, ROOT_3, ROOT_4 = Key("root-1"), Key("root-2"), Key("root-3"), Key("root-4")
ROOTS = (ROOT_1, ROOT_2, ROOT_3)
ONLINE = Key("online")
PUBLISHED = NOW - timedelta(hours=2)
AnyKey = Key | OddKey
Alter = Callable[[dict[str, Any]], None]


def open_agreement() -> Agreement:
    """A grant without a personal field: its bundles are not encrypted."""
    plain = agreement().model_dump(mode="json", by_alias=True, exclude={"contracts"})
    plain["grants"][0]["records"] = {"note": ["note_no", "fine_amount_cny", "causes"]}
    return Agreement.model_validate(plain)


def stream_of(deal: Agreement) -> str:
    return deal.stream_id(deal.grants[0])


def open_bundle(*keys: Key, now: datetime = PUBLISHED, **changes: Any) -> bytes:
    facts = {
        "agreement": open_agreement(),
        "tables": {"note": rows().drop_columns(["place", "noted_time"])},
    }
    return build_bundle(contents(**facts | changes), [k.signer for k in keys or (KEY_A,)], now)


def facts(**changes: Any) -> AgencyFacts:
    said: dict[str, Any] = {
        "code": SENDER,
        "name": "甲测试支队",
        "division_code": "999900",
        "repository": "",
        "recipients": (Identity("sender").recipient,),
        "sealed_recipients": (),
    }
    return AgencyFacts.model_validate(said | changes)


@dataclass(frozen=True)
class File:
    """A published bundle: the file, whether it is an age file, and its statement's digest."""

    data: bytes
    statement_sha256: str
    is_encrypted: bool = False

    @classmethod
    def plain(cls, bundle: bytes) -> File:
        return cls(bundle, sha256_hex(payload_of(bundle)))


@dataclass(frozen=True)
class RootOf:
    """Who may sign what, in one version of root, and who has signed that."""

    root_keys: tuple[AnyKey, ...] = ROOTS
    threshold: int = 2
    online: tuple[AnyKey, ...] = (ONLINE,)
    signers: tuple[Key, ...] = (ROOT_1, ROOT_2)


@dataclass(frozen=True)
class Repository:
    """Everything that a repository says. ``alter``: role to what is done to it before it is
    signed; a root goes by ``root.<version>``, a segment by its role's name. ``signers``: who signs
    a role in the place of those who should. ``done``: what is done to the files at the end."""

    files: Mapping[int, File]
    stream: str = field(default_factory=lambda: stream_of(open_agreement()))
    roots: Sequence[RootOf] = (RootOf(),)
    bundle_keys: tuple[AnyKey, ...] = (KEY_A,)
    bundle_threshold: int = 1
    facts: AgencyFacts = field(default_factory=facts)
    published: datetime = PUBLISHED
    periods: Periods = field(default_factory=Periods)
    versions: Mapping[str, int] = field(default_factory=dict)
    alter: Mapping[str, Alter] = field(default_factory=dict)
    signers: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)
    done: Callable[[dict[str, bytes]], None] = lambda found: None

    def segments(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for sequence, file in self.files.items():
            path = roles.target_path(self.stream, sequence, is_encrypted=file.is_encrypted)
            target = roles.make_target(
                path,
                len(file.data),
                sha256_hex(file.data),
                {roles.STATEMENT: file.statement_sha256},
            )
            found.setdefault(roles.segment_role(self.stream, sequence), {})[path] = target
        return found

    def expires(self, role: str) -> datetime:
        return self.periods.expires(role, self.published)

    def write(self) -> dict[str, bytes]:
        """Path to file."""
        written: dict[str, bytes] = {}
        for at, terms in enumerate(self.roots, 1):
            root = roles.make_root(
                at,
                [k.public for k in terms.root_keys],
                terms.threshold,
                [k.public for k in terms.online],
                self.expires(roles.ROOT),
            )
            self._put(written, f"root.{at}", root, terms.signers)
        last = self.roots[-1]
        agency = self.facts.to_bytes()
        written[roles.target_file("agency.json", sha256_hex(agency))] = agency
        keys = [k.public for k in self.bundle_keys]
        offline, bundlers = last.signers, self.signers.get("bundles", self.bundle_keys)
        version = self.versions.get
        meta = {}
        targets = roles.make_targets(
            version("targets", 1),
            agency,
            keys,
            self.bundle_threshold,
            self.expires(roles.TARGETS),
        )
        meta["targets"] = self._put(written, "targets", targets, offline)
        segments = self.segments()
        bundles = roles.make_bundles(
            version("bundles", 1), segments, keys, self.bundle_threshold, self.expires("bundles")
        )
        meta["bundles"] = self._put(written, "bundles", bundles, bundlers)
        for name, listed in segments.items():
            segment = roles.make_segment(version(name, 1), listed, self.expires(name))
            meta[name] = self._put(written, name, segment, bundlers)
        snapshot = roles.make_snapshot(version("snapshot", 1), meta, self.expires("snapshot"))
        named = self._put(written, "snapshot", snapshot, last.online)
        timestamp = roles.make_timestamp(
            version("timestamp", 1), named, self.published, self.expires("timestamp")
        )
        self._put(written, "timestamp", timestamp, last.online)
        for sequence, file in self.files.items():
            path = roles.target_path(self.stream, sequence, is_encrypted=file.is_encrypted)
            written[roles.target_file(path, sha256_hex(file.data))] = file.data
        self.done(written)
        return written

    def _put(
        self, written: dict[str, bytes], role: str, made: Any, signers: Sequence[AnyKey]
    ) -> Any:
        signed = made.signed.to_dict()
        self.alter.get(role, lambda _: None)(signed)
        data = signed_file(signed, self.signers.get(role, tuple(signers)))
        version = signed["version"]
        name = "root" if role.startswith("root.") else role
        path = roles.metadata_file(name, version)
        written["metadata/1.root.json" if role == "root.1" else path] = data
        return roles.meta_file(version, data)


def signed_file(
    signed: Mapping[str, Any], signers: Sequence[AnyKey], names: Sequence[str] = ()
) -> bytes:
    """A metadata file. ``names``: key ids to give in the place of the keys' own."""
    message = encode_canonical(dict(signed)).encode()
    return _json(
        {
            "signatures": [
                {"keyid": name, "sig": key.private.sign(message).hex()}
                for key, name in zip(
                    signers, names or [k.public.key_id for k in signers], strict=True
                )
            ],
            "signed": signed,
        }
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, separators=(",", ": "), sort_keys=True).encode()


def resigned(found: dict[str, bytes], path: str, change: Alter, *signers: Key) -> None:
    """Change a signed file in place, and sign it anew; who refers to it is not told."""
    signed = json.loads(found[path])["signed"]
    change(signed)
    found[path] = signed_file(signed, signers)


@dataclass(frozen=True)
class RepositoryCase:
    """One vector: read bundle ``sequence`` of ``stream`` from ``repository``.

    ``earlier`` is the repository as the reader saw it before, at ``earlier_now``; ``previous``
    the last bundle of the stream that was taken in, without encryption.
    """

    name: str
    about: str
    repository: Repository
    step: str | None = None
    sequence: int = 1
    earlier: Repository | None = None
    earlier_now: datetime = NOW - timedelta(hours=1)
    previous: bytes | None = None
    identity: Identity | None = None
    root: Repository | None = None
    agreement: Agreement = field(default_factory=open_agreement)
    max_stale_days: int = 0
    now: datetime = NOW

    def files(self) -> dict[str, bytes]:
        found = {
            "README": (self.about + "\n").encode(),
            "expected.json": _pretty(
                {
                    "accepted": self.step is None,
                    "step": self.step,
                    "now": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "repository": "repository",
                    "stream": stream_of(self.agreement),
                    "sequence": self.sequence,
                    "earlier": "earlier" if self.earlier else None,
                    "earlier_now": self.earlier_now.strftime("%Y-%m-%dT%H:%M:%SZ")
                    if self.earlier
                    else None,
                    "previous": "previous.hefu" if self.previous else None,
                    "identity": "identity.txt" if self.identity else None,
                }
            ),
            "trust/partner.toml": self._partner_toml().encode(),
            "trust/root.json": (self.root or self.earlier or self.repository).write()[
                "metadata/1.root.json"
            ],
            "trust/agreement.toml": _agreement_toml(self.agreement).encode(),
            "trust/contracts/note.odcs.yaml": contract().yaml_bytes,
        }
        found |= {f"repository/{path}": data for path, data in self.repository.write().items()}
        if self.earlier:
            found |= {f"earlier/{path}": data for path, data in self.earlier.write().items()}
        if self.previous:
            found["previous.hefu"] = self.previous
        if self.identity:
            found["identity.txt"] = f"{self.identity.text}\n".encode()
        return found

    def _partner_toml(self) -> str:
        return (
            f'code = "{SENDER}"\nname = "甲测试支队"\nrecipient = "{RECEIVER}"\n'
            f"max_stale_days = {self.max_stale_days}\n"
        )
