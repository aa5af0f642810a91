"""``hefu keys rotate|revoke``: keys that follow others, with signatures of the root keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hefu.commands.keys_offline import AT_ONCE, Offline, go, new_root, public_half, start
from hefu.commands.keys_options import (
    NEW_FOLDER,
    NEW_PASSPHRASE,
    NEW_ROOT_KEY,
    ROOT_FOLDER,
    ROOT_PASSPHRASE,
    THRESHOLD,
)
from hefu.commands.options import NODE, add_command, argument, option
from hefu.terminal import say, say_warning, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.keys.signing import PublicKey
    from exchange.trust.ceremony import Terms

_Kind = Literal["online", "identity", "root"]
_KINDS: tuple[_Kind, ...] = ("online", "identity", "root")


def add_to(group: typer.Typer) -> None:
    add_command(
        group,
        rotate,
        "rotate",
        en="Replace the online key, the identity, or the root keys.\n\n" + AT_ONCE,
        zh="更换在线密钥（online）、解密私钥（identity）或根密钥（root）。\n\n" + AT_ONCE,
    )
    add_command(
        group,
        revoke,
        "revoke",
        en="Take trust from a key that was lost or stolen.\n\n"
        "KEY: the first eight or more digits of its id, or its public key's file. What was first "
        "seen after the revocation and is signed by it alone does not verify any more; what "
        "partners had taken in before stays proven by their evidence.\n\n" + AT_ONCE,
        zh="撤销遗失或被盗的密钥。\n\n"
        "KEY 为密钥标识的前八位或更多，或其公钥文件。撤销后首次收到、仅由该密钥签名的数据包不再"
        "通过验证；对方此前已接收的，仍由其留存的证据证明。\n\n" + AT_ONCE,
    )


def rotate(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    what: Annotated[
        str,
        argument("online|identity|root", en="which key", zh="哪类密钥：online、identity 或 root"),
    ],
    root_folder: Annotated[list[Path] | None, ROOT_FOLDER] = None,
    root_passphrase: Annotated[list[str] | None, ROOT_PASSPHRASE] = None,
    new_root_folder: Annotated[list[Path] | None, NEW_FOLDER] = None,
    new_root_passphrase: Annotated[list[str] | None, NEW_PASSPHRASE] = None,
    new_root_key: Annotated[list[Path] | None, NEW_ROOT_KEY] = None,
    threshold: Annotated[int | None, THRESHOLD] = None,
    lost: Annotated[
        bool,
        option(
            "--lost",
            en="the online key or its passphrase is lost: go on without it",
            zh="在线密钥或其口令已遗失：不使用旧密钥继续",
        ),
    ] = False,
    public_key: Annotated[
        Path | None,
        option(
            "--public-key",
            metavar="FILE",
            en="online key in a device: public key of the new one",
            zh="在线密钥在硬件设备中时，新密钥的公钥文件",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu import trust_change

    kind = _kind(what)
    if (new_root_folder or new_root_key or threshold is not None) and kind != "root":
        raise _only_for("--new-root-folder, --new-root-key, --threshold", "rotate root")
    if (lost or public_key) and kind != "online":
        raise _only_for("--lost, --public-key", "rotate online")
    here, terms = start(ctx, node)
    at_hand = Offline(here, terms, root_folder, root_passphrase)
    if kind == "online":
        if public_key:
            key = public_half(public_key)
            if lost:
                trust_change.mark_stolen(here)
        else:
            key = trust_change.new_online_key(here, stolen=lost)
        wanted = replace(terms, online_key=key)
    elif kind == "identity":
        facts = terms.facts.model_copy(update={"recipients": (trust_change.new_identity(here),)})
        wanted = replace(terms, facts=facts)
    else:
        made = new_root(here, at_hand, new_root_folder, new_root_passphrase, new_root_key)
        if not made:
            raise ConfigError(
                Text(en="no new root key is given", zh="未给出新的根密钥"),
                hint=Text(
                    en="--new-root-folder DIR for each new stick, or --new-root-key FILE",
                    zh="请用 --new-root-folder 目录（每个新 U 盘一次）或 --new-root-key 公钥文件",
                ),
            )
        count = threshold or min(terms.root_threshold, len(made))
        wanted = replace(terms, root_keys=made, root_threshold=count)
    go(here, wanted, at_hand)
    if kind == "root":
        say(
            tr(
                "destroy the old sticks once the change is in force; partners notice nothing",
                "变更生效后请销毁旧 U 盘；合作单位无需任何操作",
            )
        )


def revoke(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    told: Annotated[str, argument("KEY", en="digits of the key's id", zh="密钥标识")],
    root_folder: Annotated[list[Path] | None, ROOT_FOLDER] = None,
    root_passphrase: Annotated[list[str] | None, ROOT_PASSPHRASE] = None,
    new_root_folder: Annotated[list[Path] | None, NEW_FOLDER] = None,
    new_root_passphrase: Annotated[list[str] | None, NEW_PASSPHRASE] = None,
    new_root_key: Annotated[list[Path] | None, NEW_ROOT_KEY] = None,
    threshold: Annotated[
        int | None,
        option(
            "--threshold",
            metavar="K",
            en="threshold after the revocation, of the role that the key had (default: as before)",
            zh="撤销后该类密钥的门限（默认不变）",
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        option(
            "--public-key",
            metavar="FILE",
            en="online key in a device: public key of the one that follows",
            zh="在线密钥在硬件设备中时，后继密钥的公钥文件",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu import trust_change

    here, terms = start(ctx, node)
    key = trust_change.key_by_prefix(terms, told)
    at_hand = Offline(here, terms, root_folder, root_passphrase, without=key)
    if key in terms.root_keys:
        made = new_root(here, at_hand, new_root_folder, new_root_passphrase, new_root_key)
        keys = (*(one for one in terms.root_keys if one != key), *made)
        wanted = replace(terms, root_keys=keys, root_threshold=threshold or terms.root_threshold)
    elif key in terms.cosigner_keys:
        left = tuple(one for one in terms.cosigner_keys if one != key)
        count = threshold or terms.bundles_threshold
        wanted = replace(terms, cosigner_keys=left, bundles_threshold=count)
    elif public_key:
        trust_change.mark_stolen(here)
        wanted = replace(terms, online_key=public_half(public_key))
    else:
        wanted = replace(terms, online_key=trust_change.new_online_key(here, stolen=True))
    go(here, wanted, at_hand)
    _tell_revoked(terms, key)


def _tell_revoked(terms: Terms, key: PublicKey) -> None:
    if key in terms.root_keys:
        say_warning(
            tr(
                "a partner that has not looked here since believes the old root keys until it "
                "does; if the stick was stolen, find out what else was on it",
                "尚未读取新信任根的合作单位，在下次读取前仍信任旧根密钥；若 U 盘系被盗，"
                "请查明其中还有什么",
            )
        )
        return
    say_warning(
        tr(
            f"what key {key.key_id[:8]} signed and a partner first sees from now on is refused; "
            "ask each partner to run hefu receive soon: until then it still believes the key",
            f"密钥 {key.key_id[:8]} 签名、对方此后才首次看到的内容将被拒收；请各合作单位尽快执行 "
            "hefu receive，在此之前对方仍信任该密钥",
        ),
        tr(
            "hefu evidence and hefu compare show whether anybody used the key to tell partners "
            "something else",
            "可用 hefu evidence 与 hefu compare 核查是否有人用该密钥向合作单位发送过其他内容",
        ),
    )
    if key in terms.cosigner_keys:
        say(
            tr(
                "remove its [[keys.cosigners]] block from hefu.toml",
                "请从 hefu.toml 中删除其 [[keys.cosigners]] 段",
            )
        )


def _kind(what: str) -> _Kind:
    for kind in _KINDS:
        if what == kind:
            return kind
    raise ConfigError(
        Text(en=f"{what!r} is no kind of key", zh=f"没有“{what}”这类密钥"),
        hint=Text(en="online, identity or root", zh="可写 online、identity 或 root"),
    )


def _only_for(options: str, command: str) -> ConfigError:
    return ConfigError(
        Text(
            en=f"{options}: only for hefu keys {command}",
            zh=f"{options} 只用于 hefu keys {command}",
        )
    )
