"""Section 10.5: one reading of a repository, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from own_json import strict_json
from own_lists import AGENCY, FORMS, SEGMENT_NAME, Holder, holder_of, open_list
from own_refusal import GIB, KIB, MIB, AbsentError, RefusedError, need, sha256
from own_shapes import moment


@dataclass
class Memory:
    """What is kept of a publisher (10.5). Lists by role, with their files."""

    roots: dict[int, bytes]
    lists: dict[str, bytes] = field(default_factory=dict)


class Repository:
    """One reading of a repository, section 10.5."""

    def __init__(self, at: Path, memory: Memory, now: datetime, grace: int) -> None:
        self.at, self.memory, self.now = at, memory, now
        self.then = now - timedelta(days=grace)

    def fetch(self, path: str, most: int) -> bytes:
        try:
            with (self.at / path).open("rb") as file:
                data = b""
                while len(data) <= most and (piece := file.read(MIB)):
                    data += piece
        except FileNotFoundError:
            raise AbsentError(path) from None
        need("fetch", len(data) <= most, f"{path} is too large")
        return data

    def fresh(self, signed: dict[str, Any]) -> dict[str, Any]:
        need("trust", moment(signed["expires"]) > self.then, "expired")
        return signed

    def refresh(self, code: str) -> None:
        self.read_root()
        timestamp, new = self.read_timestamp()
        snapshot = self.read_snapshot(timestamp["meta"]["snapshot.json"], new)
        self.meta = snapshot["meta"]
        need("trust", "targets.json" in self.meta and "bundles.json" in self.meta, "snapshot")
        root = self.root
        targets = self.named("targets", holder_of(root["keys"], root["roles"]["targets"]), new)
        self.check_targets(targets)
        bundles = self.named("bundles", self.bundles, new)
        self.check_bundles(bundles)
        listed = targets["targets"]["agency.json"]
        agency = self.target("agency.json", listed, 4 * MIB)
        facts = strict_json("trust", agency, canonical=True)
        need("trust", AGENCY(facts), "agency.json")
        need("trust", facts["code"] == code, "another agency")
        self.memory.lists |= new

    def read_root(self) -> None:
        version = max(self.memory.roots)
        signed = strict_json("trust", self.memory.roots[version], canonical=False)["signed"]
        self.root = self.check_root(self.memory.roots[version], [self.root_holder(signed)])
        while True:
            try:
                data = self.fetch(f"metadata/{version + 1}.root.json", 256 * KIB)
            except AbsentError:
                break
            told = strict_json("trust", data, canonical=False).get("signed")
            need("trust", isinstance(told, dict) and FORMS["root"](told), "not a root")
            holders = [self.root_holder(self.root), self.root_holder(told)]
            new = self.check_root(data, holders)
            need("trust", new["version"] == version + 1, "another version of root")
            version, self.root = version + 1, new
            self.memory.roots[version] = data
        self.fresh(self.root)

    def root_holder(self, root: dict[str, Any]) -> Holder:
        return holder_of(root["keys"], root["roles"]["root"])

    def check_root(self, data: bytes, holders: Sequence[Holder]) -> dict[str, Any]:
        root = open_list(data, "root", holders)
        for role in root["roles"].values():
            holder_of(root["keys"], role)
        return root

    def kept(self, role: str) -> dict[str, Any] | None:
        """What was kept, if the newest root's keys have signed it."""
        if role not in self.memory.lists:
            return None
        holder = holder_of(self.root["keys"], self.root["roles"][role])
        try:
            return open_list(self.memory.lists[role], role, [holder])
        except RefusedError:
            return None

    def read_timestamp(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        data = self.fetch("metadata/timestamp.json", 16 * KIB)
        holder = holder_of(self.root["keys"], self.root["roles"]["timestamp"])
        timestamp = open_list(data, "timestamp", [holder])
        if before := self.kept("timestamp"):
            need("trust", timestamp["version"] >= before["version"], "an older timestamp")
            if timestamp["version"] == before["version"]:
                need("trust", timestamp == before, "two timestamps of one version")
            old, new = (t["meta"]["snapshot.json"]["version"] for t in (before, timestamp))
            need("trust", new >= old, "an older snapshot")
        self.fresh(timestamp)
        published = moment(timestamp["x-hefu-published"])
        need("trust", published <= self.now + timedelta(hours=1), "published in the future")
        return timestamp, {"timestamp": data}

    def file_of(self, role: str, told: dict[str, Any], most: int = 8 * MIB) -> bytes:
        data = self.fetch(f"metadata/{told['version']}.{role}.json", most)
        need("trust", told.get("length", len(data)) == len(data), f"{role}: another length")
        if "hashes" in told:
            need("trust", sha256(data) == told["hashes"]["sha256"], f"{role}: another file")
        return data

    def read_snapshot(self, told: dict[str, Any], new: dict[str, bytes]) -> dict[str, Any]:
        data = self.file_of("snapshot", told)
        holder = holder_of(self.root["keys"], self.root["roles"]["snapshot"])
        snapshot = open_list(data, "snapshot", [holder])
        need("trust", snapshot["version"] == told["version"], "another snapshot")
        for name in snapshot["meta"]:
            role = name.removesuffix(".json")
            known = role in ("targets", "bundles") or SEGMENT_NAME.fullmatch(role)
            need("trust", role != name and known, f"the snapshot names {name}")
        for name, old in ((self.kept("snapshot") or {}).get("meta", {})).items():
            need("trust", name in snapshot["meta"], f"{name} was dropped")
            need("trust", snapshot["meta"][name]["version"] >= old["version"], f"{name} is older")
        new["snapshot"] = data
        return self.fresh(snapshot)

    def named(self, role: str, holder: Holder, new: dict[str, bytes]) -> dict[str, Any]:
        """A list that the snapshot names."""
        told = self.meta[f"{role}.json"]
        data = self.file_of(role, told)
        found = open_list(data, "targets", [holder])
        need("trust", found["version"] == told["version"], f"another version of {role}")
        new[role] = data
        return self.fresh(found)

    def check_targets(self, targets: dict[str, Any]) -> None:
        need("trust", set(targets["targets"]) == {"agency.json"}, "targets lists other files")
        given = targets.get("delegations", {"roles": [], "keys": {}})
        names = [(r["name"], r["paths"]) for r in given["roles"]]
        need("trust", names == [("bundles", ["streams/*/*"])], "another delegation")
        self.bundles = holder_of(given["keys"], given["roles"][0])

    def check_bundles(self, bundles: dict[str, Any]) -> None:
        need("trust", not bundles["targets"], "bundles lists files")
        self.segments = set()
        given = bundles.get("delegations", {"roles": [], "keys": {}})
        names = [role["name"] for role in given["roles"]]
        need("trust", len(set(names)) == len(names), "a role twice")
        for role in given["roles"]:
            name = SEGMENT_NAME.fullmatch(role["name"])
            need("trust", name, "a delegation that is no segment")
            assert name
            need("trust", role["paths"] == segment_paths(name[1], int(name[2])), "its paths")
            holder = holder_of(given["keys"], role)
            same = set(holder.keys) == set(self.bundles.keys)
            need("trust", same and holder.threshold == self.bundles.threshold, "other keys")
            need("trust", f"{role['name']}.json" in self.meta, "not in the snapshot")
            self.segments.add(role["name"])

    def find(self, stream: str, sequence: int) -> tuple[str, dict[str, Any]] | None:
        number = (sequence - 1) // 256
        role = f"{stream}.{number:06d}"
        if role not in self.segments:
            return None
        segment = self.named(role, self.bundles, self.memory.lists)
        need("trust", not segment.get("delegations", {}).get("roles"), "a segment that delegates")
        found = {}
        for path, target in segment["targets"].items():
            match = re.fullmatch(
                rf"streams/{re.escape(stream)}/([0-9]{{8}})\.hefu(\.age)?", path, re.ASCII
            )
            at = int(match[1]) if match else 0
            need("trust", at >= 1 and (at - 1) // 256 == number, f"{path} in this segment")
            need("trust", at not in found, "a number twice")
            need("trust", "custom" in target, "no digest of the statement")
            found[at] = (path, target)
        return found.get(sequence)

    def target(self, path: str, told: dict[str, Any], most: int) -> bytes:
        need("fetch", told["length"] <= most, f"{path} is too large")
        folder, slash, name = path.rpartition("/")
        place = f"targets/{folder}{slash}{told['hashes']['sha256']}.{name}"
        data = self.fetch(place, 4 * GIB)
        same = len(data) == told["length"] and sha256(data) == told["hashes"]["sha256"]
        need("trust", same, f"{path} is another file")
        return data


def segment_paths(stream: str, number: int) -> list[str]:
    first, last, found = number * 256 + 1, min(number * 256 + 256, 99_999_999), []
    while first <= last:
        d = 0
        while first % 10 ** (d + 1) == 0 and first + 10 ** (d + 1) - 1 <= last:
            d += 1
        found.append(f"streams/{stream}/{f'{first:08d}'[: 8 - d]}{'?' * d}.*")
        first += 10**d
    return found
