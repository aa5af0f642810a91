"""The files that prove a difference, in a folder to hand to whoever must judge it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.trust.evidence import STATEMENT
from flows.compare import Difference
from flows.history import METADATA_SUFFIX, history_of, known_trusts
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node


def write_proofs(node: Node, found: Sequence[Difference], out: Path) -> list[Path]:
    """One folder per difference: what differs (``about.txt``), the signed files that say so, and
    the publisher's keys as this node knows them. Call it after what came with notes was kept
    (:func:`flows.notes.compare_notes`). Raises ``ConfigError`` if ``out`` exists.
    """
    if out.exists():
        raise ConfigError(
            Text(en="the folder exists already", zh="输出目录已存在"),
            where=Where(str(out)),
            hint=Text(en="name a new folder with --proofs", zh="请用 --proofs 指定新的目录"),
        )
    history = history_of(node)
    written = []
    for number, difference in enumerate(found, 1):
        folder = out / f"{number:02d}-{difference.kind}"
        folder.mkdir(parents=True)
        (folder / "about.txt").write_text(_about(difference), encoding="utf-8")
        for told in difference.told:
            if told.proof is not None and told.proof in history.statements:
                shutil.copyfile(history.statements[told.proof], folder / f"{told.proof}{STATEMENT}")
        for seen in difference.seen:
            if seen.digest in history.files:
                shutil.copyfile(
                    history.files[seen.digest], folder / f"{seen.digest}{METADATA_SUFFIX}"
                )
        for code in {one.by for one in difference.told if one.proof is not None}:
            for trust in known_trusts(node, code):
                for key in trust.keys:
                    (folder / f"key-{code}-{key.key_id}.pem").write_bytes(key.pem)
        written.append(folder)
    return written


def _about(difference: Difference) -> str:
    message = difference.message
    lines = [message.zh, message.en, ""]
    for told in difference.told:
        said = "签名声明 signed statement" if told.proof else "未签名的说法 unsigned word"
        lines += [
            f"{told.by}  {told.stream} #{told.sequence}  sha256:{told.digest}",
            f"    {said} {told.proof or ''}".rstrip(),
        ]
    lines += [f"{s.publisher}  {s.role} {s.version}  sha256:{s.digest}" for s in difference.seen]
    lines += [
        "",
        "每份 .statement.dsse.json 可用 openssl 按 readme.txt（见任一数据包）所述方法验证签名。",
        "Each .statement.dsse.json is checked with openssl as the readme.txt of any bundle says.",
    ]
    return "\n".join(lines) + "\n"
