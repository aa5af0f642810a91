"""Addresses that a server gives: of the next page, of a redirect."""

from __future__ import annotations

import re
from urllib.parse import urljoin

_NAME = r"[\w!#$&+.^`|~*'%-]+"
_PARAMETER = rf"\s*;\s*({_NAME})\s*(?:=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;,\"]*)))?"
_LINK = re.compile(rf"<([^>]*)>((?:{_PARAMETER})*)")
_ONE = re.compile(_PARAMETER)


def next_link(header: str) -> str | None:
    """The target of ``rel="next"`` in a ``Link`` header (RFC 8288 section 3).

    Relations are told without case, several may stand in one ``rel``, and an address may hold
    semicolons and commas (``;jsessionid=…``).
    """
    for target, parameters, *_ in _LINK.findall(header):
        for name, quoted, plain in _ONE.findall(parameters):
            if name.lower() != "rel":
                continue
            if "next" in (quoted or plain).lower().split():
                return str(target).strip()
            break  # only the first rel counts
    return None


def joined(base: str, target: str) -> str:
    """``target`` as seen from ``base``; what is no address comes back as it is."""
    try:
        return urljoin(base, target)
    except ValueError:
        return target
