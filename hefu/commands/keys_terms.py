"""``hefu keys cosigner|renew|agency``: what else the root keys sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.keys_offline import AT_ONCE, Offline, go, public_half, start
from hefu.commands.keys_options import ROOT_FOLDER, ROOT_PASSPHRASE
from hefu.commands.options import NODE, add_command, add_group, argument, option
from hefu.terminal import say, tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.keys.signing import PublicKey
    from exchange.trust.ceremony import Terms
    from hefu.node import Node


def add_to(group: typer.Typer) -> None:
    cosigner = add_group(
        group,
        "cosigner",
        en="A second signer of bundles. Take one away with hefu keys revoke.",
        zh="数据包的第二签名人。移除请用 hefu keys revoke。",
    )
    add_command(
        cosigner,
        add_cosigner,
        "add",
        en="Have a second key sign bundles, too.\n\n"
        "PUBLIC_KEY: its PEM file. With --threshold 2 a stolen online key alone signs nothing "
        "that a partner accepts.\n\n" + AT_ONCE,
        zh="增加一把签署数据包的密钥。\n\n"
        "PUBLIC_KEY 为其公钥文件。设 --threshold 2 后，仅盗得在线密钥无法签出对方接受的数据包。\n\n"
        + AT_ONCE,
    )
    add_command(
        group,
        renew,
        "renew",
        en="Sign root and targets anew before they end; no key changes.\n\n" + AT_ONCE,
        zh="在到期前续签信任根与清单，不更换密钥。\n\n" + AT_ONCE,
    )
    add_command(
        group,
        agency,
        "agency",
        en="Change what partners know of this agency: name and division (from hefu.toml), where "
        "it publishes, who its discipline leads are sealed to.\n\n" + AT_ONCE,
        zh="更改合作单位所知的本机构信息：名称与区划（取自 hefu.toml）、发布位置、"
        "问题线索密封公钥。\n\n" + AT_ONCE,
    )


def add_cosigner(
    ctx: typer.Context,
    public_key: Annotated[Path, argument("PUBLIC_KEY", en="PEM file", zh="公钥文件（PEM）")],
    threshold: Annotated[
        int | None,
        option(
            "--threshold",
            metavar="N",
            en="how many keys must sign a bundle from then on (default: as before)",
            zh="此后数据包须有多少把密钥签名（默认不变）",
        ),
    ] = None,
    signer: Annotated[
        str | None,
        option(
            "--signer",
            metavar="URI",
            en="how the node reaches the key: file:PATH, or a signer URI as hsm:…; written into "
            "hefu.toml",
            zh="节点如何使用该密钥：file:路径，或 hsm:… 等签名器 URI；将写入 hefu.toml",
        ),
    ] = None,
    passphrase: Annotated[
        str | None,
        option(
            "--signer-passphrase",
            metavar="env:NAME|file:PATH",
            en="its passphrase: name of a secret, never the secret itself",
            zh="其口令：写口令的出处，不写口令本身",
        ),
    ] = None,
    root_folder: Annotated[list[Path] | None, ROOT_FOLDER] = None,
    root_passphrase: Annotated[list[str] | None, ROOT_PASSPHRASE] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    here, terms = start(ctx, node)
    key = public_half(public_key)
    at_hand = Offline(here, terms, root_folder, root_passphrase)
    wanted = replace(
        terms,
        cosigner_keys=(*terms.cosigner_keys, key),
        bundles_threshold=threshold or terms.bundles_threshold,
    )
    wanted.check()
    if signer:
        here = _name_cosigner(here, key, signer, passphrase)
    go(here, wanted, at_hand)
    if not signer:
        say(
            tr(
                "name the signer in hefu.toml before anything is published: [[keys.cosigners]] "
                "with signer, passphrase, public_key",
                "发布前请在 hefu.toml 中写明签名器：[[keys.cosigners]] 段的 signer、passphrase、"
                "public_key",
            )
        )


def _name_cosigner(here: Node, key: PublicKey, signer: str, passphrase: str | None) -> Node:
    from exchange.keys.signing import load_signer, write_new
    from exchange.trust.roles import public_key as key_of
    from hefu.node import CONFIG_NAME, load_node
    from hefu.toml_edit import add_cosigner as write_block

    secret = here.secrets(passphrase) if passphrase else None
    found = load_signer(signer, secret, root=here.root, public_key=key)
    if key_of(found.public_key) != key:
        raise ConfigError(
            Text(en="the signer does not sign with this public key", zh="签名器与所给公钥不符"),
            where=Where(signer),
        )
    name = f"keys/cosigner-{key.key_id[:8]}.pub.pem"
    if not (here.root / name).exists():
        write_new(here.root / name, key.pem, 0o644)
    block = {"signer": signer}
    block |= {"passphrase": passphrase} if passphrase else {}
    write_block(here.root / CONFIG_NAME, block | {"public_key": name})
    return load_node(here.root)


def renew(
    ctx: typer.Context,
    root_folder: Annotated[list[Path] | None, ROOT_FOLDER] = None,
    root_passphrase: Annotated[list[str] | None, ROOT_PASSPHRASE] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    here, terms = start(ctx, node)
    go(here, terms, Offline(here, terms, root_folder, root_passphrase))


def agency(
    ctx: typer.Context,
    repository: Annotated[
        str | None,
        option("--repository", metavar="PLACE", en="where it publishes", zh="发布位置"),
    ] = None,
    sealed_recipient: Annotated[
        list[str] | None,
        option(
            "--sealed-recipient",
            metavar="age1…",
            en="who discipline leads are sealed to, in place of who it was; once for each",
            zh="问题线索密封公钥（替换原有的）；每个写一次",
        ),
    ] = None,
    root_folder: Annotated[list[Path] | None, ROOT_FOLDER] = None,
    root_passphrase: Annotated[list[str] | None, ROOT_PASSPHRASE] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    here, terms = start(ctx, node)
    at_hand = Offline(here, terms, root_folder, root_passphrase)
    facts = _facts(here, terms, repository, sealed_recipient)
    go(here, replace(terms, facts=facts), at_hand)


def _facts(here: Node, terms: Terms, repository: str | None, sealed: Sequence[str] | None) -> Any:
    from pydantic import ValidationError

    from exchange.trust.agency import AgencyFacts

    values = terms.facts.model_dump() | {
        "name": here.agency.name,
        "division_code": here.agency.division_code,
    }
    if repository is not None:
        values["repository"] = repository
    if sealed:
        values["sealed_recipients"] = tuple(sealed)
    try:
        return AgencyFacts.model_validate(values)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise ConfigError(
            Text(en=f"{field} is not as it must be", zh=f"{field} 的格式不正确"),
            hint=Text(
                en="a recipient is age1 and 58 more characters",
                zh="接收公钥以 age1 开头，后接 58 个字符",
            ),
        ) from None  # what was typed by mistake may be a secret
