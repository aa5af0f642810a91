"""The examples of docs/connectors/rest*.md: from a real server to accepted records."""

from __future__ import annotations

import json
import os
import re
import ssl
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from connectors_world import Asked, Reply, server

from connectors.config import load_source
from connectors.pull import PullRequest
from connectors.rest import errors
from connectors.rest.auth_settings import HmacAuth
from connectors.rest.signing import Signable, canonical_string, signature
from examples.region.check_digits import credit_code
from flows.ingest import ingest
from hefu.node import Node, load_node
from hefu.scaffold import check_agency, create_node
from lake.runs import RunRecord
from lake.store import Lake
from schemas.errors import HefuError
from schemas.sql import connect

__all__ = ["server"]

DOCS = Path(__file__).parents[3] / "docs/connectors"
PAGES = ["rest.md", "rest.zh-CN.md"]
NOW = datetime(2026, 5, 6, 17, 30, tzinfo=UTC)
TOKEN = "token-of-the-page"


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.M | re.S)


def whole(page: str) -> str:
    (found,) = [text for text in blocks(page, "toml") if "record_type" in text]
    return found


def node(root: Path, page: str, url: str) -> Node:
    code = credit_code("11999900HEFUDQCR1")
    create_node(root, check_agency(code, "示例县交通运输局（虚构）", "999900", "01"), "of-a-test")
    folder = root / "sources/hotline/orders"
    folder.mkdir(parents=True)
    toml = whole(page).replace("https://hotline.example.gov.cn", url)
    (folder / "source.toml").write_text(toml, encoding="utf-8")
    (folder / "mapping.sql").write_text(blocks(page, "sql")[0], encoding="utf-8")
    return load_node(root)


def hotline(page: str) -> list[dict[str, Any]]:
    rows = json.loads(blocks(page, "json")[0])["data"]["list"]
    third = {"id": "12328-0003", "changed": "2026-05-06 12:00:00", "found": "2026-05-06 10:20:00"}
    return [*rows, {**third, "text": "疑似超限运输", "caller": "虚构来电人三"}]


@pytest.mark.parametrize("page", PAGES)
def test_example(server, tmp_path, monkeypatch, page) -> None:
    rows = hotline(page)

    def answer(asked: Asked, _count: int) -> Reply:
        if asked.path != "/open/orders" or asked.headers["authorization"] != f"Bearer {TOKEN}":
            return Reply(b"", 401)
        asked_for = [r for r in rows if r["changed"] >= asked.query.get("changedSince", "")]
        if "from" in asked.query:
            days = asked.query["from"], asked.query["to"]
            asked_for = [r for r in rows if days[0] <= r["changed"][:10] <= days[1]]
        at, size = int(asked.query["pageNum"]) - 1, int(asked.query["pageSize"])
        data = {"total": len(asked_for), "list": asked_for[at * size : (at + 1) * size]}
        return Reply(json.dumps({"code": 0, "data": data}).encode())

    server.answer = answer
    monkeypatch.setitem(os.environ, "HOTLINE_TOKEN", TOKEN)
    here = node(tmp_path / "node", page, server.url)

    def run(request: PullRequest) -> RunRecord:
        (source,) = here.sources(["hotline/orders"])
        return ingest(here, source, request, NOW)

    nightly = PullRequest("cursor", None, None, None, NOW)
    first = run(nightly)
    assert (first.received, first.accepted, first.quarantined) == (3, 3, 0)
    assert first.drift.unused == ()
    assert first.cursor == {"value": "2026-05-06 12:00:00"}
    assert len(server.asked) == 2  # total and key: the list need not be read twice
    second = run(nightly)
    assert server.asked[-1].query["changedSince"] == "2026-05-06 11:50:00"
    assert (second.received, second.unchanged) == (1, 1)
    window = PullRequest("window", None, date(2026, 5, 6), date(2026, 5, 6), NOW)
    assert run(window).unchanged == 3

    con = connect(threads=1)
    Lake(here.place("lake")).attach(con, "lead")
    found = con.execute(
        "SELECT lead_no, suspected_violation FROM lead_current ORDER BY lead_no"
    ).fetchall()
    con.close()
    assert found == [(r["id"], r["text"]) for r in rows]


@pytest.mark.parametrize("page", PAGES)
def test_each_small_piece_fits_into_the_example(tmp_path, page):
    pieces = [text for text in blocks(page, "toml") if "record_type" not in text]
    kinds = set()
    for piece in pieces:
        tables = tomllib.loads(piece)["reader"]
        base = tomllib.loads(whole(page))
        reader = base["reader"] | tables
        (tmp_path / "source.toml").write_text(
            'system = "a"\nstream = "b"\nrecord_type = "lead"\nreader = '
            + _inline(reader).replace("\n", ""),
            encoding="utf-8",
        )
        loaded = load_source(tmp_path).reader
        kinds |= {loaded.auth.kind, loaded.pagination.kind}
    assert {"header", "oauth", "hmac", "offset", "cursor", "link", "next_url", "page"} <= kinds


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {_inline(v)}' for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(v) for v in value) + "]"
    return json.dumps(value)


@pytest.mark.parametrize("page", PAGES)
def test_the_worked_signature(page):
    (asked,) = re.findall(r"`GET (/open/leads\?\S+)`", text_of(page))
    parts = urlsplit(asked)
    wanted, signed = blocks(page, "text")
    (settings,) = [
        tomllib.loads(text)["reader"]["auth"]
        for text in blocks(page, "toml")
        if "{body_sha256}" in text
    ]
    auth = HmacAuth(**settings)
    moment = datetime(2026, 5, 20, 1, 30, tzinfo=UTC)
    request = Signable(
        "GET",
        parts.path,
        parse_qsl(parts.query),
        b"",
        str(int(moment.timestamp() * 1000)),
        "6f1c9e",
        auth.app_key,
    )
    text = canonical_string(auth.string_to_sign, request)
    assert text == wanted.rstrip("\n")
    assert signature(text, auth, "not-a-real-secret") == signed.strip()
    assert auth.string_to_sign == HmacAuth.model_fields["string_to_sign"].default


MADE: list[HefuError] = [
    errors.unreachable("", requests.exceptions.ConnectionError(ConnectionRefusedError())),
    errors.unreachable("", requests.exceptions.ConnectionError(ConnectionResetError())),
    errors.unreachable("", requests.exceptions.ReadTimeout()),
    errors.unreachable("", requests.exceptions.SSLError(ssl.SSLError(1, "WRONG_VERSION"))),
    errors.refused("", 401),
    errors.busy("", 987),
    errors.broken_off(""),
    errors.empty_answer(""),
    errors.html_page("", redirected=False),
    errors.html_page("", redirected=True),
    errors.elsewhere("", "https://987/"),
    errors.too_large("", 987),
    errors.too_slow("", 987),
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("made", MADE, ids=lambda made: made.message.en)
def test_faults_are_on_the_page_in_their_own_words(page, made):
    message = made.message.zh if "zh-CN" in page else made.message.en
    words = re.sub(r"(\(|（).*(\)|）)$", r"\1…\2", message.replace("987", "…"))
    assert f"`{words}`" in text_of(page)


def test_both_pages_show_the_same_examples() -> None:
    for language in ("toml", "sql", "json", "text"):
        assert blocks(PAGES[0], language) == blocks(PAGES[1], language)
