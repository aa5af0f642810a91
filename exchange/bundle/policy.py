"""What a receiver trusts, knows and wants: the arguments of a verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.agreement.model import Agreement
from exchange.keys.signing import PublicKey
from exchange.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from schemas.contract import Contract


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose statements are believed: so many of these keys must have signed."""

    publisher_code: str
    keys: tuple[PublicKey, ...]
    threshold: int = 1


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last statement of a stream that was taken in (or published)."""

    sequence: int
    statement_sha256: str | None

    @classmethod
    def start(cls) -> ChainHead:
        """Before the first bundle."""
        return cls(0, None)


@dataclass(frozen=True)
class Policy:
    """What the receiver knows and wants.

    A node that takes data in gives all of it. A person who looks at one file may not have
    an agreement, a recipient code or a chain at hand: with ``standalone`` these may be
    left out, are not checked, and each is a warning.
    """

    contracts: Mapping[str, Contract]
    recipient: str | None = None
    agreements: tuple[Agreement, ...] = ()
    head: ChainHead | None = None
    standalone: bool = False
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        if not self.standalone and (
            self.recipient is None or self.head is None or not self.agreements
        ):
            raise ValueError("a policy that is not standalone needs recipient, agreements, head")
