"""docs/connectors/{folder,sftp,s3}*.md: each example, from the page to records in a lake."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from connectors_files_pages import NOW, Page, records, sync
from servers.s3 import ACCESS_KEY, SECRET_KEY
from servers.sftp import PASSWORD, USER

both = pytest.mark.parametrize("chinese", [False, True], ids=["en", "zh"])
FIELDS = "source_record_id, decision_date, fine_amount_cny, vehicle_plate_no"


@pytest.mark.parametrize("kind", ["folder", "sftp", "s3"])
def test_both_languages_show_the_same_example(kind):
    def bare(page: Page) -> list[str]:
        return [
            line.partition("#")[0].partition("--")[0].rstrip() for line in page.toml.split("\n")
        ]

    english, chinese = Page.read(kind, False), Page.read(kind, True)
    assert bare(english) == bare(chinese)
    assert english.csv == chinese.csv


@both
def test_folder(tmp_path, chinese):
    page = Page.read("folder", chinese)
    drop = tmp_path / "drop"
    drop.mkdir()
    node = page.node(tmp_path / "node", path=f"/srv/drop/overload => {drop}")
    (drop / "decisions_20261020.csv").write_bytes(page.data())
    waiting = sync(node)
    assert (waiting.received, waiting.accepted) == (0, 0)
    (drop / "decisions_20261020.csv.ok").touch()
    run = sync(node, NOW + timedelta(days=1))
    assert (run.received, run.accepted) == (2, 2)
    assert records(node, FIELDS) == [
        ("治罚〔2026〕000001号", date(2026, 10, 19), Decimal("1500.00"), "皖P00001"),
        ("治罚〔2026〕000002号", date(2026, 10, 20), Decimal("800.00"), "浙E00002"),
    ]


@both
def test_sftp(tmp_path, sftp_server, monkeypatch, chinese):
    page = Page.read("sftp", chinese)
    monkeypatch.setenv("WEIGHING_SFTP_PASSWORD", PASSWORD)
    node = page.node(
        tmp_path / "node",
        host="sftp.weighing.example.gov.cn => 127.0.0.1",
        port=f"port = 2222 => port = {sftp_server.port}",
        user=f'"hefu_ro" => "{USER}"',
        key=f"SHA256:Jx2PZ0Vw0Wb9m1oVb1S3o0vQ9oYw8R0m3k1JdG5c7aE => {sftp_server.fingerprint}",
    )
    sftp_server.put("outgoing/2026/处罚_20261019.csv".encode("gb18030"), page.data())
    run = sync(node)
    assert (run.received, run.accepted) == (2, 2)
    assert records(node, FIELDS) == [
        ("站罚2026-0001", date(2026, 10, 18), Decimal("2000.00"), "皖P00003"),
        ("站罚2026-0002", date(2026, 10, 19), Decimal("500.00"), "浙E00004"),
    ]
    again = sync(node, NOW + timedelta(days=1))
    assert (again.received, again.accepted) == (0, 0)


@both
def test_s3(tmp_path, s3_server, monkeypatch, chinese):
    page = Page.read("s3", chinese)
    monkeypatch.setenv("CASES_S3_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("CASES_S3_SECRET_KEY", SECRET_KEY)
    bucket = s3_server.create_bucket(f"page-{'zh' if chinese else 'en'}")
    node = page.node(
        tmp_path / "node",
        endpoint=f"https://s3.cases.example.gov.cn => {s3_server.endpoint}",
        bucket=f'"case-export" => "{bucket}"',
        ca_file='ca_file = "s3-authority.pem" => ',
        removed="max_removed = 0.1 => max_removed = 0.5",
    )
    s3_server.put(bucket, "traffic/daily/cases_20261019.csv", page.data())
    run = sync(node)
    assert (run.received, run.accepted, run.retracted) == (2, 2, 0)
    two_rows = page.data().splitlines(keepends=True)
    later = replace(page, csv=b"".join(two_rows[:2]).decode())
    s3_server.put(bucket, "traffic/daily/cases_20261020.csv", later.data())
    second = sync(node, NOW + timedelta(days=1))
    assert (second.received, second.unchanged, second.retracted) == (1, 1, 1)
    assert records(node, "source_record_id, data_status") == [
        ("示交罚〔2026〕000001号", "valid"),
        ("示交罚〔2026〕000002号", "removed"),
    ]
