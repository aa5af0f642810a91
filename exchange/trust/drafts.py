"""A change of trust on its way to the offline keys and back: a folder of plain files.

    trust-change/current/root.json targets.json agency.json     what holds now
                 next/root.json targets.json agency.json        what shall hold, signed so far

A new root needs the signatures of the old root's threshold and of its own (TUF 1.0.34, sections
5.3.4 and 6.1). Targets is signed by the same keys, old and new, so that a reader can read the
repository at every moment whichever of the two roots it holds.

What is about to be signed is computed from these files and from nothing else: the folder may have
been in other hands. A file that says anything which this program would not have written is refused
rather than signed, so nothing in it goes unseen.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import refusal
from exchange.files import sync_folder
from exchange.keys.signing import PublicKey
from exchange.repository.folder import write_atomically
from exchange.trust import roles
from exchange.trust.agency import AGENCY_TARGET, parse_agency
from exchange.trust.ceremony import Offline, Terms, make_offline, read_offline, terms_of
from exchange.trust.roles import Periods
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer
    from tuf.api.metadata import Metadata, Root, Targets

CHANGE_FOLDER = "trust-change"
_NAMES = ("root.json", "targets.json", "agency.json")
_LARGEST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Needed:
    """One group of offline keys whose threshold must sign: the old root's, or the new one's."""

    keys: tuple[PublicKey, ...]
    threshold: int
    signed: tuple[PublicKey, ...]

    @property
    def missing(self) -> int:
        return max(0, self.threshold - len(self.signed))

    @property
    def waiting(self) -> tuple[PublicKey, ...]:
        """Keys that can still sign."""
        return tuple(key for key in self.keys if key not in self.signed)


@dataclass(frozen=True, slots=True)
class Progress:
    """Who has signed a draft. A key counts once it has signed root and targets."""

    old: Needed
    new: Needed

    @property
    def is_complete(self) -> bool:
        return self.old.missing == self.new.missing == 0

    @property
    def have(self) -> int:
        return len({*self.old.signed, *self.new.signed})


@dataclass(frozen=True)
class Draft:
    """A change, read from its folder and checked. Not thereby signed: see ``progress``."""

    before: Offline
    after: Offline
    current: Terms
    next: Terms
    root: Metadata[Root]
    targets: Metadata[Targets]
    current_root: Metadata[Root]
    progress: Progress

    @property
    def expires(self) -> datetime:
        return min(self.root.signed.expires, self.targets.signed.expires)

    def knows(self, key: PublicKey) -> bool:
        """Whether ``key`` signed what holds now.

        Only then does its holder see from the folder alone what changes: a forger can make up a
        "current" root, but not that signature.
        """
        return bool(roles.signed_by(self.current_root, (key,)))


def draft_change(
    repository: Path, folder: Path, terms: Terms, periods: Periods, now: datetime
) -> Draft:
    """Write the draft that makes ``terms`` hold; nobody has signed it yet.

    Raises ``ConfigError`` if a draft is in ``folder`` already, or ``terms`` contradict themselves.
    """
    if folder.exists():
        raise ConfigError(
            Text(en="a change of keys is under way already", zh="已有一项密钥变更正在进行"),
            where=Where(str(folder)),
            hint=Text(
                en="finish it (hefu keys show says who must sign, then hefu keys apply), or "
                "discard it: hefu keys apply --discard",
                zh="请先完成（hefu keys show 显示还缺谁签名，然后 hefu keys apply），"
                "或放弃：hefu keys apply --discard",
            ),
        )
    terms.check()
    before = read_offline(repository)
    root, targets, _ = _parsed(before, "current")
    expires = periods.expires(roles.ROOT, now)
    new_root, new_targets, agency = make_offline(
        terms, root.signed.version + 1, targets.signed.version + 1, expires
    )
    after = Offline(new_root.to_bytes(), new_targets.to_bytes(), agency)
    read_draft_of(before, after)
    staged = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    for name, offline in (("current", before), ("next", after)):
        (staged / name).mkdir(parents=True)
        _write(staged / name, offline)
    staged.rename(folder)
    sync_folder(folder.parent)
    return load_draft(folder)


def load_draft(folder: Path) -> Draft:
    """Read and check a draft.

    Raises ``ConfigError`` if there is none, ``VerificationError`` (step ``trust``) if its files
    don't fit each other or say what this program would not have written.
    """
    return read_draft_of(_read(folder / "current"), _read(folder / "next"))


def read_draft_of(before: Offline, after: Offline) -> Draft:
    """As :func:`load_draft`, of bytes."""
    root, targets, current = _parsed(before, "current")
    new_root, new_targets, terms = _parsed(after, "next")
    keys, threshold = current.root_keys, current.root_threshold
    for name, metadata in (("root.json", root), ("targets.json", targets)):
        signed = roles.signed_by(metadata, keys)
        _require(
            f"current/{name}", len(signed) >= threshold, f"{threshold} signatures", len(signed)
        )
    expected = (root.signed.version + 1, targets.signed.version + 1)
    versions = (new_root.signed.version, new_targets.signed.version)
    _require("next", versions == expected, f"versions {expected}", versions)
    _check_unhidden(new_root, new_targets, terms)
    old = _needed(keys, threshold, new_root, new_targets)
    new = _needed(terms.root_keys, terms.root_threshold, new_root, new_targets)
    return Draft(before, after, current, terms, new_root, new_targets, root, Progress(old, new))


def sign_change(folder: Path, signer: Signer) -> Progress:
    """Add one offline key's signatures.

    Raises ``ConfigError`` if the key is no root key of what holds now or of what shall hold.
    """
    draft = load_draft(folder)
    keys = {*draft.current.root_keys, *draft.next.root_keys}
    if not roles.add_signature(draft.root, keys, signer):
        raise ConfigError(
            Text(
                en="this key is none of the root keys, neither now nor after the change",
                zh="此密钥不是根密钥：变更前后的根密钥中均无此密钥",
            ),
            where=Where(str(folder)),
            hint=Text(
                en="hefu keys sign without --root-key lists the keys that can sign",
                zh="不带 --root-key 执行 hefu keys sign 可列出能签名的密钥",
            ),
        )
    roles.add_signature(draft.targets, keys, signer)
    _write(
        folder / "next",
        Offline(draft.root.to_bytes(), draft.targets.to_bytes(), draft.after.agency),
    )
    return load_draft(folder).progress


def check_signed(before: Offline, after: Offline) -> tuple[Root, Targets, Terms]:
    """What shall hold. Raises ``ConfigError`` unless both thresholds have signed it."""
    draft = read_draft_of(before, after)
    progress = draft.progress
    if not progress.is_complete:
        raise ConfigError(
            Text(
                en=f"offline signatures are missing: {progress.old.missing} of the root keys that "
                f"hold now, {progress.new.missing} of those that shall hold",
                zh=f"离线签名不足：现有根密钥还缺 {progress.old.missing} 个，"
                f"新根密钥还缺 {progress.new.missing} 个",
            ),
            hint=Text(
                en="hefu keys sign CHANGE_FOLDER --root-key FILE, once with each key",
                zh="请用各把根密钥分别执行 hefu keys sign 变更目录 --root-key 文件",
            ),
        )
    return draft.root.signed, draft.targets.signed, draft.next


def _needed(
    keys: tuple[PublicKey, ...], threshold: int, root: Metadata[Root], targets: Metadata[Targets]
) -> Needed:
    both = roles.signed_by(targets, roles.signed_by(root, keys))
    return Needed(keys, threshold, both)


def _check_unhidden(root: Metadata[Root], targets: Metadata[Targets], terms: Terms) -> None:
    """The files say what :class:`Terms` says, and not a word more."""
    terms.check()
    made_root, made_targets, _ = make_offline(
        terms, root.signed.version, targets.signed.version, root.signed.expires
    )
    pairs: tuple[
        tuple[str, Metadata[Root] | Metadata[Targets], Metadata[Root] | Metadata[Targets]], ...
    ]
    pairs = (("root.json", root, made_root), ("targets.json", targets, made_targets))
    for name, given, made in pairs:
        made.signed.spec_version = given.signed.spec_version
        same = made.signed_bytes == given.signed_bytes and not given.unrecognized_fields
        _require(f"next/{name}", same, "what hefu keys writes", "something else besides")


def _parsed(offline: Offline, name: str) -> tuple[Metadata[Root], Metadata[Targets], Terms]:
    from tuf.api.metadata import Metadata, Root, Targets
    from tuf.api.serialization import DeserializationError

    try:
        root: Metadata[Root] = Metadata.from_bytes(offline.root)
        targets: Metadata[Targets] = Metadata.from_bytes(offline.targets)
    except DeserializationError as error:
        raise _refused(name, "TUF metadata", type(error.__cause__ or error).__name__) from None
    _require(f"{name}/root.json", isinstance(root.signed, Root), "root", root.signed.type)
    _require(f"{name}/targets.json", isinstance(targets.signed, Targets), "targets", "another")
    _require(
        f"{name}/targets.json",
        set(targets.signed.targets) == {AGENCY_TARGET},
        AGENCY_TARGET,
        "others",
    )
    facts = parse_agency(offline.agency)
    target = roles.make_target(AGENCY_TARGET, len(offline.agency), roles.sha256(offline.agency))
    same = targets.signed.targets[AGENCY_TARGET] == target
    _require(f"{name}/agency.json", same, "the file that targets.json names", "another file")
    return root, targets, terms_of(root.signed, targets.signed, facts)


def _read(folder: Path) -> Offline:
    found = []
    for name in _NAMES:
        try:
            with (folder / name).open("rb") as file:
                data = file.read(_LARGEST_BYTES + 1)
        except OSError as error:
            raise ConfigError(
                Text(en="there is no change of keys here", zh="此处没有待生效的密钥变更"),
                where=Where(str(folder / name)),
                hint=Text(
                    en="hefu keys rotate, revoke, cosigner, renew or agency make one",
                    zh="由 hefu keys rotate、revoke、cosigner、renew 或 agency 生成",
                ),
            ) from error
        _require(name, len(data) <= _LARGEST_BYTES, f"at most {_LARGEST_BYTES} bytes", "more")
        found.append(data)
    return Offline(*found)


def _write(folder: Path, offline: Offline) -> None:
    data = (offline.root, offline.targets, offline.agency)
    for name, content in zip(_NAMES, data, strict=True):
        write_atomically(folder / name, content)


def _require(entry: str, condition: bool, expected: object, found: object) -> None:
    if not condition:
        raise _refused(entry, expected, found)


def _refused(entry: str, expected: object, found: object) -> Exception:
    return refusal(
        "trust",
        Text(
            en="this change of keys is not one that may be signed",
            zh="此密钥变更有问题，不能签名",
        ),
        expected=expected,
        found=found,
        entry=entry,
        hint=Text(
            en="sign nothing; draft the change again on the node, and find out who had the folder",
            zh="请勿签名；请在节点上重新提出变更，并查明此目录经过谁手",
        ),
    )
