"""Answered orders back to the hotline's system: one file, each order in it once.

The file is complete on disk before an order counts as returned; if the acts can't be written it is
removed again.
"""

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from cooperation.procedures.act import Act
from cooperation.procedures.clocks import CHINA
from cooperation.procedures.fold import Matter
from exchange.files import sync_folder
from exchange.jsontext import sha256_hex
from flows.acting import do_all, following
from flows.hotlines import PROCEDURE, Order, order_of, orders_of
from flows.matters import matters_of
from hefu.node import Node
from schemas.codes import canonical
from schemas.errors import ConfigError, Where
from schemas.text import Text

Encoding = Literal["utf-8-sig", "utf-8", "gb18030"]
Why = Literal["order_gone", "formula", "encoding"]
COLUMNS = ("工单编号", "热线", "办理结果", "结果说明", "文书编号", "办结时间", "办理单位")
WORDS: dict[Why, Text] = {
    "order_gone": Text(
        en="the order is settled or gone in the hotline's system: hefu hotline close",
        zh="热线系统中该工单已办结或者不存在，请用 hefu hotline close 办结",
    ),
    "formula": Text(
        en="the summary would run as a formula in a spreadsheet: answer again in other words",
        zh="结果说明会被表格软件当作公式，请改写后重新答复",
    ),
    "encoding": Text(en="it has a character that the encoding lacks", zh="含有所选编码没有的字符"),
}
#: What a spreadsheet would run when it opens a CSV (OWASP, "CSV Injection").
_FORMULA = re.compile(r"^[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Returned:
    """``answered`` orders = ``written`` + ``left``. ``out`` None: nothing was written."""

    out: Path | None
    answered: int
    written: int
    left: tuple[tuple[Matter, Why], ...]


def return_results(
    node: Node, out: Path, now: datetime, *, encoding: Encoding = "utf-8-sig"
) -> Returned:
    """Write the answered orders that were not returned yet to ``out``, and note it of each.

    The file is the owner's alone (0600). Raises ``ConfigError`` for a file that is there already or
    can't be written; then nothing counts as returned.
    """
    orders = orders_of(node)
    answered = [m for m in matters_of(node, PROCEDURE) if m.state_name == "answered"]
    lines: list[tuple[str, ...]] = []
    going: list[Matter] = []
    left: list[tuple[Matter, Why]] = []
    for matter in answered:
        line = _line(node, matter, order_of(matter, orders), encoding)
        if isinstance(line, str):
            left.append((matter, line))
        else:
            going.append(matter)
            lines.append(line)
    if not going:
        return Returned(None, len(answered), 0, tuple(left))
    data = _csv(lines).encode(encoding)
    _write(out, data)
    try:
        do_all(node, [_noted(node, m, sha256_hex(data), out, now) for m in going], now)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return Returned(out, len(answered), len(going), tuple(left))


def _noted(node: Node, matter: Matter, digest: str, out: Path, now: datetime) -> Act:
    return following(
        node, matter, "return_result", now, document_sha256=digest, document_title=out.name
    )


def _line(
    node: Node, matter: Matter, order: Order | None, encoding: Encoding
) -> tuple[str, ...] | Why:
    act = matter.last_of("answer")
    if order is None or order.is_settled or act is None:
        return "order_gone"
    line = (
        order.no,
        str(order.values["hotline"]),
        _label("act_result", act.result_code),
        act.result_summary or "",
        act.result_no or "",
        act.act_time.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
        node.agency.name,
    )
    if any(_FORMULA.match(value) for value in line):
        return "formula"
    try:
        "".join(line).encode(encoding)
    except UnicodeEncodeError:
        return "encoding"
    return line


def _label(name: str, code: str | None) -> str:
    return next((row.label_zh for row in canonical(name) if row.code == code), code or "")


def _csv(lines: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    return text.getvalue()


def _write(out: Path, data: bytes) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(out.parent)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            out.unlink(missing_ok=True)
        raise ConfigError(
            Text(
                en=f"the file can't be written ({error.strerror})",
                zh=f"无法写入该文件（{error.strerror}）",
            ),
            where=Where(str(out)),
            hint=Text(
                en="name a new file with --out; no order counts as returned",
                zh="请用 --out 指定新的文件；工单均未记为已返回",
            ),
        ) from error
