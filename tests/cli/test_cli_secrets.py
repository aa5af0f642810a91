"""A secret's file holds one line, or a private key as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from hefu.secret_values import resolve

KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        ("word\n", "word"),
        ("word\r\na note about it\n", "word"),
        (KEY, KEY),
        (KEY.replace("\n", "\r\n"), KEY),
    ],
)
def test_a_key_is_read_whole_and_a_word_alone(tmp_path: Path, content: str, secret: str) -> None:
    (tmp_path / "secret").write_bytes(content.encode())
    assert resolve("file:secret", tmp_path) == secret
