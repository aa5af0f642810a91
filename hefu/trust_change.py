"""A node's change of keys, from the wish to what partners read.

    trust-change/             the draft that the offline keys sign (exchange.trust.drafts)
    keys/next/                new online keys that wait for it
    keys/next/stolen          the online key until now must not sign any more
    keys/former/              keys that were in use; former identities still open old bundles

Nothing of a change holds before :func:`publish_all`: until then the node signs as before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hefu.node import CONFIG_NAME
from hefu.toml_edit import add_former_identity
from hefu.trust_setup import make_root_key
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from exchange.keys.signing import PublicKey
    from exchange.trust.ceremony import Terms
    from exchange.trust.drafts import Draft, Progress
    from exchange.trust.roles import Signers
    from hefu.node import Node

_STOLEN = "stolen"
_LEAST_DIGITS = 8


@dataclass(frozen=True, slots=True)
class RootFile:
    """A private root key on a stick, and its public half."""

    path: Path
    key: PublicKey


def change_folder(node: Node) -> Path:
    return node.root / "trust-change"


def pending(node: Node) -> Draft | None:
    """The change that waits for offline signatures, if there is one."""
    from exchange.trust.drafts import load_draft

    folder = change_folder(node)
    return load_draft(folder) if folder.exists() else None


def check_none_pending(node: Node) -> None:
    """Raises ``ConfigError`` if a change is under way: new keys are made for one at a time."""
    if change_folder(node).exists() or (node.root / "keys" / "next").exists():
        raise ConfigError(
            Text(en="a change of keys is under way already", zh="已有一项密钥变更正在进行"),
            where=Where(str(change_folder(node))),
            hint=Text(
                en="finish it (hefu keys show says who must sign, then hefu keys apply), or "
                "discard it: hefu keys apply --discard",
                zh="请先完成（hefu keys show 显示还缺谁签名，然后 hefu keys apply），"
                "或放弃：hefu keys apply --discard",
            ),
        )


def find_root_files(folders: Iterable[Path], wanted: Iterable[PublicKey]) -> list[RootFile]:
    """Those of ``wanted`` whose files lie in ``folders``, each once, in order of the folders.

    Raises ``ConfigError`` for a folder in which there is none: a wrong stick is said at once.
    """
    from exchange.keys.signing import load_public_key

    keys, found = set(wanted), dict[Any, RootFile]()
    for folder in folders:
        here = [
            RootFile(private, key)
            for public in sorted(folder.glob("*.pub.pem"))
            if (key := load_public_key(public)) in keys
            and (
                private := public.with_name(public.name.removesuffix(".pub.pem") + ".pem")
            ).exists()
        ]
        if not here:
            raise ConfigError(
                Text(
                    en="there is no root key of this agency in this folder",
                    zh="此目录中没有本机构的根密钥",
                ),
                where=Where(str(folder)),
                hint=Text(
                    en="hefu keys show lists the root keys; a file is named after the first eight "
                    "digits of its key",
                    zh="hefu keys show 列出根密钥；文件名含密钥标识的前八位",
                ),
            )
        found |= {one.key: one for one in here if one.key not in found}
    return list(found.values())


def new_online_key(node: Node, *, stolen: bool) -> PublicKey:
    """Make the online key that is to follow. ``stolen``: the one until now signs no more."""
    from exchange.keys.signing import create_key

    keys = node.config.keys
    if not keys.signer.startswith("file:"):
        raise ConfigError(
            Text(
                en="the online key is in a device, so its successor is made there, too",
                zh="在线密钥在硬件设备中，新密钥也须在设备中生成",
            ),
            where=Where(str(node.root / CONFIG_NAME), field="keys.signer"),
            hint=Text(
                en="make it there and name its public key: --public-key FILE; then change "
                "[keys] signer and public_key before hefu keys apply",
                zh="请在设备中生成，并用 --public-key 文件 给出公钥；执行 hefu keys apply 前修改 "
                "[keys] 的 signer 与 public_key",
            ),
        )
    key = create_key(_next(node) / "signing.pem", _secret(node))
    if stolen:
        mark_stolen(node)
    return key


def mark_stolen(node: Node) -> None:
    """The online key until now must not sign the change that replaces it."""
    _next(node).mkdir(parents=True, exist_ok=True, mode=0o700)
    (_next(node) / _STOLEN).touch(0o600)


def new_identity(node: Node) -> str:
    """Make the identity that is to follow; its recipient."""
    from exchange.keys.identity import create_identity

    return create_identity(_next(node) / "identity.pem", _secret(node))


def new_root_keys(folders: Sequence[Path], passphrases: Sequence[str]) -> list[RootFile]:
    """A new root key in each folder."""
    made = [make_root_key(f, p) for f, p in zip(folders, passphrases, strict=True)]
    return [RootFile(path, key) for key, path in made]


def load_root_signer(file: RootFile, passphrase: str) -> Signer:
    """Raises ``ConfigError`` for a wrong passphrase or a file that others may read."""
    from exchange.keys.signing import load_signer

    return load_signer(f"file:{file.path.name}", passphrase, root=file.path.parent)


def propose(
    node: Node, terms: Terms, signers: Iterable[Signer], now: datetime
) -> tuple[Draft, Progress]:
    """Draft the change and sign it with those offline keys that are at hand."""
    from exchange.trust.drafts import draft_change, load_draft, sign_change

    folder = change_folder(node)
    draft_change(node.place("repository"), folder, terms, node.periods(), now)
    for signer in signers:
        sign_change(folder, signer)
    draft = load_draft(folder)
    return draft, draft.progress


def discard(node: Node) -> None:
    """Forget a change that was not applied, with the keys that were made for it."""
    draft = pending(node)
    if draft is not None and _holds(node, draft):
        raise ConfigError(
            Text(
                en="this change holds already and can't be discarded: hefu keys apply ends it",
                zh="此变更已生效，不能放弃：请执行 hefu keys apply 完成收尾",
            )
        )
    shutil.rmtree(change_folder(node), ignore_errors=True)
    shutil.rmtree(_next(node), ignore_errors=True)


@dataclass(frozen=True)
class Applying:
    """A complete change and the node as it signs before and after."""

    draft: Draft
    former: Signer | None
    """The online key until now, if it is being replaced, is at hand and was not stolen."""
    signers: Signers

    @property
    def is_whole_without_root(self) -> bool:
        """Whether who holds the former root can read what the change publishes."""
        same = self.draft.current.online_key == self.draft.next.online_key
        return same or self.former is not None

    @property
    def other_bundle_keys(self) -> bool:
        return self.draft.current.bundle_keys != self.draft.next.bundle_keys


def prepare(node: Node) -> Applying:
    """Load what applying needs.

    Raises ``ConfigError`` if there is no change, offline signatures are missing, or an online
    signer can't be loaded.
    """
    from exchange.trust.drafts import check_signed, load_draft
    from exchange.trust.roles import public_key

    draft = load_draft(change_folder(node))
    check_signed(draft.before, draft.after)
    former: Signer | None = None
    if draft.next.online_key != draft.current.online_key:
        former = _former(node, draft.current.online_key)
    signers = node_after(node).signers()
    if public_key(signers.online.public_key) != draft.next.online_key:
        raise ConfigError(
            Text(
                en="[keys] signer is not the online key that the change names",
                zh="[keys] signer 与变更中的在线密钥不符",
            ),
            where=Where(str(node.root / CONFIG_NAME), field="keys.signer"),
            hint=Text(
                en=f"name the signer of key {draft.next.online_key.key_id[:16]}…, then run "
                "hefu keys apply again",
                zh=f"请写明密钥 {draft.next.online_key.key_id[:16]}… 的签名器，然后重新执行 "
                "hefu keys apply",
            ),
        )
    return Applying(draft, former, signers)


def publish_lists(node: Node, applying: Applying, now: datetime) -> None:
    """The change without its root: for places that copy the repository, which get it next."""
    _apply(node, applying, now, without_root=True)


def publish_all(node: Node, applying: Applying, now: datetime) -> None:
    """The change as partners read it. Can be run again, until :func:`settle` ends it."""
    _apply(node, applying, now, without_root=False)


def _apply(node: Node, applying: Applying, now: datetime, *, without_root: bool) -> None:
    from exchange.trust.ceremony import apply_change

    draft = applying.draft
    apply_change(
        node.place("repository"),
        draft.before,
        draft.after,
        applying.signers,
        node.periods(),
        now,
        applying.former,
        without_root=without_root,
    )


def settle(node: Node, draft: Draft) -> None:
    """Take new keys into use, keep the former ones, remove the draft."""
    _settle_signing(node, draft)
    _settle_identity(node, draft)
    shutil.rmtree(change_folder(node), ignore_errors=True)
    shutil.rmtree(_next(node), ignore_errors=True)


def node_after(node: Node) -> Node:
    """The node with the online key that waits in ``keys/next``, if there is one."""
    if not (_next(node) / "signing.pem").exists():
        return node
    return _with_keys(node, signer="file:keys/next/signing.pem", public_key=None)


def node_between(node: Node) -> Node:
    """The node with the online key until now, which the one to follow signs beside: what is
    signed so is good before and after the change."""
    from hefu.node import Cosigner

    if not (_next(node) / "signing.pem").exists():
        return node
    keys = node.config.keys
    both = (
        *keys.cosigners,
        Cosigner(signer="file:keys/next/signing.pem", passphrase=keys.passphrase),
    )
    return _with_keys(node, cosigners=both)


def key_by_prefix(terms: Terms, told: str) -> PublicKey:
    """The key whose id begins with ``told`` (at least 8 hexadecimal digits, in any grouping), or
    whose public key is the file ``told``."""
    from exchange.keys.signing import load_public_key

    if Path(told).is_file():
        told = load_public_key(Path(told)).key_id
    digits = "".join(told.split()).lower()
    keys = (*terms.root_keys, *terms.bundle_keys)
    found = [key for key in keys if key.key_id.startswith(digits)]
    if len(digits) < _LEAST_DIGITS or len(found) != 1:
        raise ConfigError(
            Text(
                en=f"{told!r} names no key of this node, or more than one",
                zh=f"“{told}”未对应本节点的密钥，或对应多把",
            ),
            hint=Text(
                en=f"hefu keys show lists the keys; give at least {_LEAST_DIGITS} digits",
                zh=f"hefu keys show 列出密钥；请至少写出前 {_LEAST_DIGITS} 位",
            ),
        )
    return found[0]


def _holds(node: Node, draft: Draft) -> bool:
    from exchange.trust.ceremony import read_offline

    holds = read_offline(node.place("repository"))
    return draft.after.targets == holds.targets or draft.after.root == holds.root


def _next(node: Node) -> Path:
    return node.root / "keys" / "next"


def _former_folder(node: Node) -> Path:
    folder = node.root / "keys" / "former"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _secret(node: Node) -> str:
    name = node.config.keys.passphrase
    return node.secrets(name) if name else ""


def _with_keys(node: Node, **changed: Any) -> Node:
    keys = node.config.keys.model_copy(update=changed)
    return replace(node, config=node.config.model_copy(update={"keys": keys}))


def _former(node: Node, key: PublicKey) -> Signer | None:
    """The online key until now, unless it was stolen or is lost."""
    from exchange.trust.roles import public_key

    if (_next(node) / _STOLEN).exists() or is_lost(node):
        return None
    signer = node.signers().online
    return signer if public_key(signer.public_key) == key else None


def is_lost(node: Node) -> bool:
    """Whether the file of the online key is not there any more."""
    signer = node.config.keys.signer
    path = node.root / signer.removeprefix("file:").partition("?")[0]
    return signer.startswith("file:") and not path.exists()


def _settle_signing(node: Node, draft: Draft) -> None:
    waiting = _next(node) / "signing.pem"
    if not waiting.exists():
        return
    path = node.root / node.config.keys.signer.removeprefix("file:").partition("?")[0]
    kept = _former_folder(node) / f"signing-{draft.current.online_key.key_id[:8]}.pem"
    for suffix in (".pem", ".pub.pem"):
        _keep(path.with_suffix(suffix), kept.with_suffix(suffix))
    # The public half first: while a file waits, this is gone through again.
    _copied(waiting.with_suffix(".pub.pem")).replace(path.with_suffix(".pub.pem"))
    waiting.replace(path)


def _settle_identity(node: Node, draft: Draft) -> None:
    from exchange.keys.identity import recipient_path

    waiting = _next(node) / "identity.pem"
    if not waiting.exists():
        return
    path = node.root / node.config.keys.identity.removeprefix("file:")
    short = (draft.current.facts.recipients or ("age1none",))[0][4:12]
    kept = _former_folder(node) / f"identity-{short}.pem"
    _keep(path, kept)
    if kept.exists():
        name = f"file:{kept.relative_to(node.root).as_posix()}"
        add_former_identity(node.root / CONFIG_NAME, name)
    _copied(recipient_path(waiting)).replace(recipient_path(path))
    waiting.replace(path)


def _keep(path: Path, former: Path) -> None:
    """A second name for a key that is about to be replaced; done twice, it changes nothing."""
    if path.exists() and not former.exists():
        os.link(path, former)


def _copied(path: Path) -> Path:
    copy = path.with_name(f".{path.name}.copy")
    shutil.copyfile(path, copy)
    return copy


PassphraseFor = Callable[[Path], str]
"""Asks for the passphrase of the key at a path, or knows it."""
