"""``hefu transfer``: from the suspicion to the police, on one node."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

from cli_world import Hefu, Ran

from flows.own_records import append_own
from hefu.node import Node

CASE, OFFENCE = "示交案〔2026〕1号", "危险驾驶罪"
#: Of a county, as the agency; invented, with a good check digit.
POLICE = "113305230000001HF6"
MAPPING = """
SELECT case_no AS source_record_id, case_no, 'no_dangerous_goods_licence' AS common_cause_code,
    'criminal_transfer' AS decision_type, '违法行为（虚构）' AS violation_type,
    '2026-09-01' AS decision_date, '甲公司（虚构）' AS party_name, 'legal_org' AS party_category,
    TIMESTAMPTZ '2026-08-20 10:00:00+08' AS occurred_time,
    TIMESTAMPTZ '2026-09-01 10:00:00+08' AS source_updated_time
FROM raw
"""
ALWAYS = ("transfer_letter", "investigation_report")
AT_TIMES = ("property_list", "inspection_or_appraisal", "other")


def test_a_suspected_crime_goes_to_the_police(hefu: Hefu, node: Node, tmp_path: Path) -> None:

    append_own(node, "case_result", MAPPING, [{"case_no": CASE}], datetime.now(UTC))

    def transfer(*words: str | Path) -> Ran:
        return hefu("transfer", *words, "--node", node.root)

    listed = transfer("suspicions", "--all", "--json")
    assert {one["outcome"] for one in json.loads(listed.out)} == {"transferred"}

    opened = transfer("suspect", CASE, "--offence", OFFENCE, "--json")
    number = json.loads(opened.out)["number"]
    assert OFFENCE not in opened.out + opened.err
    again = transfer("suspect", CASE, "--offence", OFFENCE)
    assert (again.code, "has a transfer already" in again.err) == (0, True)

    alone = transfer("set-team", number, "--officer", "虚构001")
    assert (alone.code, "at least 2 officers" in alone.err) == (2, True)
    for words in (
        ("set-team", "--officer", "虚构001", "--officer", "虚构002"),
        ("report", "--document-no", "报1"),
        ("approve", "--role", "principal_head", "--name", "测试负责人"),
    ):
        done = transfer(words[0], number, *words[1:])
        assert done.code == 0, done.err

    letter = tmp_path / "letter.docx"
    letter.write_bytes(b"invented")
    there = [f"--material={kind}={letter}" for kind in ALWAYS]
    to = ("--to", POLICE, "--document-no", "移1")
    lacking = transfer("dispatch", number, *to, *there)
    assert lacking.code == 2
    assert "list of property" in lacking.err
    rest = [f"--material={kind}:not_applicable" for kind in AT_TIMES]
    mistyped = ("--to", POLICE[:-1] + "A", "--document-no", "移1")
    wrong = transfer("dispatch", number, *mistyped, *there, *rest)
    assert (wrong.code, "check digit is wrong" in wrong.err) == (2, True)
    sent = transfer("dispatch", number, *to, *there, *rest, "--goods", "罐车;1辆;停车场")
    assert sent.code == 0, sent.err
    assert "state: sent" in sent.err

    shown = transfer("show", number)
    assert (shown.code, "测试负责人" in shown.out) == (0, False)
    assert transfer("check").code == 0
    (decision,) = (node.root / "decisions").iterdir()
    decision.unlink()
    for command in (("list",), ("show", number), ("check",)):
        told = transfer(*command)
        assert (told.code, "signed decision is missing" in told.err) == (1, True)


def test_the_numbers_are_written_without_persons(hefu: Hefu, node: Node, tmp_path: Path) -> None:

    append_own(node, "case_result", MAPPING, [{"case_no": CASE}], datetime.now(UTC))
    out = tmp_path / "numbers.csv"
    ran = hefu("transfer", "numbers", "--out", out, "--node", node.root)
    assert ran.code == 0, ran.err
    text = out.read_bytes().decode("utf-8-sig")
    assert CASE not in text
    assert "甲公司" not in text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["month"], r["sign"]) for r in rows][-1] == ("2026-09", "all")
    assert {(r["cases_with_sign"], r["transferred"], r["no_transfer"]) for r in rows} == {
        ("1", "1", "0")
    }
    assert {r["rules_verified"] for r in rows} == {"False"}


def test_justice_hands_a_case_back(hefu: Hefu, node: Node) -> None:
    words = ("--from", POLICE, "--case", "检案1", "--document-no", "检意1")
    first = hefu("reverse", "receive-back", *words, "--node", node.root)
    assert first.code == 0, first.err
    assert "state: received" in first.err
    again = hefu("reverse", "receive-back", *words, "--node", node.root)
    assert "noted already" in again.err
