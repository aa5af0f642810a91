"""One published stream of ours, read number by number: what we listed and what we said."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from exchange.bundle.statement import Predicate
from exchange.repository.local import sent_statement
from exchange.repository.tree import Listed, Tree, read_tree
from exchange.trust.roles import TIMESTAMP, metadata_file, segment_role
from hefu.node import Node


def own_tree(node: Node) -> Tree | None:
    """Our repository's lists as they are now; None for a node that has no keys yet."""
    repository = node.place("repository")
    if not (repository / metadata_file(TIMESTAMP, 0)).exists():
        return None
    return read_tree(repository)


@dataclass
class OwnChain:
    """``tree`` None: nothing was published. Lists and statements are read when asked for, once."""

    tree: Tree | None
    sent: Path
    stream: str
    _segments: dict[str, dict[int, Listed]] = field(default_factory=dict)
    _statements: dict[int, Predicate] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """The highest number; 0: none."""
        last = self.tree.last(self.stream) if self.tree else None
        return last.sequence if last else 0

    def listed(self, sequence: int) -> Listed | None:
        role = segment_role(self.stream, sequence)
        if self.tree is None or role not in self.tree.meta:
            return None
        if role not in self._segments:
            self._segments[role] = self.tree.listed(role)
        return self._segments[role].get(sequence)

    def digest(self, sequence: int) -> str:
        """Of the statement; ``KeyError`` for a number that was not published."""
        listed = self.listed(sequence)
        if listed is None:
            raise KeyError(sequence)
        return listed.statement_sha256

    def statement(self, sequence: int) -> Predicate:
        """What we said; ``KeyError`` for a number that was not published, ``VerificationError``
        if its statement is lost."""
        listed = self.listed(sequence)
        if listed is None:
            raise KeyError(sequence)
        if sequence not in self._statements:
            self._statements[sequence] = sent_statement(self.sent, self.stream, listed)
        return self._statements[sequence]
