"""Signed decisions: what a named person decided, in an envelope that this agency's key signs.

    decisions/<sha256>.dsse.json

The act that rests on it carries the digest. A Prefect form or a command line only collects what
the person says; this is the proof of it. The file names the person: it stays on the node.
"""

from __future__ import annotations

from dataclasses import fields

from cooperation.procedures.act import Act
from exchange.bundle.dsse import sign
from exchange.files import put_durably, sync_folder
from exchange.jsontext import canonical, sha256_hex
from hefu.node import Node

KIND = "urn:hefu:decision:1"
#: What the signature can't cover: it is made from it, or only known afterwards.
_NOT_SIGNED = frozenset({"record_id", "decision_sha256"})


def sign_decision(node: Node, act: Act) -> str:
    """Sign what was decided and keep it; returns the SHA-256 of the envelope."""
    envelope = sign(canonical(statement(act)), node.signers().all)
    digest = sha256_hex(envelope)
    folder = node.root / "decisions"
    folder.mkdir(mode=0o700, exist_ok=True)
    put_durably(folder / f"{digest}.dsse.json", envelope)
    sync_folder(folder)
    return digest


def statement(act: Act) -> dict[str, object]:
    """What is signed: every field of the act that has a value, as text or lists of text."""
    told = {f.name: getattr(act, f.name) for f in fields(act) if f.name not in _NOT_SIGNED}
    return {"kind": KIND} | {name: _plain(value) for name, value in told.items() if value}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, (str, int, bool)) else str(value)
