"""Files that are there whole or not at all, and are nobody else's to read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

BUFFER_BYTES = 1024 * 1024


@contextmanager
def private_file(to: Path) -> Iterator[BinaryIO]:
    """A new file of mode 0600 that takes the place of ``to`` when the block ends without error.

    Until then it lies beside ``to`` under another name; with an error it is removed. It is not
    forced to the disk: a file that must outlive a power failure is put in its last place by
    one who does that (``exchange.repository``).
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{to.name}-", dir=to.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w+b", buffering=BUFFER_BYTES) as file:
            yield file
        partial.replace(to)
    except BaseException:
        partial.unlink()
        raise
