"""Settings that may be named as secrets are."""

from __future__ import annotations

from connectors.delivery import Secrets


def named_or_plain(value: str, secrets: Secrets) -> str:
    """What is no secret may stand in ``source.toml`` or be named as one is."""
    return secrets(value) if value.startswith(("env:", "file:", "block:")) else value
