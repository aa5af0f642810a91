"""``hefu verify`` and ``hefu open``: one bundle, offline, without a node.

Only what a partner's base installation holds is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.bundle_given import (
    BUNDLE,
    IDENTITY,
    PASSPHRASE,
    RECIPIENT,
    REPOSITORY,
    TRUST,
    identities_given,
    trust_given,
)
from hefu.commands.options import JSON, add_command, option
from hefu.terminal import say, say_data, say_json, say_warning, show_count, show_time, tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.bundle.verify import VerifiedBundle
    from exchange.trust.client import Freshness


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
    repository: Annotated[Path | None, REPOSITORY] = None,
    identity: Annotated[Path | None, IDENTITY] = None,
    passphrase: Annotated[str | None, PASSPHRASE] = None,
    recipient: Annotated[str | None, RECIPIENT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    given = _Given(bundle, trust, repository, identity, passphrase, recipient)
    found = _verify(given)
    if as_json:
        say_json(_as_json(found))
        return
    say_data(tr(f"verified: {bundle}", f"验证通过：{bundle}"))
    for label, value in _facts(found):
        say_data(tr(f"  {label:<11}{value}", f"  {label}：{value}"))
    _warn(found.bundle)


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
    repository: Annotated[Path | None, REPOSITORY] = None,
    identity: Annotated[Path | None, IDENTITY] = None,
    passphrase: Annotated[str | None, PASSPHRASE] = None,
    recipient: Annotated[str | None, RECIPIENT] = None,
) -> None:
    from exchange.bundle.open import write_out

    found = _verify(_Given(bundle, trust, repository, identity, passphrase, recipient))
    _warn(found.bundle)
    say(tr(f"verified {bundle}; writing into {out}", f"{bundle} 验证通过，正在写入 {out}"))
    for path in write_out(found.bundle, out, file_format.value):
        say_data(str(path))


@dataclass(frozen=True, slots=True)
class _Given:
    """The command line."""

    bundle: Path
    trust: Path
    repository: Path | None
    identity: Path | None
    passphrase: str | None
    recipient: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    """A bundle that passed. ``freshness``: of the signed lists, None if single keys are trusted."""

    bundle: VerifiedBundle
    is_encrypted: bool
    freshness: Freshness | None


def _verify(given: _Given) -> _Found:
    from exchange.bundle.source import private_bytes
    from exchange.bundle.verify import verify_bundle
    from exchange.keys.encryption import is_encrypted_file

    now = datetime.now(UTC)
    folder = trust_given(given.trust, given.repository)
    policy = folder.policy()
    if given.recipient is not None:
        policy = replace(policy, recipient=given.recipient)
    offline = folder.trust(now, policy.limits)
    try:
        is_encrypted = is_encrypted_file(given.bundle)
        data = private_bytes(
            given.bundle,
            lambda: identities_given(given.identity, given.passphrase),
            policy.limits,
        )
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the bundle can't be read ({error.strerror})",
                zh=f"无法读取数据包（{error.strerror}）",
            ),
            where=Where(str(given.bundle)),
        ) from error
    verified = verify_bundle(data, offline.trust, policy, now)
    warnings = (*verified.warnings, *offline.warnings, *offline.check_listed(verified))
    publisher = offline.publisher
    return _Found(
        replace(verified, warnings=warnings),
        is_encrypted,
        publisher.freshness if publisher else None,
    )


def _facts(found: _Found) -> list[tuple[str, str]]:
    verified, told = found.bundle, found.bundle.statement
    records = ", ".join(f"{kind} {show_count(n)}" for kind, n in told.counts.items())
    lists = found.freshness
    facts = [
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
        (
            tr("encrypted", "加密"),
            tr("yes", "是") if found.is_encrypted else tr("no", "否"),
        ),
    ]
    if lists is not None:
        facts.append((tr("lists of", "签名清单发布于"), show_time(lists.published_time)))
    return facts


def _as_json(found: _Found) -> dict[str, Any]:
    verified, lists = found.bundle, found.freshness
    return {
        "verified": True,
        "encrypted": found.is_encrypted,
        "lists": None
        if lists is None
        else {
            "published_time": lists.published_time,
            "expires": lists.expires,
            "stale": lists.is_stale,
        },
        "statement_sha256": verified.statement_sha256,
        "signed_by": [key.key_id for key in verified.signed_by],
        "statement": verified.statement.model_dump(mode="json"),
        "warnings": [{"en": text.en, "zh": text.zh} for text in verified.warnings],
    }


def _warn(verified: VerifiedBundle) -> None:
    for text in verified.warnings:
        say_warning(str(text))
