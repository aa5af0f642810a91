"""What this node has been told of chains, read from what it kept: statements, ledger, metadata.

The statements in ``inbox/`` and ``sent/`` were verified when they were put there and lie in this
node's own folders; they are read again here without their bundles. ``inbox/<publisher>/forks/``
holds statements and metadata that came with a partner's notes and contradict what was known.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.bundle.dsse import read_envelope
from exchange.bundle.policy import Trust
from exchange.bundle.statement import Head, Party, Predicate, read_statement
from exchange.jsontext import canonical, sha256_hex
from exchange.keys.signing import PublicKey
from exchange.limits import DEFAULT_LIMITS
from exchange.trust.evidence import STATEMENT
from flows.compare import Difference, Sighting, Told, compare, compare_metadata, told_by
from flows.heads import own_streams
from lake.ledger import Ledger
from schemas.errors import DataError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node

FORKS = "forks"
METADATA_SUFFIX = ".metadata.json"
#: Roles whose versions are compared: a segment is fixed by the snapshot that names it.
ROLES = ("root", "targets", "bundles", "snapshot", "timestamp")


@dataclass
class History:
    """Everything that was told, and where its proofs lie.

    ``statements``, ``files``: path of the statement or metadata file by digest (of the payload,
    of what is signed). ``own_last``: where this node's own streams end.
    """

    told: list[Told] = field(default_factory=list)
    seen: list[Sighting] = field(default_factory=list)
    statements: dict[str, Path] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    own_last: dict[str, int] = field(default_factory=dict)

    def add_statement(self, path: Path) -> int:
        """Returns the statement's number."""
        predicate, digest = _quick(path)
        self.statements.setdefault(digest, path)
        self.told += told_by(predicate, digest, str(path))
        return predicate.sequence


def history_of(node: Node) -> History:
    """All that this node has been told of. Raises ``DataError`` for a file that was damaged."""
    found = History()
    for path in sorted(node.place("inbox").glob(f"*/streams/*/*{STATEMENT}")):
        found.add_statement(path)
    for path in sorted(node.place("inbox").glob(f"*/{FORKS}/*{STATEMENT}")):
        found.add_statement(path)
    own = node.agency.code
    for entry in Ledger(str(node.place("lake"))).entries():
        found.told.append(
            Told(own, entry.publisher, entry.stream, entry.sequence, entry.statement_digest,
                 None, None, "lake/bundles")
        )  # fmt: skip
    for stream in own_streams(node):
        last = 0
        for path in sorted((node.place("sent") / stream).glob(f"*{STATEMENT}")):
            last = max(last, found.add_statement(path))
        found.own_last[stream] = last
    _add_metadata(node, found)
    return found


def forks(node: Node) -> list[Difference]:
    """What this node has been told that cannot all be so; empty when all is well."""
    history = history_of(node)
    return differences_of(history, node.agency.code)


def differences_of(history: History, own: str) -> list[Difference]:
    return [*compare(history.told, own, history.own_last), *compare_metadata(history.seen)]


def read_kept_statement(path: Path) -> tuple[Predicate, str]:
    """The predicate and digest of a statement that was verified when it was kept."""
    try:
        payload = read_envelope(path.read_bytes(), DEFAULT_LIMITS).payload
        return read_statement(payload, DEFAULT_LIMITS).predicate, sha256_hex(payload)
    except VerificationError as error:
        raise _damaged(path) from error


def _quick(path: Path) -> tuple[Predicate, str]:
    """As :func:`read_kept_statement` without looking at the form again, which takes ten times
    as long: there are as many statements as bundles were ever exchanged."""
    try:
        payload = base64.b64decode(json.loads(path.read_bytes())["payload"])
        plain = json.loads(payload)["predicate"]
        predicate = Predicate.model_construct(
            **{name: plain[name] for name in ("stream", "sequence", "previous_statement_sha256")},
            publisher=Party.model_construct(**plain["publisher"]),
            heads=[Head.model_construct(**one) for one in plain["heads"]],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    return predicate, sha256_hex(payload)


def _damaged(path: Path) -> DataError:
    return DataError(
        Text(en="this kept statement was damaged", zh="保存的声明文件已损坏"),
        where=Where(str(path)),
        hint=Text(en="put it back from a backup", zh="请从备份中恢复该文件"),
    )


def _add_metadata(node: Node, found: History) -> None:
    for path in sorted(node.place("inbox").glob("*/metadata/*.json")):
        _add_file(found, path.parent.parent.name, path)
    for path in sorted(node.place("inbox").glob(f"*/{FORKS}/*{METADATA_SUFFIX}")):
        _add_file(found, path.parent.parent.name, path)


def _add_file(found: History, publisher: str, path: Path) -> None:
    """Two files that differ in signatures alone say the same thing."""
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return  # a segment or a root is refused where it is used; here nothing rests on it
    sighting = sighting_of(publisher, value, str(path))
    if sighting is not None:
        found.seen.append(sighting)
        found.files.setdefault(sighting.digest, path)


def sighting_of(publisher: str, metadata: Any, where: str) -> Sighting | None:
    """None for what is not one of the compared roles."""
    signed = metadata.get("signed") if isinstance(metadata, dict) else None
    if not isinstance(signed, dict) or not isinstance(signed.get("version"), int):
        return None
    role = signed.get("_type")
    if role == "targets":
        role = _targets_role(signed)
    if role not in ROLES:
        return None
    return Sighting(publisher, role, signed["version"], sha256_hex(canonical(signed)), where, True)


def _targets_role(signed: Mapping[str, Any]) -> str | None:
    """Which of the roles of TUF's type ``targets`` this is: the top one lists ``agency.json`` and
    delegates ``bundles``; ``bundles`` delegates the segments and lists nothing."""
    delegated = signed.get("delegations")
    if not isinstance(delegated, dict):
        return None
    names = {r.get("name") for r in delegated.get("roles", ()) if isinstance(r, dict)}
    return "targets" if "bundles" in names else "bundles"


def is_signed_timestamp(node: Node, publisher: str, metadata: Mapping[str, Any]) -> bool:
    """Whether one of ``publisher``'s roots that this node knows has named the keys that signed
    this timestamp."""
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata, Root

    try:
        timestamp: Metadata[Any] = Metadata.from_dict(json.loads(json.dumps(metadata)))
    except (RepositoryError, ValueError, KeyError, TypeError, AttributeError):
        return False
    for path in _root_files(node, publisher):
        root = Metadata[Root].from_bytes(path.read_bytes())
        try:
            root.signed.verify_delegate("timestamp", timestamp.signed_bytes, timestamp.signatures)
        except RepositoryError:
            continue
        return True
    return False


def _root_files(node: Node, publisher: str) -> list[Path]:
    partner = node.root / "partners" / publisher
    kept = node.place("inbox") / publisher / "metadata"
    own = node.place("repository") / "metadata" if publisher == node.agency.code else None
    return [
        *(path for path in sorted(kept.glob("*.json")) if _type_of(path) == "root"),
        *sorted((partner / "trusted" / "root_history").glob("*.root.json")),
        *sorted(partner.glob("root.json")),
        *(sorted(own.glob("*.root.json")) if own else ()),
    ]


def _type_of(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())["signed"]["_type"]
    except (KeyError, TypeError, ValueError):
        return None


def known_trusts(node: Node, publisher: str) -> list[Trust]:
    """The key sets that ``publisher``'s offline keys have ever named for its statements, as far as
    this node has seen them; this agency's own, too."""
    folders = [node.place("inbox") / publisher / "metadata"]
    folders.append(node.root / "partners" / publisher / "trusted")
    if publisher == node.agency.code:
        folders.append(node.place("repository") / "metadata")
    files = [path for folder in folders for path in sorted(folder.glob("*.json"))]
    return list(dict.fromkeys(trust for path in files for trust in _trusts_in(publisher, path)))


def _trusts_in(publisher: str, path: Path) -> Iterator[Trust]:
    try:
        signed = json.loads(path.read_bytes())["signed"]
        delegations = signed["delegations"]
        for role in delegations["roles"]:
            if role["name"] == "bundles":
                keys = [delegations["keys"][one]["keyval"]["public"] for one in role["keyids"]]
                public = tuple(sorted({PublicKey(bytes.fromhex(k)) for k in keys}, key=_by_id))
                yield Trust(publisher, public, role["threshold"])
    except (KeyError, TypeError, ValueError):
        return  # agency.json and other files that are no metadata


def _by_id(key: PublicKey) -> str:
    return key.key_id
