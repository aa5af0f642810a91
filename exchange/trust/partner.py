"""Whom we trust: a partner's folder, and the folder with which one bundle is verified.

partners/<code>/partner.toml     code, name, division_code, repository, keys, threshold
                *.pem            the partner's public keys

trust/partner.toml, *.pem        the same, for ``hefu verify BUNDLE --trust DIR``;
      agreement.toml             optional: then the fields are checked against it
                                 (`recipient` in partner.toml: whose copy this is)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from exchange.agreement.model import Agreement, load_agreement
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.statement import Code, Name
from exchange.bundle.verify import ChainHead, Policy, Trust
from exchange.keys.signing import PublicKey, load_public_key
from exchange.limits import DEFAULT_LIMITS, Limits
from exchange.repository.settings import Access
from schemas.errors import ConfigError, Where
from schemas.text import Text
from schemas.toml import load_toml

if TYPE_CHECKING:
    from schemas.contract import Contract

CONFIG_NAME = "partner.toml"
AGREEMENT_NAME = "agreement.toml"


class PartnerConfig(BaseModel):
    """``partner.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    name: Name
    division_code: Annotated[str, StringConstraints(pattern=r"^\d{6}$")] | None = None
    repository: str | None = None
    """Folder or http(s) address; a relative folder is relative to this file's."""
    keys: Annotated[tuple[str, ...], Field(min_length=1)] = ("*.pem",)
    threshold: Annotated[int, Field(ge=1)] = 1
    access: Access = Access()
    """How to log in where its repository is, if one must (exchange.repository.settings)."""
    max_stale_days: Annotated[int, Field(ge=0, le=366)] = 0
    """So many days after it expired, the publisher's timestamp is still taken (a disk is slow).
    How old it is, is always shown."""
    recipient: Code | None = None
    """In a trust folder: the agency for which the bundles must be."""


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner and its keys, read from its folder."""

    folder: Path
    config: PartnerConfig
    keys: tuple[PublicKey, ...]

    @property
    def code(self) -> str:
        return self.config.code

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def trust(self) -> Trust:
        return Trust(self.code, self.keys, self.config.threshold)

    @property
    def location(self) -> str | None:
        """Where its bundles are fetched: an address, or an absolute folder."""
        place = self.config.repository
        if place is None or place.startswith(("http://", "https://")):
            return place
        return str((self.folder / place).resolve())


def load_partner(folder: Path) -> Partner:
    """Read a partner's folder. Raises ``ConfigError`` naming file, line and key."""
    path = folder / CONFIG_NAME
    config = load_toml(path, PartnerConfig)
    keys: list[PublicKey] = []
    for pattern in config.keys:
        if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
            raise ConfigError(
                Text(en="keys must lie in the partner's folder", zh="公钥须放在合作单位的目录内"),
                where=Where(str(path), field="keys"),
            )
        files = sorted(folder.glob(pattern))
        if not files:
            raise ConfigError(
                Text(
                    en=f"no public key matches {pattern!r}", zh=f"没有与 {pattern!r} 相符的公钥文件"
                ),
                where=Where(str(path), field="keys"),
                hint=Text(
                    en="put the partner's public key (*.pem) into this folder",
                    zh="请将合作单位的公钥文件（*.pem）放入此目录",
                ),
            )
        keys += (load_public_key(file) for file in files)
    unique = tuple(dict.fromkeys(keys))
    if config.threshold > len(unique):
        raise ConfigError(
            Text(
                en=f"threshold {config.threshold} cannot be met by {len(unique)} different key(s)",
                zh=f"门限为 {config.threshold}，但只有 {len(unique)} 个不同的公钥",
            ),
            where=Where(str(path), field="threshold"),
        )
    return Partner(folder, config, unique)


@dataclass(frozen=True, slots=True)
class TrustFolder:
    """Everything that a stand-alone verification may use."""

    partner: Partner
    agreements: tuple[Agreement, ...]
    contracts: Mapping[str, Contract]

    def policy(
        self,
        *,
        head: ChainHead | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Policy:
        """A stand-alone policy: what the folder does not hold is not checked, and is said."""
        return Policy(
            contracts=self.contracts,
            recipient=self.partner.config.recipient,
            agreements=self.agreements,
            head=head,
            standalone=True,
            limits=limits,
        )


def load_trust_folder(folder: Path) -> TrustFolder:
    """Read a trust folder. Raises ``ConfigError``."""
    contracts = _own_contracts(folder) or INSTALLED
    path = folder / AGREEMENT_NAME
    agreements = (load_agreement(path, contracts),) if path.exists() else ()
    return TrustFolder(load_partner(folder), agreements, contracts)


def _own_contracts(folder: Path) -> dict[str, Contract]:
    from schemas.contract import parse_contract

    found = (parse_contract(p.read_bytes()) for p in sorted(folder.glob("contracts/*.odcs.yaml")))
    return {contract.record_type: contract for contract in found}
