"""Changes of whom partners may believe: the few signatures that need the offline root keys.

What is trusted is said by :class:`Terms`: root keys and their threshold, the online key, the
cosigners and their threshold, the agency's facts. :func:`found` makes the first metadata. Every
later change is a draft that the offline keys sign (exchange.trust.drafts); :func:`apply_change`
then signs what the online keys sign and lets readers see all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.jsontext import sha256_hex
from exchange.keys.signing import PublicKey
from exchange.repository.folder import locked, write_atomically
from exchange.repository.tree import Tree, read_tree
from exchange.trust import roles
from exchange.trust.agency import AGENCY_TARGET, AgencyFacts, parse_agency
from exchange.trust.roles import Periods, Signers
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer
    from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp


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


@dataclass(frozen=True, slots=True)
class Offline:
    """What only the offline keys sign, as files."""

    root: bytes
    targets: bytes
    agency: bytes


def make_offline(
    terms: Terms, root_version: int, targets_version: int, expires: datetime
) -> tuple[Metadata[Root], Metadata[Targets], bytes]:
    """Unsigned root and targets, and ``agency.json``, that say ``terms``."""
    agency = terms.facts.to_bytes()
    root = roles.make_root(
        root_version, terms.root_keys, terms.root_threshold, (terms.online_key,), expires
    )
    targets = roles.make_targets(
        targets_version, agency, terms.bundle_keys, terms.bundles_threshold, expires
    )
    return root, targets, agency


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
    repository.mkdir(parents=True, exist_ok=True)
    with locked(repository):
        if has_trust(repository):
            raise founded_already(repository)
        offline = tuple(root_signers)
        root, targets, agency = make_offline(terms, 1, 1, periods.expires(roles.ROOT, now))
        threshold = terms.root_threshold
        made = Offline(
            roles.sign(root, terms.root_keys, threshold, offline, roles.ROOT),
            roles.sign(targets, terms.root_keys, threshold, offline, roles.TARGETS),
            agency,
        )
        # The timestamp last: with it there is a repository, and a founding that was cut short
        # can be run again.
        _put(repository, roles.metadata_file(roles.ROOT, 1), made.root)
        _Change(repository, None, terms, signers, periods, now).publish(made.targets, 1, agency)


def has_trust(repository: Path) -> bool:
    """Whether the first metadata were made."""
    return (repository / roles.metadata_file(roles.TIMESTAMP, 0)).exists()


def founded_already(repository: Path) -> ConfigError:
    return ConfigError(
        Text(en="this node has its keys already", zh="本节点已设置密钥"),
        where=Where(str(repository)),
        hint=Text(
            en="hefu keys show lists them; hefu keys rotate changes them",
            zh="hefu keys show 列出密钥；hefu keys rotate 更换密钥",
        ),
    )


def read_offline(repository: Path) -> Offline:
    """The newest root, and targets and agency.json as they are published."""
    return _offline_of(repository, read_tree(repository))


def _offline_of(repository: Path, tree: Tree) -> Offline:
    targets = roles.metadata_file(roles.TARGETS, tree.meta[roles.TARGETS].version)
    agency = tree.targets.targets[AGENCY_TARGET].hashes["sha256"]
    root = roles.metadata_file(roles.ROOT, tree.root_version)
    return Offline(
        (repository / root).read_bytes(),
        (repository / targets).read_bytes(),
        (repository / roles.target_file(AGENCY_TARGET, agency)).read_bytes(),
    )


def read_terms(repository: Path) -> Terms:
    """What holds now.

    Raises ``ConfigError`` if there are no keys yet, ``VerificationError`` if a file is damaged.
    """
    tree = read_tree(repository)
    offline = _offline_of(repository, tree)
    return terms_of(tree.root, tree.targets, parse_agency(offline.agency))


def terms_of(root: Root, targets: Targets, facts: AgencyFacts) -> Terms:
    """What root and targets say. Raises ``VerificationError`` as :func:`roles.keys_of`."""
    root_keys, root_threshold = roles.keys_of(root, roles.ROOT)
    online, _ = roles.keys_of(root, roles.TIMESTAMP)
    bundle_keys, threshold = roles.keys_of(targets, roles.BUNDLES)
    cosigners = tuple(key for key in bundle_keys if key != online[0])
    return Terms(facts, root_keys, root_threshold, online[0], cosigners, threshold)


def apply_change(
    repository: Path,
    before: Offline,
    after: Offline,
    signers: Signers,
    periods: Periods,
    now: datetime,
    former: Signer | None = None,
    *,
    without_root: bool = False,
) -> None:
    """Let readers see a change of trust that enough offline keys have signed.

    ``before``: what must hold now; ``former``: the online key until now, if it is at hand and
    not stolen: with it no reader meets a half, whichever root it holds. Signs `bundles` and all
    segments anew if their keys change. Killed and called again, it goes on.

    ``without_root``: stop before the new root is put, so that places to which the repository is
    copied have the new timestamp before they have the new root; call again without it.
    Raises ``ConfigError`` if something else holds now or signers are missing.
    """
    from exchange.trust.drafts import check_signed

    root, targets, terms = check_signed(before, after)
    with locked(repository):
        tree = read_tree(repository)
        holds = _offline_of(repository, tree)
        if holds.root not in (before.root, after.root) or holds.targets not in (
            before.targets,
            after.targets,
        ):
            raise ConfigError(
                Text(
                    en="this change was drafted on other keys than those that hold now",
                    zh="此变更所依据的密钥与当前密钥不一致",
                ),
                where=Where(str(repository)),
                hint=Text(
                    en="discard it with hefu keys apply --discard and draft it again",
                    zh="请用 hefu keys apply --discard 放弃后重新提出",
                ),
            )
        change = _Change(repository, tree, terms, signers, periods, now, former)
        change.check_signers()
        new_root = roles.metadata_file(roles.ROOT, root.version)
        online, _ = roles.keys_of(tree.root, roles.TIMESTAMP)
        if former is None and terms.online_key not in online:
            # Lost or stolen: no order is whole for every reader, and this one ends the old key
            # first. Else the root comes last: what it vouches for is then there already.
            _put(repository, new_root, after.root)
        if holds.targets != after.targets:
            change.publish(after.targets, targets.version, after.agency)
        elif not _signs_now(tree, terms.online_key):
            # A night's run came between the lists and the new root, with the former key.
            change.sign_online()
        if not without_root:
            _put(repository, new_root, after.root)


def _signs_now(tree: Tree, online_key: PublicKey) -> bool:
    """Whether who believes this online key alone can read what is published."""
    from tuf.api.metadata import Metadata

    timestamp: Metadata[Timestamp] = Metadata.from_bytes(tree.timestamp_bytes)
    return bool(roles.signed_by(timestamp, (online_key,)))


def found_anew(
    repository: Path,
    terms: Terms,
    root_signers: Iterable[Signer],
    signers: Signers,
    periods: Periods,
    now: datetime,
) -> None:
    """Begin trust again after the root keys were lost altogether; what was published stays.

    The new root has the next version and only its own signatures: who holds the old one refuses
    it until two people compared the new card. Raises ``ConfigError`` if signers are missing.
    """
    terms.check()
    read_tree(repository)
    with locked(repository):
        tree = read_tree(repository)
        offline, version = tuple(root_signers), tree.meta[roles.TARGETS].version + 1
        root, targets, agency = make_offline(
            terms, tree.root_version + 1, version, periods.expires(roles.ROOT, now)
        )
        keys, threshold = terms.root_keys, terms.root_threshold
        root_data = roles.sign(root, keys, threshold, offline, roles.ROOT)
        targets_data = roles.sign(targets, keys, threshold, offline, roles.TARGETS)
        _Change(repository, tree, terms, signers, periods, now).publish(
            targets_data, version, agency
        )
        _put(repository, roles.metadata_file(roles.ROOT, root.signed.version), root_data)


def _put(repository: Path, path: str, data: bytes) -> None:
    target = repository / path
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, data)


class _Change:
    """The online roles that go with new targets; ``tree`` None: the first ones."""

    def __init__(
        self,
        repository: Path,
        tree: Tree | None,
        terms: Terms,
        signers: Signers,
        periods: Periods,
        now: datetime,
        former: Signer | None = None,
    ):
        self._repository = repository
        self._tree = tree
        self._terms = terms
        self._signers = signers
        self._periods = periods
        self._now = now
        self._former = former
        self._meta: dict[str, MetaFile] = dict(tree.meta) if tree else {}

    def check_signers(self) -> None:
        """Raises ``ConfigError`` if too few are at hand: asked before a new root is put."""
        terms, at_hand = self._terms, self._signers.all
        roles.check_signers(at_hand, (terms.online_key,), 1, roles.TIMESTAMP)
        if self._tree is None or self._other_keys(self._tree):
            roles.check_signers(at_hand, terms.bundle_keys, terms.bundles_threshold, roles.BUNDLES)

    def publish(self, targets: bytes, targets_version: int, agency: bytes) -> None:
        """The timestamp comes last: what is new is seen with it, all of it."""
        self._put_agency(agency)
        _put(self._repository, roles.metadata_file(roles.TARGETS, targets_version), targets)
        self._meta[roles.TARGETS] = roles.meta_file(targets_version, targets)
        self._put_bundles()
        self.sign_online()

    def sign_online(self) -> None:
        """Snapshot and timestamp."""
        self._put_timestamp(self._put_snapshot())

    def _put_agency(self, agency: bytes) -> None:
        _put(self._repository, roles.target_file(AGENCY_TARGET, sha256_hex(agency)), agency)

    def _put_bundles(self) -> None:
        if self._tree is not None and not self._other_keys(self._tree):
            return
        expires = self._periods.expires(roles.BUNDLES, self._now)
        segments = self._tree.segments() if self._tree else []
        for role in segments:
            listed = self._tree.segment(role).targets if self._tree else {}
            self._put_signed(role, roles.make_segment(self._next(role), listed, expires))
        keys, threshold = self._terms.bundle_keys, self._terms.bundles_threshold
        made = roles.make_bundles(self._next(roles.BUNDLES), segments, keys, threshold, expires)
        self._put_signed(roles.BUNDLES, made)

    def _other_keys(self, tree: Tree) -> bool:
        """In another order, too: every delegation is to say the same."""
        return roles.keys_of(tree.targets, roles.BUNDLES) != (
            self._terms.bundle_keys,
            self._terms.bundles_threshold,
        )

    def _next(self, role: str) -> int:
        return self._meta[role].version + 1 if role in self._meta else 1

    def _put_signed(self, role: str, made: Metadata[Targets]) -> None:
        keys, threshold = self._terms.bundle_keys, self._terms.bundles_threshold
        data = roles.sign(made, keys, threshold, self._signers.all, role)
        _put(self._repository, roles.metadata_file(role, made.signed.version), data)
        self._meta[role] = roles.meta_file(made.signed.version, data)

    def _put_snapshot(self) -> MetaFile:
        version = self._tree.timestamp.snapshot_meta.version + 1 if self._tree else 1
        expires = self._periods.expires(roles.SNAPSHOT, self._now)
        made = roles.make_snapshot(version, self._meta, expires)
        data = self._signed_online(made, roles.SNAPSHOT)
        _put(self._repository, roles.metadata_file(roles.SNAPSHOT, version), data)
        return roles.meta_file(version, data)

    def _put_timestamp(self, snapshot: MetaFile) -> None:
        version = self._tree.timestamp.version + 1 if self._tree else 1
        expires = self._periods.expires(roles.TIMESTAMP, self._now)
        made = roles.make_timestamp(version, snapshot, self._now, expires)
        data = self._signed_online(made, roles.TIMESTAMP)
        _put(self._repository, roles.metadata_file(roles.TIMESTAMP, version), data)

    def _signed_online(self, made: Metadata[Snapshot] | Metadata[Timestamp], role: str) -> bytes:
        """By the online key, and by the former one for readers that hold the former root."""
        key = self._terms.online_key
        data = roles.sign(made, (key,), 1, self._signers.all, role)
        if self._former is None:
            return data
        roles.add_signature(made, (roles.public_key(self._former.public_key),), self._former)
        return made.to_bytes()
