"""The example of docs/connectors/postgresql*.md, from the GRANT to accepted records."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from servers.postgresql import Postgresql, postgresql
from servers.postgresql_tls import tls_door

from connectors.database import faults
from connectors.pull import PullRequest
from examples.region.check_digits import credit_code
from flows.ingest import ingest
from hefu.node import Node, load_node
from hefu.scaffold import check_agency, create_node
from lake.runs import RunRecord
from lake.store import Lake
from schemas.sql import connect

__all__ = ["postgresql"]

DOCS = Path(__file__).parents[3] / "docs/connectors"
PAGES = ["postgresql.md", "postgresql.zh-CN.md"]
NOW = datetime(2026, 5, 8, 17, 30, tzinfo=UTC)
ROLE = "hefu_front"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def statements(text: str) -> list[str]:
    plain = re.sub(r"^--.*$", "", text, flags=re.M)
    return [s.strip() for s in plain.split(";\n") if s.strip()]


@pytest.fixture
def front(postgresql: Postgresql) -> Iterator[Postgresql]:
    def clean() -> None:
        postgresql.execute("DROP SCHEMA IF EXISTS casework CASCADE")
        if postgresql.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'"):
            postgresql.execute(f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")

    clean()
    postgresql.execute("CREATE SCHEMA casework")
    yield postgresql
    clean()


def node(root: Path, page: str, port: int, authority: Path) -> Node:
    (toml,) = blocks(page, "toml")
    (mapping,) = blocks(page, "sql")
    code = credit_code("11999900HEFUDQCP1")
    create_node(root, check_agency(code, "示例县交通运输局（虚构）", "999900", "02"), "of-a-test")
    folder = root / "sources/front/decided"
    folder.mkdir(parents=True)
    text = toml.replace('"10.0.8.21"', '"127.0.0.1"').replace("5432", str(port))
    (folder / "source.toml").write_text(text, encoding="utf-8")
    (folder / "mapping.sql").write_text(mapping, encoding="utf-8")
    (folder / "front-ca.pem").write_bytes(authority.read_bytes())
    return load_node(root)


def run(here: Node, request: PullRequest) -> RunRecord:
    (source,) = here.sources(["front/decided"])
    return ingest(here, source, request, NOW)


@pytest.mark.parametrize("page", PAGES)
def test_example(
    front: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    grants, table = blocks(page, "pgsql")
    front.execute(*statements(table), *statements(grants))
    (password,) = re.findall(r"PASSWORD '([^']+)'", grants)
    monkeypatch.setitem(os.environ, "FRONT_PASSWORD", password)
    nightly = PullRequest("cursor", None, None, None, NOW)
    with tls_door(tmp_path, front.port) as door:
        here = node(tmp_path / "node", page, door.port, door.ca_file)
        first = run(here, nightly)
        assert (first.received, first.accepted, first.quarantined) == (3, 3, 0)
        assert first.drift.unused == ()
        assert first.cursor == {"value": "2026-05-07 02:00:00.123456+00"}
        second = run(here, nightly)
        assert (second.received, second.unchanged) == (2, 2)
        window = PullRequest("window", None, date(2026, 5, 6), date(2026, 5, 6), NOW)
        assert run(here, window).unchanged == 1
    con = connect(threads=1)
    Lake(here.place("lake")).attach(con, "case_result")
    found = con.execute(
        "SELECT case_no, fine_amount_cny::VARCHAR, decision_date::VARCHAR FROM case_result_current "
        "ORDER BY case_no"
    ).fetchall()
    con.close()
    assert found == [
        ("示交立〔2026〕001号", "1500.00", "2026-05-06"),
        ("示交立〔2026〕002号", "100.00", "2026-05-07"),
        ("示交立〔2026〕003号", "3000.00", "2026-05-07"),
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_fault_is_on_the_page_in_its_own_words(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    made = [
        faults.unreachable(""),
        faults.gone(""),
        faults.too_many_connections(""),
        faults.wrong_password(""),
        faults.unknown_database(""),
        faults.tls_failed("", "require"),
        faults.no_permission("", "…"),
        faults.unknown_table("", "…", []),
        faults.unknown_column("", "…", "", []),
        faults.statement_timeout("", 987),
        faults.table_locked("", 987),
        faults.not_read_only(""),
        faults.bad_query(""),
        faults.server_error("", ""),
    ]
    for error in made:
        message = error.message.zh if "zh-CN" in page else error.message.en
        words = message.replace("987", "…").replace("'…'", "…")
        assert f"`{words.partition(' (tls')[0].partition('（tls')[0]}`" in text


def test_both_pages_show_the_same_example() -> None:
    for language in ("toml", "sql"):
        assert blocks(PAGES[0], language) == blocks(PAGES[1], language)
    assert blocks(PAGES[0], "pgsql")[1] == blocks(PAGES[1], "pgsql")[1]
