"""``hefu keys rotate|revoke|cosigner|renew|agency``: what needs the offline root keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hefu.commands.keys_options import (
    NEW_FOLDER,
    NEW_PASSPHRASE,
    NEW_ROOT_KEY,
    ROOT_FOLDER,
    ROOT_PASSPHRASE,
    THRESHOLD,
    for_each,
    now,
)
from hefu.commands.keys_sign import carry_through
from hefu.commands.keys_told import tell_pending
from hefu.commands.options import NODE, add_command, add_group, argument, open_node, option
from hefu.terminal import say, say_warning, tr
from schemas.errors import ConfigError, HefuError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from exchange.keys.signing import PublicKey
    from exchange.trust.ceremony import Terms
    from hefu.node import Node
    from hefu.trust_change import RootFile

_AT_ONCE = tr(
    "Done at once if enough root folders are given; else the change waits in trust-change/ for "
    "hefu keys sign on other machines and then hefu keys apply.",
    "给出足够的根密钥目录时立即完成；否则变更保存在 trust-change/，待在其他机器上执行 "
    "hefu keys sign 后，再执行 hefu keys apply。",
)


def add_to(group: typer.Typer) -> None:
    add_command(
        group,
        rotate,
        "rotate",
        en="Replace the online key, the identity, or the root keys.\n\n" + _AT_ONCE,
        zh="更换在线密钥（online）、解密私钥（identity）或根密钥（root）。\n\n" + _AT_ONCE,
    )
    add_command(
        group,
        revoke,
        "revoke",
        en="Take trust from a key that was lost or stolen.\n\n"
        "KEY: the first eight or more digits of its id, or its public key's file. What was first "
        "seen after the revocation and is signed by it alone does not verify any more; what "
        "partners had taken in before stays proven by their evidence.\n\n" + _AT_ONCE,
        zh="撤销遗失或被盗的密钥。\n\n"
        "KEY 为密钥标识的前八位或更多，或其公钥文件。撤销后首次收到、仅由该密钥签名的数据包不再"
        "通过验证；对方此前已接收的，仍由其留存的证据证明。\n\n" + _AT_ONCE,
    )
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
        "that a partner accepts.\n\n" + _AT_ONCE,
        zh="增加一把签署数据包的密钥。\n\n"
        "PUBLIC_KEY 为其公钥文件。设 --threshold 2 后，仅盗得在线密钥无法签出对方接受的数据包。\n\n"
        + _AT_ONCE,
    )
    add_command(
        group,
        renew,
        "renew",
        en="Sign root and targets anew before they end; no key changes.\n\n" + _AT_ONCE,
        zh="在到期前续签信任根与清单，不更换密钥。\n\n" + _AT_ONCE,
    )
    add_command(
        group,
        agency,
        "agency",
        en="Change what partners know of this agency: name and division (from hefu.toml), where "
        "it publishes, who its discipline leads are sealed to.\n\n" + _AT_ONCE,
        zh="更改协作单位所知的本机构信息：名称与区划（取自 hefu.toml）、发布位置、"
        "问题线索密封公钥。\n\n" + _AT_ONCE,
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
    here, terms = _start(ctx, node)
    at_hand = _Offline(here, terms, root_folder, root_passphrase)
    if kind == "online":
        if public_key:
            key = _public(public_key)
            if lost:
                trust_change.mark_stolen(here)
        else:
            key = trust_change.new_online_key(here, stolen=lost)
        wanted = replace(terms, online_key=key)
    elif kind == "identity":
        facts = terms.facts.model_copy(update={"recipients": (trust_change.new_identity(here),)})
        wanted = replace(terms, facts=facts)
    else:
        made = _new_root(here, at_hand, new_root_folder, new_root_passphrase, new_root_key)
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
    _go(here, wanted, at_hand)
    if kind == "root":
        say(
            tr(
                "destroy the old sticks once the change is in force; partners notice nothing",
                "变更生效后请销毁旧 U 盘；协作单位无需任何操作",
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

    here, terms = _start(ctx, node)
    key = trust_change.key_by_prefix(terms, told)
    at_hand = _Offline(here, terms, root_folder, root_passphrase, without=key)
    if key in terms.root_keys:
        made = _new_root(here, at_hand, new_root_folder, new_root_passphrase, new_root_key)
        keys = (*(one for one in terms.root_keys if one != key), *made)
        wanted = replace(terms, root_keys=keys, root_threshold=threshold or terms.root_threshold)
    elif key in terms.cosigner_keys:
        left = tuple(one for one in terms.cosigner_keys if one != key)
        count = threshold or terms.bundles_threshold
        wanted = replace(terms, cosigner_keys=left, bundles_threshold=count)
    elif public_key:
        trust_change.mark_stolen(here)
        wanted = replace(terms, online_key=_public(public_key))
    else:
        wanted = replace(terms, online_key=trust_change.new_online_key(here, stolen=True))
    _go(here, wanted, at_hand)
    _tell_revoked(terms, key)


def _tell_revoked(terms: Terms, key: PublicKey) -> None:
    if key in terms.root_keys:
        say_warning(
            tr(
                "a partner that has not looked here since believes the old root keys until it "
                "does; if the stick was stolen, find out what else was on it",
                "尚未读取新信任根的协作单位，在下次读取前仍信任旧根密钥；若 U 盘系被盗，"
                "请查明其中还有什么",
            )
        )
        return
    say_warning(
        tr(
            f"what key {key.key_id[:8]} signed and a partner first sees from now on is refused; "
            "ask each partner to run hefu receive soon: until then it still believes the key",
            f"密钥 {key.key_id[:8]} 签名、对方此后才首次看到的内容将被拒收；请各协作单位尽快执行 "
            "hefu receive，在此之前对方仍信任该密钥",
        ),
        tr(
            "hefu evidence and hefu compare show whether anybody used the key to tell partners "
            "something else",
            "可用 hefu evidence 与 hefu compare 核查是否有人用该密钥向协作单位发送过其他内容",
        ),
    )
    if key in terms.cosigner_keys:
        say(
            tr(
                "remove its [[keys.cosigners]] block from hefu.toml",
                "请从 hefu.toml 中删除其 [[keys.cosigners]] 段",
            )
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
    here, terms = _start(ctx, node)
    key = _public(public_key)
    at_hand = _Offline(here, terms, root_folder, root_passphrase)
    wanted = replace(
        terms,
        cosigner_keys=(*terms.cosigner_keys, key),
        bundles_threshold=threshold or terms.bundles_threshold,
    )
    wanted.check()
    if signer:
        here = _name_cosigner(here, key, signer, passphrase)
    _go(here, wanted, at_hand)
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
    here, terms = _start(ctx, node)
    _go(here, terms, _Offline(here, terms, root_folder, root_passphrase))


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
    here, terms = _start(ctx, node)
    at_hand = _Offline(here, terms, root_folder, root_passphrase)
    facts = _facts(here, terms, repository, sealed_recipient)
    _go(here, replace(terms, facts=facts), at_hand)


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
        ) from error


# shared


class _Offline:
    """The root keys that are at hand for this change. Opened before anything is made."""

    def __init__(
        self,
        here: Node,
        terms: Terms,
        folders: Sequence[Path] | None,
        passphrases: list[str] | None,
        without: PublicKey | None = None,
    ):
        from hefu.trust_change import find_root_files, load_root_signer

        wanted = [key for key in terms.root_keys if key != without]
        files = find_root_files(folders or (), wanted)
        secrets = for_each(passphrases, [file.path for file in files], is_new=False)
        self.signers: list[Signer] = [
            load_root_signer(file, secret) for file, secret in zip(files, secrets, strict=True)
        ]

    def add(self, files: Sequence[RootFile], secrets: Sequence[str]) -> None:
        from hefu.trust_change import load_root_signer

        self.signers += [load_root_signer(f, s) for f, s in zip(files, secrets, strict=True)]


def _start(ctx: typer.Context, node: Path | None) -> tuple[Node, Terms]:
    from exchange.trust.ceremony import read_terms
    from hefu.trust_change import check_none_pending

    here = open_node(ctx, node)
    check_none_pending(here)
    return here, read_terms(here.place("repository"))


def _go(here: Node, wanted: Terms, at_hand: _Offline) -> None:
    """Draft, sign with what is at hand, and put it into force if that is enough."""
    from hefu.trust_change import change_folder, discard, propose

    try:
        draft, progress = propose(here, wanted, at_hand.signers, now())
    except HefuError:
        discard(here)  # nothing of it holds; keys that were made for it would be in the way
        raise
    if progress.is_complete:
        carry_through(here)
    else:
        tell_pending(draft, str(change_folder(here)))


def _new_root(
    here: Node,
    at_hand: _Offline,
    folders: Sequence[Path] | None,
    passphrases: list[str] | None,
    public_keys: Sequence[Path] | None,
) -> tuple[PublicKey, ...]:
    """New root keys: made in ``folders`` (and signing at once), or known by their public half."""
    from hefu.trust_change import new_root_keys
    from hefu.trust_setup import check_root_folders

    made: list[RootFile] = []
    if folders:
        checked = check_root_folders(here, folders)
        secrets = for_each(passphrases, checked, is_new=True)
        made = new_root_keys(checked, secrets)
        at_hand.add(made, secrets)
    return (*(file.key for file in made), *(_public(path) for path in public_keys or ()))


def _public(path: Path) -> PublicKey:
    from exchange.keys.signing import load_public_key

    return load_public_key(path)


def _kind(what: str) -> Literal["online", "identity", "root"]:
    if what == "online" or what == "identity" or what == "root":
        return what
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
