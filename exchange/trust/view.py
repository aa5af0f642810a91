"""python-tuf at work: one refreshed view of a publisher's repository.

The steps are those of the TUF specification, section 5 (python-tuf's ``ngclient``): root by root
from the card's, then timestamp, snapshot, targets; then ``bundles`` and the one segment that lists
a number. A number's place is known, so nothing is searched. What is refused leaves no trace
(:mod:`exchange.trust.state`); what was read is checked against :mod:`exchange.trust.rules` before
anybody sees it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from exchange.errors import refusal
from exchange.jsontext import sha256_hex
from exchange.limits import Limits
from exchange.trust import refusals, rules, state
from exchange.trust.agency import AGENCY_TARGET
from exchange.trust.roles import BUNDLES, target_file
from exchange.trust.rules import Listed
from schemas.errors import RetryableError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from tuf.ngclient import Updater

    from exchange.repository.carrier import Carrier
    from exchange.trust.fetcher import CarrierFetcher

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what was read is. ``expires``: the first moment at which one of its lists ends."""

    published_time: datetime
    expires: datetime
    is_stale: bool
    """Already over at the reader's time, and taken because its policy allows it."""


class View:
    """python-tuf at work in a private copy of what is remembered."""

    def __init__(
        self,
        carrier: Carrier,
        trusted: Path,
        bootstrap: bytes,
        now: datetime,
        max_stale_days: int,
        limits: Limits,
    ):
        from exchange.trust.fetcher import CarrierFetcher

        self.label = carrier.label
        self._carrier = carrier
        self._trusted = trusted
        self._now = now
        self._reference = now - timedelta(days=max_stale_days)
        self._limits = limits
        self._first = rules.check_root(bootstrap, "root.json", limits).version
        self._work = Path(tempfile.mkdtemp(prefix="hefu-trust-"))
        weakref.finalize(self, state.discard, str(self._work))
        state.copy_to(trusted, self._work, limits)
        self._allowed_roots = state.count_roots(trusted, self._first) + limits.root_count
        self._fetcher: CarrierFetcher = CarrierFetcher(carrier, limits)
        self._updater = self._follow(lambda: self._begin(bootstrap))

    def _begin(self, bootstrap: bytes) -> Updater:
        from tuf.ngclient import Updater, UpdaterConfig

        updater = Updater(
            str(self._work),
            "metadata/",
            fetcher=self._fetcher,
            config=UpdaterConfig(
                max_root_rotations=self._allowed_roots,
                root_max_length=self._limits.root_size,
                timestamp_max_length=self._limits.timestamp_size,
                snapshot_max_length=self._limits.metadata_size,
                targets_max_length=self._limits.metadata_size,
            ),
            bootstrap=bootstrap,
        )
        # The one place where python-tuf is told the time: it has no argument for it.
        updater._trusted_set.reference_time = self._reference
        return updater

    def refresh(self) -> None:
        try:
            self._follow(self._updater.refresh)
        finally:
            self._keep_roots()
        if self.root_version == self._first + self._allowed_roots:
            raise RetryableError(
                Text(
                    en=f"{self._limits.root_count} changes of trust were followed, and there may "
                    "be more",
                    zh=f"已跟进 {self._limits.root_count} 次信任变更，可能还有更多",
                ),
                where=Where(self.label),
                hint=Text(en="run it again: it goes on from there", zh="请再次运行，将从此处继续"),
            )
        self._check_one_story()
        self._read_lists()

    def _read_lists(self) -> None:
        limits = self._limits
        self._timestamp = rules.check_timestamp(self._read("timestamp"), "timestamp.json", limits)
        snapshot = rules.check_snapshot(self._read("snapshot"), "snapshot.json", limits)
        self.agency, self.signed_by = rules.check_targets(
            self._read("targets"), "targets.json", limits
        )
        self._follow(lambda: self._updater._load_targets(BUNDLES, "targets"))
        segments = rules.check_bundles(self._read(BUNDLES), "bundles.json", self.signed_by, limits)
        unlisted = [name for name in sorted(segments) if f"{name}.json" not in snapshot.meta]
        if unlisted:
            raise refusal(
                "trust",
                Text(en="a list is delegated but not in the snapshot", zh="快照缺少已委派的清单"),
                expected=f"{unlisted[0]}.json",
                found="no such entry",
                entry="snapshot.json",
            )
        self.segments = segments
        self.freshness = self._freshness()

    def _freshness(self) -> Freshness:
        published = self._timestamp.published_time
        if published > self._now + timedelta(seconds=self._limits.clock_skew_seconds):
            raise refusal(
                "trust",
                Text(en="the repository was published in the future", zh="发布时间晚于当前时间"),
                expected=f"not after {self._now.isoformat()}",
                found=published.isoformat(),
                entry="timestamp.json",
                hint=Text(
                    en="check this machine's clock first, then the publisher's",
                    zh="请先检查本机时钟，再请发布方检查其时钟",
                ),
            )
        expires = min(role.expires for role in self._updater._trusted_set)
        return Freshness(published, expires, self._now >= expires)

    def _check_one_story(self) -> None:
        """Two timestamps with one number: python-tuf keeps the first and says nothing."""
        came = self._fetcher.seen.get("metadata/timestamp.json")
        if came is None:
            return
        new = rules.check_timestamp(came, "timestamp.json", self._limits)
        old = rules.check_timestamp(self._read("timestamp"), "timestamp.json", self._limits)
        if new != old:
            raise refusal(
                "trust",
                Text(
                    en="the publisher has signed two different states under one number",
                    zh="发布方以同一版本号签署了两份不同的状态",
                ),
                expected=f"version {old.version} as it was read before",
                found=f"another version {new.version}",
                entry="timestamp.json",
                hint=Text(
                    en="keep this message and ask the publisher: it may have come back from a "
                    "backup, or somebody uses its online key",
                    zh="请保留本提示并询问发布方：可能是其从备份恢复，也可能有人盗用其在线密钥",
                ),
            )

    @property
    def root_version(self) -> int:
        return self._updater._trusted_set.root.version

    def _keep_roots(self) -> None:
        """Every root on the way must be one of ours, each checked before it is kept."""
        good: dict[int, bytes] = {}
        try:
            for version in range(self._first + 1, self.root_version + 1):
                name = f"{version}.root.json"
                data = (self._work / state.ROOTS / name).read_bytes()
                rules.check_root(data, name, self._limits)
                good[version] = data
        finally:
            state.keep_roots(self._trusted, good)

    def keep(self, agency: bytes | None) -> None:
        for role in ("timestamp", "snapshot", "targets", BUNDLES):
            state.keep(self._trusted, f"{role}.json", self._read(role))
        if agency is not None:
            state.keep(self._trusted, AGENCY_TARGET, agency)

    def read_segment(self, role: str) -> dict[int, Listed]:
        name = f"{role}.json"
        with state.locked(self._trusted):
            state.copy_one(self._trusted, self._work, name, self._limits)
        self._follow(lambda: self._updater._load_targets(role, BUNDLES))
        data = self._read(role)
        listed = rules.check_segment(data, name, role, self._limits)
        with state.locked(self._trusted):
            state.keep(self._trusted, name, data)
        return listed

    def read_agency(self) -> bytes:
        known = self._trusted / AGENCY_TARGET
        if known.is_file():
            data = known.read_bytes()
            if sha256_hex(data) == self.agency.hashes.sha256:
                return data
        to = self._work / AGENCY_TARGET
        self._fetch(
            self.agency_place(),
            self.agency.length,
            self.agency.hashes.sha256,
            to,
            self._limits.document_size,
        )
        return to.read_bytes()

    def agency_place(self) -> str:
        return target_file(AGENCY_TARGET, self.agency.hashes.sha256)

    def download(self, listed: Listed, to: Path) -> None:
        self._fetch(listed.place, listed.size, listed.sha256, to, self._limits.bundle_size)

    def _fetch(self, place: str, size: int, sha256: str, to: Path, allowed: int) -> None:
        if size > allowed:
            raise refusals.too_large(place, allowed)
        pieces = self._carrier.read(place)
        if pieces is None:
            raise refusals.missing(place, self.label)
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _copy(pieces, file.write, size, sha256, place)
        except BaseException:
            to.unlink(missing_ok=True)
            raise

    def files(self) -> dict[str, bytes]:
        roots = range(self._first, self.root_version + 1)
        found = {
            f"{n}.root.json": (self._work / state.ROOTS / f"{n}.root.json").read_bytes()
            for n in roots
        }
        found["timestamp.json"] = self._read("timestamp")
        trusted = self._updater._trusted_set
        for role in ("snapshot", "targets", BUNDLES, *sorted(self.segments)):
            if role in trusted:
                found[f"{trusted[role].version}.{role}.json"] = self._read(role)
        return found

    def _read(self, role: str) -> bytes:
        return (self._work / f"{role}.json").read_bytes()

    def _follow(self, work: Callable[[], _T]) -> _T:
        """What python-tuf says, in our words; a carrier's own error passes as it is."""
        from tuf.api.exceptions import DownloadError, RepositoryError

        try:
            return work()
        except (RepositoryError, DownloadError, ValueError, TypeError, KeyError) as error:
            updater: Updater | None = getattr(self, "_updater", None)
            roles = list(updater._trusted_set) if updater else []
            raise refusals.told(
                error, roles, self._reference, self._fetcher.asked, self.label
            ) from error


def _copy(
    pieces: Iterator[bytes], write: Callable[[bytes], object], size: int, sha256: str, place: str
) -> None:
    digest, count = hashlib.sha256(), 0
    for piece in pieces:
        count += len(piece)
        if count > size:
            break
        digest.update(piece)
        write(piece)
    if count != size or digest.hexdigest() != sha256:
        found = f"{count} bytes" if count <= size else "more bytes"
        raise refusal(
            "trust",
            Text(en="a file is not the one that is listed", zh="文件与清单所列不符"),
            expected=f"{size} bytes, SHA-256 {sha256}",
            found=f"{found}, SHA-256 {digest.hexdigest()}" if count <= size else found,
            entry=place,
            hint=Text(
                en="read again; if it stays so, the copy is damaged or somebody changed it",
                zh="请重新读取；若仍如此，说明副本损坏或被改动",
            ),
        )
