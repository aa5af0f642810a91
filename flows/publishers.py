"""A partner's repository as it is now: opened where the partner publishes, or on a disk."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flows.carriers import open_carrier
from flows.locks import holding
from hefu.partner_seen import Seen, note_seen
from hefu.standing import write_whole
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.client import Publisher
    from exchange.trust.partner import Partner
    from hefu.node import Node


def publisher_of(
    node: Node, partner: Partner, now: datetime, *, place: str | None = None
) -> Publisher:
    """Open and refresh; the versions that were trusted before never go back.

    ``place``: a folder to read instead of where the partner publishes. Keeps when and how old what
    was read is, and the partner's facts (its keys for encryption) as they are published now.
    Raises ``VerificationError`` (step ``trust``), ``RetryableError``, ``ConfigError``.
    """
    from exchange.trust.client import open_publisher

    if partner.root is None:
        raise _no_root(partner)
    at = place or partner.location
    if at is None:
        raise _no_place(partner)
    carrier = open_carrier(node, at, partner.config.access)
    with holding(node, f"trust/{partner.code}"):
        publisher = open_publisher(
            carrier,
            partner.trusted_folder,
            partner.root,
            now,
            max_stale_days=partner.config.max_stale_days,
            code=partner.code,
        )
        fresh = publisher.freshness
        note_seen(node, partner.code, Seen(now, fresh.published_time, fresh.expires, carrier.label))
        _keep_facts(partner, publisher)
    return publisher


def _keep_facts(partner: Partner, publisher: Publisher) -> None:
    """What the publisher's offline keys say of it now takes the place of what the card said."""
    if publisher.facts != partner.facts:
        text = publisher.facts.to_bytes().decode("utf-8")
        write_whole(partner.folder / "agency.json", text)


def _no_root(partner: Partner) -> ConfigError:
    return ConfigError(
        Text(
            en=f"the root of trust of {partner.code} is not here",
            zh=f"本节点没有 {partner.code} 的信任根",
        ),
        where=Where(str(partner.folder)),
        hint=Text(
            en="hefu partner add CARD, with the card that the partner handed over",
            zh="请用合作单位交来的名片执行 hefu partner add 名片文件",
        ),
    )


def _no_place(partner: Partner) -> ConfigError:
    return ConfigError(
        Text(
            en=f"it is not said where {partner.code} publishes",
            zh=f"没有写明 {partner.code} 的发布位置",
        ),
        where=Where(str(partner.folder / "partner.toml"), field="repository"),
        hint=Text(
            en="add repository = a folder or an address, or carry a disk here: "
            "hefu receive --from FOLDER",
            zh="请补上 repository（文件夹或地址），或用 hefu receive --from 目录 读取送来的磁盘",
        ),
    )
