"""``hefu partner card|add|list|update|token-key``: trust, exchanged by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from hefu.terminal import say, say_data, say_json, say_table, say_warning, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.card import Card
    from exchange.trust.partner import Partner
    from hefu.node import Node


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "partner",
        en="Partners: hand over your card, take in theirs.",
        zh="合作单位：交付本方名片、登记对方名片。",
    )
    add_command(
        group,
        card,
        "card",
        en="Write this node's card: what a partner needs to verify your bundles.\n\n"
        "One small file; nothing in it is secret. Read the fingerprint aloud when you hand it "
        "over.",
        zh="生成本节点的名片：对方验证本方数据包所需的全部内容。\n\n"
        "只有一个小文件，不含任何秘密。交付时请与对方逐字核对指纹。",
    )
    add_command(
        group,
        add,
        "add",
        en="Take in a partner's card after comparing its fingerprint.\n\n"
        "A partner that is known already is not overwritten.",
        zh="核对指纹后登记合作单位的名片。\n\n已登记的单位不会被覆盖。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List the partners and the root keys that trust in them rests on.",
        zh="列出合作单位及其根密钥。",
    )
    add_command(
        group,
        update,
        "update",
        en="Believe a partner's new root by hand, after it lost its root keys altogether.\n\n"
        "No signature vouches for such a change: compare the fingerprint face to face or by "
        "telephone. The old root is kept as evidence. Ordinary changes of keys need no card.",
        zh="对方根密钥全部遗失后，人工登记其新的信任根。\n\n"
        "这种变更没有签名背书，必须当面或电话核对指纹；旧信任根留作证据。平常更换密钥无需新名片。",
    )
    add_command(
        group,
        token_key,
        "token-key",
        en="The secret shared with one partner, with which tokens of identity numbers are made.\n\n"
        "One agency makes it and hands a copy over in person, the other takes that copy in; then "
        "both compare the fingerprint aloud. Without options: whether there is one. The secret is "
        "never printed.",
        zh="与某一合作单位共用的密钥，用于生成证件号码的去标识化标识。\n\n"
        "由一方生成并当面交付副本，另一方登记该副本，然后双方口头核对指纹。不带选项时显示是否已有密钥。"
        "密钥本身从不显示。",
    )


def card(
    ctx: typer.Context,
    out: Annotated[
        Path | None,
        option(
            "--out",
            metavar="FILE",
            en="file to write (default: <code>.card.json in the folder where you are)",
            zh="要写入的文件（默认为当前目录下的 <机构代码>.card.json）",
        ),
    ] = None,
    repository: Annotated[
        str | None,
        option(
            "--repository",
            metavar="PLACE",
            en="where this partner fetches your bundles, if it is not the usual place",
            zh="该单位获取数据包的位置（与通常位置不同时填写）",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from exchange.trust.card import SUFFIX
    from hefu.cards import write_card

    here = open_node(ctx, node)
    to = out or Path(f"{here.agency.code}{SUFFIX}")
    written = write_card(here, to, repository)
    say(
        tr(
            f"wrote the card of {here.agency.name}: {to}; the partner fetches from "
            f"{written.facts.repository}",
            f"已生成 {here.agency.name} 的名片：{to}，对方从 {written.facts.repository} 获取数据包",
        )
    )
    _read_aloud(written)


def add(
    ctx: typer.Context,
    file: Annotated[Path, argument("CARD", en="the card, a file", zh="对方的名片文件")],
    fingerprint: Annotated[
        str | None,
        option(
            "--fingerprint",
            metavar="HEX",
            en="what the partner read aloud, at least the first 32 digits; the card is refused "
            "if its fingerprint is another",
            zh="对方口头告知的指纹，至少前 32 位；与名片不符时拒绝登记",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from exchange.trust.card import load_card
    from hefu.cards import take_card

    here = open_node(ctx, node)
    found = load_card(file)
    partner = take_card(here, file, fingerprint)
    _tell_card(found)
    say(
        tr(
            f"added {partner.name} ({partner.code}) in {partner.folder}",
            f"已登记 {partner.name}（{partner.code}）：{partner.folder}",
        )
    )
    if fingerprint is None:
        _read_aloud(found)


def update(
    ctx: typer.Context,
    code: Annotated[str, argument("CODE", en="the partner's code", zh="合作单位代码")],
    file: Annotated[Path, argument("CARD", en="its new card", zh="对方的新名片文件")],
    fingerprint: Annotated[
        str,
        option(
            "--fingerprint",
            metavar="HEX",
            en="what the partner read aloud, at least the first 32 digits",
            zh="对方口头告知的指纹，至少前 32 位",
        ),
    ],
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from datetime import UTC, datetime

    from exchange.trust.card import load_card
    from hefu.cards import REPLACED, replace_card

    here = open_node(ctx, node)
    found = load_card(file)
    partner = replace_card(here, code, file, fingerprint, datetime.now(UTC))
    _tell_card(found)
    say_warning(
        tr(
            f"from now on {partner.name} is believed by a NEW root, because you compared its "
            "fingerprint; no earlier signature vouches for it",
            f"此后将以新的信任根验证 {partner.name}：依据仅为您核对的指纹，没有任何旧签名为其背书",
        ),
        tr(
            f"the old root is kept in {partner.folder / REPLACED}; note who compared the "
            "fingerprint with whom, and when",
            f"旧信任根保存在 {partner.folder / REPLACED}；请记录核对人、对方人员和时间",
        ),
    )


def list_(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    found = [_listed(p) for p in open_node(ctx, node).partners()]
    if as_json:
        say_json(found)
        return
    say_table(
        [
            tr("code", "代码"),
            tr("name", "名称"),
            tr("repository", "获取位置"),
            tr("root", "信任根"),
            tr("root keys", "根密钥"),
        ],
        [
            (
                p["code"],
                p["name"],
                p["repository"] or "–",
                _root_told(p),
                ", ".join(key[:8] for key in p["keys"]),
            )
            for p in found
        ],
        empty=tr("no partner yet", "尚未登记合作单位"),
    )


def _listed(partner: Partner) -> dict[str, Any]:
    """What is told of a partner: its root's keys, or with single-file trust its own."""
    from exchange.trust.card import read_root

    told: dict[str, Any] = {
        "code": partner.code,
        "name": partner.name,
        "repository": partner.location,
    }
    root = partner.folder / "root.json"
    if not root.is_file():
        return told | {
            "root_version": None,
            "threshold": partner.config.threshold,
            "keys": [key.key_id for key in partner.keys],
        }
    version, keys, threshold = read_root(root.read_bytes(), str(root))
    return told | {
        "root_version": version,
        "threshold": threshold,
        "keys": [key.key_id for key in keys],
    }


def _root_told(told: dict[str, Any]) -> str:
    count = len(told["keys"])
    if told["root_version"] is None:
        return tr("none: keys only", "无，仅公钥")
    return tr(
        f"version {told['root_version']}, {told['threshold']} of {count}",
        f"第 {told['root_version']} 版，{count} 把中 {told['threshold']} 把",
    )


def token_key(
    ctx: typer.Context,
    partner: Annotated[str, argument("PARTNER", en="the partner's code", zh="合作单位代码")],
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
            Text(en=f"there is no partner {code}", zh=f"没有登记合作单位 {code}"),
            hint=Text(
                en=f"partners: {', '.join(sorted(known)) or 'none yet; hefu partner add CARD'}",
                zh=f"已登记：{'、'.join(sorted(known)) or '（无），请先执行 hefu partner add'}",
            ),
        )
    return code


def _tell_card(card: Card) -> None:
    """Who, where, and what its trust rests on: on stderr."""
    facts = card.facts
    say(f"{facts.name}  {facts.code}  {facts.division_code}")
    say(
        tr(
            f"  publishes at: {facts.repository or '–'}",
            f"  发布位置：{facts.repository or '–'}",
        )
    )
    say(
        tr(
            f"  root version {card.root_version}: {card.threshold} of {len(card.root_keys)} "
            "root key(s) must sign a change of its keys:",
            f"  信任根第 {card.root_version} 版：{len(card.root_keys)} 把根密钥中须有"
            f" {card.threshold} 把签名方可更换密钥：",
        )
    )
    for key in card.root_keys:
        say(f"    {key.fingerprint}")


def _read_aloud(card: Card) -> None:
    """The fingerprint on stdout, and what to do with it."""
    say(
        tr(
            "compare the card's fingerprint with the other agency, by telephone or face to face:",
            "请通过电话或当面与对方逐字核对名片指纹：",
        )
    )
    say_data(card.fingerprint)
