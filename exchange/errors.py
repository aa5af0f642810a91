"""The steps of a verification, and the one way in which a step refuses.

The order of ``STEPS`` is the order in which a reader must work (``exchange/FORMAT.md``):
nothing of a later step is looked at before all earlier ones have passed.
"""

from __future__ import annotations

from typing import Literal

from schemas.errors import VerificationError, Where
from schemas.text import Text

Step = Literal[
    "fetch",
    "trust",
    "decrypt",
    "size",
    "container",
    "envelope",
    "signature",
    "statement",
    "parties",
    "agreement",
    "subjects",
    "stream",
    "contract",
    "grant",
    "table",
]

STEPS: tuple[Step, ...] = (
    "fetch",
    "trust",
    "decrypt",
    "size",
    "container",
    "envelope",
    "signature",
    "statement",
    "parties",
    "agreement",
    "subjects",
    "stream",
    "contract",
    "grant",
    "table",
)

ASK_AGAIN = Text(
    en="fetch the bundle again; if it is refused again, ask the sender to compare its SHA-256",
    zh="请重新获取该数据包；若仍被拒绝，请与发送方核对文件的 SHA-256",
)
ASK_SENDER = Text(
    en="nothing was taken in; send this message to the sender, whose program made the bundle",
    zh="未接收任何数据；请将本提示转告发送方，由其检查生成数据包的程序",
)


def refusal(
    step: Step,
    message: Text,
    *,
    expected: object,
    found: object,
    entry: str | None = None,
    field: str | None = None,
    hint: Text = ASK_SENDER,
) -> VerificationError:
    """The error of one failed step. ``found`` never quotes a cell of a table."""
    return VerificationError(
        message,
        step=step,
        expected=str(expected),
        found=str(found),
        where=Where(file=entry, field=field) if entry or field else None,
        hint=hint,
    )
