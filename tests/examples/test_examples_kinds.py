"""One stranger's data as a CSV file, as a spreadsheet and as a table, by declarations alone.

The same tickets come out the same record for record, whatever they came as, and reach the
partner in a bundle that it verifies.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import xlsxwriter
from examples_constants import NOW
from servers.postgresql import PASSWORD, USER, Postgresql, postgresql

from connectors.pull import PullRequest
from examples.real.nodes import READER, set_up
from flows.incoming import incoming_of, take_in
from flows.ingest import ingest
from flows.outgoing import grants_of, publish_to
from hefu.node import Node, load_node
from lake.store import Lake
from schemas.sql import connect, ident

__all__ = ["postgresql"]

CSV = "nyc_parking/tickets"
SHEET = "nyc_sheet/tickets"
TABLE = "nyc_table/tickets"

SHEET_READER = """\
[reader]
kind = "files"
path = "."
pattern = "*.xlsx"
format = "spreadsheet"
"""
TABLE_READER = """\
[reader]
kind = "postgresql"
host = "{host}"
port = {port}
database = "front"
user = "{user}"
password = "env:FRONT_PASSWORD"
tls = "disable"
table = "{schema}.tickets"
"""


def tickets(node: Node) -> list[list[str]]:
    path = node.root / "sources" / CSV / "nyc_parking_tickets.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


def add_stream(node: Node, stream: str, reader: str) -> Path:
    """The CSV's declarations with another ``[reader]``; the mapping is the very same."""
    here, there = node.root / "sources" / CSV, node.root / "sources" / stream
    there.mkdir(parents=True)
    text = (here / "source.toml").read_text(encoding="utf-8")
    start, end = text.index("[reader]"), text.index("[window]")
    text = text[:start] + reader + "\n" + text[end:]
    text = text.replace('"nyc_parking"', f'"{stream.partition("/")[0]}"')
    (there / "source.toml").write_text(text, encoding="utf-8")
    (there / "mapping.sql").write_bytes((here / "mapping.sql").read_bytes())
    return there


def write_sheet(path: Path, rows: list[list[str]]) -> None:
    """As an office would send it: a title over all columns, then the header, all as text."""
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("tickets")
        sheet.merge_range(0, 0, 0, len(rows[0]) - 1, "Parking tickets 2016-2017")
        for nth, row in enumerate(rows, start=1):
            sheet.write_row(nth, 0, row)


def fill_table(server: Postgresql, rows: list[list[str]]) -> str:
    schema = server.create_schema("nyc")
    columns = ", ".join(f"{ident(name)} text" for name in rows[0])
    server.execute(f"CREATE TABLE {schema}.tickets ({columns})")
    with server.connect() as connection, connection.cursor() as cursor:
        marks = ", ".join(f"${nth}" for nth, _ in enumerate(rows[0], start=1))
        cursor.executemany(f"INSERT INTO {schema}.tickets VALUES ({marks})", rows[1:])
    return schema


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, postgresql: Postgresql) -> tuple[Node, Node]:
    pair = set_up(tmp_path_factory.mktemp("kinds"), NOW)
    cities = load_node(pair.cities)
    rows = tickets(cities)
    write_sheet(add_stream(cities, SHEET, SHEET_READER) / "tickets.xlsx", rows)
    schema = fill_table(postgresql, rows)
    place = {"host": postgresql.host, "port": postgresql.port, "user": USER, "schema": schema}
    add_stream(cities, TABLE, TABLE_READER.format(**place))
    return cities, load_node(pair.reader)


def test_all_three_come_out_alike_and_reach_the_partner(
    nodes: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONT_PASSWORD", PASSWORD)
    cities, reader = nodes
    request = PullRequest("cursor", None, None, None, NOW)
    for source in cities.sources([CSV, SHEET, TABLE]):
        run = ingest(cities, source, request, NOW)
        assert (run.received, run.accepted, run.quarantined) == (1_000, 909, 91), source.stream_id
        again = ingest(cities, source, request, NOW)
        assert again.accepted == 0
    con = connect()
    Lake(cities.place("lake")).attach(con, "case_result")
    found = con.execute(
        "SELECT source_system, count(*), bit_xor(hash(content_hash)), "
        "count(DISTINCT content_hash) FROM case_result_current GROUP BY ALL"
    ).fetchall()
    assert {row[0] for row in found} == {"nyc_parking", "nyc_sheet", "nyc_table"}
    assert len({row[1:] for row in found}) == 1
    con.close()
    (going,) = (g for g in grants_of(cities) if g.partner == READER.code)
    assert publish_to(cities, going, NOW).counts["case_result"] == 3 * 909
    (taken,) = (t for incoming in incoming_of(reader) for t in take_in(reader, incoming, NOW))
    assert taken.counts["case_result"].accepted == 3 * 909
