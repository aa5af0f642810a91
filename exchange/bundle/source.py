"""A bundle's file as bytes that nobody else can change while they are verified and used.

The file may lie in a folder that others write to, and may be encrypted. What is worked on is a
copy without a name, in the temporary folder (``TMPDIR``): it goes when the process ends, however
that comes about, and is mapped, so that a large bundle costs no memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import refusal
from exchange.files import BUFFER_BYTES, mapped
from exchange.keys.encryption import decrypt_into, is_encrypted_file
from exchange.limits import DEFAULT_LIMITS, Limits, Readable
from schemas.text import Text

if TYPE_CHECKING:
    import pyrage

_SPARE = 16
"""An age file is larger than what is in it by its header and a sixteenth at most."""


def private_bytes(
    path: Path,
    identities: Callable[[], Sequence[pyrage.x25519.Identity]],
    limits: Limits = DEFAULT_LIMITS,
) -> Readable:
    """The bundle at ``path`` in the clear; ``identities`` is asked only for an age file.

    Raises ``VerificationError`` (steps ``decrypt``, ``size``), and ``OSError``.
    """
    is_encrypted = is_encrypted_file(path)
    with path.open("rb") as source, tempfile.TemporaryFile(buffering=BUFFER_BYTES) as copy:
        allowed = limits.bundle_size
        if is_encrypted:
            allowed += allowed // _SPARE + limits.encrypted_header_size
        size = os.fstat(source.fileno()).st_size
        if size > allowed:
            raise refusal(
                "size",
                Text(en="the bundle is larger than allowed", zh="数据包超过允许的大小"),
                expected=f"at most {allowed} bytes",
                found=f"{size} bytes",
            )
        if is_encrypted:
            decrypt_into(path, copy, identities(), limits)
        else:
            shutil.copyfileobj(source, copy, BUFFER_BYTES)
            copy.flush()
        return mapped(copy)
