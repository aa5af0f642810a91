"""The attacks that the TUF specification names (1.0.34, section 1.5.2), as changes of files.

Each is told once and tried twice: against the client of a repository (``tests/exchange``) and
against a node that takes in (``tests/flows``). Whoever stands between publisher and reader can do
what the ``mirror`` does; the ``thief`` holds the publisher's online key as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from securesystemslib.signer import Signer
from tuf_scene import (
    Change,
    Endless,
    Files,
    Scene,
    meta_of,
    republished,
    signed_by,
    stranger,
    unchanged,
)

from schemas.errors import HefuError, RefusedError, RetryableError, VerificationError


@dataclass(frozen=True)
class Attack:
    """``kind``: the specification's name of it; ``days``: how long after ``Scene.now`` it is read;
    ``leaves``: what may be remembered of it: the lists above the segments, which were in order,
    or the segment, too."""

    kind: str
    name: str
    does: Callable[[Scene], Files]
    error: type[HefuError] = VerificationError
    step: str | None = "trust"
    says: str = ""
    days: int = 0
    leaves: Literal["nothing", "lists", "segment"] = "nothing"
    knows_now: bool = False
    """The reader has seen ``Scene.now`` before."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}".replace(" ", "-")

    @property
    def after(self) -> timedelta:
        return timedelta(days=self.days)

    @property
    def is_by_thief(self) -> bool:
        """Who holds the online key can move versions on; who stands between can not."""
        return "thief" in self.name or "online key" in self.name


def attacks() -> Iterator[Attack]:
    yield from _arbitrary_installation()
    yield from _endless_data()
    yield from _extraneous_dependencies()
    yield from _freeze_and_mirrors()
    yield from _mix_and_match()
    yield from _rollback()
    yield from _key_compromise()
    yield from _wrong_installation()


def _arbitrary_installation() -> Iterator[Attack]:
    kind = "arbitrary installation"
    yield Attack(
        kind,
        "a mirror puts its own file in a bundle's place",
        lambda s: {**s.now, s.newest_bundle(): b"PK" + s.now[s.newest_bundle()][2:][::-1]},
        says="not the one that is listed",
        leaves="segment",
    )
    yield Attack(
        kind,
        "a mirror signs all lists with a key of its own",
        lambda s: republished(s, {s.segment: unchanged}, stranger()),
        says="not signed by the keys",
    )
    yield Attack(
        kind,
        "a mirror changes the segment and leaves its signature",
        lambda s: {
            **s.now,
            s.path(s.segment): s.now[s.path(s.segment)].replace(b'"length"', b'"lenght"', 1),
        },
        says="not the one that is listed",
        leaves="lists",
    )
    yield Attack(
        kind,
        "a mirror starts a root of its own",
        lambda s: {**s.now, **_next_root(s, stranger())},
        says="not signed by the keys",
    )


def _next_root(scene: Scene, signer: Signer, **changes: Any) -> Files:
    version, root = max(
        (int(path.split("/")[1].split(".")[0]), path)
        for path in scene.now
        if path.endswith(".root.json")
    )
    signed = scene.signed(root) | {"version": version + 1} | changes
    return {f"metadata/{version + 1}.root.json": signed_by(signer, signed)}


def _endless_data() -> Iterator[Attack]:
    kind = "endless data"

    def endless(role: str) -> Callable[[Scene], Files]:
        return lambda s: {**s.now, s.path(role): Endless(s.now[s.path(role)])}

    yield Attack(
        kind,
        "the timestamp does not end",
        endless("timestamp"),
        step="fetch",
        says="larger than allowed",
    )
    yield Attack(
        kind,
        "the snapshot does not end",
        endless("snapshot"),
        step="fetch",
        says="larger than allowed",
    )
    yield Attack(
        kind,
        "the next root does not end",
        lambda s: {**s.now, next(iter(_next_root(s, s.online))): Endless(b'{"signed"')},
        step="fetch",
        says="larger than allowed",
    )

    def declared(scene: Scene) -> Files:
        files = republished(
            scene,
            {"timestamp": lambda s: s["meta"]["snapshot.json"].update(length=10**15)},
        )
        path = f"metadata/{scene.version('snapshot') + 1}.snapshot.json"
        snapshot = files[path]
        assert isinstance(snapshot, bytes)
        return {**files, path: Endless(snapshot)}

    yield Attack(
        kind,
        "a thief declares a snapshot of 10^15 bytes",
        declared,
        step="fetch",
        says="larger than allowed",
    )
    yield Attack(
        kind,
        "a bundle is longer than listed",
        lambda s: {**s.now, s.newest_bundle(): Endless(s.now[s.newest_bundle()])},
        says="not the one that is listed",
        leaves="segment",
    )

    def listed(scene: Scene) -> Files:
        def grow(signed: dict[str, Any]) -> None:
            for target in signed["targets"].values():
                target["length"] = 10**15

        files = republished(scene, {scene.segment: grow})
        return {**files, scene.newest_bundle(): Endless(b"PK")}

    yield Attack(
        kind,
        "a thief lists a bundle of 10^15 bytes",
        listed,
        step="fetch",
        says="larger than allowed",
        leaves="segment",
    )


def _extraneous_dependencies() -> Iterator[Attack]:
    kind = "extraneous dependencies"
    target = {
        "length": 1,
        "hashes": {"sha256": "0" * 64},
        "custom": {"statement_sha256": "0" * 64},
    }

    def also(path: str) -> Change:
        return lambda signed: signed["targets"].update({path: target})

    for name, path in [
        ("of another stream", "streams/another/00000001.hefu"),
        ("that climbs out", "../../keys/online.pem"),
        ("of another kind", "streams/{stream}/setup.exe"),
        ("of another segment", "streams/{stream}/00000257.hefu"),
    ]:
        yield Attack(
            kind,
            f"a thief lists a file {name} beside the bundle",
            lambda s, path=path: republished(  # type: ignore[misc]  # mypy knows no default here
                s, {s.segment: also(path.format(stream=s.stream))}
            ),
            says="not of the form",
            leaves="lists",
        )

    def delegating(signed: dict[str, Any]) -> None:
        role = dict(signed["delegations"]["roles"][0])
        signed["delegations"]["roles"].append(role | {"name": "programs", "paths": ["*"]})

    yield Attack(
        kind,
        "a thief delegates a list of other things",
        lambda s: republished(s, {"bundles": delegating}),
        says="not of the form",
    )


def _freeze_and_mirrors() -> Iterator[Attack]:
    yield Attack(
        "indefinite freeze",
        "a mirror shows for a month what it showed before",
        lambda s: dict(s.seen),
        says="too old",
        days=31,
    )
    yield Attack(
        "indefinite freeze",
        "a mirror goes on showing the current lists after their end",
        lambda s: dict(s.now),
        says="too old",
        days=15,
    )
    kind = "malicious mirrors"
    yield Attack(kind, "a mirror has nothing", lambda s: {}, RefusedError, None, "no repository")
    yield Attack(
        kind,
        "a mirror withholds the timestamp",
        lambda s: _without(s, "metadata/timestamp.json"),
        RefusedError,
        None,
        "no repository",
    )
    for role in ("snapshot", "segment"):
        yield Attack(
            kind,
            f"a mirror withholds the {role}",
            lambda s, role=role: _without(  # type: ignore[misc]  # mypy knows no default here
                s, s.path(s.segment if role == "segment" else role)
            ),
            RetryableError,
            None,
            "listed is not there",
            leaves="lists" if role == "segment" else "nothing",
        )
    yield Attack(
        kind,
        "a mirror withholds the bundle",
        lambda s: _without(s, s.newest_bundle()),
        RetryableError,
        None,
        "listed is not there|can't be had",
        leaves="segment",
    )
    yield Attack(
        kind,
        "a mirror answers with a page of its own",
        lambda s: dict.fromkeys(s.now, b"<html>log in first</html>"),
        says="not the JSON",
    )


def _without(scene: Scene, path: str) -> Files:
    return {p: data for p, data in scene.now.items() if p != path}


def _mix_and_match() -> Iterator[Attack]:
    kind = "mix-and-match"

    def old(role: str) -> Callable[[Scene], Files]:
        def mix(scene: Scene) -> Files:
            name = scene.segment if role == "segment" else role
            return {**scene.now, scene.path(name): scene.seen[scene.seen_path(name)]}

        return mix

    for role in ("snapshot", "segment"):
        yield Attack(
            kind,
            f"yesterday's {role} under today's name",
            old(role),
            says="not the one that is listed",
            leaves="lists" if role == "segment" else "nothing",
        )

    def unpinned(scene: Scene) -> Files:
        """The thief leaves out digests, so that the mirror can show whom it likes what it likes."""

        def drop(signed: dict[str, Any]) -> None:
            signed["meta"]["snapshot.json"] = {"version": scene.version("snapshot") + 1}

        def keep_old(signed: dict[str, Any]) -> None:
            signed["meta"][f"{scene.segment}.json"] = {"version": 1}

        return republished(scene, {"timestamp": drop, "snapshot": keep_old})

    yield Attack(
        kind,
        "a thief names an older segment",
        unpinned,
        says="older or another state",
        knows_now=True,
    )


def _rollback() -> Iterator[Attack]:
    kind = "rollback"

    def later(scene: Scene) -> Files:
        return dict(scene.seen)

    yield Attack(
        kind, "all lists as they were", later, says="older or another state", knows_now=True
    )

    def older_snapshot(scene: Scene) -> Files:
        path = scene.seen_path("snapshot")
        data = scene.seen[path]

        def name(signed: dict[str, Any]) -> None:
            version = json.loads(data)["signed"]["version"]
            signed["meta"]["snapshot.json"] = meta_of(version, data)

        files = republished(scene, {"timestamp": name})
        return {**files, path: data}

    yield Attack(
        kind,
        "a new timestamp of an older snapshot",
        older_snapshot,
        knows_now=True,
        says="older or another state",
    )
    yield Attack(
        kind,
        "a new snapshot without a segment that it had",
        lambda s: republished(
            s,
            {
                "bundles": lambda signed: signed["delegations"].update(roles=[], keys={}),
                "snapshot": lambda signed: signed["meta"].pop(f"{s.segment}.json"),
            },
        ),
        says="cannot be followed",
    )

    def forget(scene: Scene) -> Files:
        def drop(signed: dict[str, Any]) -> None:
            signed["targets"] = {}

        return republished(scene, {scene.segment: drop})

    yield Attack(
        kind,
        "a thief takes a bundle back that was taken in",
        forget,
        says="no longer lists",
        leaves="segment",
    )


def _key_compromise() -> Iterator[Attack]:
    kind = "key compromise"
    yield Attack(
        kind,
        "the online key makes itself a root",
        lambda s: {**s.now, **_next_root(s, s.online)},
        says="not signed by the keys",
    )
    yield Attack(
        kind,
        "the online key changes who signs bundles",
        lambda s: republished(s, {"targets": unchanged}),
        says="not signed by the keys",
    )

    yield Attack(
        kind,
        "the online key delegates a segment to a key that nobody named",
        lambda s: republished(s, {"bundles": _to_stranger}),
        says="not of the form",
    )


def _to_stranger(signed: dict[str, Any]) -> None:
    key = stranger().public_key
    signed["delegations"]["keys"] = {key.keyid: key.to_dict()}
    for role in signed["delegations"]["roles"]:
        role["keyids"] = [key.keyid]


def _wrong_installation() -> Iterator[Attack]:
    kind = "wrong installation"
    yield Attack(
        kind,
        "the first bundle in the place of the second",
        lambda s: {**s.now, s.newest_bundle(): s.now[s.first_bundle()]},
        says="not the one that is listed",
        leaves="segment",
    )


def never_ending(start: bytes) -> Iterator[bytes]:
    yield start
    block = b" " * 65536
    while True:
        yield block
