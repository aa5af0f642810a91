"""The macros of ``schemas.identities`` against their regular expressions alone.

    python -m bench.macros [ROWS]        prints the table; part of ``python -m bench``

Both go over the same rows on the same connection and one thread, in CPU seconds, so that another
program on the machine does not matter much. The reference is what anybody would run who only asks
whether a value has the right form: one ``regexp_full_match`` per column. Both have the cost of
hashing their answers taken off, which makes DuckDB work each of them out.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

ROWS = 2_000_000
# Of each hundred values, how many are written in another way than the standard's.
UNTIDY_PERCENT = 2
TIMES = 3

_PLATE = (
    "[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新][A-HJ-NP-Z]"
    "([A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]|[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK])"
)
_CREDIT = "[0-9A-HJ-NPQRTUWXY]{18}"
_ID = "[0-9]{17}[0-9X]"
_NAME = "[一-鿿]+"
_VIN = "[A-HJ-NPR-Z0-9]{17}"
_CERTIFICATE = "[0-9]{12}"

#: macro call, the regex that tells the same column's form, whether every row of a mapping asks it
#: (a rule asks the others once per different value: quality/by_value.py)
CALLS = (
    ("plate(plate)", "plate", _PLATE, True),
    ("plate_unread(plate)", "plate", _PLATE, True),
    ("plate_kind(plate)", "plate", _PLATE, True),
    ("plate_division(plate)", "plate", _PLATE, True),
    ("credit_code(firm)", "firm", _CREDIT, True),
    ("id_no(person)", "person", _ID, True),
    ("id_no_18(person)", "person", _ID, True),
    ("vin(vin)", "vin", _VIN, True),
    ("transport_certificate_no(certificate)", "certificate", _CERTIFICATE, True),
    ("org_match_key(name)", "name", _NAME, True),
    ("credit_code_ok(firm)", "firm", _CREDIT, False),
    ("id_no_ok(person)", "person", _ID, False),
    ("vin_check_ok(vin)", "vin", _VIN, False),
)


@dataclass(frozen=True)
class Ratio:
    """CPU seconds of one macro and of the regex on the same column."""

    call: str
    in_mappings: bool
    macro: float
    regex: float

    @property
    def times(self) -> float:
        return self.macro / self.regex


def measure(rows: int = ROWS) -> list[Ratio]:
    from schemas.sql import connect

    con = connect(memory_limit="4GB", threads=1)
    _make(con, rows)
    found = []
    for call, column, regex, in_mappings in CALLS:
        base = _seconds(con, column)
        reference = _seconds(con, f"regexp_full_match({column}, '{regex}')") - base
        found.append(Ratio(call, in_mappings, _seconds(con, call) - base, reference))
    con.close()
    return found


def render(found: list[Ratio], rows: int) -> str:
    """Markdown, with the sums of what every row of a mapping asks."""
    lines = [
        f"Macros over {rows:,} rows, {UNTIDY_PERCENT} % of them untidy, CPU seconds of one thread:",
        "",
        "| Macro | macro | regex alone | times |",
        "|---|---:|---:|---:|",
        *(f"| `{x.call}` | {x.macro:.2f} | {x.regex:.2f} | {x.times:.1f} |" for x in found),
    ]
    for what, chosen in (
        ("what a mapping calls, together", [x for x in found if x.in_mappings]),
        ("check digits of every row, together", [x for x in found if not x.in_mappings]),
    ):
        macro, regex = sum(x.macro for x in chosen), sum(x.regex for x in chosen)
        lines.append(f"| {what} | {macro:.2f} | {regex:.2f} | {macro / regex:.1f} |")
    return "\n".join([*lines, ""])


def _make(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Invented values: a region that is none, persons born in 1800."""
    plain = (
        "SELECT i, '皖' || chr(65 + (hash(i) % 8)::INT) || "
        "lpad((hash(i) % 100000)::VARCHAR, 5, '0') || "
        "CASE WHEN hash(i + 1) % 10 = 0 THEN 'D' ELSE '' END AS plate, "
        "'91999900MA' || lpad((hash(i + 2) % 10000000)::VARCHAR, 8, '0') AS firm, "
        "'9999991800' || lpad((1 + hash(i + 3) % 12)::VARCHAR, 2, '0') || "
        "lpad((1 + hash(i + 4) % 28)::VARCHAR, 2, '0') || "
        "lpad((hash(i + 5) % 10000)::VARCHAR, 4, '0') AS person, "
        "'LZZZZZZZ' || lpad((hash(i + 6) % 1000000000)::VARCHAR, 9, '0') AS vin, "
        "'999900' || lpad((hash(i + 7) % 1000000)::VARCHAR, 6, '0') AS certificate, "
        "'示例县' || chr(19968 + (hash(i + 8) % 2000)::INT) || '字物流有限公司' AS name "
        f"FROM range({rows}) t(i)"
    )
    untidy = f"hash(i + 9) % 100 < {UNTIDY_PERCENT}"
    con.execute(
        f"CREATE TABLE t AS SELECT CASE WHEN {untidy} "
        "THEN left(plate, 2) || '·' || substr(plate, 3) ELSE plate END AS plate, "
        f"CASE WHEN {untidy} THEN lower(firm) ELSE firm END AS firm, "
        f"CASE WHEN {untidy} THEN ' ' || person ELSE person END AS person, "
        f"CASE WHEN {untidy} THEN lower(vin) ELSE vin END AS vin, "
        f"CASE WHEN {untidy} THEN '皖交运管字' || certificate || '号' ELSE certificate END "
        "AS certificate, "
        f"CASE WHEN {untidy} THEN replace(name, '有限公司', '（皖）有限责任公司') "
        "ELSE name END AS name "
        f"FROM ({plain})"
    )


def _seconds(con: duckdb.DuckDBPyConnection, expression: str) -> float:
    """CPU seconds, the best of several: every disturbance adds."""
    best = float("inf")
    for _ in range(TIMES):
        started = time.process_time()
        con.execute(f"SELECT bit_xor(hash({expression})) FROM t").fetchall()
        best = min(best, time.process_time() - started)
    return best


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    sys.stdout.write(render(measure(count), count))
