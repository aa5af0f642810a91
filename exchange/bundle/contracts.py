"""The contracts that come with this installation, as a mapping that reads one when asked.

A verifier takes its contracts as an argument; this is what the command line passes in.
Reading lazily keeps the start of ``hefu verify`` short.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.contract import Contract


class InstalledContracts(Mapping[str, "Contract"]):
    """Record type to contract."""

    def __getitem__(self, record_type: str) -> Contract:
        from schemas.contract import load_contract, record_types

        if record_type not in record_types():
            raise KeyError(record_type)
        return load_contract(record_type)

    def __iter__(self) -> Iterator[str]:
        from schemas.contract import record_types

        return iter(record_types())

    def __len__(self) -> int:
        return sum(1 for _ in self)


INSTALLED = InstalledContracts()
