"""What every writing carrier says when the file that it was to replace is not the one expected."""

from __future__ import annotations

from schemas.errors import RetryableError, Where
from schemas.text import Text


def another_was_quicker(label: str) -> RetryableError:
    return RetryableError(
        Text(
            en="another process has published here meanwhile",
            zh="另一进程已在此处发布",
        ),
        where=Where(label),
        hint=Text(
            en="run it again: what is there now is then looked at anew",
            zh="请重新运行：届时将以现有内容为准",
        ),
    )
