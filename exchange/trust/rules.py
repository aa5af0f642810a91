"""What we ask of TUF metadata beyond what TUF asks: one form, and no other.

A client of TUF passes over what it does not know and counts key *ids*. Here a field that nobody
defined is refused unless its name begins with ``x-``, a key has one id (its own digest), and each
role lists what ``exchange/FORMAT.md`` says it lists, under names that lead nowhere else. Pure: the
signatures are python-tuf's work, and were checked before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from exchange.errors import refusal
from exchange.jsontext import parse_strict
from exchange.keys.points import is_sound
from exchange.keys.signing import PublicKey
from exchange.limits import DEFAULT_LIMITS, Limits
from exchange.trust.agency import AGENCY_TARGET
from exchange.trust.roles import (
    BUNDLES,
    SEGMENT_SIZE,
    segment_paths,
    target_file,
)
from schemas.errors import VerificationError
from schemas.text import Text

BUNDLES_PATHS = ["streams/*/*"]

_SEGMENT = re.compile(r"([a-z0-9][a-z0-9._-]{0,199})\.([0-9]{6})", re.ASCII)
_Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Version = Annotated[int, Field(ge=1, le=2**53 - 1)]
_Size = Annotated[int, Field(ge=1, le=2**53 - 1)]


def _moment(text: str) -> str:
    """Of the right form, and a moment that there is."""
    datetime.strptime(text, _TIME_FORM).replace(tzinfo=UTC)
    return text


_TIME_FORM = "%Y-%m-%dT%H:%M:%SZ"
_D = "[0-9]"
_Time = Annotated[
    str,
    StringConstraints(pattern=rf"^{_D}{{4}}-{_D}{{2}}-{_D}{{2}}T{_D}{{2}}:{_D}{{2}}:{_D}{{2}}Z$"),
    AfterValidator(_moment),
]


def _only_true(value: object) -> object:
    """In Python the number 1 is equal to ``True``; in JSON it is another value."""
    if value is not True:
        raise ValueError("true, and no number")
    return value


@dataclass(frozen=True, slots=True)
class Listed:
    """A bundle that the publisher's lists name. ``size`` in bytes, of the file as published."""

    path: str
    """Below ``targets/``, without the digest."""
    size: int
    sha256: str
    is_encrypted: bool
    statement_sha256: str
    sequence: int

    @property
    def place(self) -> str:
        """Where the file lies in the repository."""
        return target_file(self.path, self.sha256)

    def check_statement(self, statement_sha256: str) -> None:
        """The verified bundle's statement must be the listed one: what the list shows of an
        encrypted bundle is what partners compare. Raises ``VerificationError``."""
        if statement_sha256 != self.statement_sha256:
            raise refusal(
                "trust",
                Text(
                    en="the list names another statement than the bundle holds",
                    zh="清单所列的声明与数据包中的声明不符",
                ),
                expected=self.statement_sha256,
                found=statement_sha256,
                entry=self.path,
            )


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _said_or_not(cls, value: Any) -> Any:
        """What is left out is left out: ``null`` is no way to say nothing."""
        if isinstance(value, dict) and None in value.values():
            raise ValueError("no null")
        return value


class _KeyValue(_Form):
    public: _Hex64


class KeyForm(_Form):
    """One Ed25519 key."""

    keytype: Literal["ed25519"]
    scheme: Literal["ed25519"]
    keyval: _KeyValue

    @property
    def key(self) -> PublicKey:
        return PublicKey(bytes.fromhex(self.keyval.public))


class RoleForm(_Form):
    keyids: Annotated[list[_Hex64], Field(min_length=1, max_length=16)]
    threshold: Annotated[int, Field(ge=1, le=16)]


class DelegationForm(RoleForm):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,206}$")]
    paths: Annotated[list[str], Field(min_length=1, max_length=64)]
    terminating: bool


class _Delegations(_Form):
    keys: dict[_Hex64, KeyForm]
    roles: list[DelegationForm]


class _Hashes(_Form):
    sha256: _Hex64


class _Meta(_Form):
    version: _Version
    length: _Size | None = None
    hashes: _Hashes | None = None


class _Custom(_Form):
    statement: _Hex64 = Field(alias="statement_sha256")


class TargetForm(_Form):
    length: _Size
    hashes: _Hashes
    custom: _Custom | None = None


class _Signed(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    version: _Version
    spec_version: Annotated[str, StringConstraints(pattern=r"^1\.0\.[0-9]+$")]
    expires: _Time


class _Roles(_Form):
    root: RoleForm
    targets: RoleForm
    snapshot: RoleForm
    timestamp: RoleForm


class RootForm(_Signed):
    type_: Literal["root"] = Field(alias="_type")
    consistent_snapshot: Annotated[bool, AfterValidator(_only_true)]
    keys: dict[_Hex64, KeyForm]
    roles: _Roles


class TimestampForm(_Signed):
    type_: Literal["timestamp"] = Field(alias="_type")
    meta: dict[Literal["snapshot.json"], _Meta]
    published: _Time = Field(alias="x-hefu-published")

    @property
    def published_time(self) -> datetime:
        return datetime.fromisoformat(self.published)


class SnapshotForm(_Signed):
    type_: Literal["snapshot"] = Field(alias="_type")
    meta: dict[str, _Meta]


class TargetsForm(_Signed):
    type_: Literal["targets"] = Field(alias="_type")
    targets: dict[str, TargetForm]
    delegations: _Delegations | None = None


class _Signature(_Form):
    keyid: _Hex64
    sig: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]


class _Envelope(_Form):
    signatures: Annotated[list[_Signature], Field(min_length=1)]
    signed: dict[str, Any]


_Any = TypeVar("_Any", bound=BaseModel)


def read_signed(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """The signed part of a metadata file. Raises ``VerificationError`` (step ``trust``) unless it
    is JSON that two parsers read alike, in an envelope without anything else."""
    value = parse_strict(data, "trust", name, limits, is_canonical=False)
    envelope = _formed(_Envelope, value, name)
    if len(envelope.signatures) > limits.signature_count:
        raise _not_ours(name, f"at most {limits.signature_count} signatures", "more", "signatures")
    # python-tuf asks OpenSSL alone; PublicKey.verifies, for statements, asks this as well.
    if not all(is_sound(bytes.fromhex(one.sig)[:32]) for one in envelope.signatures):
        raise _not_ours(name, "signatures on which no verifiers differ", "another", "signatures")
    return envelope.signed


def check_root(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> RootForm:
    """A root whose keys are named by their own digests and whose thresholds can be met."""
    root = _signed(RootForm, data, name, limits)
    _check_keys(root.keys, name)
    for role in (root.roles.root, root.roles.targets, root.roles.snapshot, root.roles.timestamp):
        _check_role(role, root.keys, name)
    return root


def check_timestamp(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> TimestampForm:
    return _signed(TimestampForm, data, name, limits)


def check_snapshot(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> SnapshotForm:
    """A snapshot that names ``targets``, ``bundles`` and segments of streams, and nothing else."""
    snapshot = _signed(SnapshotForm, data, name, limits)
    for file in snapshot.meta:
        role = file.removesuffix(".json")
        if role == file or (role not in ("targets", BUNDLES) and segment_of(role) is None):
            raise _not_ours(name, "targets, bundles and segments of streams", file, "meta")
    return snapshot


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signs bundles: the delegation of ``bundles``."""

    key_ids: frozenset[str]
    keys: tuple[PublicKey, ...]
    threshold: int


def check_targets(
    data: bytes, name: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[TargetForm, SignedBy]:
    """The top-level targets: the agency's facts, and one delegation, that of ``bundles``."""
    targets = _signed(TargetsForm, data, name, limits)
    if set(targets.targets) != {AGENCY_TARGET}:
        found = ", ".join(sorted(targets.targets)) or "nothing"
        raise _not_ours(name, AGENCY_TARGET, found, "targets")
    roles = _delegations(targets, name)
    if [(role.name, role.paths) for role in roles] != [(BUNDLES, BUNDLES_PATHS)]:
        found = "; ".join(f"{role.name}: {' '.join(role.paths)}" for role in roles)
        raise _not_ours(name, f"{BUNDLES}: {' '.join(BUNDLES_PATHS)}", found, "delegations")
    known = targets.delegations.keys if targets.delegations else {}
    keys = tuple(known[key_id].key for key_id in roles[0].keyids)
    signed_by = SignedBy(frozenset(roles[0].keyids), keys, roles[0].threshold)
    return targets.targets[AGENCY_TARGET], signed_by


def check_bundles(
    data: bytes, name: str, signed_by: SignedBy, limits: Limits = DEFAULT_LIMITS
) -> frozenset[str]:
    """The segments' role names. They list under the keys of ``bundles`` and no others."""
    bundles = _signed(TargetsForm, data, name, limits)
    if bundles.targets:
        raise _not_ours(name, "no files of its own", min(bundles.targets), "targets")
    segments = _delegations(bundles, name)
    for role in segments:
        if segment_of(role.name) is None:
            raise _not_ours(name, "segments of streams", role.name, "delegations")
        if role.paths != segment_paths(role.name):
            raise _not_ours(name, "the paths of its 256 numbers", " ".join(role.paths), role.name)
        if (frozenset(role.keyids), role.threshold) != (signed_by.key_ids, signed_by.threshold):
            raise _not_ours(name, "the keys and threshold of bundles", "others", role.name)
    return frozenset(role.name for role in segments)


def check_segment(
    data: bytes, name: str, role: str, limits: Limits = DEFAULT_LIMITS
) -> dict[int, Listed]:
    """What a segment lists, by sequence. ``role``: a name that :func:`segment_of` knows."""
    stream, _, digits = role.rpartition(".")
    number = int(digits)
    segment = _signed(TargetsForm, data, name, limits)
    if segment.delegations is not None and segment.delegations.roles:
        raise _not_ours(name, "no delegations", segment.delegations.roles[0].name, "delegations")
    listed: dict[int, Listed] = {}
    form = re.compile(rf"streams/{re.escape(stream)}/([0-9]{{8}})\.hefu(\.age)?", re.ASCII)
    for path, target in segment.targets.items():
        match = form.fullmatch(path)
        sequence = int(match[1]) if match else 0
        if sequence < 1 or (sequence - 1) // SEGMENT_SIZE != number:
            raise _not_ours(name, f"bundles of segment {number} of {stream}", path, "targets")
        if sequence in listed:
            raise _not_ours(name, "each number once", path, "targets")
        if target.custom is None:
            raise _not_ours(name, "the digest of its statement", "none", path)
        listed[sequence] = Listed(
            path,
            target.length,
            target.hashes.sha256,
            path.endswith(".age"),
            target.custom.statement,
            sequence,
        )
    return listed


def segment_of(role: str) -> tuple[str, int] | None:
    """Stream and number of a segment's role, None for any other name."""
    found = _SEGMENT.fullmatch(role)
    return (found[1], int(found[2])) if found else None


def _delegations(targets: TargetsForm, name: str) -> list[DelegationForm]:
    if targets.delegations is None:
        return []
    _check_keys(targets.delegations.keys, name)
    for role in targets.delegations.roles:
        _check_role(role, targets.delegations.keys, name)
    return targets.delegations.roles


def _check_keys(keys: dict[str, KeyForm], name: str) -> None:
    """A key's id is its digest: so one key never has two ids, and never counts twice."""
    for key_id, form in keys.items():
        if form.key.key_id != key_id:
            raise refusal(
                "trust",
                Text(en="a key is named by a wrong id", zh="密钥标识与密钥不符"),
                expected=form.key.key_id,
                found=key_id,
                entry=name,
                hint=_ASK_ROOT,
            )
        if not is_sound(form.key.raw):
            raise refusal(
                "trust",
                Text(en="a key is one that signs anything", zh="存在无效密钥（任何签名均可通过）"),
                expected="a public key that somebody holds the private key of",
                found="a weak or doubly written point of the curve",
                entry=name,
                hint=_ASK_ROOT,
            )


def _check_role(role: RoleForm, keys: dict[str, KeyForm], name: str) -> None:
    if len(set(role.keyids)) != len(role.keyids):
        raise _not_ours(name, "each key once", "a key that is there twice", "keyids")
    if not set(role.keyids) <= set(keys):
        raise _not_ours(name, "keys that are there", "an id without its key", "keyids")
    if role.threshold > len(role.keyids):
        raise _not_ours(
            name, f"a threshold of at most {len(role.keyids)}", role.threshold, "threshold"
        )


def _signed(form: type[_Any], data: bytes, name: str, limits: Limits) -> _Any:
    value = read_signed(data, name, limits)
    for field, said in value.items():
        if said is None and not field.startswith("x-"):
            raise _not_ours(name, "no null", "null", field)
    signed = _formed(form, value, name)
    for field in signed.model_extra or {}:
        if not field.startswith("x-"):
            raise _not_ours(name, "fields that FORMAT.md names, or x-…", field, field)
    return signed


def _formed(form: type[_Any], value: object, name: str) -> _Any:
    try:
        return form.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise _not_ours(name, first["msg"], first["type"], field) from None


def _not_ours(name: str, expected: object, found: object, field: str) -> VerificationError:
    return refusal(
        "trust",
        Text(
            en="the repository's signed lists are not of the form that was agreed",
            zh="发布库的签名清单不符合约定的格式",
        ),
        expected=expected,
        found=found,
        entry=name,
        field=field,
        hint=_ASK_ROOT,
    )


_ASK_ROOT = Text(
    en="nothing was taken in; send this message to the publisher, whose program signed the lists",
    zh="未接收任何数据；请将本提示转告发布方，由其检查签发清单的程序",
)
