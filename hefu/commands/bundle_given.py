"""What ``hefu verify`` and ``hefu open`` are given: whom to trust, and with what to decrypt."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hefu.commands.options import argument, option
from hefu.terminal import tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import pyrage

    from exchange.trust.partner import TrustFolder

BUNDLE = argument(
    "BUNDLE",
    en="the bundle file (.hefu, or .hefu.age if it is encrypted)",
    zh="数据包文件（.hefu；加密的为 .hefu.age）",
)
TRUST = option(
    "--trust",
    metavar="DIR|CARD",
    en="whom to trust: a folder with partner.toml and root.json and metadata/ (a partner's folder "
    "of a node is one), or with single public keys (*.pem); and agreement.toml if you have it. "
    "Or the sender's card, with --repository",
    zh="信任来源：目录，内有 partner.toml 与 root.json、metadata/（节点的合作单位目录即可），"
    "或单个公钥（*.pem）；如有协议文件 agreement.toml 一并放入。"
    "也可直接给出发送方的名片文件，并用 --repository 指定其发布目录",
)
REPOSITORY = option(
    "--repository",
    metavar="FOLDER",
    en="a copy of the sender's repository: its metadata/ says whose keys sign now",
    zh="发送方发布目录的副本：其中 metadata/ 说明当前有效的签名密钥",
)
IDENTITY = option(
    "--identity",
    metavar="FILE",
    en="for an encrypted bundle: the key that opens it (keys/identity.pem of a node, or an "
    "identity file of the age command)",
    zh="用于加密的数据包：解密私钥（节点的 keys/identity.pem，或 age 命令的私钥文件）",
)
PASSPHRASE = option(
    "--passphrase",
    metavar="env:NAME|file:PATH",
    en="passphrase of the identity: name of a secret, never the secret itself. Without it you are "
    "asked",
    zh="解密私钥的口令：写口令的出处，不写口令本身。不写则在终端询问",
)
RECIPIENT = option(
    "--recipient",
    metavar="CODE",
    en="also check that the bundle is meant for this agency",
    zh="同时核对数据包是否发给该机构（统一社会信用代码）",
)


def trust_given(trust: Path, repository: Path | None) -> TrustFolder:
    """Whom to trust. Raises ``ConfigError``; ``VerificationError`` (step ``trust``) for a card
    that is none."""
    from exchange.trust.partner import load_trust_folder

    folder = _of_card(trust, repository) if trust.is_file() else load_trust_folder(trust)
    if repository is None:
        return folder
    if folder.partner.root is None:
        raise ConfigError(
            Text(
                en="single keys are trusted here: a repository says nothing about them",
                zh="此处仅信任单个公钥，发布目录与其无关",
            ),
            where=Where(str(trust)),
            hint=Text(
                en="trust the sender's card instead, or leave --repository out",
                zh="请改用发送方的名片，或去掉 --repository",
            ),
        )
    if not (repository / "metadata").is_dir():
        raise ConfigError(
            Text(en="there are no signed lists here", zh="此处没有签名清单"),
            where=Where(str(repository)),
            hint=Text(
                en="name the folder that holds metadata/ and targets/",
                zh="请指定包含 metadata/ 与 targets/ 的目录",
            ),
        )
    return replace(folder, partner=replace(folder.partner, folder=repository))


def _of_card(path: Path, repository: Path | None) -> TrustFolder:
    from exchange.bundle.contracts import INSTALLED
    from exchange.trust.card import load_card
    from exchange.trust.partner import Partner, PartnerConfig, TrustFolder

    if repository is None:
        raise ConfigError(
            Text(
                en="a card says whom to trust, but not which keys sign now",
                zh="名片只说明信任谁，不说明当前由哪些密钥签名",
            ),
            where=Where(str(path)),
            hint=Text(
                en="name a copy of the sender's repository with --repository",
                zh="请用 --repository 指定发送方发布目录的副本",
            ),
        )
    card = load_card(path)
    config = PartnerConfig(code=card.facts.code, name=card.facts.name)
    partner = Partner(repository, config, (), card.root, card.facts)
    return TrustFolder(partner, (), INSTALLED)


def identities_given(
    identity: Path | None, passphrase: str | None
) -> Sequence[pyrage.x25519.Identity]:
    """What opens an encrypted bundle. Raises ``ConfigError``."""
    from exchange.keys.encryption import read_identities

    if identity is None:
        raise ConfigError(
            Text(en="this bundle is encrypted", zh="该数据包已加密"),
            hint=Text(
                en="name the key that opens it with --identity",
                zh="请用 --identity 指定解密私钥",
            ),
        )
    return read_identities(identity, lambda: _passphrase(identity, passphrase))


def _passphrase(identity: Path, named: str | None) -> str:
    from hefu.secret_values import resolve

    if named is not None:
        if not named.startswith(("env:", "file:")):
            raise ConfigError(
                Text(
                    en="--passphrase names a secret: env:NAME or file:PATH",
                    zh="--passphrase 写口令的出处：env:变量名 或 file:路径",
                ),
                hint=Text(
                    en="what stands on a command line is seen by others on this machine",
                    zh="命令行内容会被本机其他用户看到",
                ),
            )
        return resolve(named, Path.cwd())
    if not sys.stdin.isatty():
        raise ConfigError(
            Text(en="the identity's passphrase is missing", zh="缺少解密私钥的口令"),
            where=Where(str(identity)),
            hint=Text(
                en="name it: --passphrase env:NAME or file:PATH, or run this at a terminal",
                zh="请用 --passphrase env:变量名 或 file:路径 指定，或在终端运行后录入",
            ),
        )
    what = tr(f"passphrase for {identity}", f"{identity} 的口令")
    return str(typer.prompt(what, hide_input=True, err=True))
