"""A publisher's repository as its reader sees it: what is listed, how old it is, whose keys.

publisher = open_publisher(carrier, trusted, bootstrap, now)
listed = publisher.find(stream, 1)
publisher.download(listed, path)
verify_bundle(…, publisher.trust(code), …)
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.bundle.policy import ChainHead, Trust
from exchange.errors import refusal
from exchange.limits import DEFAULT_LIMITS, Limits
from exchange.trust import state
from exchange.trust.agency import AgencyFacts, parse_agency
from exchange.trust.roles import segment_role
from exchange.trust.rules import Listed
from exchange.trust.view import Freshness, View
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.repository.carrier import Carrier

__all__ = ["Freshness", "Listed", "Publisher", "open_publisher"]


class Publisher:
    """One refreshed view; it stays as it is whatever the repository does meanwhile."""

    def __init__(self, view: View, facts: AgencyFacts | None, agency: bytes | None):
        self._view = view
        self._agency = agency
        self._facts = facts
        self._listed: dict[str, dict[int, Listed]] = {}

    @property
    def facts(self) -> AgencyFacts:
        """What the publisher's offline keys say of it."""
        if self._facts is None:
            raise ValueError("the publisher was opened without its facts")
        return self._facts

    @property
    def freshness(self) -> Freshness:
        return self._view.freshness

    @property
    def root_version(self) -> int:
        return self._view.root_version

    def trust(self, code: str) -> Trust:
        """The keys that may sign statements, and how many of them must.

        Raises ``VerificationError`` if the repository is of another agency than ``code``.
        """
        if self._facts is not None and self._facts.code != code:
            raise refusal(
                "trust",
                Text(en="the repository is another agency's", zh="该发布库属于其他单位"),
                expected=code,
                found=self._facts.code,
                entry=self._view.label,
            )
        return Trust(code, self._view.signed_by.keys, self._view.signed_by.threshold)

    def find(self, stream: str, sequence: int) -> Listed | None:
        """The bundle with this number, None if the publisher does not list it.

        Raises ``VerificationError``, ``RetryableError``.
        """
        return self._segment(segment_role(stream, sequence)).get(sequence)

    def last(self, stream: str) -> int:
        """The highest number that is listed, 0 if none is."""
        segments = {role for role in self._view.segments if role.rpartition(".")[0] == stream}
        for role in sorted(segments, reverse=True):
            if listed := self._segment(role):
                return max(listed)
        return 0

    def check_continues(self, stream: str, head: ChainHead) -> None:
        """The lists must still hold what was taken in: a stream's head never goes back.

        This is what notices a trusted folder that came back from a backup together with an old
        copy of the repository, and a publisher that tells another story under a number that it
        has used. ``head``: of the ledger. Raises ``VerificationError``.
        """
        if head.sequence == 0:
            return
        listed = self.find(stream, head.sequence)
        if listed is None or listed.statement_sha256 != head.statement_sha256:
            raise refusal(
                "trust",
                Text(
                    en="the repository no longer lists what was taken in from it",
                    zh="发布库已不再列出本节点曾接收的数据包",
                ),
                expected=f"number {head.sequence} with statement {head.statement_sha256}",
                found=f"statement {listed.statement_sha256}"
                if listed
                else f"nothing above number {self.last(stream)}",
                entry=f"{self._view.label}: {stream}",
                hint=Text(
                    en="an old copy shows this: read from where the publisher publishes now; if "
                    "it is the newest, keep your evidence and ask the publisher",
                    zh="旧副本会出现此情况：请从发布方当前的位置读取；若已是最新，请保留证据并询问发布方",
                ),
            )

    def download(self, listed: Listed, to: Path) -> None:
        """The listed file, of mode 0600, if its length and digest are those of the list.

        Raises ``VerificationError`` (``fetch``: larger than allowed, ``trust``: another file),
        :class:`exchange.trust.refusals.MissingError` or what the carrier raises; then there is
        nothing at ``to``.
        """
        self._view.download(listed, to)

    def metadata(self) -> dict[str, bytes]:
        """Every file that this view rests on, by its name below ``metadata/``; with a slash,
        below the repository: the whole chain of roots from the card's, the lists, the segments
        that were asked for, the agency's facts."""
        files = self._view.files()
        if self._agency is not None:
            files[self._view.agency_place()] = self._agency
        return files

    def _segment(self, role: str) -> dict[int, Listed]:
        if role not in self._view.segments:
            return {}
        if role not in self._listed:
            self._listed[role] = self._view.read_segment(role)
        return self._listed[role]


def open_publisher(
    carrier: Carrier,
    trusted: Path,
    bootstrap: bytes,
    now: datetime,
    max_stale_days: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    *,
    with_facts: bool = True,
    code: str | None = None,
) -> Publisher:
    """Read the publisher's lists as of ``now``, trusting ``bootstrap`` and what ``trusted`` holds.

    ``bootstrap``: the root of the card. ``trusted``: the folder of what this reader remembers;
    its versions never go back. ``max_stale_days``: so long after its end a list is still taken
    (``freshness.is_stale`` says so). ``with_facts``: read ``agency.json`` too; evidence and copies
    of ``metadata/`` alone do without. ``code``: whose repository it must be.

    Raises ``VerificationError`` (step ``trust`` or ``fetch``); ``RefusedError`` where there is no
    repository; ``RetryableError`` for what may heal, as the carrier raised it; ``ConfigError`` if
    what is remembered is damaged. After each of them ``trusted`` holds what it held, and at most
    newer roots that are verified.
    """
    with state.locked(trusted):
        view = View(carrier, trusted, bootstrap, now, max_stale_days, limits)
        view.refresh()
        agency = view.read_agency() if with_facts else None
        facts = parse_agency(agency, limits=limits) if agency is not None else None
        publisher = Publisher(view, facts, agency)
        if code is not None:
            publisher.trust(code)
        # Of another agency's lists nothing is remembered.
        view.keep(agency)
    return publisher
