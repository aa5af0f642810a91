"""A node's configuration: who this agency is and where its things lie.

On disk (all made by ``hefu init``)::

    hefu.toml                                    this file's model
    sources/<system>/<stream>/source.toml        what is pulled       (connectors.config)
    sources/<system>/<stream>/mapping.sql        what it means        (schemas.mapping)
    codes/<list>.csv                             how its systems write codes (schemas.codes)
    rules/<pack>.toml                            law of its own place (schemas.node_packs)
    calendar/*.toml                              days not yet known (schemas.law.calendar)
    agreements/*.toml                            who may have what    (exchange.agreement.model)
    partners/<code>/partner.toml, *.pem          whom we trust        (exchange.trust.partner)
    keys/                                        private, 0600
    landing/ lake/ quarantine/ repository/ sent/ sealed/ inbox/ reports/ tmp/
    standing/                                    how sources have answered lately
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from exchange.repository.settings import Access
from hefu.secret_values import resolve
from schemas.errors import ConfigError, Where
from schemas.text import Text
from schemas.toml import load_toml

if TYPE_CHECKING:
    from pyrage.x25519 import Identity
    from securesystemslib.signer import Signer

    from connectors.config import SourceConfig
    from exchange.agreement.model import Agreement
    from exchange.trust.partner import Partner
    from exchange.trust.roles import Periods, Signers
    from schemas.contract import Contract, Rule
    from schemas.law.calendar import Calendar
    from schemas.rulepack import RulePack
    from schemas.sql import Codes

CONFIG_NAME = "hefu.toml"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Agency(_Model):
    """The agency whose node this is. ``code``: unified social credit code, GB 32100."""

    code: str = Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")
    name: str = Field(min_length=1)
    division_code: str = Field(pattern=r"^[0-9]{6}$")
    business_domain: str | None = None


class Machine(_Model):
    """What the pipeline may take of the machine."""

    time_zone: str = "Asia/Shanghai"
    memory_limit: str = "1GB"
    threads: int | None = None


class Cosigner(_Model):
    """One more key that signs this agency's bundles."""

    signer: str
    passphrase: str | None = None
    public_key: str | None = None


class Keys(_Model):
    """The key that signs this agency's bundles, and the name of its passphrase."""

    signer: str = "file:keys/signing.pem"
    passphrase: str | None = "file:keys/passphrase"  # noqa: S105 (the name of one, not one)
    public_key: str | None = None
    """PEM file of the signer's public key; a ``file:`` signer has it beside it (``.pub.pem``)."""
    cosigners: tuple[Cosigner, ...] = ()
    """Who signs too, when the role that signs bundles has a threshold above one."""
    identity: str = "file:keys/identity.pem"
    """The X25519 key (PKCS#8, same passphrase) that opens what partners encrypt for us."""
    former_identities: tuple[str, ...] = ()
    """Identities that were rotated out: bundles made for them can still be opened."""


class Places(_Model):
    """Where things lie; relative paths are below the node."""

    landing: str = "landing"
    lake: str = "lake"
    quarantine: str = "quarantine"
    repository: str = "repository"
    inbox: str = "inbox"
    reports: str = "reports"
    tmp: str = "tmp"
    sent: str = "sent"
    sealed: str = "sealed"


class PublishingPlace(_Model):
    """A place that ``repository`` is copied to after each publication (exchange.repository)."""

    at: str
    """A folder, ``s3://bucket/prefix`` or ``sftp://user@host[:port]/path``."""
    access: Access = Access()


class Publishing(_Model):
    """How long what this node signs is good for, and where it is copied to."""

    timestamp_days: int = Field(default=14, ge=1, le=366)
    snapshot_days: int = Field(default=14, ge=1, le=366)
    bundles_days: int = Field(default=366, ge=1, le=3660)
    offline_days: int = Field(default=1098, ge=30, le=3660)
    """Root and the list of roles, signed with the offline keys."""
    places: tuple[PublishingPlace, ...] = ()


class Keeping(_Model):
    """How long what was received is kept as it was received (docs/landing.md)."""

    keep_days: int | None = Field(default=None, ge=1)
    """None: for ever."""


class NodeConfig(_Model):
    """``hefu.toml``."""

    agency: Agency
    node: Machine = Machine()
    keys: Keys = Keys()
    places: Places = Places()
    landing: Keeping = Keeping()
    publishing: Publishing = Publishing()


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of one of the agency's systems."""

    folder: Path
    config: SourceConfig
    mapping_path: Path

    @property
    def stream_id(self) -> str:
        return f"{self.config.system}/{self.config.stream}"


@dataclass(frozen=True, slots=True)
class Node:
    """A loaded node. Sources, agreements and partners are read when asked for."""

    root: Path
    config: NodeConfig

    @property
    def agency(self) -> Agency:
        return self.config.agency

    def place(self, name: str) -> Path:
        """The folder of one of :class:`Places`' names, absolute."""
        return self.root / str(getattr(self.config.places, name))

    def pair_key_path(self, partner: str) -> Path:
        """Where the secret lies that makes tokens for one partner (``exchange.keys.pairs``)."""
        return self.root / "keys" / "pairs" / f"{partner}.key"

    @property
    def secrets(self) -> Callable[[str], str]:
        return partial(resolve, root=self.root)

    def sources(self, wanted: list[str] | None = None) -> list[Source]:
        """The node's sources in order of name; ``wanted`` names systems or system/stream."""
        from connectors.config import load_source

        folders = sorted(p.parent for p in (self.root / "sources").glob("*/*/source.toml"))
        found = [Source(f, load_source(f), f / "mapping.sql") for f in folders]
        if not wanted:
            return found
        known = {s.stream_id for s in found} | {s.config.system for s in found}
        for name in wanted:
            if name not in known:
                raise ConfigError(
                    Text(en=f"there is no source {name!r}", zh=f"没有名为 {name!r} 的数据来源"),
                    where=Where(str(self.root / "sources")),
                    hint=Text(
                        en=f"known: {', '.join(sorted(known)) or 'none yet'}",
                        zh=f"现有：{'、'.join(sorted(known)) or '（无）'}",
                    ),
                )
        return [s for s in found if s.stream_id in wanted or s.config.system in wanted]

    def codes(self) -> Codes:
        """The code lists by name, with the node's own rows of ``codes/<list>.csv``.

        Read anew each time, so that a row added now is used by the next run. Raises
        ``ConfigError`` with file and line of a row that can't be used.
        """
        from schemas.codes import load_codes

        return load_codes(self.root / "codes")

    def rule_packs(self) -> tuple[RulePack, ...]:
        """The installed rule packs, then the node's own of ``rules/<pack>.toml``.

        Read anew each time, as :meth:`codes`. Raises ``ConfigError`` with file and line.
        """
        from schemas.node_packs import load_rule_packs

        return load_rule_packs(self.root / "rules")

    def calendar(self) -> Calendar:
        """The installed calendar, with the days of ``calendar/*.toml`` over it.

        Read anew each time. Raises ``ConfigError`` with file and line.
        """
        from schemas.law.calendar import load_calendar

        folder = self.root / "calendar"
        return load_calendar(folder if folder.is_dir() else None)

    def rules(self, contract: Contract, names: Collection[str] | None = None) -> tuple[Rule, ...]:
        """What records are judged by here: ``Contract.rules`` with the node's own law and days.

        For once in a run, not for each row. Raises ``ConfigError`` as the two above.
        """
        from schemas.sealed import sealed_rules

        return (
            *contract.rules(names, self.rule_packs(), self.calendar()),
            *sealed_rules(contract, names),
        )

    def signers(self) -> Signers:
        """Who signs for this agency here: the online key, then the cosigners at hand.

        Raises ``ConfigError`` for a key that is missing or can't be opened.
        """
        from exchange.trust.roles import Signers

        keys = self.config.keys
        return Signers((self._signer(keys), *(self._signer(one) for one in keys.cosigners)))

    def _signer(self, key: Keys | Cosigner) -> Signer:
        from exchange.keys.signing import load_public_key, load_signer

        public = load_public_key(self.root / key.public_key) if key.public_key else None
        secret = self.secrets(key.passphrase) if key.passphrase else None
        return load_signer(key.signer, secret, root=self.root, public_key=public)

    def identities(self) -> list[Identity]:
        """The keys that open what partners encrypt for us, the one in use first."""
        from exchange.keys.identity import load_identity

        return [load_identity(path, secret) for path, secret in self._identity_files()]

    def own_recipient(self) -> str:
        """The age recipient (``age1…``) of the identity in use."""
        from exchange.keys.identity import load_recipient

        path, secret = self._identity_files()[0]
        return load_recipient(path, secret)

    def _identity_files(self) -> list[tuple[Path, str]]:
        keys = self.config.keys
        secret = self.secrets(keys.passphrase) if keys.passphrase else ""
        names = (keys.identity, *keys.former_identities)
        return [(self.root / name.removeprefix("file:"), secret) for name in names]

    def periods(self) -> Periods:
        """How long what this node signs is good for."""
        from exchange.trust.roles import Periods

        told = self.config.publishing
        return Periods(
            timestamp=timedelta(days=told.timestamp_days),
            snapshot=timedelta(days=told.snapshot_days),
            bundles=timedelta(days=told.bundles_days),
            offline=timedelta(days=told.offline_days),
        )

    def agreements(self) -> list[Agreement]:
        """Every file of ``agreements/``, several versions of one side by side.

        Which of them holds: ``exchange.agreement.versions``. Raises ``ConfigError`` with file,
        line and key, also for two different texts of one version.
        """
        from exchange.agreement.model import load_agreement
        from exchange.agreement.versions import check_side_by_side

        files = sorted((self.root / "agreements").glob("*.toml"))
        found = [load_agreement(path) for path in files]
        check_side_by_side(found)
        return found

    def partners(self) -> list[Partner]:
        from exchange.trust.partner import load_partner

        folders = sorted(p.parent for p in (self.root / "partners").glob("*/partner.toml"))
        return [load_partner(f) for f in folders]


def load_node(root: Path | str) -> Node:
    """Read a node's ``hefu.toml``.

    Raises :class:`ConfigError` naming file, line and key.
    """
    folder = Path(root).absolute()
    path = folder / CONFIG_NAME
    if not path.is_file():
        raise ConfigError(
            Text(en="this folder is not a node", zh="此文件夹不是节点"),
            where=Where(str(path)),
            hint=Text(
                en="run hefu init DIR to make one, or point --node at one",
                zh="用 hefu init 目录 新建，或用 --node 指定已有节点",
            ),
        )
    return Node(folder, load_toml(path, NodeConfig))
