"""``hefu keys sign|apply|make|identity``: a ceremony away from the node, and its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.keys_options import ask, now
from hefu.commands.keys_told import tell_pending
from hefu.commands.options import JSON, NODE, add_command, argument, open_node, option
from hefu.terminal import say, say_data, say_error, say_json, say_warning, tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from hefu.node import Node

_LOCK = "keys"
"""Held while a change is put into force or forgotten: the new keys lie in one place only."""
_PASSPHRASE = option(
    "--passphrase",
    metavar="env:NAME|file:PATH",
    en="passphrase of the key: name of a secret, never the secret itself. Without it you are asked",
    zh="密钥的口令：写口令的出处，不写口令本身。不写则在终端询问",
)


def add_to(group: typer.Typer) -> None:
    add_command(
        group,
        sign,
        "sign",
        en="Show what a change of keys changes, and sign it with an offline root key.\n\n"
        "Needs no node and no network: run it on the machine where the key is kept. What is "
        "shown is computed from what is signed. Without --root-key it only shows.",
        zh="显示密钥变更的内容，并用离线根密钥签名。\n\n"
        "不需要节点和网络，可在保管密钥的机器上执行。显示的内容由待签文件计算得出。"
        "不带 --root-key 时只显示、不签名。",
    )
    add_command(
        group,
        apply,
        "apply",
        en="Put a change of keys into force once enough root keys have signed it.\n\n"
        "Bundles that their partner has not answered are signed again with the new keys.",
        zh="根密钥签名齐全后，使密钥变更生效。\n\n对方尚未回执的数据包会用新密钥重新签名。",
    )
    add_command(
        group,
        make,
        "make",
        en="Make a signing key anywhere, for a second signer or another holder of a root key.\n\n"
        "Needs no node. FILE is the private key; hand over the public one beside it (.pub.pem).",
        zh="在任意机器上生成一把签名密钥，供第二签名人或另一位根密钥保管人使用。\n\n"
        "不需要节点。FILE 为私钥；交出的是旁边的公钥文件（.pub.pem）。",
    )
    add_command(
        group,
        identity,
        "identity",
        en="Write this node's key for opening bundles in the form that the age command reads.\n\n"
        "The file is a secret (0600): delete it after use.",
        zh="以 age 命令可读的格式导出本节点的解密私钥。\n\n"
        "该文件属于秘密（权限 0600），用后请删除。",
    )


def sign(
    folder: Annotated[
        Path,
        argument("FOLDER", en="folder of the change (trust-change)", zh="变更目录（trust-change）"),
    ],
    root_key: Annotated[
        str | None,
        option(
            "--root-key",
            metavar="FILE|URI",
            en="private root key: a file, or a signer URI (then with --public-key)",
            zh="根密钥私钥文件，或签名器 URI（须同时给出 --public-key）",
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        option(
            "--public-key",
            metavar="FILE",
            en="public key of a signer URI",
            zh="签名器 URI 的公钥文件",
        ),
    ] = None,
    passphrase: Annotated[str | None, _PASSPHRASE] = None,
    yes: Annotated[
        bool, option("--yes", en="sign without asking once more", zh="不再询问，直接签名")
    ] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    from exchange.trust.describing import describe
    from exchange.trust.drafts import load_draft, sign_change
    from exchange.trust.roles import public_key as key_of

    draft = load_draft(folder)
    signer = _signer(root_key, public_key, passphrase) if root_key else None
    own = key_of(signer.public_key) if signer else None
    for line in describe(draft, own):
        say(str(line))
    if signer is not None:
        _confirm(yes=yes)
        sign_change(folder, signer)
        draft = load_draft(folder)
        say(
            tr(f"signed with key {own.key_id[:8]}", f"已用密钥 {own.key_id[:8]} 签名")
            if own
            else ""
        )
    progress = draft.progress
    if as_json:
        say_json(
            {
                "complete": progress.is_complete,
                "old_root": {"threshold": progress.old.threshold, "missing": progress.old.missing},
                "new_root": {"threshold": progress.new.threshold, "missing": progress.new.missing},
                "signed": sorted({k.key_id for k in (*progress.old.signed, *progress.new.signed)}),
            }
        )
        return
    tell_pending(draft, str(folder))


def _signer(root_key: str, public_key: Path | None, passphrase: str | None) -> Signer:
    from exchange.keys.signing import load_public_key, load_signer
    from hefu.secret_values import resolve

    secret = resolve(passphrase, Path.cwd()) if passphrase else None
    if public_key is not None:
        return load_signer(root_key, secret, public_key=load_public_key(public_key))
    path = Path(root_key.removeprefix("file:"))
    if not path.is_file():
        raise ConfigError(
            Text(en="there is no such key file", zh="没有此密钥文件"),
            where=Where(str(path)),
            hint=Text(
                en="it is called root-<8 digits>.pem on its stick; a signer URI needs --public-key",
                zh="文件在 U 盘上，名为 root-<八位标识>.pem；签名器 URI 须同时给出 --public-key",
            ),
        )
    secret = secret or ask(path, is_new=False)
    return load_signer(f"file:{path.name}", secret, root=path.parent)


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(
            Text(en="nobody is there to say that this shall be signed", zh="无人确认签名"),
            hint=Text(
                en="run it at a terminal, or read what it changes and give --yes",
                zh="请在终端运行；或阅读变更内容后加上 --yes",
            ),
        )
    typer.confirm(tr("sign this", "确认签名"), abort=True, err=True)


def apply(
    ctx: typer.Context,
    discard: Annotated[
        bool,
        option(
            "--discard",
            en="forget the change, and the keys that were made for it",
            zh="放弃变更及为其生成的密钥",
        ),
    ] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.locks import holding
    from hefu import trust_change

    here = open_node(ctx, node)
    if discard:
        with holding(here, _LOCK):
            trust_change.discard(here)
        say(tr("the change is forgotten; nothing has changed", "已放弃变更，密钥保持不变"))
        return
    carry_through(here)


def carry_through(here: Node) -> None:
    """Put the complete change of this node into force, and tell what followed."""
    from flows.locks import holding

    with holding(here, _LOCK):
        _carry_through(here)


def _carry_through(here: Node) -> None:
    from exchange.trust.describing import key_changes
    from hefu import trust_change
    from hefu.node import load_node
    from hefu.resigning import sign_again, unanswered_bundles, without_agreement

    moment = now()
    applying = trust_change.prepare(here)
    gone = without_agreement(here) if applying.other_bundle_keys else []
    waiting: list[tuple[str, int]] = []
    if applying.other_bundle_keys and applying.former is not None:
        # Signed by the keys of before and after, they are good for whoever reads meanwhile.
        waiting = unanswered_bundles(here, moment)
    outcomes: list[Any] = sign_again(trust_change.node_between(here), waiting, moment)
    if here.config.publishing.places and applying.is_whole_without_root:
        # Where readers read, the lists that both roots vouch for come before the new root.
        trust_change.publish_lists(here, applying, moment)
        _bring_out(here)
    trust_change.publish_all(here, applying, moment)
    if applying.other_bundle_keys:
        # Without the former key all of them; with it, what was published since a moment ago.
        rest = [one for one in unanswered_bundles(here, moment) if one not in waiting]
        outcomes += sign_again(trust_change.node_after(here), rest, moment)
    # Only now is the change forgotten: killed before, `hefu keys apply` goes through it again.
    trust_change.settle(here, applying.draft)
    after = load_node(here.root)
    say(tr("the change of keys is in force", "密钥变更已生效"))
    for one in key_changes(applying.draft):
        if one.mark != "stays":
            say(f"  {one.told()}")
    failed = _tell_again([*outcomes, *gone])
    failed |= _bring_out(after)
    if failed:
        raise typer.Exit(1)


def _tell_again(outcomes: list[Any]) -> bool:
    """Whether one could not be signed again."""
    done = sum(one.error is None for one in outcomes)
    if done:
        say(
            tr(
                f"signed {done} bundle(s) again that their partners have not answered yet",
                f"已重新签名 {done} 个对方尚未回执的数据包",
            )
        )
    for one in outcomes:
        if one.error is not None:
            say_warning(
                tr(f"not signed again: {one.subject}", f"未能重新签名：{one.subject}"),
                tr(
                    "hefu publish --again STREAM NUMBER once this is solved",
                    "问题解决后执行 hefu publish --again 数据流 序号",
                ),
            )
            say_error(one.error)
    return done < len(outcomes)


def _bring_out(here: Node) -> bool:
    """Copy the change to where partners read; whether a place was not reached."""
    if not here.config.publishing.places:
        return False
    from flows.carriers.bringing_out import bring_out

    failed = False
    for one in bring_out(here, now()):
        if one.error is None:
            say(tr(f"copied to {one.subject}", f"已复制到 {one.subject}"))
            continue
        failed = True
        say_error(one.error)
    return failed


def make(
    file: Annotated[Path, argument("FILE", en="private key to write", zh="要生成的私钥文件")],
    passphrase: Annotated[str | None, _PASSPHRASE] = None,
) -> None:
    from exchange.keys.signing import create_key
    from hefu.secret_values import resolve

    secret = resolve(passphrase, Path.cwd()) if passphrase else ask(file, is_new=True)
    key = create_key(file, secret)
    public = file.with_suffix(".pub.pem")
    say(
        tr(
            f"made {file}; hand over {public} and read its fingerprint aloud:",
            f"已生成 {file}；请交出 {public} 并口头核对指纹：",
        )
    )
    say_data(key.fingerprint)


def identity(
    ctx: typer.Context,
    out: Annotated[Path, option("--out", metavar="FILE", en="file to write", zh="要写入的文件")],
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from exchange.keys.identity import identity_text
    from exchange.keys.signing import write_new

    here = open_node(ctx, node)
    keys = here.config.keys
    secret = here.secrets(keys.passphrase) if keys.passphrase else ""
    names = (keys.identity, *keys.former_identities)
    texts = [identity_text(here.root / name.removeprefix("file:"), secret) for name in names]
    write_new(out, "".join(f"{text}\n" for text in texts).encode(), 0o600)
    say(
        tr(
            f"wrote {out}: whoever has it reads all bundles for this agency; delete it after use "
            "(age -d -i FILE BUNDLE.age)",
            f"已写入 {out}：持有者可打开发给本机构的全部数据包，用后请删除"
            "（age -d -i 文件 数据包.age）",
        )
    )
