"""The key that opens what partners encrypt for us: age's X25519, kept as our other keys are.

On disk it is PKCS#8 under a passphrase, mode 0600; the ``age`` command knows neither, so
:func:`identity_text` gives the form that it reads (C2SP age: Bech32 of the 32 bytes).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exchange.keys.signing import check_unread_by_others, write_new
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import pyrage
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

RECIPIENT_SUFFIX = ".recipient.txt"


def create_identity(path: Path, passphrase: str) -> str:
    """Make an identity at ``path`` and ``<stem>.recipient.txt`` beside it; the recipient ``age1…``.

    Never overwrites: raises ``ConfigError`` if either file is there already.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    if not passphrase:
        raise ConfigError(
            Text(en="an identity needs a passphrase", zh="解密私钥必须设置口令"),
            where=Where(str(path)),
        )
    private = X25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    recipient = _recipient(private)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_new(path, pem, 0o600)
    write_new(recipient_path(path), f"{recipient}\n".encode(), 0o644)
    return recipient


def recipient_path(path: Path) -> Path:
    return path.with_suffix(RECIPIENT_SUFFIX)


def load_identity(path: Path, passphrase: str) -> pyrage.x25519.Identity:
    """For ``pyrage.decrypt``. Raises ``ConfigError``, which never quotes the file."""
    import pyrage

    return pyrage.x25519.Identity.from_str(identity_text(path, passphrase))


def load_recipient(path: Path, passphrase: str) -> str:
    """The recipient ``age1…`` of the identity at ``path``, from the key itself."""
    return _recipient(_load(path, passphrase))


def identity_text(path: Path, passphrase: str) -> str:
    """``AGE-SECRET-KEY-1…``: a secret, for a file of mode 0600 that ``age -d -i`` reads."""
    return _bech32("age-secret-key-", _load(path, passphrase).private_bytes_raw()).upper()


def _load(path: Path, passphrase: str) -> X25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    try:
        check_unread_by_others(path)
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase.encode())
    except FileNotFoundError as error:
        raise ConfigError(
            Text(
                en="the key that opens bundles for us is missing",
                zh="缺少解密私钥文件",
            ),
            where=Where(str(path)),
            hint=Text(
                en="`hefu keys init` makes one; a lost one comes back from its copy only, and "
                "`hefu keys rotate identity` makes a new one for what is sent from then on",
                zh="`hefu keys init` 会生成；遗失的只能用备份恢复，"
                "`hefu keys rotate identity` 可生成新的，供以后的数据包使用",
            ),
        ) from error
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            Text(
                en="the key that opens bundles cannot be opened: wrong passphrase, or not a "
                "PKCS#8 key",
                zh="无法打开解密私钥：口令错误，或文件不是 PKCS#8 私钥",
            ),
            where=Where(str(path)),
        ) from error
    if not isinstance(key, X25519PrivateKey):
        raise ConfigError(
            Text(en="this is not an X25519 key", zh="此密钥不是 X25519 密钥"),
            where=Where(str(path)),
        )
    return key


def _recipient(private: X25519PrivateKey) -> str:
    return _bech32("age", private.public_key().public_bytes_raw())


def _bech32(prefix: str, data: bytes) -> str:
    import bech32

    words = bech32.convertbits(data, 8, 5)
    if words is None:
        raise ValueError("not bytes")
    return str(bech32.bech32_encode(prefix, words))
