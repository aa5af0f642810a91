"""The example of docs/connectors/mysql*.md, from the GRANT to accepted records."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from servers.mariadb import MariaDb, mariadb

from connectors.database import faults
from connectors.database.drivers import snapshot_lost
from connectors.pull import PullRequest
from examples.region.check_digits import credit_code
from flows.ingest import ingest
from hefu.node import Node, load_node
from hefu.scaffold import check_agency, create_node
from lake.runs import RunRecord
from lake.store import Lake
from schemas.sql import connect

__all__ = ["mariadb"]

DOCS = Path(__file__).parents[3] / "docs/connectors"
PAGES = ["mysql.md", "mysql.zh-CN.md"]
NOW = datetime(2026, 5, 8, 17, 30, tzinfo=UTC)


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def statements(text: str) -> list[str]:
    plain = re.sub(r"^--.*$", "", text, flags=re.M)
    return [s.strip() for s in plain.split(";\n") if s.strip()]


@pytest.fixture
def front(mariadb: MariaDb) -> Iterator[MariaDb]:
    def clean() -> None:
        mariadb.execute(
            "DROP DATABASE IF EXISTS front", "DROP USER IF EXISTS hefu_front@'127.0.0.1'"
        )

    clean()
    mariadb.execute("CREATE DATABASE front")
    yield mariadb
    clean()


def node(root: Path, page: str, server: MariaDb) -> Node:
    (toml,) = blocks(page, "toml")
    (mapping,) = blocks(page, "sql")
    code = credit_code("11999900HEFUDQCM1")
    create_node(root, check_agency(code, "示例县交通运输局（虚构）", "999900", "02"), "of-a-test")
    folder = root / "sources/front/decided"
    folder.mkdir(parents=True)
    text = toml.replace('"10.0.8.22"', '"127.0.0.1"').replace("3306", str(server.port))
    (folder / "source.toml").write_text(text, encoding="utf-8")
    (folder / "mapping.sql").write_text(mapping, encoding="utf-8")
    (folder / "front-ca.pem").write_bytes(server.ca_file.read_bytes())
    return load_node(root)


def run(here: Node, request: PullRequest) -> RunRecord:
    (source,) = here.sources(["front/decided"])
    return ingest(here, source, request, NOW)


@pytest.mark.parametrize("page", PAGES)
def test_example(
    front: MariaDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    grants, table = blocks(page, "mysql")
    front.execute(*statements(table))
    front.execute(*statements(grants))
    (password,) = re.findall(r"IDENTIFIED BY '([^']+)'", grants)
    monkeypatch.setitem(os.environ, "FRONT_PASSWORD", password)
    nightly = PullRequest("cursor", None, None, None, NOW)
    here = node(tmp_path / "node", page, front)
    first = run(here, nightly)
    assert (first.received, first.accepted, first.quarantined) == (3, 3, 0)
    assert first.drift.unused == ()
    assert first.cursor == {"value": "2026-05-07 02:00:00.123456+00:00"}
    second = run(here, nightly)
    assert (second.received, second.unchanged) == (2, 2)
    window = PullRequest("window", None, date(2026, 5, 6), date(2026, 5, 6), NOW)
    assert run(here, window).unchanged == 1
    con = connect(threads=1)
    Lake(here.place("lake")).attach(con, "case_result")
    found = con.execute(
        "SELECT case_no, fine_amount_cny::VARCHAR, decision_date::VARCHAR, party_name, "
        "epoch_us(source_updated_time) FROM case_result_current ORDER BY case_no"
    ).fetchall()
    con.close()
    last = round(datetime(2026, 5, 7, 2, tzinfo=UTC).timestamp() * 1_000_000) + 123456
    day = round(datetime(2026, 5, 6, 2, tzinfo=UTC).timestamp() * 1_000_000)
    assert found == [
        ("示交立〔2026〕001号", "1500.00", "2026-05-06", "示例运输有限公司", day),
        ("示交立〔2026〕002号", "100.00", "2026-05-07", "示例物流有限公司", last),
        ("示交立〔2026〕003号", "3000.00", "2026-05-07", "示例建材有限公司", last),
    ]


@pytest.mark.parametrize("kind", ["mysql", "oracle", "sqlserver"])
@pytest.mark.parametrize("language", ["", ".zh-CN"])
def test_every_fault_is_on_the_page_in_its_own_words(kind: str, language: str) -> None:
    text = (DOCS / f"{kind}{language}.md").read_text(encoding="utf-8")
    made = [
        faults.unreachable(""),
        faults.gone(""),
        snapshot_lost("", "1"),
        faults.too_many_connections(""),
        faults.wrong_password(""),
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
        message = error.message.zh if language else error.message.en
        words = message.replace("987", "…").replace("'…'", "…")
        plain = re.sub(r" \((tls|1).*|（(tls|1).*", "", words)
        assert f"`{plain}`" in text


def test_both_pages_show_the_same_example() -> None:
    for language in ("toml", "sql"):
        assert blocks(PAGES[0], language) == blocks(PAGES[1], language)
    assert blocks(PAGES[0], "mysql")[1] == blocks(PAGES[1], "mysql")[1]
