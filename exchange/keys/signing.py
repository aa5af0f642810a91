"""Ed25519 keys: made, kept, named, loaded.

A private key is PKCS#8 under a passphrase, mode 0600. A public key is a PEM file that is
handed to a partner together with its fingerprint, which two people compare aloud. The
fingerprint and the key id are the SHA-256 of the key's SubjectPublicKeyInfo, so that
``openssl pkey -pubin -in KEY.pem -outform DER | sha256sum`` gives it without us.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exchange.keys.points import is_sound
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

_OTHERS_MAY = 0o077


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key; equal if the 32 bytes are equal."""

    raw: bytes

    @classmethod
    def of(cls, signer: Signer) -> PublicKey:
        """The key that a signer signs with."""
        return cls(bytes.fromhex(signer.public_key.keyval["public"]))

    @property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)

    @property
    def key_id(self) -> str:
        """64 hex digits."""
        der = self._key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(der).hexdigest()

    @property
    def fingerprint(self) -> str:
        """The key id in groups of four, to be read aloud."""
        return " ".join(self.key_id[i : i + 4] for i in range(0, 64, 4))

    @property
    def pem(self) -> bytes:
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's, by the rule of ``exchange.keys.points``."""
        if not (is_sound(self.raw) and is_sound(signature[:32])):
            return False
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def parse_public_key(pem: bytes, path: str) -> PublicKey:
    """A public key from PEM. Raises ``ConfigError`` if it is anything else."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            Text(en="this is not a public key in PEM form", zh="此文件不是 PEM 格式的公钥"),
            where=Where(path),
            hint=Text(
                en="it must begin with '-----BEGIN PUBLIC KEY-----'",
                zh="文件应以“-----BEGIN PUBLIC KEY-----”开头",
            ),
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(
            Text(en="this key is not an Ed25519 key", zh="此密钥不是 Ed25519 密钥"),
            where=Where(path),
            hint=Text(
                en="ask the partner for its Ed25519 key", zh="请向合作单位索取其 Ed25519 公钥"
            ),
        )
    return PublicKey(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def load_public_key(path: Path) -> PublicKey:
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            Text(en="the public key cannot be read", zh="无法读取公钥文件"), where=Where(str(path))
        ) from error
    return parse_public_key(pem, str(path))


def create_key(path: Path, passphrase: str) -> PublicKey:
    """Make a key pair: the private key at ``path``, the public key beside it as ``.pub.pem``.

    Never overwrites: raises ``ConfigError`` if either file is there already.
    """
    private = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _write_pair(private, path, passphrase)


def create_named_key(folder: Path, prefix: str, passphrase: str) -> tuple[PublicKey, Path]:
    """As :func:`create_key`, in ``folder/<prefix>-<first 8 digits of its id>.pem``."""
    private = Ed25519PrivateKey.generate()
    path = folder / f"{prefix}-{_public(private).key_id[:8]}.pem"
    return _write_pair(private, path, passphrase), path


def _write_pair(private: Ed25519PrivateKey, path: Path, passphrase: str) -> PublicKey:
    if not passphrase:
        raise ConfigError(
            Text(en="a signing key needs a passphrase", zh="签名私钥必须设置口令"),
            where=Where(str(path)),
        )
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    public = _public(private)
    write_new(path, pem, 0o600)
    write_new(path.with_suffix(".pub.pem"), public.pem, 0o644)
    return public


def _public(private: Ed25519PrivateKey) -> PublicKey:
    return PublicKey(private.public_key().public_bytes_raw())


def check_unread_by_others(path: Path) -> None:
    """Raises ``ConfigError`` when others than its owner may read or write a private key."""
    if path.stat().st_mode & _OTHERS_MAY:
        raise ConfigError(
            Text(
                en="others than its owner may read this private key",
                zh="私钥文件的权限过宽，其他用户也能读取",
            ),
            where=Where(str(path)),
            hint=Text(
                en=f"chmod 600 {path}; a stick without access rights (FAT, exFAT) must be mounted "
                "with umask=077",
                zh=f"请执行 chmod 600 {path}；不支持权限的 U 盘（FAT、exFAT）须以 umask=077 挂载",
            ),
        )


def write_new(path: Path, data: bytes, mode: int) -> None:
    """A key's file, on disk when this returns. Raises ``ConfigError`` if one is there already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise ConfigError(
            Text(en="there is a key here already", zh="此处已有密钥文件"),
            where=Where(str(path)),
            hint=Text(
                en="choose another name; a key is never overwritten",
                zh="请换一个文件名；密钥文件不会被覆盖",
            ),
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def load_signer(
    uri: str,
    passphrase: str | None = None,
    *,
    root: Path | None = None,
    public_key: PublicKey | None = None,
) -> Signer:
    """A securesystemslib ``Signer`` for ``file:PATH`` or any URI that securesystemslib knows.

    ``file:`` paths are relative to ``root``. Any other scheme (``hsm:``, ``gcpkms:`` …) needs
    the public key, and gets the passphrase as its secret. Raises ``ConfigError``.
    """
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return _foreign_signer(uri, passphrase, public_key)
    path = (root or Path()) / unquote(parts.path)
    encrypted = parse_qs(parts.query).get("encrypted", ["true"]) != ["false"]
    if encrypted and not passphrase:
        raise ConfigError(
            Text(en="the signing key needs its passphrase", zh="签名私钥需要口令"),
            where=Where(str(path)),
        )
    from securesystemslib.signer import CryptoSigner, SSlibKey

    private = _load_private(path, passphrase if encrypted else None)
    public = _public(private)
    named = SSlibKey.from_crypto(private.public_key(), keyid=public.key_id)
    return CryptoSigner(private, named)


def _load_private(path: Path, passphrase: str | None) -> Ed25519PrivateKey:
    try:
        check_unread_by_others(path)
        key = serialization.load_pem_private_key(
            path.read_bytes(), passphrase.encode() if passphrase else None
        )
    except FileNotFoundError as error:
        raise ConfigError(
            Text(en="the signing key is missing", zh="缺少签名私钥文件"),
            where=Where(str(path)),
            hint=Text(
                en="if it lies on a medium of its own, attach that; `hefu keys init` makes the "
                "first one; for a lost one see docs/keys/recover.md",
                zh="如存放在单独的介质上，请先接入该介质；初次设置用 `hefu keys init`；"
                "遗失时请参阅 docs/keys/recover.zh-CN.md",
            ),
        ) from error
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            Text(
                en="the signing key cannot be opened: wrong passphrase, or not a PKCS#8 key",
                zh="无法打开签名私钥：口令错误，或文件不是 PKCS#8 私钥",
            ),
            where=Where(str(path)),
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(
            Text(en="the signing key is not an Ed25519 key", zh="签名私钥不是 Ed25519 密钥"),
            where=Where(str(path)),
        )
    return key


def _foreign_signer(uri: str, passphrase: str | None, public_key: PublicKey | None) -> Signer:
    from securesystemslib.exceptions import Error
    from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, SSlibKey
    from securesystemslib.signer import Signer as AnySigner

    scheme = urlsplit(uri).scheme
    if scheme not in SIGNER_FOR_URI_SCHEME or public_key is None:
        raise ConfigError(
            Text(
                en=f"a signer of kind {scheme!r} cannot be used here",
                zh=f"此处不能使用 {scheme!r} 类型的签名器",
            ),
            hint=Text(
                en="use file:PATH, or a kind that securesystemslib knows with its public key",
                zh="请使用 file:PATH，或 securesystemslib 支持的类型并提供其公钥",
            ),
        )
    named = SSlibKey.from_crypto(public_key._key, keyid=public_key.key_id)
    try:
        return AnySigner.from_priv_key_uri(uri, named, lambda _: passphrase or "")
    except (Error, ValueError, OSError, ImportError) as error:
        raise ConfigError(
            Text(
                en=f"the signer of kind {scheme!r} cannot be opened ({type(error).__name__})",
                zh=f"无法打开 {scheme!r} 类型的签名器（{type(error).__name__}）",
            )
        ) from error
