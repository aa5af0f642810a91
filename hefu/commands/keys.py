"""``hefu keys``: who may speak for this agency, set up, shown and changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands import keys_change, keys_sign, keys_terms
from hefu.commands.keys_options import NEW_ROOT_PASSPHRASE, THRESHOLD, for_each, now
from hefu.commands.keys_told import as_dict, read_standing, tell_standing
from hefu.commands.options import JSON, NODE, add_command, add_group, open_node, option
from hefu.terminal import say, say_data, say_json, say_warning, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.trust_setup import Founded


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "keys",
        en="Keys: who may speak for this agency; set up, show, rotate, revoke, recover.",
        zh="密钥：谁能代表本机构签名；设置、查看、更换、撤销与恢复。",
    )
    add_command(
        group,
        init,
        "init",
        en="Make this node's keys: root keys in folders of their own, online key, identity.\n\n"
        "Each --root-folder gets one root key: name a folder on a USB stick for each, never in "
        "the node. The root keys sign changes of keys and nothing else; they are kept in safes "
        "and the node works without them.",
        zh="生成本节点的密钥：根密钥（各在单独目录）、在线密钥、解密私钥。\n\n"
        "每个 --root-folder 存放一把根密钥：请各用一个 U 盘上的目录，不得放在节点目录内。"
        "根密钥只用于签署密钥变更，平时存放在保险柜中，节点运行不需要根密钥。",
    )
    add_command(
        group,
        show,
        "show",
        en="Show every key, what it is for, until when it is signed, and what a pending change "
        "still needs.\n\nExit code 1 if something must be renewed soon.",
        zh="显示每把密钥的用途、签名有效期，以及正在进行的变更还缺哪些签名。\n\n"
        "若有需要尽快续签的，退出码为 1。",
    )
    keys_change.add_to(group)
    keys_terms.add_to(group)
    keys_sign.add_to(group)


def init(
    ctx: typer.Context,
    root_folder: Annotated[
        list[Path] | None,
        option(
            "--root-folder",
            metavar="DIR",
            en="folder for one root key; once for each key",
            zh="存放一把根密钥的目录；每把密钥写一次",
        ),
    ] = None,
    threshold: Annotated[int | None, THRESHOLD] = None,
    root_passphrase: Annotated[list[str] | None, NEW_ROOT_PASSPHRASE] = None,
    repository: Annotated[
        str | None,
        option(
            "--repository",
            metavar="PLACE",
            en="where partners fetch your bundles: https, s3 or sftp address, or a folder "
            "(default: this node's repository folder)",
            zh="合作单位获取数据包的位置：https、s3、sftp 地址或目录（默认为本节点的发布目录）",
        ),
    ] = None,
    after_loss: Annotated[
        bool,
        option(
            "--after-loss",
            en="begin anew because too many root keys are lost: every partner must then compare "
            "your new card by hand",
            zh="根密钥遗失过多时重新建立信任根：之后每个合作单位都必须人工核对新名片",
        ),
    ] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.trust_setup import check_root_folders, init_trust, init_trust_anew

    here = open_node(ctx, node)
    folders = check_root_folders(here, root_folder or [])
    count = threshold or _default_threshold(len(folders))
    secrets = for_each(root_passphrase, folders, is_new=True)
    if after_loss:
        if repository is not None:
            raise ConfigError(
                Text(
                    en="--repository does not go with --after-loss: use hefu keys agency",
                    zh="--repository 不能与 --after-loss 同用：请用 hefu keys agency 修改",
                )
            )
        made = init_trust_anew(here, folders, count, secrets, now=now())
    else:
        made = init_trust(here, folders, count, secrets, repository=repository, now=now())
    if after_loss:
        say_warning(
            tr(
                "partners refuse what you publish from now on until they have taken your new card",
                "在登记新名片之前，合作单位将拒收您此后发布的内容",
            ),
            tr(
                "hefu partner card; each partner runs hefu partner update CODE CARD --fingerprint "
                "HEX after comparing the fingerprint with you",
                "执行 hefu partner card；各合作单位与您核对指纹后执行 "
                "hefu partner update 单位代码 名片 --fingerprint 指纹",
            ),
        )
    _tell_made(made)
    for key in made.terms.root_keys:
        say_data(key.fingerprint)


def _default_threshold(count: int) -> int:
    """Two of several: one lost stick stops nothing, one stolen stick opens nothing."""
    return min(2, count)


def _tell_made(made: Founded) -> None:
    threshold, count = made.terms.root_threshold, len(made.root_files)
    say(
        tr(
            f"made {count} root key(s); {threshold} must sign a change of keys:",
            f"已生成 {count} 把根密钥，更换密钥须有其中 {threshold} 把签名：",
        )
    )
    for path in made.root_files:
        say(f"  {path}")
    if count == 1:
        say_warning(
            tr(
                "there is one root key: whoever has it and its passphrase can speak for this "
                "agency, and if it is lost every partner must be asked again",
                "只有一把根密钥：取得它和口令的人即可冒充本机构；一旦遗失，须逐一请合作单位重新登记",
            ),
            tr(
                "keep a copy of the stick in a second safe; with three sticks and a threshold of "
                "two neither loss nor theft of one matters",
                "请将 U 盘复制一份存入另一保险柜；若用三个 U 盘、门限为二，遗失或被盗一个均无影响",
            ),
        )
    elif threshold == 1:
        say_warning(
            tr(
                "each of these keys alone can change all keys: the theft of one is enough",
                "其中任意一把即可更换全部密钥：被盗一把就足以冒充本机构",
            )
        )
    elif threshold == count:
        say_warning(
            tr(
                "all of these keys are needed: if one is lost no key can be changed any more",
                "必须全部根密钥同时签名：遗失一把就再也无法更换密钥",
            ),
            tr("make one more than the threshold", "根密钥数量请至少比门限多一把"),
        )
    if len({path.parent.stat().st_dev for path in made.root_files}) < count:
        say(
            tr(
                "some of these folders are on the same disk: put each on a stick of its own",
                "其中有目录位于同一磁盘：请各放在单独的 U 盘上",
            )
        )
    say(
        tr(
            "now take each stick out, write agency, date and the first eight digits on it, and "
            "put it into a safe of its own, with its passphrase elsewhere; the node does not need "
            "them. Then: hefu partner card. Fingerprints of the root keys:",
            "请取出各 U 盘，写上机构、日期和密钥标识前八位，分别存入保险柜，口令另处保管；节点运行"
            "不需要它们。接下来：hefu partner card。根密钥指纹：",
        )
    )


def show(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    here = open_node(ctx, node)
    standing = read_standing(here, now())
    if as_json:
        say_json(as_dict(standing))
    else:
        tell_standing(standing)
    if standing.due:
        raise typer.Exit(1)
