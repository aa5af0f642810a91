"""Partners' cards taken in: ``partners/<code>/{partner.toml, root.json, agency.json}``.

Trust begins with the comparison of fingerprints, not with the file (exchange.trust.card). What is
kept of a card is its root, exactly, and never changed: every later trust follows from it by
signatures.
"""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hefu.scaffold import toml_text
from schemas.errors import ConfigError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.card import Card
    from exchange.trust.partner import Partner
    from hefu.node import Node

REPLACED = "replaced"
"""In a partner's folder: roots that were believed before, as evidence of what was signed then."""


def write_card(node: Node, to: Path, repository: str | None = None) -> Card:
    """Write this node's card to the file ``to``.

    ``repository``: where this partner fetches, if not where the agency says it publishes. Raises
    :class:`ConfigError` when something is there, or the node has no keys yet.
    """
    from exchange.trust.card import write_card as write

    return write(node.place("repository"), to, place=repository)


def take_card(node: Node, card: Path, fingerprint: str | None = None) -> Partner:
    """Keep a partner's card in ``partners/<code>/``.

    ``fingerprint``: what the partner read aloud, at least 32 leading digits in any grouping. A
    relative repository folder is relative to the card. Raises :class:`ConfigError` when the card
    is our own or the partner is known already; :class:`VerificationError` for another fingerprint
    or a card that is none.
    """
    from exchange.trust.card import load_card
    from exchange.trust.partner import load_partner

    found = load_card(card)
    check_fingerprint(found, fingerprint)
    _check_not_ours(node, found, card)
    target = node.root / "partners" / found.facts.code
    if target.exists():
        raise _known_already(target)
    staged = _stage(target, found, card)
    try:
        staged.rename(target)
    except OSError as error:
        raise _known_already(target) from error
    return load_partner(target)


def replace_card(node: Node, code: str, card: Path, fingerprint: str, now: datetime) -> Partner:
    """Believe a known partner's new root because two people compared it, not by signatures.

    For a partner that lost its root keys altogether. What was kept of the old root goes to
    ``replaced/<time>/`` in the partner's folder. Raises as :func:`take_card`, and
    :class:`ConfigError` if the partner is not known or the card is another agency's.
    """
    from exchange.trust.card import load_card
    from exchange.trust.partner import load_partner

    found = load_card(card)
    check_fingerprint(found, fingerprint)
    target = node.root / "partners" / code
    if not (target / "root.json").is_file() or found.facts.code != code:
        raise ConfigError(
            Text(
                en=f"the card is of {found.facts.code}, and {code} must be a partner with a root",
                zh=f"名片属于 {found.facts.code}；{code} 须为已登记且有信任根的合作单位",
            ),
            where=Where(str(card)),
            hint=Text(en="hefu partner list names them", zh="hefu partner list 列出已登记单位"),
        )
    if (target / "root.json").read_bytes() == found.root:
        raise ConfigError(
            Text(en="this root is the one that is kept already", zh="此信任根与已登记的相同"),
            where=Where(str(card)),
        )
    kept = target / REPLACED / now.strftime("%Y%m%dT%H%M%SZ")
    kept.mkdir(parents=True)
    # The client's state first: what was learnt under the old root is not to be believed under
    # the new one, and an interrupted change refuses rather than mixes.
    for name in ("trusted", "agency.json", "root.json"):
        if (target / name).exists():
            shutil.move(target / name, kept / name)
    _write(target / "agency.json", found.facts.to_bytes())
    _write(target / "root.json", found.root)
    return load_partner(target)


def check_fingerprint(card: Card, heard: str | None) -> None:
    """Raises :class:`VerificationError` (exit code 4) unless ``heard`` is how it begins."""
    from exchange.trust.card import grouped, heard_digits

    if heard is not None and not card.matches(heard):
        digits = heard_digits(heard)
        raise VerificationError(
            Text(
                en="the card is not the one whose fingerprint was read aloud",
                zh="名片与口头核对的指纹不符",
            ),
            step="fingerprint",
            expected=grouped(digits),
            found=grouped(card.sha256[: len(digits)]),
            hint=Text(
                en="don't use this card; ask the partner how it was handed over",
                zh="请勿使用此名片，并向对方查明交付经过",
            ),
        )


def _check_not_ours(node: Node, found: Card, card: Path) -> None:
    if found.facts.code == node.agency.code:
        raise ConfigError(
            Text(en="this card is our own", zh="这是本单位自己的名片"), where=Where(str(card))
        )


def _stage(target: Path, found: Card, card: Path) -> Path:
    staged = target.with_name(f".{target.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    _write(staged / "root.json", found.root)
    _write(staged / "agency.json", found.facts.to_bytes())
    _write(staged / "partner.toml", _partner_toml(found, card).encode())
    return staged


def _partner_toml(found: Card, card: Path) -> str:
    facts = found.facts
    lines = [
        f"code = {toml_text(facts.code)}",
        f"name = {toml_text(facts.name)}",
        f"division_code = {toml_text(facts.division_code)}",
    ]
    if facts.repository:
        place = facts.repository
        if ":" not in place:
            # A folder is relative to the card; said absolutely it survives the copy.
            place = str((card.resolve().parent / place).resolve())
        lines.append(f"repository = {toml_text(place)}")
    return "\n".join(lines) + "\n"


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _known_already(folder: Path) -> ConfigError:
    return ConfigError(
        Text(en="this partner is known already", zh="该合作单位已登记"),
        where=Where(str(folder)),
        hint=Text(
            en="nothing is overwritten; keys that it changed come by themselves with what it "
            "publishes, and after it lost its root keys altogether use hefu partner update",
            zh="不会覆盖已登记内容；对方更换的密钥会随其发布内容自动更新。若对方根密钥全部遗失，"
            "请用 hefu partner update",
        ),
    )
