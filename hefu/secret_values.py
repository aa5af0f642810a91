"""Secrets are named in configuration and fetched when needed; TOML never holds one.

``env:NAME`` an environment variable, ``file:PATH`` a file (relative to the node; its first
line, or all of it where that begins a PEM block: a private key),
``block:NAME`` a Prefect Secret block on the node's Prefect server.
"""

from __future__ import annotations

import os
from pathlib import Path

from schemas.errors import ConfigError, Where
from schemas.text import Text


def resolve(reference: str, root: Path) -> str:
    """The secret behind ``reference``.

    Raises :class:`ConfigError`, which names the reference and never the value.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = os.environ.get(name)
        if not value:
            raise ConfigError(
                Text(en=f"environment variable {name} is not set", zh=f"环境变量 {name} 没有设置"),
                hint=Text(en=f"export {name}=… before running", zh=f"运行前先执行 export {name}=…"),
            )
        return value
    if kind == "file" and name:
        path = root / name
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise ConfigError(
                Text(en="the secret's file can't be read", zh="无法读取密钥文件"),
                where=Where(str(path)),
                hint=Text(
                    en="create it with mode 0600, or name another file",
                    zh="请创建该文件（权限 0600），或改用其他文件",
                ),
            ) from error
        if not lines or not lines[0]:
            raise ConfigError(
                Text(en="the secret's file is empty", zh="密钥文件是空的"), where=Where(str(path))
            )
        if lines[0].startswith("-----BEGIN "):
            return "\n".join(lines) + "\n"
        return lines[0]
    if kind == "block" and name:
        from prefect.blocks.system import Secret

        return str(Secret.load(name).get())  # type: ignore[union-attr]
    raise ConfigError(
        Text(
            en="a secret must be named as env:NAME, file:PATH or block:NAME",
            zh="密钥须写成 env:变量名、file:路径 或 block:名称",
        ),
        hint=Text(
            en="never write the secret itself into a TOML file", zh="不要把密钥本身写进 TOML 文件"
        ),
    )
