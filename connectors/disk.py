"""A disk that is full, in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import RetryableError, Where
from schemas.text import Text

_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@contextmanager
def minding_a_full_disk(place: Path) -> Iterator[None]:
    """What is written inside goes to ``place``: raises :class:`RetryableError` when it is full.

    Also for a quota and for the greatest size of a file. Other failures are passed on.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise RetryableError(
            Text(
                en=f"the disk of {place.name}/ is full",
                zh=f"{place.name}/ 所在磁盘已满",
            ),
            where=Where(str(place)),
            hint=Text(
                en="make room, or let go of what is old with hefu landing prune; "
                "nothing half was kept, and the next run fetches it again",
                zh="请腾出空间，或用 hefu landing prune 清理过期内容；未保留不完整的数据，"
                "下次运行会重新获取",
            ),
        ) from error
