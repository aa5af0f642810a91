"""The fixtures of this room; what they are made of is in ``connectors_world``."""

from connectors_world import files, make_source, rest, server

__all__ = ["files", "make_source", "rest", "server"]
