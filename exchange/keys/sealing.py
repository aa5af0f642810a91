"""A file for one reader's eyes: sealed to the supervisory organ's own key.

The receiver's node, which takes the bundle in, has not got that key. Before encryption the file is
filled up to one of a few sizes, so that the size of what everybody sees tells little of it. What is
sealed is

    "hefu-sealed-v1\\n", 8 bytes: the length of the content (big endian), the content, zero bytes

as an age v1 file; it opens with ``hefu unseal``, or with ``age -d`` and common tools.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import refusal
from exchange.keys.encryption import MAGIC, decrypt_into, recipient_of
from exchange.limits import DEFAULT_LIMITS, Limits
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    import pyrage

HEADER = b"hefu-sealed-v1\n"
_LENGTH_BYTES = 8
_SMALLEST_BYTES = 64 * 1024


def padded_size(size: int) -> int:
    """To what size a content of ``size`` bytes is filled up: 64 KiB and its doubles."""
    padded = _SMALLEST_BYTES
    while padded < len(HEADER) + _LENGTH_BYTES + size:
        padded *= 2
    return padded


def seal(content: bytes, recipients: Sequence[str], limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The sealed file. Raises ``ConfigError`` for no recipient, or a content that is too large."""
    import pyrage

    padded = padded_size(len(content))
    if padded * 2 > limits.attachment_size:
        raise ConfigError(
            Text(
                en=f"the file is too large to seal ({len(content)} bytes)",
                zh=f"文件过大，无法密封（{len(content)} 字节）",
            ),
            hint=Text(
                en=f"at most {limits.attachment_size // 4} bytes; hand larger material over on a "
                "medium and seal its description",
                zh=f"上限为 {limits.attachment_size // 4} 字节；"
                "较大的材料请另行当面移交，只密封说明",
            ),
        )
    plain = HEADER + len(content).to_bytes(_LENGTH_BYTES, "big") + content
    wanted = [recipient_of(text) for text in dict.fromkeys(recipients)]
    return bytes(pyrage.encrypt(plain.ljust(padded, b"\0"), wanted))


def is_sealed(data: bytes) -> bool:
    """Whether somebody encrypted this already; then a node takes it as it is."""
    return data.startswith(MAGIC)


def unseal(
    path: Path, identities: Sequence[pyrage.x25519.Identity], limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """The content of the sealed file at ``path``, in memory only.

    Raises ``VerificationError`` (step ``decrypt``).
    """
    sink = io.BytesIO()
    decrypt_into(path, sink, identities, limits)
    plain = sink.getvalue()
    if not plain.startswith(HEADER):
        # Sealed by the age command alone: all of it is the content.
        return plain
    start = len(HEADER) + _LENGTH_BYTES
    length = int.from_bytes(plain[len(HEADER) : start], "big")
    if length > len(plain) - start or plain[start + length :].strip(b"\0"):
        raise refusal(
            "decrypt",
            Text(en="the sealed file contradicts itself", zh="密封文件内容自相矛盾"),
            expected=f"content of {length} bytes, then zero bytes",
            found=f"{len(plain) - start} bytes",
        )
    return plain[start : start + length]
