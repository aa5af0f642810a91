"""The secret that one pair of agencies makes tokens with: 32 random bytes, the same at both.

One of the two makes it and hands a copy over in person; it never travels by a bundle, a mail or
a command line. On disk it is 64 hex digits and a newline, mode 0600. What may be read aloud to
compare is a fingerprint that says nothing about the key.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from exchange.keys.signing import write_new
from schemas.errors import ConfigError, Where
from schemas.identities.tokens import KEY_BYTES
from schemas.text import Text

_FORM = re.compile(rb"[0-9a-f]{64}\r?\n?")
_FINGERPRINT_OF = b"hefu-pair-key-fingerprint-v1\n"
_FINGERPRINT_DIGITS = 16
_OTHERS_MAY = 0o077


def fingerprint(key: bytes) -> str:
    """16 hex digits in groups of four, to be read aloud: the two agencies' must be the same."""
    digits = hashlib.sha256(_FINGERPRINT_OF + key).hexdigest()[:_FINGERPRINT_DIGITS]
    return " ".join(digits[i : i + 4] for i in range(0, _FINGERPRINT_DIGITS, 4))


def write_pair_key(path: Path, key: bytes) -> None:
    """Keep ``key`` at ``path``, mode 0600. Raises ``ConfigError`` if something is there."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a pair's key has {KEY_BYTES} bytes")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_new(path, key.hex().encode() + b"\n", 0o600)


def read_pair_key(path: Path) -> bytes:
    """The key that a file holds. Raises ``ConfigError``, which never quotes the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            Text(en="the token key cannot be read", zh="无法读取标识密钥文件"),
            where=Where(str(path)),
        ) from error
    if not _FORM.fullmatch(data):
        raise ConfigError(
            Text(en="this is not a token key", zh="此文件不是标识密钥"),
            where=Where(str(path)),
            hint=Text(
                en="a token key is one line of 64 hexadecimal digits, as "
                "`hefu partner token-key PARTNER --new --out FILE` writes it",
                zh="标识密钥是一行 64 位十六进制数字，由 hefu partner token-key 单位代码 --new "
                "--out 文件 生成",
            ),
        )
    return bytes.fromhex(data.decode())


def load_pair_key(path: Path, partner: str) -> bytes:
    """The key that this node shares with ``partner`` (its code).

    Raises ``ConfigError`` when there is none, or others than its owner may read it.
    """
    if not path.exists():
        raise ConfigError(
            Text(
                en=f"there is no token key for {partner} yet",
                zh=f"尚无与 {partner} 共用的标识密钥",
            ),
            where=Where(str(path)),
            hint=Text(
                en=f"one of the two agencies runs `hefu partner token-key {partner} --new "
                "--out FILE` and hands the file over in person; the other takes it in with "
                "`hefu partner token-key CODE --take FILE`",
                zh=f"由其中一方执行 hefu partner token-key {partner} --new --out 文件，"
                "当面交付该文件；另一方用 hefu partner token-key 单位代码 --take 文件 登记",
            ),
        )
    if path.stat().st_mode & _OTHERS_MAY:
        raise ConfigError(
            Text(
                en="others than its owner may read the token key",
                zh="标识密钥文件的权限过宽，其他用户也能读取",
            ),
            where=Where(str(path)),
            hint=Text(en=f"chmod 600 {path}", zh=f"请执行 chmod 600 {path}"),
        )
    return read_pair_key(path)
