"""Whom we trust: a partner's folder, and the folder with which one bundle is verified.

partners/<code>/partner.toml   code, name, division_code, repository, access, max_stale_days
                root.json      the root of trust as its card had it; never changed
                agency.json    what the partner's offline keys say of it, the newest that was read
                trusted/       what this node remembers of it (exchange.trust.state)

A trust folder, for ``hefu verify BUNDLE --trust DIR``, is a partner's folder, or one of

    partner.toml, root.json, metadata/   a copy of the publisher's signed lists; nothing is fetched
    partner.toml, *.pem                  single keys: nobody looks whether they were revoked

agreement.toml, contracts/   optional in each: then the fields are checked against them
                             (`recipient` in partner.toml: whose copy this is)
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from exchange.agreement.model import Agreement, load_agreement
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.statement import Code, Name
from exchange.bundle.verify import ChainHead, Policy, Trust
from exchange.keys.signing import PublicKey, load_public_key
from exchange.limits import DEFAULT_LIMITS, Limits
from exchange.repository.folder import FolderCarrier
from exchange.repository.memory import MemoryCarrier
from exchange.repository.settings import Access, kind_of
from exchange.trust import rules
from exchange.trust.agency import AGENCY_TARGET, AgencyFacts, parse_agency
from exchange.trust.client import Freshness, Publisher, open_publisher
from exchange.trust.refusals import MissingError
from exchange.trust.state import as_repository, discard
from schemas.errors import ConfigError, VerificationError, Where
from schemas.text import Text
from schemas.toml import load_toml

if TYPE_CHECKING:
    from exchange.bundle.verify import VerifiedBundle
    from exchange.repository.carrier import Carrier
    from schemas.contract import Contract

CONFIG_NAME = "partner.toml"
AGREEMENT_NAME = "agreement.toml"
ROOT_NAME = "root.json"
TRUSTED_FOLDER = "trusted"

_T = TypeVar("_T")


class PartnerConfig(BaseModel):
    """``partner.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    name: Name
    division_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = None
    repository: str | None = None
    """Folder or address (exchange.repository.settings); a relative folder is relative to this
    file's."""
    keys: Annotated[tuple[str, ...], Field(min_length=1)] = ("*.pem",)
    """Without a root: files of single keys."""
    threshold: Annotated[int, Field(ge=1)] = 1
    """Of the single keys."""
    access: Access = Access()
    """How to log in where its repository is, if one must (exchange.repository.settings)."""
    max_stale_days: Annotated[int, Field(ge=0, le=366)] = 0
    """So many days after it expired, the publisher's timestamp is still taken (a disk is slow).
    How old it is, is always shown."""
    recipient: Code | None = None
    """In a trust folder: the agency for which the bundles must be."""


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner, read from its folder: trusted by its root, or by single keys."""

    folder: Path
    config: PartnerConfig
    keys: tuple[PublicKey, ...]
    """Single keys; none if there is a root."""
    root: bytes | None = None
    facts: AgencyFacts | None = None

    @property
    def code(self) -> str:
        return self.config.code

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def trusted_folder(self) -> Path:
        """What is remembered of its repository (exchange.trust.state)."""
        return self.folder / TRUSTED_FOLDER

    @property
    def trust(self) -> Trust:
        """The single keys. With a root the keys are those that ``Publisher.trust`` gives."""
        if self.root is not None:
            raise ValueError("this partner's keys are in its repository: open_publisher")
        return Trust(self.code, self.keys, self.config.threshold)

    @property
    def location(self) -> str | None:
        """Where its bundles are fetched: an address, or an absolute folder."""
        place = self.config.repository
        if place is None or kind_of(place) != "folder":
            return place
        return str((self.folder / place).resolve())


def load_partner(folder: Path) -> Partner:
    """Read a partner's folder. Raises ``ConfigError`` naming file, line and key."""
    path = folder / CONFIG_NAME
    config = load_toml(path, PartnerConfig)
    root = _read_if_there(folder / ROOT_NAME)
    if root is None:
        return Partner(folder, config, _single_keys(folder, config))
    if both := config.model_fields_set & {"keys", "threshold"}:
        raise ConfigError(
            Text(
                en="a partner is trusted by its root or by single keys, not by both",
                zh="对合作单位的信任要么基于信任根，要么基于单个公钥，不能并用",
            ),
            where=Where(str(path), field=min(both)),
            hint=Text(
                en=f"remove keys and threshold: {ROOT_NAME} says who may sign",
                zh=f"请删除 keys 和 threshold：签名密钥由 {ROOT_NAME} 决定",
            ),
        )
    _believe(folder / ROOT_NAME, lambda: rules.check_root(root, ROOT_NAME))
    return Partner(folder, config, (), root, _facts(folder / AGENCY_TARGET, config.code))


def _facts(path: Path, code: str) -> AgencyFacts | None:
    data = _read_if_there(path)
    if data is None:
        return None
    facts = _believe(path, lambda: parse_agency(data))
    if facts.code != code:
        raise ConfigError(
            Text(
                en=f"this describes {facts.code}, and the folder is of {code}",
                zh=f"此文件描述的是 {facts.code}，而该目录属于 {code}",
            ),
            where=Where(str(path)),
        )
    return facts


def _read_if_there(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _believe(path: Path, read: Callable[[], _T]) -> _T:
    """A file of ours that came through a check before: what is wrong now is wrong here."""
    try:
        return read()
    except VerificationError as error:
        raise ConfigError(
            Text(
                en=f"the file is damaged: {error.message.en}", zh=f"文件已损坏：{error.message.zh}"
            ),
            where=Where(str(path)),
            hint=Text(
                en="put it back from a backup, or add the partner's card again",
                zh="请从备份恢复，或重新登记合作单位的名片",
            ),
        ) from error


def _single_keys(folder: Path, config: PartnerConfig) -> tuple[PublicKey, ...]:
    path = folder / CONFIG_NAME
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
                    en=f"there is no {ROOT_NAME}, and no public key matches {pattern!r}",
                    zh=f"没有 {ROOT_NAME}，也没有与 {pattern!r} 相符的公钥文件",
                ),
                where=Where(str(path), field="keys"),
                hint=Text(
                    en="hefu partner add CARD; or put the partner's public key (*.pem) here",
                    zh="请用名片执行 hefu partner add；或将合作单位的公钥文件（*.pem）放入此目录",
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
    return unique


@dataclass(frozen=True, slots=True)
class OfflineTrust:
    """Whose signature counts as of a time, from a folder alone."""

    trust: Trust
    warnings: tuple[Text, ...]
    publisher: Publisher | None
    """None for single keys."""

    def check_listed(self, verified: VerifiedBundle) -> tuple[Text, ...]:
        """Warnings if the lists at hand don't name this bundle.

        Raises ``VerificationError`` if they name another statement under its number.
        """
        if self.publisher is None:
            return ()
        told = verified.statement
        try:
            listed = self.publisher.find(told.stream, told.sequence)
        except MissingError:
            listed = None
        if listed is None:
            return (_NOT_LISTED,)
        self.publisher.check_continues(
            told.stream, ChainHead(told.sequence, verified.statement_sha256)
        )
        return ()


@dataclass(frozen=True, slots=True)
class TrustFolder:
    """Everything that a stand-alone verification may use."""

    partner: Partner
    agreements: tuple[Agreement, ...]
    contracts: Mapping[str, Contract]

    def trust(self, now: datetime, limits: Limits = DEFAULT_LIMITS) -> OfflineTrust:
        """Who may sign, as of ``now``. How old the lists at hand are is told, never refused.

        Raises ``VerificationError`` (step ``trust``) if the lists at hand don't lead back to the
        root, ``ConfigError`` if there are none.
        """
        partner = self.partner
        if partner.root is None:
            return OfflineTrust(partner.trust, (_SINGLE_KEYS,), None)
        memory = mkdtemp(prefix="hefu-trust-")
        try:
            publisher = open_publisher(
                self._lists(limits),
                Path(memory),
                partner.root,
                now,
                max_stale_days=_ANY_AGE_DAYS,
                limits=limits,
                with_facts=False,
            )
        except BaseException:
            discard(memory)
            raise
        weakref.finalize(publisher, discard, memory)
        warnings = (_stale(publisher.freshness),) if publisher.freshness.is_stale else ()
        return OfflineTrust(publisher.trust(partner.code), warnings, publisher)

    def _lists(self, limits: Limits) -> Carrier:
        folder = self.partner.folder
        if (folder / "metadata").is_dir():
            return FolderCarrier(folder)
        files = as_repository(self.partner.trusted_folder, limits)
        if not files:
            raise ConfigError(
                Text(
                    en="there is a root, but no signed lists of the publisher",
                    zh="有信任根，但没有发布方的签名清单",
                ),
                where=Where(str(folder)),
                hint=Text(
                    en="copy the publisher's metadata/ folder here, or take a partner's folder of "
                    "a node that has received",
                    zh="请将发布方的 metadata/ 目录复制到此处，"
                    "或使用已接收过数据的节点的合作单位目录",
                ),
            )
        return MemoryCarrier(files, str(self.partner.trusted_folder))

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


_ANY_AGE_DAYS = 36_500
_SINGLE_KEYS = Text(
    en="single keys are trusted: whether they were revoked was not looked at",
    zh="仅凭单个公钥验证：未检查密钥是否已被撤销",
)
_NOT_LISTED = Text(
    en="the signed lists at hand do not name this bundle: they may be older than it",
    zh="现有签名清单未列出该数据包：清单可能早于该数据包",
)


def _stale(fresh: Freshness) -> Text:
    published, ended = (f"{t:%Y-%m-%d}" for t in (fresh.published_time, fresh.expires))
    return Text(
        en=f"the signed lists are of {published} and held until {ended}: a key that was revoked "
        "since is not known here",
        zh=f"签名清单发布于 {published}，有效期至 {ended}：此后撤销的密钥在此无法得知",
    )
