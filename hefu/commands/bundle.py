"""``hefu verify`` and ``hefu open``: one bundle, offline, without a node.

Only what a partner's base installation holds is imported here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import JSON, add_command, argument, option
from hefu.terminal import say, say_data, say_json, say_warning, show_count, show_time, tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.bundle.verify import VerifiedBundle

BUNDLE = argument("BUNDLE", en="the bundle file (.hefu)", zh="数据包文件（.hefu）")
TRUST = option(
    "--trust",
    metavar="DIR",
    en="folder with the sender's partner.toml and public keys (*.pem), and agreement.toml "
    "if you have it",
    zh="信任目录：发送方的 partner.toml 与公钥（*.pem），如有协议文件 agreement.toml 一并放入",
)
RECIPIENT = option(
    "--recipient",
    metavar="CODE",
    en="also check that the bundle is meant for this agency",
    zh="同时核对数据包是否发给该机构（统一社会信用代码）",
)


class Format(StrEnum):
    """What ``hefu open`` writes."""

    parquet = "parquet"
    csv = "csv"
    xlsx = "xlsx"


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        verify,
        "verify",
        en="Check a bundle: who made it, for whom, under which agreement, and that no byte "
        "changed.\n\n"
        "Works offline and without a node. Exit code 4 names the step that failed, what was "
        "expected and what was found.",
        zh="验证数据包：由谁生成、发给谁、依据哪份协议，内容是否一字未改。\n\n"
        "无需联网，也无需节点。退出码 4 表示验证未通过，并指出失败的步骤、应有值与实际值。",
    )
    add_command(
        app,
        open_,
        "open",
        en="Verify a bundle and write its records as Parquet, CSV or Excel files.\n\n"
        "Nothing is written when the verification fails.",
        zh="验证数据包，并将其中的记录导出为 Parquet、CSV 或 Excel 文件。\n\n"
        "验证未通过时不写出任何文件。",
    )


def verify(
    bundle: Annotated[Path, BUNDLE],
    trust: Annotated[Path, TRUST],
    recipient: Annotated[str | None, RECIPIENT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    verified = _verify(bundle, trust, recipient)
    if as_json:
        say_json(_as_json(verified))
        return
    say_data(tr(f"verified: {bundle}", f"验证通过：{bundle}"))
    for label, value in _facts(verified):
        say_data(tr(f"  {label:<11}{value}", f"  {label}：{value}"))
    _warn(verified)


def open_(
    bundle: Annotated[Path, BUNDLE],
    trust: Annotated[Path, TRUST],
    out: Annotated[Path, option("--out", metavar="DIR", en="folder to write into", zh="输出目录")],
    file_format: Annotated[
        Format,
        option(
            "--format",
            metavar="[parquet|csv|xlsx]",
            en="form of the files (default: parquet)",
            zh="文件格式（默认 parquet）",
        ),
    ] = Format.parquet,
    recipient: Annotated[str | None, RECIPIENT] = None,
) -> None:
    from exchange.bundle.open import write_out

    verified = _verify(bundle, trust, recipient)
    _warn(verified)
    say(tr(f"verified {bundle}; writing into {out}", f"{bundle} 验证通过，正在写入 {out}"))
    for path in write_out(verified, out, file_format.value):
        say_data(str(path))


def _verify(bundle: Path, trust: Path, recipient: str | None) -> VerifiedBundle:
    from exchange.bundle.verify import verify_bundle
    from exchange.trust.partner import load_trust_folder

    folder = load_trust_folder(trust)
    policy = folder.policy()
    if recipient is not None:
        policy = replace(policy, recipient=recipient)
    data = _read(bundle, policy.limits.bundle_size)
    return verify_bundle(data, folder.partner.trust, policy, datetime.now(UTC))


def _read(bundle: Path, allowed: int) -> bytes:
    """The file's bytes, one more than allowed at most: the verifier refuses what is larger."""
    try:
        with bundle.open("rb") as file:
            return file.read(allowed + 1)
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the bundle can't be read ({error.strerror})",
                zh=f"无法读取数据包（{error.strerror}）",
            ),
            where=Where(str(bundle)),
        ) from error


def _facts(verified: VerifiedBundle) -> list[tuple[str, str]]:
    told = verified.statement
    records = ", ".join(f"{kind} {show_count(n)}" for kind, n in told.counts.items())
    return [
        (tr("from", "发送方"), f"{told.publisher.name} ({told.publisher.code})"),
        (tr("for", "接收方"), ", ".join(f"{r.name} ({r.code})" for r in told.recipients)),
        (
            tr("agreement", "协议"),
            tr(
                f"{told.agreement.id} version {told.agreement.version}",
                f"{told.agreement.id} 第 {told.agreement.version} 版",
            ),
        ),
        (tr("purpose", "用途"), f"{told.purpose} ({told.legal_basis})"),
        (tr("stream", "数据流"), f"{told.stream} #{told.sequence}"),
        (tr("made", "生成时间"), show_time(told.created_time)),
        (tr("records", "记录数"), records),
        (tr("signed by", "签名公钥"), ", ".join(key.fingerprint for key in verified.signed_by)),
        (tr("statement", "声明摘要"), f"sha256:{verified.statement_sha256}"),
    ]


def _as_json(verified: VerifiedBundle) -> dict[str, Any]:
    return {
        "verified": True,
        "statement_sha256": verified.statement_sha256,
        "signed_by": [key.key_id for key in verified.signed_by],
        "statement": verified.statement.model_dump(mode="json"),
        "warnings": [{"en": text.en, "zh": text.zh} for text in verified.warnings],
    }


def _warn(verified: VerifiedBundle) -> None:
    for text in verified.warnings:
        say_warning(str(text))
