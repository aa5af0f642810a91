"""Files that are there whole or not at all, and are nobody else's to read."""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from exchange.limits import Readable

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


def mapped(file: IO[bytes]) -> Readable:
    """The file's bytes without a copy. The mapping outlives ``file`` and goes with its last view,
    which may be in an exception's traceback: so it is not closed by hand."""
    if os.fstat(file.fileno()).st_size == 0:
        return b""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def put_durably(path: Path, data: bytes) -> None:
    """``data`` at ``path``, mode 0600, in place of what was there; on the disk when this returns,
    but for the folder's own entry (:func:`sync_folder`, once for many)."""
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def sync_folder(folder: Path) -> None:
    """What was put into ``folder``, or taken out, is on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some shares cannot
            raise
    finally:
        os.close(descriptor)
