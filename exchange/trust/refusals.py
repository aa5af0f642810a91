"""What python-tuf refuses, in words for a person: which list, what was expected, what is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.errors import refusal
from schemas.errors import HefuError, RefusedError, RetryableError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from tuf.api.metadata import Signed


class MissingError(RetryableError):
    """A file that the publisher's lists name is not where it must be."""


_TELL_PUBLISHER = Text(
    en="nothing was changed here; tell the publisher, by another way than its repository",
    zh="本地状态未改变；请通过发布库以外的途径告知发布方",
)


def told(
    error: Exception, roles: Sequence[Signed], reference: datetime, asked: str, label: str
) -> HefuError:
    """``roles``: what was loaded until then; ``reference``: the time at which it must hold;
    ``asked``: the file of the repository that was read last."""
    from tuf.api import exceptions as tuf

    if isinstance(error, tuf.ExpiredMetadataError):
        return _expired(roles, reference, label)
    if isinstance(error, tuf.BadVersionNumberError):
        return refusal(
            "trust",
            Text(
                en="the repository shows an older or another state than it must",
                zh="发布库显示的状态比应有的更旧，或与清单不一致",
            ),
            expected="no version below what was read before, and the one that is listed",
            found=error,
            entry=asked,
            hint=Text(
                en="an old disk or copy shows this, and so does one who hides newer bundles: read "
                "from a newer copy, or ask the publisher",
                zh="旧磁盘或旧副本会出现此情况，有人隐瞒新数据包时也会：请改读较新的副本，或联系发布方",
            ),
        )
    if isinstance(error, tuf.UnsignedMetadataError):
        return refusal(
            "trust",
            Text(
                en="a list is not signed by the keys that must sign it",
                zh="清单未由规定的密钥签名",
            ),
            expected="as many good signatures as the role's threshold",
            found=error,
            entry=asked,
            hint=_TELL_PUBLISHER,
        )
    if isinstance(error, tuf.LengthOrHashMismatchError):
        return refusal(
            "trust",
            Text(en="a file is not the one that is listed", zh="文件与清单所列不符"),
            expected="the listed length and SHA-256",
            found=error,
            entry=asked,
            hint=Text(
                en="read again; if it stays so, the copy is damaged or somebody changed it",
                zh="请重新读取；若仍如此，说明副本损坏或被改动",
            ),
        )
    if isinstance(error, tuf.DownloadHTTPError):
        return missing(asked, label)
    return refusal(
        "trust",
        Text(
            en="the repository's signed lists cannot be followed",
            zh="无法按发布库的签名清单核验",
        ),
        expected="TUF metadata as FORMAT.md says",
        found=f"{type(error).__name__}: {error}"[:300],
        entry=asked,
        hint=_TELL_PUBLISHER,
    )


def _expired(roles: Sequence[Signed], reference: datetime, label: str) -> HefuError:
    ended = [f"{r.type} ended {_day(r.expires)}" for r in roles if r.is_expired(reference)]
    found = ended[0] if ended else "a list that has ended"
    return refusal(
        "trust",
        Text(
            en="what lies here is too old to be believed: it may hide newer bundles or a "
            "withdrawn key",
            zh="此处内容已过期，不能采信：可能隐瞒了新的数据包或已撤销的密钥",
        ),
        expected=f"lists that hold on {_day(reference)}",
        found=found,
        entry=label,
        hint=Text(
            en="read from where the publisher publishes now, or ask whether its nightly run works; "
            "for disks that come late set max_stale_days in partner.toml",
            zh="请从发布方当前的发布位置读取，或询问其夜间任务是否正常；"
            "若磁盘送达较慢，可在 partner.toml 中设置 max_stale_days",
        ),
    )


def _day(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def missing(asked: str, label: str) -> HefuError:
    """``RefusedError`` if there is no repository at all, else ``MissingError``."""
    if asked == "metadata/timestamp.json":
        return RefusedError(
            Text(en="there is no repository here", zh="此处没有发布库"),
            where=Where(f"{label}: {asked}"),
            hint=Text(
                en="check the address or folder with the publisher; a disk must hold its "
                "metadata/ and targets/",
                zh="请与发布方核对地址或目录；磁盘中应有 metadata/ 和 targets/ 两个目录",
            ),
        )
    return MissingError(
        Text(en="a file that is listed is not there", zh="清单所列的文件不存在"),
        where=Where(f"{label}: {asked}"),
        hint=Text(
            en="the copy may be incomplete: copy or mirror it again; if it stays so, tell the "
            "publisher that this file cannot be had",
            zh="副本可能不完整：请重新复制或同步；若仍如此，请告知发布方该文件无法获取",
        ),
    )


def too_large(asked: str, allowed: int) -> HefuError:
    return refusal(
        "fetch",
        Text(en="the file is larger than allowed", zh="文件超过允许的大小"),
        expected=f"at most {allowed} bytes",
        found="more",
        entry=asked,
        hint=_TELL_PUBLISHER,
    )
