"""What the commands of ``hefu keys`` share: options, passphrases, the clock."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from hefu.commands.options import option
from hefu.terminal import tr
from schemas.errors import ConfigError
from schemas.text import Text

_SECRET = tr("name of a secret, never the secret itself", "写口令的出处，不写口令本身")

ROOT_FOLDER = option(
    "--root-folder",
    metavar="DIR",
    en="folder (stick) with a root key that signs now; once for each",
    zh="存有根密钥、现在就签名的目录（U 盘）；每个写一次",
)
ROOT_PASSPHRASE = option(
    "--root-passphrase",
    metavar="env:NAME|file:PATH",
    en="passphrase of the root keys that sign, one for all or one for each --root-folder; "
    f"{_SECRET}. Without it you are asked",
    zh="签名所用根密钥的口令，可共用一个或按 --root-folder 顺序各一个；"
    f"{_SECRET}。不写则在终端询问",
)
NEW_ROOT_PASSPHRASE = option(
    "--root-passphrase",
    metavar="env:NAME|file:PATH",
    en="passphrase of the root keys, one for all or one for each --root-folder; "
    f"{_SECRET}. Without it you are asked",
    zh=f"根密钥的口令，可共用一个或按 --root-folder 顺序各一个；{_SECRET}。不写则在终端询问",
)
NEW_FOLDER = option(
    "--new-root-folder",
    metavar="DIR",
    en="folder (stick) for a new root key; once for each",
    zh="存放新根密钥的目录（U 盘）；每个写一次",
)
NEW_PASSPHRASE = option(
    "--new-root-passphrase",
    metavar="env:NAME|file:PATH",
    en=f"passphrase of the new root keys; {_SECRET}. Without it you are asked",
    zh=f"新根密钥的口令；{_SECRET}。不写则在终端询问",
)
NEW_ROOT_KEY = option(
    "--new-root-key",
    metavar="FILE",
    en="public key of a root key that was made elsewhere (hefu keys make); once for each",
    zh="在别处生成的根密钥（hefu keys make）的公钥文件；每个写一次",
)
THRESHOLD = option(
    "--threshold",
    metavar="K",
    en="how many root keys must sign a change of keys (default for new ones: 2, or 1 if there "
    "is only one)",
    zh="更换密钥须有多少把根密钥签名（新设时默认为 2，只有一把时为 1）",
)


def now() -> datetime:
    return datetime.now(UTC)


def for_each(names: list[str] | None, keys: Sequence[Path], *, is_new: bool) -> list[str]:
    """The passphrases for ``keys`` (files, or folders of new ones), in order.

    Raises ``ConfigError`` when none is named and there is nobody to ask, or the number is wrong.
    """
    from hefu.secret_values import resolve
    from hefu.trust_setup import one_for_each

    if not keys:
        return []
    if names:
        return one_for_each([resolve(name, Path.cwd()) for name in names], len(keys))
    return [ask(key, is_new=is_new) for key in keys]


def ask(key: Path, *, is_new: bool) -> str:
    """Asks at the terminal; a new passphrase twice. Nothing of it is shown."""
    if not sys.stdin.isatty():
        raise ConfigError(
            Text(en="the passphrase of a root key is missing", zh="缺少根密钥的口令"),
            hint=Text(
                en="name it: --root-passphrase env:NAME or file:PATH, or run this at a terminal",
                zh="请用 --root-passphrase env:变量名 或 file:路径 指定，或在终端运行后录入",
            ),
        )
    what = tr(f"passphrase for {key}", f"{key} 的口令")
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=is_new, err=True))
