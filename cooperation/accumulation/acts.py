"""Which names of acts mean the same act."""

from __future__ import annotations

from collections.abc import Iterable


def roots(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One name for all acts that pairs connect, over any number of steps: the least of them.

    Only acts of a pair are among the keys. The result does not depend on the order of the pairs.
    """
    parent: dict[str, str] = {}

    def root(act: str) -> str:
        parent.setdefault(act, act)
        while parent[act] != act:
            parent[act] = parent[parent[act]]
            act = parent[act]
        return act

    for one, two in pairs:
        low, high = sorted((root(one), root(two)))
        parent[high] = low
    return {act: root(act) for act in parent}
