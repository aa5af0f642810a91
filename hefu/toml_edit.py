"""Small changes of a node's ``hefu.toml`` that keep what a person wrote in it.

Each change is made in the text and then held against what it was to say: if the file then says
anything else, it is left as it was and the person is told what to write.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError, Where
from schemas.text import Text

_KEYS_TABLE = re.compile(r"^\[keys\][^\n]*$", re.MULTILINE)
_FORMER = re.compile(r"^former_identities[ \t]*=[ \t]*\[[^\]]*\][^\n]*\n", re.MULTILINE)


def add_former_identity(path: Path, name: str) -> None:
    """Have ``name`` among ``[keys] former_identities``, first. Raises ``ConfigError``."""
    text = path.read_text(encoding="utf-8")
    values = tomllib.loads(text)
    former = values.get("keys", {}).get("former_identities", [])
    if name in former:
        return
    wanted = [name, *former]
    line = f"former_identities = [{', '.join(map(_quoted, wanted))}]\n"
    if _FORMER.search(text):
        changed = _FORMER.sub(lambda _: line, text, count=1)
    elif _KEYS_TABLE.search(text):
        changed = _KEYS_TABLE.sub(lambda found: f"{found[0]}\n{line.rstrip()}", text, count=1)
    else:
        changed = f"{text.rstrip()}\n\n[keys]\n{line}"
    expected = values | {"keys": values.get("keys", {}) | {"former_identities": wanted}}
    _write_if(path, changed, expected, f"[keys]\n{line}")


def add_cosigner(path: Path, cosigner: Mapping[str, str]) -> None:
    """Append a ``[[keys.cosigners]]`` block unless it is there. Raises ``ConfigError``."""
    text = path.read_text(encoding="utf-8")
    values = tomllib.loads(text)
    keys = values.get("keys", {})
    there: Sequence[Any] = keys.get("cosigners", [])
    if dict(cosigner) in there:
        return
    block = "[[keys.cosigners]]\n" + "".join(
        f"{name} = {_quoted(value)}\n" for name, value in cosigner.items()
    )
    expected = values | {"keys": keys | {"cosigners": [*there, dict(cosigner)]}}
    _write_if(path, f"{text.rstrip()}\n\n{block}", expected, block)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_if(path: Path, text: str, expected: Mapping[str, Any], to_write: str) -> None:
    try:
        says = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        says = None
    if says != expected:
        told = to_write.replace("\n", "; ").rstrip("; ")
        raise ConfigError(
            Text(
                en="this file can't be changed by the program without changing more than it should",
                zh="程序无法在不影响其他内容的情况下修改此文件",
            ),
            where=Where(str(path)),
            hint=Text(en=f"write by hand: {told}", zh=f"请手工写入：{told}"),
        )
    partial = path.with_name(f".{path.name}.new")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(path.stat().st_mode & 0o777)
    partial.replace(path)
