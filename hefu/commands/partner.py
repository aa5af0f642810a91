"""``hefu partner card|add|list|token-key``: trust, exchanged by hand."""

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
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.partner import Partner
    from hefu.node import Node


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
    add_command(
        group,
        token_key,
        "token-key",
        en="The secret shared with one partner, with which tokens of identity numbers are made.\n\n"
        "One agency makes it and hands a copy over in person, the other takes that copy in; then "
        "both compare the fingerprint aloud. Without options: whether there is one. The secret is "
        "never printed.",
        zh="与某一协作单位共用的密钥，用于生成证件号码的去标识化标识。\n\n"
        "由一方生成并当面交付副本，另一方登记该副本，然后双方口头核对指纹。不带选项时显示是否已有密钥。"
        "密钥本身从不显示。",
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


def token_key(
    ctx: typer.Context,
    partner: Annotated[str, argument("PARTNER", en="the partner's code", zh="协作单位代码")],
    new: Annotated[
        bool,
        option(
            "--new", en="make the secret; there must be none yet", zh="生成新密钥（此前须没有）"
        ),
    ] = False,
    out: Annotated[
        Path | None,
        option(
            "--out",
            metavar="FILE",
            en="write a copy to hand over in person, for instance on a USB stick; delete it after",
            zh="另存一份副本，用于当面交付（如存入 U 盘）；交付后请删除",
        ),
    ] = None,
    take: Annotated[
        Path | None,
        option(
            "--take",
            metavar="FILE",
            en="take in the copy that the partner handed over",
            zh="登记对方当面交付的副本",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    import secrets

    from exchange.keys.pairs import fingerprint, load_pair_key, read_pair_key, write_pair_key
    from schemas.identities.tokens import KEY_BYTES

    here = open_node(ctx, node)
    path = here.pair_key_path(_known(here, partner))
    if new and take:
        raise ConfigError(
            Text(en="--new and --take exclude each other", zh="--new 与 --take 不能同时使用")
        )
    if new:
        write_pair_key(path, secrets.token_bytes(KEY_BYTES))
        say(
            tr(
                f"made the token key for {partner}: {path}",
                f"已生成与 {partner} 共用的密钥：{path}",
            )
        )
    elif take:
        write_pair_key(path, read_pair_key(take))
        say(
            tr(
                f"took the token key for {partner} in: {path}",
                f"已登记与 {partner} 共用的密钥：{path}",
            )
        )
    key = load_pair_key(path, partner)
    if out:
        write_pair_key(out, key)
        say(
            tr(
                f"wrote a copy to {out}: hand it over in person, then delete it",
                f"已将副本写入 {out}：请当面交付，交付后删除",
            )
        )
    say(
        tr(
            "compare the fingerprint with the other agency, by telephone or face to face:",
            "请通过电话或当面与对方核对指纹：",
        )
    )
    say_data(fingerprint(key))


def _known(here: Node, code: str) -> str:
    known = {partner.code for partner in here.partners()}
    if code not in known:
        raise ConfigError(
            Text(en=f"there is no partner {code}", zh=f"没有登记协作单位 {code}"),
            hint=Text(
                en=f"partners: {', '.join(sorted(known)) or 'none yet; hefu partner add CARD'}",
                zh=f"已登记：{'、'.join(sorted(known)) or '（无），请先执行 hefu partner add'}",
            ),
        )
    return code


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
