"""Signed decisions: what a named person decided, in an envelope that this agency's keys sign.

    decisions/<sha256>.dsse.json

The act (or record) that rests on a decision carries the digest of that file. A Prefect form or a
command line only collects what the person says; this is the proof of it. The file names the
person and says why: it stays on the node.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cooperation.procedures.act import Act, Material
from exchange.bundle.dsse import read_envelope, sign, verify_signatures
from exchange.bundle.statement import STATEMENT_TYPE, format_time
from exchange.files import put_durably, sync_folder
from exchange.jsontext import canonical, parse_strict, sha256_hex
from exchange.keys.signing import PublicKey
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.tree import read_tree
from exchange.trust import roles
from exchange.trust.role_keys import keys_of
from hefu.node import Node
from schemas.errors import DataError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, Root, Targets

PREDICATE_TYPE = "urn:hefu:decision:1"
ACT = "procedure_act"
FOLDER = "decisions"
_HEX = frozenset("0123456789abcdef")
#: What the signature can't cover: it is made from it, or only known afterwards.
_NOT_SIGNED = frozenset({"record_id", "decision_sha256"})

Value = str | int | bool | list["Value"]


class DecisionError(DataError):
    """The signed decision behind an act is missing, changed, or not by a key of this agency."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision whose signature and digest were checked. ``kind``: what it is about;
    ``key_ids``: who signed; ``keys_version``: the version of our list of keys that named them."""

    sha256: str
    kind: str
    fields: Mapping[str, Value]
    key_ids: tuple[str, ...]
    keys_version: int


def sign_statement(node: Node, kind: str, fields: Mapping[str, object]) -> str:
    """Sign what was decided, keep it, and return the SHA-256 of the signed file.

    Args:
        kind: what it is about, as a record type (``recognition``).
        fields: texts, numbers, aware times and lists of them; what has no value is left out.

    Raises ``ConfigError`` if this node has no keys, or fewer than its bundles are signed with.
    """
    told = plain_fields(fields)
    tree = read_tree(node.place("repository"))
    keys, threshold = keys_of(tree.targets, roles.BUNDLES)
    signers = node.signers().all
    roles.check_signers(signers, keys, threshold, roles.BUNDLES)
    payload = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": kind, "digest": {"sha256": sha256_hex(canonical(told))}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "kind": kind,
            "keys_version": tree.meta[roles.TARGETS].version,
            "fields": told,
        },
    }
    ours = [signer for signer in signers if PublicKey.of(signer) in keys]
    return _keep(node, sign(canonical(payload), ours))


def sign_decision(node: Node, act: Act) -> str:
    """:func:`sign_statement` of an act: all its fields but those that follow from the signature."""
    return sign_statement(node, ACT, act_fields(act))


def act_fields(act: Act) -> dict[str, object]:
    """What is signed of an act. An act read from the lake gives the same as the one written."""
    return {f.name: getattr(act, f.name) for f in fields(act) if f.name not in _NOT_SIGNED}


def verify_decision(node: Node, sha256: str) -> Decision:
    """Read a decision and check its digest and signatures.

    The keys are those that this agency's list named when it was signed, whatever holds today.
    Raises :class:`DecisionError`.
    """
    path = _path(node, sha256)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise _bad(
            path, Text(en="the signed decision is missing", zh="签名的决定记录缺失")
        ) from error
    if sha256_hex(data) != sha256:
        raise _bad(path, Text(en="the signed decision was changed", zh="签名的决定记录已被改动"))
    try:
        return _verified(node, sha256, data)
    except (VerificationError, KeyError, TypeError, ValueError) as error:
        raise _bad(
            path,
            Text(
                en="the decision is not signed by a key that this agency had",
                zh="决定记录的签名不是本机关当时的密钥所作",
            ),
        ) from error


def verify_act(node: Node, act: Act) -> Decision:
    """The decision behind an act of ours: signed, and of the same content as the act.

    Raises :class:`DecisionError`, which names the fields that differ.
    """
    decision = verify_decision(node, act.decision_sha256 or "")
    told = plain_fields(act_fields(act))
    differing = sorted(
        name
        for name in {*told, *decision.fields}
        if told.get(name) != decision.fields.get(name) or decision.kind != ACT
    )
    if differing:
        raise _bad(
            _path(node, decision.sha256),
            Text(
                en=f"the act is not what was decided: {', '.join(differing)}",
                zh=f"该环节的内容与签名的决定不一致：{'、'.join(differing)}",
            ),
        )
    return decision


def plain_fields(fields: Mapping[str, object]) -> dict[str, Value]:
    """Values in one spelling: NFC texts, UTC times; without those that say nothing."""
    told = {name: _plain(value) for name, value in fields.items()}
    return {name: value for name, value in told.items() if value not in (None, "", False, [])}


def _plain(value: object) -> Value | None:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Material):
        return [value.kind, value.state, value.title, value.sha256]
    if isinstance(value, (tuple, list)):
        return [one for one in map(_plain, value) if one is not None]
    return unicodedata.normalize("NFC", str(value)).strip()


def _keep(node: Node, envelope: bytes) -> str:
    digest = sha256_hex(envelope)
    folder = node.root / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    put_durably(folder / f"{digest}.dsse.json", envelope)
    sync_folder(folder)
    return digest


def _path(node: Node, sha256: str) -> Path:
    name = sha256 if len(sha256) == 64 and set(sha256) <= _HEX else "none"
    return node.root / FOLDER / f"{name}.dsse.json"


def _verified(node: Node, sha256: str, data: bytes) -> Decision:
    envelope = read_envelope(data, DEFAULT_LIMITS)
    told = parse_strict(envelope.payload, "statement", FOLDER, DEFAULT_LIMITS)
    predicate = told["predicate"]
    if (told["_type"], told["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise ValueError("not a decision")
    version = int(predicate["keys_version"])
    keys, threshold = _keys_at(node.place("repository"), version)
    signed, _ = verify_signatures(envelope, keys, threshold)
    return Decision(
        sha256,
        str(predicate["kind"]),
        dict(predicate["fields"]),
        tuple(key.key_id for key in signed),
        version,
    )


def _keys_at(repository: Path, version: int) -> tuple[Sequence[PublicKey], int]:
    """Who signed bundles by that version of our list, itself signed by our root keys of then.

    Raises ``ValueError`` if there is no such list of ours.
    """
    from tuf.api.metadata import Metadata

    path = repository / roles.metadata_file(roles.TARGETS, version)
    if not path.is_file():
        raise ValueError("no such list of keys")
    targets: Metadata[Targets] = Metadata.from_bytes(path.read_bytes())
    for root in _roots(repository):
        keys, threshold = keys_of(root, roles.TARGETS)
        if len(roles.signed_by(targets, keys)) >= threshold:
            return keys_of(targets.signed, roles.BUNDLES)
    raise ValueError("a list of keys that no root of ours signed")


def _roots(repository: Path) -> Iterator[Root]:
    from tuf.api.metadata import Metadata

    version = 1
    while (path := repository / roles.metadata_file(roles.ROOT, version)).is_file():
        found: Metadata[Root] = Metadata.from_bytes(path.read_bytes())
        yield found.signed
        version += 1


def _bad(path: Path, message: Text) -> DecisionError:
    return DecisionError(
        message,
        where=Where(str(path)),
        hint=Text(
            en="get the file back from a backup of the node; if there is none, the person in "
            "charge decides anew and the matter's paper file proves the first decision",
            zh="请从节点备份中恢复该文件；没有备份的，以纸质案卷证明原决定，并报负责人处理",
        ),
    )
