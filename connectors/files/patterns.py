"""Which names a pattern means, the same for a folder, an SFTP server and a bucket.

``*``, ``?`` and ``[…]`` stay within one part of a path; ``**`` is any number of folders, also
none. Names that begin with a dot are left alone: half-written files hide behind one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_DEEP = "**"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is left to be matched below a folder: for each pattern the parts still to come."""

    rest: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Pattern:
        return cls(frozenset(tuple(p for p in one.split("/") if p) for one in patterns))

    def fits(self, name: str) -> bool:
        """Whether a file of this name, directly in the folder, is meant."""
        if name.startswith("."):
            return False
        return any(
            parts == (_DEEP,) or (len(parts) == 1 and fnmatchcase(name, parts[0]))
            for parts in self._reached()
        )

    def below(self, name: str, *, linked: bool = False) -> Pattern | None:
        """The pattern inside the folder ``name``, None if nothing there can be meant.

        ``linked``: the folder is a link. ``**`` doesn't follow links, or a circle of them would
        have no end; a part that names the link does.
        """
        if name.startswith("."):
            return None
        rest: set[tuple[str, ...]] = set()
        for parts in self._reached():
            if parts[0] == _DEEP:
                if not linked:
                    rest.add(parts)
            elif len(parts) > 1 and fnmatchcase(name, parts[0]):
                rest.add(parts[1:])
        return Pattern(frozenset(rest)) if rest else None

    def fits_path(self, path: str) -> bool:
        """Whether a path of parts joined by ``/`` is meant."""
        folder, slash, rest = path.partition("/")
        if not slash:
            return self.fits(folder)
        below = self.below(folder)
        return below is not None and below.fits_path(rest)

    def _reached(self) -> set[tuple[str, ...]]:
        """``**`` may be no folder at all: what comes after it is meant here, too."""
        found: set[tuple[str, ...]] = set()
        for parts in self.rest:
            while parts:
                found.add(parts)
                if parts[0] != _DEEP:
                    break
                parts = parts[1:]
        return found
