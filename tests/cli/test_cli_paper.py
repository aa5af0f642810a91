"""``hefu paper``: what papers there are, their placeholders, their templates, and writing one."""

from __future__ import annotations

import hashlib
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import AGREEMENT, CITY, COUNTY, Hefu
from docx import Document

from flows.acting import do, opening
from hefu.node import Node

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_kinds_and_fields(hefu: Hefu) -> None:
    kinds = {k["kind"] for k in json.loads(hefu("paper", "kinds", "--json").out)}
    assert {"copy_notice", "transfer_letter", "delivery_receipt", "assist_request"} <= kinds
    assert "transfer_letter" in hefu("paper", "kinds").out
    fields = json.loads(hefu("paper", "fields", "transfer_letter", "--json").out)
    names = [f["placeholder"] for f in fields]
    assert "{{涉嫌罪名}}" in names
    assert "{{材料.名称}}" in names
    assert all(f["meaning"] and f["example"] for f in fields)
    shown = hefu("paper", "fields", "抄告函")
    assert "{{文号}}" in shown.out
    assert "{%tr endfor %}" in shown.err
    wrong = hefu("paper", "fields", "letter")
    assert wrong.code == 2
    assert "copy_notice" in wrong.err


def test_our_template_is_copied_once(hefu: Hefu, tmp_path: Path) -> None:
    made = hefu("paper", "template", "copy_notice", "--out", tmp_path)
    assert made.code == 0
    path = Path(made.out.strip())
    assert path == tmp_path / "copy_notice.docx"
    assert any("{{当事人}}" in p.text for p in Document(str(path)).paragraphs)
    assert hefu("paper", "template", "copy_notice", "--out", path).code == 2


def test_a_notice_with_lines_to_fill_and_the_agencys_own_words(
    hefu: Hefu, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node.root / "agreements/city.toml").write_text(AGREEMENT, encoding="utf-8")
    about = {"subject_record_ids": ("0" * 32,), "subject_nos": ("示交案〔2026〕15号",)}
    sent = do(node, opening(node, "referral", "send", NOW, to_org=CITY.code, **about), NOW)
    number, at = sent.matter.key.no, ("--node", node.root)
    out = tmp_path / "notice.docx"
    ran = hefu("paper", "write", "copy_notice", number, "--out", out, "--set", "文号=示抄1号", *at)
    assert ran.code == 0, ran.err
    assert ran.out.strip() == str(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    for said in ("to fill by hand", "当事人", "1 records", "--document"):
        assert said in ran.err
    text = "\n".join(p.text for p in Document(str(out)).paragraphs)
    for said in ("示抄1号", COUNTY.name, f"{CITY.name}：", "示交案〔2026〕15号", "十一月二十日"):
        assert said in text

    told = json.loads(
        hefu("paper", "write", "copy_notice", number, "--out", tmp_path, "--json", *at).out
    )
    assert Path(told["file"]).name == f"copy_notice-{number}.docx"
    assert told["sha256"] == hashlib.sha256(Path(told["file"]).read_bytes()).hexdigest()
    assert "文号" in told["blank"]

    wrong = hefu("paper", "write", "transfer_letter", number, "--out", tmp_path / "b", *at)
    assert wrong.code == 2
    other = hefu(
        "paper", "write", "copy_notice", number, "--out", tmp_path / "b", "--set", "x", *at
    )
    assert other.code == 2

    (node.root / "templates").mkdir()
    document = Document()
    document.add_paragraph("{{收件人}}")
    document.save(str(node.root / "templates/copy_notice.docx"))
    monkeypatch.setenv("HEFU_LANG", "zh")
    bad = hefu("paper", "write", "copy_notice", number, "--out", tmp_path / "c.docx", *at)
    assert bad.code == 2
    for said in ("templates/copy_notice.docx", "收件人", "主送机关"):
        assert said in bad.err
    assert not (tmp_path / "c.docx").exists()
