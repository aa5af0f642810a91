"""``hefu seal``, ``hefu sealed`` and ``hefu unseal``: leads for the supervisory organ alone."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
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
from hefu.terminal import say, say_data, say_json, say_table, show_count, show_time, tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from flows.sealed import Sealed

PASSPHRASE = option(
    "--passphrase",
    metavar="NAME",
    en="where the key's passphrase is: env:NAME or file:PATH; asked for if left out",
    zh="私钥口令的出处：env:变量名 或 file:路径；不写则在终端询问",
)


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        seal,
        "seal",
        en="Seal a lead on an official's conduct for a partner's supervisory organ.\n\n"
        "Only the organ's own key opens it; this node and the partner's keep a number, a time and "
        "a size. The next hefu publish takes it along. Delete the original yourself.",
        zh="密封一份问题线索，移送对方的纪检监察机关。\n\n"
        "只有该机关自己的私钥能够开启；双方节点只保留编号、时间和大小。"
        "下一次 hefu publish 时随数据包发出。原件请自行删除。",
    )
    add_command(
        app,
        unseal,
        "unseal",
        en="Open a sealed file with the supervisory organ's key; needs no node.\n\n"
        "--new-identity FILE makes that key and prints its public part.",
        zh="用纪检监察机关的私钥开启密封件，无需节点。\n\n"
        "--new-identity 文件 用于生成该私钥，并显示其公钥。",
    )
    group = add_group(
        app,
        "sealed",
        en="Sealed leads: how many, never what.",
        zh="密封问题线索：只有件数，没有内容。",
    )
    add_command(group, list_, "list", en="Count and list them.", zh="列出编号、时间与件数。")
    add_command(
        group,
        take,
        "take",
        en="Write a received sealed file, still sealed, to hand to the organ's officer.",
        zh="取出收到的密封件（仍为密文），交给专人开启。",
    )


def seal(
    ctx: typer.Context,
    file: Annotated[
        Path,
        argument("FILE", en="the document to seal; - reads stdin", zh="要密封的文件；- 为标准输入"),
    ],
    to: Annotated[str, option("--to", metavar="CODE", en="the partner's code", zh="接收单位代码")],
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.sealed import seal_lead

    here = open_node(ctx, node)
    sealed = seal_lead(here, _read(file), to, datetime.now(UTC))
    say(
        tr(
            f"sealed for {to}, {show_count(sealed.size_bytes)} bytes; hefu publish sends it. Its "
            "number, by which both agencies speak of it:",
            f"已密封，接收单位 {to}，共 {show_count(sealed.size_bytes)} 字节，"
            "由下一次 hefu publish 发出。双方以编号相称：",
        )
    )
    say_data(sealed.sealed_no)


def _read(file: Path) -> bytes:
    """The content; messages say nothing of the file but that it can't be read."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the file can't be read ({error.strerror})",
                zh=f"无法读取该文件（{error.strerror}）",
            )
        ) from error


def list_(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.sealed import sealed_leads

    found = sealed_leads(open_node(ctx, node))
    if as_json:
        say_json({"sent": _rows(found, is_ours=True), "received": _rows(found, is_ours=False)})
        return
    say_table(
        [tr("way", "方向"), tr("partner", "单位"), tr("number", "编号"), tr("sealed", "密封时间")],
        [
            (
                tr("sent", "发出") if one.is_ours else tr("received", "收到"),
                one.partner,
                one.sealed_no,
                show_time(one.sealed_time),
            )
            for one in found
        ],
        empty=tr("none", "（无）"),
    )


def _rows(found: list[Sealed], *, is_ours: bool) -> list[dict[str, object]]:
    return [
        {
            "sealed_no": one.sealed_no,
            "partner": one.partner,
            "sealed_time": one.sealed_time.isoformat(),
            "size_bytes": one.size_bytes,
        }
        for one in found
        if one.is_ours == is_ours
    ]


def take(
    ctx: typer.Context,
    number: Annotated[str, argument("NUMBER", en="its number", zh="密封件编号")],
    out: Annotated[Path, option("--out", metavar="FILE", en="file to make", zh="要写入的文件")],
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.sealed import note_handed_over, received_file

    here = open_node(ctx, node)
    _write_private(out, received_file(here, number))
    note_handed_over(here, number, datetime.now(UTC))
    say(
        tr(
            f"wrote {out}, still sealed: hand it to the officer who has the key",
            f"已写入 {out}（仍为密文），请交给持有私钥的专人",
        )
    )


def unseal(
    file: Annotated[Path | None, argument("FILE", en="the sealed file", zh="密封件")] = None,
    identity: Annotated[
        Path | None,
        option(
            "--identity", metavar="FILE", en="the private key that opens it", zh="开启用的私钥文件"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option("--out", metavar="FILE", en="file to make, for its owner alone", zh="要写入的文件"),
    ] = None,
    new_identity: Annotated[
        Path | None,
        option("--new-identity", metavar="FILE", en="make a key instead", zh="改为生成私钥"),
    ] = None,
    passphrase: Annotated[str | None, PASSPHRASE] = None,
) -> None:
    if new_identity is not None:
        _make_identity(new_identity, passphrase)
        return
    if file is None or identity is None or out is None:
        raise ConfigError(
            Text(
                en="unseal needs FILE, --identity and --out (or --new-identity alone)",
                zh="请给出密封件、--identity 与 --out（或仅用 --new-identity）",
            )
        )
    from exchange.keys.identity import load_identity
    from exchange.keys.sealing import unseal as open_sealed

    key = load_identity(identity, _passphrase(passphrase, confirm=False))
    _write_private(out, open_sealed(file, [key]))
    say(tr(f"opened; written to {out}", f"已开启，写入 {out}"))


def _make_identity(path: Path, passphrase: str | None) -> None:
    from exchange.keys.identity import create_identity

    recipient = create_identity(path, _passphrase(passphrase, confirm=True))
    say(
        tr(
            f"made {path}: keep it and its passphrase away from every node. Its public part, for "
            "the agency's card:",
            f"已生成 {path}：请与口令分开保管，不得放入任何节点。其公钥如下，由机构随名片公布：",
        )
    )
    say_data(recipient)


def _passphrase(name: str | None, *, confirm: bool) -> str:
    from hefu.secret_values import resolve

    if name is not None:
        return resolve(name, root=Path.cwd())
    return str(
        typer.prompt(
            tr("passphrase of the key", "私钥口令"),
            hide_input=True,
            confirmation_prompt=confirm,
            err=True,
        )
    )


def _write_private(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the file can't be made ({error.strerror})",
                zh=f"无法写入该文件（{error.strerror}）",
            ),
            where=Where(str(path)),
            hint=Text(en="name a new file with --out", zh="请用 --out 指定一个新文件"),
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
