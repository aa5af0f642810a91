"""What the ``[reader]`` tables of all kinds share."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from schemas.toml import StrictModel

Encoding = Literal["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"]

MIB = 1 << 20
DEFAULT_RECORD_BYTES = 2 * MIB
_SECRET = re.compile(r"^(env|file|block):\S+$")


def secret_reference(value: str) -> str:
    """A validator: the name of a secret, never the secret."""
    if not _SECRET.match(value):
        raise ValueError("name a secret as env:NAME, file:PATH or block:NAME, never the secret")
    return value


class Rows(StrictModel):
    """How bytes become rows, for readers that receive bytes."""

    encoding: Encoding = "utf-8-sig"
    records: str = ""
    """Path of keys to the list of records in a JSON document (``data.items``); empty: itself.
    XML: path of elements from the root to the records (``list/item``); empty: its children."""
    namespaces: dict[str, str] = Field(default_factory=dict)
    """XML: prefix → namespace, for ``records``."""
    lists: tuple[str, ...] = ()
    """XML: paths of elements in a record that may repeat (``party``): always a JSON array."""
    optional_columns: tuple[str, ...] = ()
    """Columns that the source may leave out altogether; they are NULL then, not unknown."""
    max_record_bytes: int = Field(default=DEFAULT_RECORD_BYTES, ge=1024, le=64 * MIB)
