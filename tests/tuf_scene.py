"""A publisher's repository as an attacker finds it, and what he can make of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner, Signer, SSlibKey

from exchange.jsontext import sha256_hex
from exchange.keys.signing import PublicKey

ENDLESS_BYTES = 64 * 1024 * 1024
"""As good as endless: no list may be as long. On a disk it is a file with a hole."""


@dataclass(frozen=True)
class Endless:
    """A file that begins like this and does not end."""

    start: bytes


Files = dict[str, bytes | Endless]


@dataclass(frozen=True)
class Scene:
    """``seen``: the repository when the reader looked last, ``now``: as it is, one bundle later."""

    seen: Mapping[str, bytes]
    now: Mapping[str, bytes]
    stream: str
    online: Signer

    @property
    def segment(self) -> str:
        return f"{self.stream}.000000"

    def version(self, role: str) -> int:
        """As the current snapshot or timestamp says it."""
        return version_of(self.now, role)

    def path(self, role: str) -> str:
        return path_of(self.now, role)

    def seen_path(self, role: str) -> str:
        return path_of(self.seen, role)

    def signed(self, path: str) -> dict[str, Any]:
        return dict(json.loads(self.now[path])["signed"])

    def newest_bundle(self) -> str:
        (path,) = (p for p in self.now if p.startswith("targets/streams/") and p not in self.seen)
        return path

    def first_bundle(self) -> str:
        (path,) = (p for p in self.seen if p.startswith(f"targets/streams/{self.stream}/"))
        return path


def version_of(files: Mapping[str, bytes], role: str) -> int:
    above = "timestamp" if role == "snapshot" else "snapshot"
    meta = json.loads(files[path_of(files, above)])["signed"]["meta"]
    return int(meta[f"{role}.json"]["version"])


def path_of(files: Mapping[str, bytes], role: str) -> str:
    if role == "timestamp":
        return "metadata/timestamp.json"
    return f"metadata/{version_of(files, role)}.{role}.json"


Change = Callable[[dict[str, Any]], object]


def signed_by(signer: Signer, signed: Mapping[str, Any]) -> bytes:
    signature = signer.sign(encode_canonical(dict(signed)).encode())
    return json.dumps(
        {
            "signatures": [{"keyid": signature.keyid, "sig": signature.signature}],
            "signed": signed,
        }
    ).encode()


def stranger() -> Signer:
    """A key that nobody trusts."""
    private = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    public = PublicKey(private.public_key().public_bytes_raw())
    return CryptoSigner(private, SSlibKey.from_crypto(private.public_key(), keyid=public.key_id))


def republished(
    scene: Scene, changes: Mapping[str, Change], signer: Signer | None = None, step: int = 1
) -> Files:
    """What a thief of the online key publishes: ``changes`` by role, and all above made good."""
    by = signer or scene.online
    files: Files = dict(scene.now)
    snapshot = scene.signed(scene.path("snapshot"))
    for role, change in changes.items():
        if role in ("snapshot", "timestamp"):
            continue
        signed = scene.signed(scene.path(role))
        signed["version"] += step
        change(signed)
        data = signed_by(by, signed)
        files[f"metadata/{signed['version']}.{role}.json"] = data
        snapshot["meta"][f"{role}.json"] = meta_of(signed["version"], data)
    snapshot["version"] += step
    changes.get("snapshot", unchanged)(snapshot)
    data = signed_by(by, snapshot)
    files[f"metadata/{snapshot['version']}.snapshot.json"] = data
    timestamp = scene.signed("metadata/timestamp.json")
    timestamp["version"] += step
    timestamp["meta"]["snapshot.json"] = meta_of(snapshot["version"], data)
    changes.get("timestamp", unchanged)(timestamp)
    files["metadata/timestamp.json"] = signed_by(by, timestamp)
    return files


def unchanged(signed: dict[str, Any]) -> None:
    """Leave it."""


def meta_of(version: int, data: bytes) -> dict[str, Any]:
    return {"version": version, "length": len(data), "hashes": {"sha256": sha256_hex(data)}}
