"""What changed between two versions of a data contract, and which version number it needs.

The measure is the exchange: a node reads a partner's bundle of another minor version and refuses
one of another major version. So a change is

- ``major`` if after it one side could no longer read the other, would read something else than
  was written, would hold back rows that were right before, or would send what it did not before;
- ``minor`` if both go on reading each other, and at most single rows that use what is new are
  held back, in the open, by the side that does not know it yet;
- ``patch`` if it concerns words only.

``docs/contracts.md`` has the table for people, ``docs/adr/0013`` the reasons.
"""

from __future__ import annotations

from schemas.compatibility.changes import Change, Level, at_least, required_bump
from schemas.compatibility.compare import compare
from schemas.compatibility.releases import check_release, newest_release, released_versions

__all__ = [
    "Change",
    "Level",
    "at_least",
    "check_release",
    "compare",
    "newest_release",
    "released_versions",
    "required_bump",
]
