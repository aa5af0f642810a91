"""Files for a partner's eyes: age v1 (https://age-encryption.org/v1), X25519 recipients.

What is written here opens with the ``age`` command, and the other way round. Both ways are
streams in constant memory. A decrypted file is complete and unchanged when it appears: age
authenticates each 64 KiB, their order, and which is the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from exchange.errors import ASK_AGAIN, refusal
from exchange.files import BUFFER_BYTES, private_file
from exchange.keys.signing import check_unread_by_others
from exchange.limits import DEFAULT_LIMITS, Limits
from schemas.errors import ConfigError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import pyrage

MAGIC = b"age-encryption.org/v1\n"
_LAST_HEADER_LINE = b"\n--- "
_IDENTITY_FILE_BYTES = 64 * 1024


def is_encrypted_file(path: Path) -> bool:
    """Does this file begin as an age file does?"""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def encrypt_file(plain: Path, to: Path, recipients: Sequence[str]) -> None:
    """``plain`` as an age file at ``to``, mode 0600, which appears whole or not at all.

    ``recipients`` are X25519 recipients (``age1…``); each of them alone can open it. Raises
    ``ConfigError`` for none, or for a text that is no recipient.
    """
    import pyrage

    wanted = [recipient_of(text) for text in dict.fromkeys(recipients)]
    if not wanted:
        raise ConfigError(
            Text(en="nobody is named who could open the file", zh="未指定任何接收密钥，无法加密"),
            hint=_RECIPIENT_HINT,
        )
    with plain.open("rb", buffering=BUFFER_BYTES) as source, private_file(to) as sink:
        pyrage.encrypt_io(source, sink, wanted)


def recipient_of(text: str) -> pyrage.x25519.Recipient:
    """An age recipient (``age1…``). Raises ``ConfigError`` for another text."""
    import pyrage

    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise ConfigError(
            Text(
                en=f"{text[:80]!r} is not an age recipient", zh=f"{text[:80]!r} 不是 age 接收公钥"
            ),
            hint=_RECIPIENT_HINT,
        ) from None


def decrypt_file(
    path: Path,
    to: Path,
    identities: Sequence[pyrage.x25519.Identity],
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """The age file ``path`` in the clear at ``to``, mode 0600, whole or not at all.

    Raises ``VerificationError`` (step ``decrypt``): no age file, none of ``identities`` opens
    it, or it was cut or changed.
    """
    with private_file(to) as sink:
        decrypt_into(path, sink, identities, limits)


def decrypt_into(
    path: Path,
    sink: IO[bytes],
    identities: Sequence[pyrage.x25519.Identity],
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """As :func:`decrypt_file`, into an open file. What is in it is good once this returns."""
    import pyrage

    with path.open("rb", buffering=BUFFER_BYTES) as source:
        _check_header(source.read(limits.encrypted_header_size), limits)
        source.seek(0)
        try:
            pyrage.decrypt_io(source, sink, list(identities))
        except pyrage.DecryptError as error:
            # The library has one class for all, and its text says which.
            if "No matching keys" in str(error):
                raise _not_for_us(len(identities)) from None
            raise _damaged(str(error)) from None
        except OSError as error:
            if error.errno is not None:  # the disk, not what was read
                raise
            raise _damaged(str(error)) from None
    sink.flush()


def _check_header(start: bytes, limits: Limits) -> None:
    """A header is a few hundred bytes per recipient. The library reads it anew for each line
    that is not yet there: what time a long one takes grows with the square of its length."""
    if not start.startswith(MAGIC):
        raise refusal(
            "decrypt",
            Text(en="this is not an age file", zh="此文件不是 age 加密文件"),
            expected=MAGIC.decode().strip(),
            found="another beginning",
            hint=ASK_AGAIN,
        )
    end = start.find(_LAST_HEADER_LINE, 0, limits.encrypted_header_size)
    if end < 0:
        raise _damaged(f"no end of the header within {limits.encrypted_header_size} bytes")


def _not_for_us(identities: int) -> VerificationError:
    return refusal(
        "decrypt",
        Text(
            en="this file was not encrypted to the key that is at hand",
            zh="该文件不是加密给现有密钥的，无法解密",
        ),
        expected=f"encrypted to one of {identities} age identities",
        found="none of them opens it",
        hint=Text(
            en="compare the recipient that the sender has for us with `hefu keys show`; "
            "if it is an old one, send a new partner card and ask for the bundle again",
            zh="请与发送方核对其登记的本单位接收公钥（hefu keys show）；"
            "如已过期，请重新交付单位名片并请对方重发",
        ),
    )


def _damaged(why: str) -> VerificationError:
    return refusal(
        "decrypt",
        Text(
            en="the encrypted file is damaged: it was cut short or changed",
            zh="加密文件已损坏：文件不完整或内容被改动",
        ),
        expected="a whole age file",
        found=why,
        hint=ASK_AGAIN,
    )


_RECIPIENT_HINT = Text(
    en="a recipient begins with age1; it stands in the partner's card",
    zh="接收公钥以 age1 开头，登记在合作单位名片中",
)


def read_identities(path: Path, ask: Callable[[], str]) -> list[pyrage.x25519.Identity]:
    """The identities in a file: our own PKCS#8 form (``ask`` gives its passphrase), or a file of
    the ``age`` command, one ``AGE-SECRET-KEY-1…`` a line.

    Raises ``ConfigError``, which never quotes the file.
    """
    import pyrage

    from exchange.keys.identity import load_identity

    try:
        check_unread_by_others(path)
        lines = path.read_bytes()[:_IDENTITY_FILE_BYTES].decode("ascii", "replace").splitlines()
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the identity cannot be read ({error.strerror})",
                zh=f"无法读取解密私钥（{error.strerror}）",
            ),
            where=Where(str(path)),
        ) from error
    if lines and lines[0].startswith("-----BEGIN "):
        return [load_identity(path, ask())]
    try:
        secrets = [line.strip() for line in lines if line.strip() and line[0] != "#"]
        found = [pyrage.x25519.Identity.from_str(secret) for secret in secrets]
    except pyrage.IdentityError:
        found = []
    if not found:
        raise ConfigError(
            Text(en="this is no identity that opens bundles", zh="此文件不是解密私钥"),
            where=Where(str(path)),
            hint=Text(
                en="give keys/identity.pem of the node, or a file of the age command that is not "
                "itself encrypted",
                zh="请使用节点的 keys/identity.pem，或未加密的 age 私钥文件",
            ),
        )
    return found
