"""Which entries a bundle has, and what follows from the columns that are in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from exchange.bundle.container import STATEMENT_ENTRY as STATEMENT_ENTRY
from exchange.bundle.statement import SENSITIVITY_ORDER

if TYPE_CHECKING:
    from schemas.contract import Contract

README_ENTRY = "readme.txt"
VERDICT_ENTRY = "quality/verdict.json"


def records_entry(record_type: str) -> str:
    return f"records/{record_type}.parquet"


def contract_entry(record_type: str) -> str:
    return f"contracts/{record_type}.odcs.yaml"


def sensitivity_class(tables: Iterable[tuple[Contract, Sequence[str]]]) -> str:
    """The highest classification among the columns that are in the bundle."""
    classes = {contract.field(name).classification for contract, names in tables for name in names}
    return max(classes, key=SENSITIVITY_ORDER.index, default="public")
