"""``hefu publish --again STREAM NUMBER``: the very same statement, put out once more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hefu.commands.pipeline import errors_as_json, tell_failures
from hefu.terminal import say, say_json, show_count, tr

if TYPE_CHECKING:
    from hefu.node import Node


def send_once_more(node: Node, stream: str, number: int, *, as_json: bool) -> int:
    """Sign and encrypt it by today's keys, and bring it to the places; the exit code."""
    from flows.carriers.bringing_out import bring_out
    from flows.sending_again import send_again

    now = datetime.now(UTC)
    sent = send_again(node, stream, number, now)
    brought = bring_out(node, now)
    if as_json:
        say_json(
            {
                "sent_again": {
                    "stream": sent.stream,
                    "partner": sent.partner,
                    "sequence": sent.sequence,
                    "statement_sha256": sent.statement_sha256,
                    "path": str(sent.path),
                    "size": sent.size,
                },
                "errors": errors_as_json(brought),
            }
        )
    else:
        say(
            tr(
                f"put out again for {sent.partner_name}: {sent.stream} #{sent.sequence}, "
                f"{show_count(sent.size)} bytes; its statement is the same as before",
                f"已为 {sent.partner_name} 重新发布：{sent.stream} #{sent.sequence}，"
                f"{show_count(sent.size)} 字节，声明内容与原来相同",
            )
        )
        say(tr(f"written: {sent.path}", f"已写入：{sent.path}"))
    return tell_failures(brought)
