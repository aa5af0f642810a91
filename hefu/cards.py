"""Partner cards: a folder with ``partner.toml`` and public keys that is handed over by hand.

A card is a partner's folder as ``exchange.trust.partner`` reads it, so what is handed over and what
is kept have one form. Trust begins with the comparison of fingerprints, not with the file.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hefu.scaffold import toml_text
from schemas.errors import ConfigError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.partner import Partner
    from hefu.node import Node


def write_card(node: Node, folder: Path, repository: str) -> Partner:
    """Make ``folder`` the card of ``node``. ``repository``: where partners fetch its bundles.

    Raises :class:`ConfigError` when the folder is not empty or the public key is missing.
    """
    from exchange.keys.signing import load_public_key
    from exchange.trust.partner import load_partner

    key = load_public_key(public_key_path(node))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise _taken(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key.key_id[:16]}.pem").write_bytes(key.pem)
    agency = node.agency
    (folder / "partner.toml").write_text(
        f"code = {toml_text(agency.code)}\n"
        f"name = {toml_text(agency.name)}\n"
        f"division_code = {toml_text(agency.division_code)}\n"
        f"repository = {toml_text(repository)}\n"
        'keys = ["*.pem"]\n'
        "threshold = 1\n",
        encoding="utf-8",
    )
    return load_partner(folder)


def take_card(node: Node, card: Path, fingerprint: str | None = None) -> Partner:
    """Copy a partner's card into ``partners/<code>/``.

    ``fingerprint``: what the partner read aloud, in any grouping. A relative repository folder
    is kept pointing at the same place. Raises :class:`ConfigError` when the card is wrong, is
    our own, or the partner is known already; :class:`VerificationError` for another fingerprint.
    """
    from exchange.trust.partner import CONFIG_NAME, load_partner

    partner = load_partner(card)
    if fingerprint is not None:
        _compare(partner, fingerprint)
    if partner.code == node.agency.code:
        raise ConfigError(
            Text(en="this card is our own", zh="这是本单位自己的名片"), where=Where(str(card))
        )
    target = node.root / "partners" / partner.code
    if target.exists():
        raise _taken(target)
    staged = target.with_name(f".{partner.code}.new")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    for path in _card_files(card, partner):
        shutil.copyfile(path, staged / path.name)
    text = (card / CONFIG_NAME).read_text(encoding="utf-8")
    (staged / CONFIG_NAME).write_text(_with_place(text, partner), encoding="utf-8")
    load_partner(staged)
    staged.rename(target)
    return load_partner(target)


def public_key_path(node: Node) -> Path:
    """The public key beside a ``file:`` signer. Raises :class:`ConfigError` for another kind."""
    kind, _, name = node.config.keys.signer.partition(":")
    if kind != "file":
        raise ConfigError(
            Text(
                en=f"the public key of a {kind!r} signer is not in a file here",
                zh=f"{kind!r} 类型签名器的公钥不在本地文件中",
            ),
            where=Where(str(node.root / "hefu.toml"), field="keys.signer"),
            hint=Text(
                en="export it from the device and put it beside a partner.toml by hand",
                zh="请从设备导出公钥，手工与 partner.toml 放在一起",
            ),
        )
    return (node.root / name.partition("?")[0]).with_suffix(".pub.pem")


def _compare(partner: Partner, fingerprint: str) -> None:
    heard = "".join(fingerprint.split()).lower()
    found = [key.key_id for key in partner.keys]
    if found != [heard]:
        raise VerificationError(
            Text(
                en="the card's key is not the one that was read aloud",
                zh="名片中的公钥与口头核对的指纹不符",
            ),
            step="fingerprint",
            expected=heard,
            found=", ".join(found),
            hint=Text(
                en="don't use this card; ask the partner how it was handed over",
                zh="请勿使用此名片，并向对方查明交付经过",
            ),
        )


def _card_files(card: Path, partner: Partner) -> list[Path]:
    found = {path for pattern in partner.config.keys for path in card.glob(pattern)}
    return sorted(found)


def _with_place(text: str, partner: Partner) -> str:
    """A relative folder is relative to the card; said absolutely it survives the copy."""
    place = partner.config.repository
    if place is None or partner.location == place:
        return text
    lines = [
        f"repository = {toml_text(str(partner.location))}"
        if line.partition("=")[0].strip() == "repository"
        else line
        for line in text.splitlines()
    ]
    return "\n".join(lines) + "\n"


def _taken(folder: Path) -> ConfigError:
    return ConfigError(
        Text(en="there is something here already", zh="此处已有内容"),
        where=Where(str(folder)),
        hint=Text(
            en="nothing is overwritten: remove it yourself or choose another place",
            zh="不会覆盖已有内容：请自行移除，或换一个位置",
        ),
    )
