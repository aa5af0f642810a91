"""The code lists as a person reads them: how many rows, whose, checked or not, valid when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from schemas.codes import CANONICAL, CodeRow
from schemas.errors import ConfigError
from schemas.text import Text

Codes = Mapping[str, Sequence[CodeRow]]


@dataclass(frozen=True, slots=True)
class ListCount:
    """One list. ``rows`` counts what is written in it and in the node's own file, labels not."""

    name: str
    codes: int
    schemes: tuple[str, ...]
    rows: int
    unverified: int
    own: int


def count_lists(codes: Codes, package: Codes) -> list[ListCount]:
    """Every list by name. ``package``: the lists without the node's own rows."""
    return [_count(name, rows, package.get(name, ())) for name, rows in sorted(codes.items())]


def list_rows(
    codes: Codes, name: str, *, scheme: str | None = None, on: date | None = None
) -> list[CodeRow]:
    """The rows of a list, of one scheme if given, in force on a day if given.

    Raises :class:`ConfigError` for a list or a scheme that does not exist, with the nearest name.
    """
    rows = rows_of(codes, name)
    if scheme is not None:
        check_scheme(rows, name, scheme)
        rows = [row for row in rows if row.scheme == scheme]
    return [row for row in rows if on is None or in_force(row, on)]


def rows_of(codes: Codes, name: str) -> Sequence[CodeRow]:
    """Rows of list ``name``. Raises :class:`ConfigError` that names the nearest list."""
    from schemas.contract import did_you_mean

    if name not in codes:
        raise ConfigError(
            Text(en=f"there is no code list {name}", zh=f"没有代码表 {name}"),
            hint=did_you_mean(name, codes)
            or Text(en="see hefu codes list", zh="可用的代码表见 hefu codes list"),
        )
    return codes[name]


def check_scheme(rows: Sequence[CodeRow], name: str, scheme: str) -> None:
    """Raises :class:`ConfigError` if no row of the list belongs to ``scheme``."""
    from schemas.contract import did_you_mean

    known = sorted({row.scheme for row in rows})
    if scheme not in known:
        raise ConfigError(
            Text(
                en=f"code list {name} has no scheme {scheme}",
                zh=f"代码表 {name} 没有编码体系 {scheme}",
            ),
            hint=did_you_mean(scheme, known)
            or Text(en=f"schemes: {', '.join(known)}", zh=f"可用的编码体系：{'、'.join(known)}"),
        )


def in_force(row: CodeRow, day: date) -> bool:
    """A row holds from ``valid_from`` on and before ``valid_to``; without them it is open."""
    begun = row.valid_from is None or row.valid_from <= day
    return begun and (row.valid_to is None or day < row.valid_to)


def labels(rows: Sequence[CodeRow]) -> dict[str, CodeRow]:
    """Code → its canonical row."""
    return {row.code: row for row in rows if row.scheme == CANONICAL}


def _count(name: str, rows: Sequence[CodeRow], package: Sequence[CodeRow]) -> ListCount:
    written = _written(rows)
    return ListCount(
        name=name,
        codes=len(labels(rows)),
        schemes=tuple(sorted({row.scheme for row in rows} - {CANONICAL})),
        rows=len(written),
        unverified=sum(not row.verified for row in written),
        own=len(written) - len(_written(package)),
    )


def _written(rows: Sequence[CodeRow]) -> list[CodeRow]:
    """Without the labels that scheme zh reads although no row says so."""
    return [row for row in rows if not (row.scheme == "zh" and row.raw == row.label_zh)]
