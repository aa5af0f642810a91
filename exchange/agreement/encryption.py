"""Which bundles of a grant are encrypted to the receiver: agreed, so that both sides know it.

A field that the agreement grants but our contract does not have yet (``[contracts]`` of the
agreement) has a class that we can't know. Whoever sends it has a contract that says; whoever
receives it accepts either, since it cannot hold the sender to what it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from exchange.agreement.model import Grant
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.statement import SENSITIVITY_ORDER

if TYPE_CHECKING:
    from schemas.contract import Contract, Field

_OPEN = SENSITIVITY_ORDER[: SENSITIVITY_ORDER.index("internal") + 1]


def is_encrypted(grant: Grant, contracts: Mapping[str, Contract]) -> bool:
    """Whether a sender encrypts: always agreed, or a column above ``internal``, or an unknown one.

    Decided by the grant, not by the rows or by which tables a bundle has: the bundles of a grant
    are all alike. Of a record type that is not among ``contracts`` the installed one is read.
    """
    return grant.encryption == "always" or any(c not in _OPEN for c in _classes(grant, contracts))


def may_be_plain(grant: Grant, contracts: Mapping[str, Contract]) -> bool:
    """Whether a receiver takes a bundle in clear: nothing that we know of says otherwise.

    ``not is_encrypted`` but for a grant with fields that our contract does not have yet.
    """
    return grant.encryption != "always" and all(
        c is None or c in _OPEN for c in _classes(grant, contracts)
    )


def fits(grants: Iterable[Grant], contracts: Mapping[str, Contract], encrypted: bool) -> bool:
    """Whether a file that is encrypted (or not) can be a bundle of one of these grants.

    For a receiver that holds several versions of an agreement: under which of them a bundle was
    made is only known once it is open.
    """
    if encrypted:
        return any(is_encrypted(grant, contracts) for grant in grants)
    return any(may_be_plain(grant, contracts) for grant in grants)


def above_internal(grant: Grant, contracts: Mapping[str, Contract]) -> tuple[Field, ...]:
    """The fields for whose sake a bundle is encrypted, of all its record types."""
    return tuple(
        contract.field(name)
        for record_type in grant.records
        if (contract := contracts.get(record_type) or INSTALLED.get(record_type)) is not None
        for name in grant.columns(contract)
        if contract.field(name).classification not in _OPEN
    )


def _classes(grant: Grant, contracts: Mapping[str, Contract]) -> Iterator[str | None]:
    """The classification of each column that goes over; None for one that we don't know."""
    for record_type, fields in grant.records.items():
        contract = contracts.get(record_type) or INSTALLED.get(record_type)
        if contract is None:
            yield None
            continue
        known = {f.name: f.classification for f in contract.fields}
        yield from (known[name] for name in grant.columns(contract))
        yield from (None for name in fields if name not in known)
