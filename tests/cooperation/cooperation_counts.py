"""Counting invented cases, the short way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta, timezone
from typing import Any

import duckdb
from cooperation_cases import LICENCE_COLUMNS, case, load

from cooperation.accumulation.accumulate import Asked, accumulate
from cooperation.accumulation.law import Base
from cooperation.accumulation.model import Accumulation, Accumulations
from schemas.rulepack import RulePack

DAY = date(2026, 11, 22)
NEAR = Asked(near=True)
HENAN, ANHUI = "411000", "341882"
CHINA = timezone(timedelta(hours=8))


def count(
    con: duckdb.DuckDBPyConnection,
    rows: Sequence[dict[str, Any]],
    as_of: date = DAY,
    base: Base | None = None,
    *,
    licences: Sequence[dict[str, Any]] | None = None,
    packs: Sequence[RulePack] | None = None,
    **asked: Any,
) -> Accumulations:
    load(con, rows)
    if licences is not None:
        load(con, licences, "licences", LICENCE_COLUMNS)
        asked["licences"] = "licences"
    return accumulate(con, "cases", packs, ANHUI, as_of, base, Asked(**asked))


def vehicle(
    con: duckdb.DuckDBPyConnection, rows: Sequence[dict[str, Any]], **more: Any
) -> Accumulation:
    subjects = {"vehicle": ["示A00001/yellow"]}
    (found,) = count(con, rows, kinds=("vehicle",), subjects=subjects, **more).vehicles
    return found


def times(n: int, **more: Any) -> list[dict[str, Any]]:
    return [case(i, f"2026-{i:02d}-10", **more) for i in range(1, n + 1)]
