"""TUF metadata of a publisher's repository: pure makers and signers (TUF specification 1.0.34).

    root          offline keys, threshold k       who may sign what
    targets       the same keys and threshold     agency.json; delegates `bundles`
    bundles       online key and cosigners, t     delegates each segment; ITS KEYS SIGN STATEMENTS
    <stream>.<N>  the same keys                   256 numbers of a stream: N = (sequence-1) // 256
    snapshot      the online key                  versions of targets, bundles and all segments
    timestamp     the online key                  which snapshot; written last, it is the commit

What is new costs what is new: a publication writes one segment, the snapshot and the timestamp;
`bundles` only when a segment begins.

What keys are called and when a threshold holds is told in :mod:`exchange.trust.role_keys`.
Nothing here reads a clock or a disk. tuf is imported when a function runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from exchange.errors import refusal
from exchange.keys.signing import PublicKey
from exchange.trust.agency import AGENCY_TARGET
from exchange.trust.role_keys import check_threshold as check_threshold
from exchange.trust.role_keys import keys_of as keys_of
from exchange.trust.role_keys import public_key as public_key
from exchange.trust.role_keys import tuf_key as tuf_key
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer
    from tuf.api.metadata import (
        Metadata,
        MetaFile,
        Root,
        Snapshot,
        TargetFile,
        Targets,
        Timestamp,
    )

ROOT, TARGETS, BUNDLES, SNAPSHOT, TIMESTAMP = "root", "targets", "bundles", "snapshot", "timestamp"
SEGMENT_SIZE = 256
PUBLISHED = "x-hefu-published"
"""In the timestamp: when the publisher last wrote (RFC 3339, UTC)."""
STATEMENT = "statement_sha256"
"""In a segment, custom data of a bundle: SHA-256 of its signed payload, which encryption hides."""
_HIGHEST = 99_999_999


@dataclass(frozen=True, slots=True)
class Signers:
    """The signers that a node has at hand: the online key first, then cosigners."""

    all: tuple[Signer, ...]

    def __post_init__(self) -> None:
        if not self.all:
            raise ValueError("at least the online signer")

    @property
    def online(self) -> Signer:
        return self.all[0]


@dataclass(frozen=True, slots=True)
class Periods:
    """How long each role's signature is good for."""

    timestamp: timedelta = timedelta(days=14)
    snapshot: timedelta = timedelta(days=14)
    bundles: timedelta = timedelta(days=366)
    """`bundles` and the segments."""
    offline: timedelta = timedelta(days=1098)
    """Root and targets."""

    def of(self, role: str) -> timedelta:
        """The period of ``role``; a segment's is that of ``bundles``."""
        if role in (ROOT, TARGETS):
            return self.offline
        return {SNAPSHOT: self.snapshot, TIMESTAMP: self.timestamp}.get(role, self.bundles)

    def expires(self, role: str, now: datetime) -> datetime:
        return (now + self.of(role)).astimezone(UTC).replace(microsecond=0)

    def is_due(self, role: str, expires: datetime, now: datetime) -> bool:
        """Whether it is time to sign ``role`` anew: less than a third of its period is left."""
        return expires - now < self.of(role) / 3


# names and paths


def segment_role(stream: str, sequence: int) -> str:
    """``<stream>.<NNNNNN>``, the role that lists bundle ``sequence`` (from 1) of ``stream``."""
    return f"{stream}.{(sequence - 1) // SEGMENT_SIZE:06d}"


def target_path(stream: str, sequence: int, *, is_encrypted: bool) -> str:
    """``streams/<stream>/<8 digits>.hefu[.age]``, as TUF names the target."""
    return f"streams/{stream}/{sequence:08d}.hefu{'.age' if is_encrypted else ''}"


def target_file(path: str, sha256: str) -> str:
    """Where a target lies below the repository (consistent snapshots, section 6.2.1)."""
    folder, _, name = path.rpartition("/")
    return "/".join(filter(None, ("targets", folder, f"{sha256}.{name}")))


def metadata_file(role: str, version: int) -> str:
    """Where a role's metadata lies below the repository."""
    return "metadata/timestamp.json" if role == TIMESTAMP else f"metadata/{version}.{role}.json"


def segment_paths(role: str) -> list[str]:
    """The path patterns of a segment: its 256 numbers exactly, in TUF's glob (``*``, ``?``)."""
    stream, _, number = role.rpartition(".")
    first = int(number) * SEGMENT_SIZE + 1
    return [
        f"streams/{stream}/{numbers}.*"
        for numbers in _patterns(first, min(first + SEGMENT_SIZE - 1, _HIGHEST))
    ]


def _patterns(first: int, last: int) -> Iterable[str]:
    """The decimal blocks that make up ``first`` to ``last``, largest first at each place."""
    while first <= last:
        digits = 0
        while first % 10 ** (digits + 1) == 0 and first + 10 ** (digits + 1) - 1 <= last:
            digits += 1
        yield f"{first // 10**digits:0{8 - digits}d}{'?' * digits}"
        first += 10**digits


# makers


def make_root(
    version: int,
    root_keys: Sequence[PublicKey],
    threshold: int,
    online_keys: Sequence[PublicKey],
    expires: datetime,
) -> Metadata[Root]:
    """Unsigned root metadata. ``online_keys``: any one of them signs snapshot and timestamp."""
    from tuf.api.metadata import Metadata, Role, Root

    check_threshold(root_keys, threshold, Text(en="root keys", zh="根密钥"))
    check_threshold(online_keys, 1, Text(en="online keys", zh="在线密钥"))
    offline = [key.key_id for key in root_keys]
    online = [key.key_id for key in online_keys]
    keys = {key.key_id: tuf_key(key) for key in (*root_keys, *online_keys)}
    roles = {
        ROOT: Role(offline, threshold),
        TARGETS: Role(list(offline), threshold),
        SNAPSHOT: Role(online, 1),
        TIMESTAMP: Role(list(online), 1),
    }
    return Metadata(
        Root(version=version, expires=expires, keys=keys, roles=roles, consistent_snapshot=True)
    )


def make_targets(
    version: int,
    agency: bytes,
    bundle_keys: Sequence[PublicKey],
    threshold: int,
    expires: datetime,
) -> Metadata[Targets]:
    """Unsigned top-level targets: ``agency.json`` with these bytes, and who signs bundles."""
    from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Targets

    check_threshold(bundle_keys, threshold, Text(en="keys for bundles", zh="数据包签名密钥"))
    role = DelegatedRole(
        BUNDLES,
        [key.key_id for key in bundle_keys],
        threshold,
        terminating=True,
        paths=["streams/*/*"],
    )
    return Metadata(
        Targets(
            version=version,
            expires=expires,
            targets={AGENCY_TARGET: make_target(AGENCY_TARGET, len(agency), sha256(agency))},
            delegations=Delegations(
                {key.key_id: tuf_key(key) for key in bundle_keys}, {BUNDLES: role}
            ),
        )
    )


def make_bundles(
    version: int,
    segments: Collection[str],
    bundle_keys: Sequence[PublicKey],
    threshold: int,
    expires: datetime,
) -> Metadata[Targets]:
    """Unsigned ``bundles``: it lists nothing and delegates each of ``segments`` (role names)."""
    from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Targets

    check_threshold(bundle_keys, threshold, Text(en="keys for bundles", zh="数据包签名密钥"))
    roles = {
        name: DelegatedRole(
            name,
            [key.key_id for key in bundle_keys],
            threshold,
            terminating=True,
            paths=segment_paths(name),
        )
        for name in sorted(segments)
    }
    keys = {key.key_id: tuf_key(key) for key in bundle_keys} if roles else {}
    return Metadata(Targets(version=version, expires=expires, delegations=Delegations(keys, roles)))


def make_segment(
    version: int, targets: Mapping[str, TargetFile], expires: datetime
) -> Metadata[Targets]:
    """Unsigned segment: ``targets`` by their paths (:func:`target_path`, :func:`make_target`)."""
    from tuf.api.metadata import Metadata, Targets

    return Metadata(
        Targets(version=version, expires=expires, targets=dict(sorted(targets.items())))
    )


def make_snapshot(
    version: int, metadata: Mapping[str, MetaFile], expires: datetime
) -> Metadata[Snapshot]:
    """Unsigned snapshot of ``metadata``: role name (not root, snapshot, timestamp) to meta file."""
    from tuf.api.metadata import Metadata, Snapshot

    meta = {f"{role}.json": file for role, file in sorted(metadata.items())}
    return Metadata(Snapshot(version=version, expires=expires, meta=meta))


def make_timestamp(
    version: int, snapshot: MetaFile, published: datetime, expires: datetime
) -> Metadata[Timestamp]:
    """Unsigned timestamp; ``published`` is when this was written (aware)."""
    from tuf.api.metadata import Metadata, Timestamp

    told = published.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    return Metadata(
        Timestamp(
            version=version,
            expires=expires,
            snapshot_meta=snapshot,
            unrecognized_fields={PUBLISHED: told},
        )
    )


def make_target(
    path: str, size: int, sha256: str, custom: dict[str, Any] | None = None
) -> TargetFile:
    """A target's length, digest and ``custom`` data (for a bundle: ``{STATEMENT: …}``)."""
    from tuf.api.metadata import TargetFile

    return TargetFile(size, {"sha256": sha256}, path, {"custom": custom} if custom else None)


def meta_file(version: int, data: bytes) -> MetaFile:
    """How snapshot and timestamp speak of metadata that was written as ``data``."""
    from tuf.api.metadata import MetaFile

    return MetaFile(version, len(data), {"sha256": sha256(data)})


# signing


def sign(
    metadata: Metadata[Any],
    keys: Sequence[PublicKey],
    threshold: int,
    signers: Iterable[Signer],
    role: str,
) -> bytes:
    """Sign with each of ``signers`` whose key is among ``keys``; the bytes to write.

    Raises ``ConfigError`` if fewer than ``threshold`` different keys sign.
    """
    metadata.signatures.clear()
    for signer in signers:
        add_signature(metadata, keys, signer)
    if (have := len(signed_by(metadata, keys))) < threshold:
        raise _too_few(have, threshold, role)
    return metadata.to_bytes()


def check_signers(
    signers: Iterable[Signer], keys: Collection[PublicKey], threshold: int, role: str
) -> None:
    """Raises ``ConfigError`` if :func:`sign` would: before anything is written."""
    have = len({public_key(signer.public_key) for signer in signers} & set(keys))
    if have < threshold:
        raise _too_few(have, threshold, role)


def _too_few(have: int, threshold: int, role: str) -> ConfigError:
    return ConfigError(
        Text(
            en=f"role {role!r} needs {threshold} signature(s), {have} at hand",
            zh=f"角色 {role!r} 需要 {threshold} 个签名，现有 {have} 个",
        ),
        hint=Text(
            en="name every signer in [keys] of hefu.toml; `hefu keys show` lists who signs",
            zh="请在 hefu.toml 的 [keys] 中写明全部签名器；hefu keys show 列出各角色的密钥",
        ),
    )


def add_signature(metadata: Metadata[Any], keys: Collection[PublicKey], signer: Signer) -> bool:
    """Add ``signer``'s signature if its key is among ``keys``; whether it is."""
    key = public_key(signer.public_key)
    if key not in keys:
        return False
    if signer.public_key.keyid != key.key_id:
        raise ValueError("a signer goes by the id of its key")
    metadata.sign(signer, append=True)
    return True


def signed_by(metadata: Metadata[Any], keys: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
    """Those of ``keys``, each once, whose signature over ``metadata`` is good."""
    payload = metadata.signed_bytes
    found = []
    for key in dict.fromkeys(keys):
        signature = metadata.signatures.get(key.key_id)
        if signature is not None and key.verifies(_signature_bytes(signature.signature), payload):
            found.append(key)
    return tuple(found)


def _signature_bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def published_time(timestamp: Timestamp) -> datetime:
    """When the publisher wrote this timestamp. Raises ``VerificationError`` if it doesn't say."""
    told = timestamp.unrecognized_fields.get(PUBLISHED)
    try:
        moment = datetime.fromisoformat(str(told))
        if moment.tzinfo is None:
            raise ValueError
    except (TypeError, ValueError):
        raise refusal(
            "trust",
            Text(
                en="the timestamp doesn't say when it was written", zh="时间戳元数据未写明发布时间"
            ),
            expected=f"{PUBLISHED}: a moment as in RFC 3339",
            found="none",
            entry="metadata/timestamp.json",
        ) from None
    return moment.astimezone(UTC)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
