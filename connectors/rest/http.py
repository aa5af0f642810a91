"""The old place of ``Pace``."""

from connectors.pace import Pace

__all__ = ["Pace"]
