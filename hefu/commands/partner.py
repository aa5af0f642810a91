"""``hefu partner card|add|list``: trust, exchanged by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    add_group,
    argument,
    open_node,
    option,
)
from hefu.terminal import say, say_data, say_json, say_table, tr

if TYPE_CHECKING:
    from exchange.partner import Partner


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "partner",
        en="Partners: hand over your key, take in theirs.",
        zh="协作单位：交付本方公钥、登记对方公钥。",
    )
    add_command(
        group,
        card,
        "card",
        en="Write this node's partner card: what a partner needs to verify your bundles.\n\n"
        "A folder with partner.toml and your public key; nothing in it is secret. Read the "
        "fingerprint aloud when you hand it over.",
        zh="生成本节点的名片：对方验证本方数据包所需的全部内容。\n\n"
        "其中只有 partner.toml 与公钥，不含任何秘密。交付时请与对方逐字核对指纹。",
    )
    add_command(
        group,
        add,
        "add",
        en="Take in a partner's card after comparing its fingerprint.\n\n"
        "A partner that is known already is not overwritten.",
        zh="核对指纹后登记协作单位的名片。\n\n已登记的单位不会被覆盖。",
    )
    add_command(
        group, list_, "list", en="List the partners and their keys.", zh="列出协作单位及其公钥。"
    )


def card(
    ctx: typer.Context,
    out: Annotated[
        Path,
        option("--out", metavar="DIR", en="folder to make", zh="要生成的目录"),
    ],
    repository: Annotated[
        str | None,
        option(
            "--repository",
            metavar="PLACE",
            en="where the partner fetches your bundles: https address, or a folder it can read "
            "(default: this node's repository folder)",
            zh="对方获取数据包的位置：https 地址或对方可读的目录（默认为本节点的发布目录）",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.cards import write_card

    here = open_node(ctx, node)
    place = repository or str(here.place("repository").resolve())
    written = write_card(here, out, place)
    say(
        tr(
            f"wrote the card of {here.agency.name} into {out}; partners fetch from {place}",
            f"已在 {out} 生成 {here.agency.name} 的名片，对方从 {place} 获取数据包",
        )
    )
    _read_aloud(written)


def add(
    ctx: typer.Context,
    folder: Annotated[Path, argument("CARD", en="the card's folder", zh="对方名片所在目录")],
    fingerprint: Annotated[
        str | None,
        option(
            "--fingerprint",
            metavar="HEX",
            en="what the partner read aloud; the card is refused if its key has another",
            zh="对方口头告知的指纹；与名片中的公钥不符时拒绝登记",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.cards import take_card

    here = open_node(ctx, node)
    partner = take_card(here, folder, fingerprint)
    say(
        tr(
            f"added {partner.name} ({partner.code}) in {partner.folder}",
            f"已登记 {partner.name}（{partner.code}）：{partner.folder}",
        )
    )
    _read_aloud(partner)


def list_(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    partners = open_node(ctx, node).partners()
    if as_json:
        say_json(
            [
                {
                    "code": p.code,
                    "name": p.name,
                    "repository": p.location,
                    "threshold": p.config.threshold,
                    "keys": [key.key_id for key in p.keys],
                }
                for p in partners
            ]
        )
        return
    say_table(
        [
            tr("code", "代码"),
            tr("name", "名称"),
            tr("repository", "获取位置"),
            tr("keys", "公钥指纹"),
        ],
        [
            (p.code, p.name, p.location or "–", "\n".join(key.fingerprint for key in p.keys))
            for p in partners
        ],
        empty=tr("no partner yet", "尚未登记协作单位"),
    )


def _read_aloud(partner: Partner) -> None:
    """Fingerprints on stdout, and what to do with them."""
    say(
        tr(
            "compare the fingerprint with the other agency, by telephone or face to face:",
            "请通过电话或当面与对方逐字核对指纹：",
        )
    )
    for key in partner.keys:
        say_data(key.fingerprint)
