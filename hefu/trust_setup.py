"""What ``hefu keys init`` does: keys of all roles, and the first metadata.

The root keys are made in folders outside the node, one each (a USB stick in a safe each); the node
keeps the online key and the identity only. Below the flows, so that examples and tests use it too.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hefu.node import CONFIG_NAME
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from exchange.keys.signing import PublicKey
    from exchange.trust.ceremony import Terms
    from hefu.node import Node

ROOT_PREFIX = "root"


@dataclass(frozen=True, slots=True)
class Founded:
    """``root_files``: the private root keys in the order of their folders."""

    terms: Terms
    root_files: tuple[Path, ...]


def init_trust(
    node: Node,
    root_folders: Sequence[Path],
    threshold: int,
    root_passphrases: Sequence[str],
    passphrase: str | None = None,
    repository: str | None = None,
    *,
    now: datetime,
) -> Founded:
    """Make the node's keys and its repository's first metadata.

    ``root_passphrases``: one for each folder, or one for all. ``passphrase``: of the online key
    and the identity; None: what ``[keys] passphrase`` names, and if that is a file which is not
    there, a new one is made and kept in it (0600). ``repository``: where partners fetch; None:
    the node's repository folder. Raises ``ConfigError``; a second run after one that was cut short
    goes on from the keys that are there.
    """
    from exchange.trust.agency import AgencyFacts
    from exchange.trust.ceremony import Terms, found, founded_already, has_trust

    folders = check_root_folders(node, root_folders)
    _check_threshold(threshold, len(folders))
    root_secrets = one_for_each(root_passphrases, len(folders))
    if has_trust(node.place("repository")):
        raise founded_already(node.place("repository"))
    secret = _passphrase(node, passphrase)
    online = online_key(node, secret)
    recipient = _identity(node, secret)
    made = [make_root_key(f, s) for f, s in zip(folders, root_secrets, strict=True)]
    facts = AgencyFacts(
        code=node.agency.code,
        name=node.agency.name,
        division_code=node.agency.division_code,
        repository=repository or str(node.place("repository").resolve()),
        recipients=(recipient,),
    )
    terms = Terms(facts, tuple(key for key, _ in made), threshold, online)
    signers = _root_signers(made, root_secrets)
    found(node.place("repository"), terms, signers, node.signers(), node.periods(), now)
    return Founded(terms, tuple(path for _, path in made))


def init_trust_anew(
    node: Node,
    root_folders: Sequence[Path],
    threshold: int,
    root_passphrases: Sequence[str],
    *,
    now: datetime,
) -> Founded:
    """New root keys after so many were lost that the others can't sign a change any more.

    Every partner has to compare the new card's fingerprint and run ``hefu partner update``.
    Raises ``ConfigError`` as :func:`init_trust`.
    """
    from exchange.trust.ceremony import found_anew, read_terms

    folders = check_root_folders(node, root_folders)
    _check_threshold(threshold, len(folders))
    root_secrets = one_for_each(root_passphrases, len(folders))
    before = read_terms(node.place("repository"))
    made = [make_root_key(f, s) for f, s in zip(folders, root_secrets, strict=True)]
    terms = replace(before, root_keys=tuple(key for key, _ in made), root_threshold=threshold)
    signers = _root_signers(made, root_secrets)
    found_anew(node.place("repository"), terms, signers, node.signers(), node.periods(), now)
    return Founded(terms, tuple(path for _, path in made))


def _root_signers(made: Sequence[tuple[PublicKey, Path]], root_secrets: list[str]) -> list[Signer]:
    from exchange.keys.signing import load_signer

    return [
        load_signer(f"file:{path.name}", secret, root=path.parent)
        for (_, path), secret in zip(made, root_secrets, strict=True)
    ]


def check_root_folders(node: Node, folders: Sequence[Path]) -> list[Path]:
    """The folders for root keys, absolute. Raises ``ConfigError`` if one is in the node."""
    found = [folder.resolve() for folder in folders]
    if not found:
        raise ConfigError(
            Text(en="no folder for a root key is given", zh="未指定存放根密钥的目录"),
            hint=Text(
                en="--root-folder DIR, once for each key: a USB stick each",
                zh="请用 --root-folder 目录 指定，每把密钥一个目录（各用一个 U 盘）",
            ),
        )
    if len(set(found)) != len(found):
        raise ConfigError(
            Text(en="the same folder is given twice", zh="同一目录重复指定"),
            hint=Text(en="one folder for each root key", zh="每把根密钥一个目录"),
        )
    root = node.root.resolve()
    for folder in found:
        if folder == root or root in folder.parents or folder in root.parents:
            raise ConfigError(
                Text(
                    en="a root key never lies in the node's folder, nor around it",
                    zh="根密钥不得放在节点目录之内或其上级目录",
                ),
                where=Where(str(folder)),
                hint=Text(
                    en="name a folder on a USB stick that is kept in a safe",
                    zh="请指定 U 盘上的目录，U 盘平时存放在保险柜中",
                ),
            )
    return found


def _check_threshold(threshold: int, count: int) -> None:
    if not 1 <= threshold <= count:
        raise ConfigError(
            Text(
                en=f"threshold {threshold} cannot be met by {count} root key(s)",
                zh=f"门限为 {threshold}，但只有 {count} 把根密钥",
            ),
            hint=Text(en="--root-folder once for each key", zh="每把密钥写一次 --root-folder"),
        )


def one_for_each(values: Sequence[str], count: int) -> list[str]:
    """``values``, or the only one ``count`` times."""
    if len(values) == 1:
        return list(values) * count
    if len(values) != count:
        raise ConfigError(
            Text(
                en=f"{len(values)} passphrase(s) for {count} root key(s)",
                zh=f"{count} 把根密钥，却有 {len(values)} 个口令",
            ),
            hint=Text(
                en="--root-passphrase once for all keys, or once for each in the same order",
                zh="--root-passphrase 可只写一次（共用），或按相同顺序每把写一次",
            ),
        )
    return list(values)


def make_root_key(folder: Path, passphrase: str) -> tuple[PublicKey, Path]:
    """A new root key in ``folder``, ``root-<8 digits>.pem``.

    Raises ``ConfigError`` if the folder can't be written or keeps no access rights.
    """
    from exchange.keys.signing import check_unread_by_others, create_named_key

    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".hefu-probe-{os.getpid()}"
        probe.touch(0o600)
        try:
            check_unread_by_others(probe)
        finally:
            probe.unlink()
        return create_named_key(folder, ROOT_PREFIX, passphrase)
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the root key can't be written ({error.strerror})",
                zh=f"无法写入根密钥（{error.strerror}）",
            ),
            where=Where(str(folder)),
        ) from error


def _passphrase(node: Node, passphrase: str | None) -> str:
    """The online keys' passphrase; a new one goes into the file that ``[keys]`` names."""
    name = node.config.keys.passphrase
    if name is None or not name.startswith("file:"):
        if passphrase is not None:
            return passphrase
        if name is not None:
            return node.secrets(name)
        raise ConfigError(
            Text(en="[keys] names no passphrase", zh="[keys] 未写明口令的出处"),
            where=Where(str(node.root / CONFIG_NAME), field="keys.passphrase"),
        )
    path = node.root / name.removeprefix("file:")
    if passphrase is None and path.exists():
        return node.secrets(name)
    secret = passphrase or secrets.token_urlsafe(32)
    write_secret(path, secret)
    return secret


def write_secret(path: Path, secret: str) -> None:
    """Keep a passphrase, mode 0600. Raises ``ConfigError`` if another one is there."""
    from exchange.keys.signing import write_new

    if path.exists() and path.read_text(encoding="utf-8").rstrip("\n") == secret:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_new(path, f"{secret}\n".encode(), 0o600)


def online_key(node: Node, passphrase: str) -> PublicKey:
    """The key that ``[keys] signer`` names; a ``file:`` key that is not there is made."""
    from exchange.keys.signing import create_key, load_signer
    from exchange.trust.roles import public_key

    signer = node.config.keys.signer
    if signer.startswith("file:"):
        path = node.root / signer.removeprefix("file:").partition("?")[0]
        if not path.exists():
            return create_key(path, passphrase)
        return public_key(load_signer(signer, passphrase, root=node.root).public_key)
    return public_key(node.signers().online.public_key)


def _identity(node: Node, passphrase: str) -> str:
    from exchange.keys.identity import create_identity, load_recipient

    path = node.root / node.config.keys.identity.removeprefix("file:")
    if path.exists():
        return load_recipient(path, passphrase)
    return create_identity(path, passphrase)
