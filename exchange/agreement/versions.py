"""Several versions of one agreement side by side, and which of them holds.

A new version is put beside the old one before it begins. From its first day on it holds: of the
versions that run on a day, the one with the greatest number. The old file stays: bundles that
were made under it may still be on their way, and what was sent under it is read from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from exchange.agreement.model import Agreement, Grant
from schemas.errors import ConfigError
from schemas.text import Text


def in_force(agreements: Iterable[Agreement], when: datetime) -> tuple[Agreement, ...]:
    """Of each agreement the version that holds at ``when``, in order of id.

    Where none runs: the newest, so that whoever wants to use it is told when it does.
    """
    return tuple(_holding(same, when) for same in _by_id(agreements).values())


def _holding(versions: Sequence[Agreement], when: datetime) -> Agreement:
    running = [a for a in versions if a.is_running(when)]
    return max(running or versions, key=lambda a: a.version)


def newest(agreements: Iterable[Agreement]) -> tuple[Agreement, ...]:
    """Of each agreement the newest version, whether it runs or not, in order of id."""
    return tuple(same[-1] for same in _by_id(agreements).values())


def versions_of(agreements: Iterable[Agreement], agreement: Agreement) -> tuple[Agreement, ...]:
    """All versions of ``agreement``, the newest first: what a receiver holds a bundle against."""
    return tuple(reversed(_by_id(agreements).get(agreement.id, ())))


def succeeded_by(agreements: Iterable[Agreement], agreement: Agreement, when: datetime) -> bool:
    """Whether ``agreement`` or a later version of it runs at ``when``.

    A bundle that was made under a version in its time may be taken in under the next: the chain
    has no other way on.
    """
    return any(
        a.id == agreement.id and a.version >= agreement.version and a.is_running(when)
        for a in agreements
    )


def grant_of(agreement: Agreement, stream: str) -> Grant | None:
    """The grant whose chain ``stream`` is; None if this version has none."""
    return next((g for g in agreement.grants if agreement.stream_id(g) == stream), None)


def check_side_by_side(agreements: Iterable[Agreement]) -> None:
    """Raises ``ConfigError`` for two different texts of one version: one must be a slip."""
    texts: dict[tuple[str, int], str] = {}
    for agreement in agreements:
        digest = agreement.digest()
        other = texts.setdefault((agreement.id, agreement.version), digest)
        if other != digest:
            raise ConfigError(
                Text(
                    en=f"agreement {agreement.id!r} version {agreement.version} is here with two "
                    f"different texts (digests {other} and {digest})",
                    zh=f"协议 {agreement.id!r} 第 {agreement.version} 版有两份内容不同的文件"
                    f"（摘要 {other} 与 {digest}）",
                ),
                hint=Text(
                    en="keep the one whose digest the partner has too; a change of what was agreed "
                    "is a new version",
                    zh="请保留与合作单位摘要一致的一份；变更约定应另立新版本",
                ),
            )


def _by_id(agreements: Iterable[Agreement]) -> dict[str, list[Agreement]]:
    found: dict[str, list[Agreement]] = {}
    for agreement in sorted(agreements, key=lambda a: (a.id, a.version)):
        found.setdefault(agreement.id, []).append(agreement)
    return found
