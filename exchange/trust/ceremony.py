"""Changes of whom partners may believe: the few signatures that need the offline root keys.

What is trusted is said by :class:`Terms`: root keys and their threshold, the online key, the
cosigners and their threshold, the agency's facts. :func:`found` makes the first metadata. Every
later change is a *draft*: a folder that travels to the offline keys and back.

    trust-change/current/root.json targets.json agency.json     what holds now
                 next/root.json targets.json agency.json        what shall hold, signed so far

:func:`describe` says what a draft changes, from these files and nothing else. A new root needs
the old root's threshold and its own (TUF 1.0.34 section 6.1, 5.3.4); targets is signed by the old
keys, too, so that a reader holding either root can read the repository at every moment.
:func:`apply_change` then signs what the online keys sign and lets readers see all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.jsontext import sha256_hex
from exchange.keys.signing import PublicKey
from exchange.repository import store
from exchange.trust import roles
from exchange.trust.agency import AGENCY_TARGET, AgencyFacts, parse_agency
from exchange.trust.roles import Periods, Signers
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer
    from tuf.api.metadata import Metadata, MetaFile, Root, Targets

CHANGE_FOLDER = "trust-change"
"""Beside the repository."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Whom partners may believe, and what they know of the agency."""

    facts: AgencyFacts
    root_keys: tuple[PublicKey, ...]
    root_threshold: int
    online_key: PublicKey
    """Signs snapshot and timestamp, and bundles with the cosigners."""
    cosigner_keys: tuple[PublicKey, ...] = ()
    bundles_threshold: int = 1

    @property
    def bundle_keys(self) -> tuple[PublicKey, ...]:
        """The keys that sign statements."""
        return (self.online_key, *self.cosigner_keys)

    def check(self) -> None:
        """Raises ``ConfigError``: a key twice or in two kinds of role, a threshold out of reach."""
        root, bundle = Text(en="root keys", zh="根密钥"), Text(en="keys for bundles", zh="签名密钥")
        roles.check_threshold(self.root_keys, self.root_threshold, root)
        roles.check_threshold(self.bundle_keys, self.bundles_threshold, bundle)
        if set(self.root_keys) & set(self.bundle_keys):
            raise ConfigError(
                Text(
                    en="a root key cannot also be an online key",
                    zh="根密钥不能同时用作在线密钥",
                ),
                hint=Text(
                    en="who steals the online key would then hold the root as well",
                    zh="否则在线密钥一旦被盗，根密钥也随之失守",
                ),
            )


def found(
    repository: Path,
    terms: Terms,
    root_signers: Iterable[Signer],
    signers: Signers,
    periods: Periods,
    now: datetime,
) -> None:
    """Make the first metadata of an empty repository: nothing published yet.

    Raises ``ConfigError`` if there is metadata already or signers are missing.
    """
    terms.check()
    with store.locked(repository):
        if store.root_versions(repository):
            raise ConfigError(
                Text(en="this node has its keys already", zh="本节点已设置密钥"),
                where=Where(str(repository)),
                hint=Text(
                    en="hefu keys show lists them; hefu keys rotate changes them",
                    zh="hefu keys show 列出密钥；hefu keys rotate 更换密钥",
                ),
            )
        offline = tuple(root_signers)
        root, targets, agency = _offline(terms, 1, 1, periods, now)
        threshold = terms.root_threshold
        targets_data = roles.sign(targets, terms.root_keys, threshold, offline, roles.TARGETS)
        root_data = roles.sign(root, terms.root_keys, threshold, offline, roles.ROOT)
        bundles = roles.make_bundles(
            1, (), terms.bundle_keys, terms.bundles_threshold, periods.expires(roles.BUNDLES, now)
        )
        bundles_data = roles.sign(
            bundles, terms.bundle_keys, terms.bundles_threshold, signers.all, roles.BUNDLES
        )
        _put_agency(repository, agency)
        store.put(repository, roles.metadata_file(roles.TARGETS, 1), targets_data)
        store.put(repository, roles.metadata_file(roles.BUNDLES, 1), bundles_data)
        meta = {
            roles.TARGETS: roles.meta_file(1, targets_data),
            roles.BUNDLES: roles.meta_file(1, bundles_data),
        }
        # The root last: with it the node has its keys, and a founding cut short can be run again.
        _commit(repository, 1, 1, meta, (terms.online_key,), signers.all, periods, now)
        store.put(repository, roles.metadata_file(roles.ROOT, 1), root_data)


def read_terms(repository: Path) -> Terms:
    """What holds now. Raises ``ConfigError`` if there are no keys yet or a file is damaged."""
    root = store.read_root(repository)
    snapshot = store.read_snapshot(repository).signed
    targets = store.read_targets(repository, roles.TARGETS, snapshot.meta["targets.json"].version)
    agency = _agency_path(repository, targets.signed)
    return terms_of(root.signed, targets.signed, parse_agency(agency.read_bytes()))


def terms_of(root: Root, targets: Targets, facts: AgencyFacts) -> Terms:
    """What signed metadata says. Raises ``VerificationError`` if a key has two names, …"""
    root_keys, root_threshold = roles.keys_of(root, roles.ROOT)
    online, _ = roles.keys_of(root, roles.TIMESTAMP)
    bundle_keys, threshold = roles.keys_of(targets, roles.BUNDLES)
    return Terms(
        facts,
        root_keys,
        root_threshold,
        online[0],
        tuple(key for key in bundle_keys if key != online[0]),
        threshold,
    )


def _offline(
    terms: Terms, root_version: int, targets_version: int, periods: Periods, now: datetime
) -> tuple[Metadata[Root], Metadata[Targets], bytes]:
    agency = terms.facts.to_bytes()
    expires = periods.expires(roles.ROOT, now)
    root = roles.make_root(
        root_version, terms.root_keys, terms.root_threshold, (terms.online_key,), expires
    )
    targets = roles.make_targets(
        targets_version, agency, terms.bundle_keys, terms.bundles_threshold, expires
    )
    return root, targets, agency


def _put_agency(repository: Path, agency: bytes) -> None:
    store.put(repository, roles.target_file(AGENCY_TARGET, sha256_hex(agency)), agency)


def _agency_path(repository: Path, targets: Targets) -> Path:
    digest = targets.targets[AGENCY_TARGET].hashes["sha256"]
    return repository / roles.target_file(AGENCY_TARGET, digest)


def _commit(
    repository: Path,
    snapshot_version: int,
    timestamp_version: int,
    meta: Mapping[str, MetaFile],
    keys: Sequence[PublicKey],
    signers: Iterable[Signer],
    periods: Periods,
    now: datetime,
) -> None:
    """Snapshot, then timestamp, by those of ``signers`` that are among ``keys``."""
    offered = tuple(signers)
    snapshot = roles.make_snapshot(snapshot_version, meta, periods.expires(roles.SNAPSHOT, now))
    data = roles.sign(snapshot, keys, 1, offered, roles.SNAPSHOT)
    store.put(repository, roles.metadata_file(roles.SNAPSHOT, snapshot_version), data)
    timestamp = roles.make_timestamp(
        timestamp_version,
        roles.meta_file(snapshot_version, data),
        now,
        periods.expires(roles.TIMESTAMP, now),
    )
    store.put(
        repository,
        store.TIMESTAMP_PATH,
        roles.sign(timestamp, keys, 1, offered, roles.TIMESTAMP),
    )
