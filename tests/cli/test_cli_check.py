"""``hefu check``: the mapping tried on a sample, and what it says when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_world import AGREEMENT, HEADER, ROWS, Hefu, add_source

from hefu.node import Node


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def fields_of(trial: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in trial["fields"]}


def test_every_field_shows_where_it_comes_from_and_what_becomes_of_it(
    hefu: Hefu, node: Node
) -> None:
    add_source(node, *ROWS)
    ran = hefu("check", "--json", "--node", node.root)
    assert ran.code == 0, ran.err
    (trial,) = json.loads(ran.out)["sources"]
    assert (trial["rows"], trial["unreadable"], trial["quarantined"]) == (2, 0, 1)
    assert trial["unused"] == ["备注"]
    fields = fields_of(trial)
    assert fields["decision_type"]["columns"] == ["决定类型"]
    assert (fields["decision_type"]["raw"], fields["decision_type"]["value"]) == (
        "行政处罚",
        "penalty",
    )
    # The row that failed is the one that is shown, with its raw text.
    assert fields["decision_date"]["value"] == "2026-02-30"
    assert fields["decision_date"]["failed"]["type:decision_date"] == 1
    assert fields["fine_amount_cny"]["failed"] == {"range:fine_amount_cny": 1}
    assert fields["case_no"]["failed_rows"] == 0


def test_personal_values_are_masked_everywhere(hefu: Hefu, node: Node) -> None:
    add_source(node, *ROWS)
    for form in ((), ("--json",)):
        ran = hefu("check", *form, "--node", node.root)
        assert "甲乙丙" not in ran.out + ran.err
        assert "戊己庚" not in ran.out + ran.err
    assert "示****" in ran.out


def test_the_table_and_the_problems_are_data_and_the_warning_is_talk(
    hefu: Hefu, node: Node
) -> None:
    add_source(node, *ROWS)
    ran = hefu("check", "--node", node.root)
    assert ran.code == 0
    assert "source columns that the mapping does not use: 备注" in ran.out
    assert "refused 1 × type:decision_date" in ran.out
    assert "1 of 2 rows of the sample would be quarantined" in ran.err
    assert "would be quarantined" not in ran.out


def test_a_trial_leaves_lake_and_quarantine_alone(hefu: Hefu, node: Node) -> None:
    add_source(node, *ROWS)
    hefu("check", "--node", node.root)
    assert files_below(node.place("lake")) == files_below(node.place("quarantine")) == set()


def test_only_a_sample_of_a_large_file_is_tried(hefu: Hefu, node: Node) -> None:
    add_source(node, *(ROWS[0].replace("000001", f"{n:06}") for n in range(250)))
    ran = hefu("check", "--json", "--node", node.root)
    (trial,) = json.loads(ran.out)["sources"]
    assert trial["rows"] == 100


def test_a_row_that_cannot_be_read_is_counted(hefu: Hefu, node: Node) -> None:
    add_source(node, ROWS[0], "too,few,columns")
    (trial,) = json.loads(hefu("check", "--json", "--node", node.root).out)["sources"]
    assert (trial["rows"], trial["unreadable"]) == (1, 1)
    assert trial["reasons"] == {"read:columns": 1}
    said = hefu("check", "--node", node.root).out
    assert "read:columns: more or fewer columns than the header names" in said


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("SELECT txt(案号) AS source_record_idd FROM raw", "source_record_idd"),
        ("SELECT FROM WHERE", "not one SELECT"),
        ('SELECT txt("不存在") AS source_record_id FROM raw', "does not give"),
    ],
)
def test_a_wrong_mapping_is_exit_code_2_and_names_the_file(
    hefu: Hefu, node: Node, mapping: str, said: str
) -> None:
    add_source(node, *ROWS)
    path = node.root / "sources/casework/results/mapping.sql"
    path.write_text(mapping, encoding="utf-8")
    ran = hefu("check", "--node", node.root)
    assert ran.code == 2
    assert str(path) in ran.err
    assert said in ran.err


def test_a_mapping_that_is_not_there_is_named(hefu: Hefu, node: Node) -> None:
    add_source(node, *ROWS)
    (node.root / "sources/casework/results/mapping.sql").unlink()
    ran = hefu("check", "--node", node.root)
    assert ran.code == 2
    assert "mapping.sql" in ran.err


def test_a_misspelt_key_is_named_with_its_line_before_anything_is_reached(
    hefu: Hefu, node: Node
) -> None:
    add_source(node, *ROWS)
    path = node.root / "sources/casework/results/source.toml"
    path.write_text(path.read_text().replace("pattern", "patern"), encoding="utf-8")
    ran = hefu("check", "--node", node.root)
    assert (ran.code, ran.out) == (2, "")
    assert f"{path}, row 8" in ran.err
    assert "did you mean 'pattern'" in ran.err


def test_a_source_out_of_reach_does_not_hide_the_next(hefu: Hefu, node: Node) -> None:
    add_source(node, *ROWS)
    away = node.root / "sources" / "away" / "rows"
    away.mkdir(parents=True)
    text = (node.root / "sources/casework/results/source.toml").read_text(encoding="utf-8")
    (away / "source.toml").write_text(
        text.replace('"casework"', '"away"').replace('"results"', '"rows"').replace("export", "no"),
        encoding="utf-8",
    )
    (away / "mapping.sql").write_text("SELECT 1 AS case_no FROM raw", encoding="utf-8")
    ran = hefu("check", "--json", "--node", node.root)
    told = json.loads(ran.out)
    assert ran.code == 3
    assert [t["stream_id"] for t in told["sources"]] == ["casework/results"]
    assert [e["subject"] for e in told["errors"]] == ["away/rows"]


def test_offline_checks_the_configuration_alone(hefu: Hefu, node: Node) -> None:
    add_source(node, *ROWS)
    (node.root / "agreements" / "a.toml").write_text(AGREEMENT, encoding="utf-8")
    ran = hefu("check", "--offline", "--node", node.root)
    assert (ran.code, ran.out) == (0, "")
    assert "sources 1, agreements 1, partners 0" in ran.err
    assert files_below(node.place("landing")) == set()


def test_a_signing_key_that_does_not_open_is_found(hefu: Hefu, node: Node) -> None:
    (node.root / "keys" / "passphrase").write_text("another\n", encoding="utf-8")
    ran = hefu("check", "--offline", "--node", node.root)
    assert ran.code == 2
    assert "signing.pem" in ran.err


def test_a_source_that_gives_no_row_is_said(hefu: Hefu, node: Node) -> None:
    file = add_source(node)
    ran = hefu("check", "--node", node.root)
    assert ran.code == 0, ran.err
    assert "the source gave no row" in ran.err
    assert file.read_text(encoding="utf-8") == HEADER + "\n"


def test_without_a_mapping_the_columns_are_shown_with_what_they_seem_to_be(
    hefu: Hefu, node: Node
) -> None:
    add_source(node, *ROWS)
    mapping = node.root / "sources/casework/results/mapping.sql"
    mapping.unlink()
    ran = hefu("check", "--json", "--node", node.root)
    (trial,) = json.loads(ran.out)["sources"]
    assert "AS decision_type" in trial["drafted"]
    assert fields_of(trial)["decision_date"]["columns"] == ["处罚决定日期"]
    assert fields_of(trial)["source_record_id"]["columns"] == []
    assert trial["rows"] == 2  # the suggestion was tried on them
    ran = hefu("check", "--node", node.root)
    assert ran.code == 2  # it can't be synced yet
    assert "no mapping.sql yet" in ran.out
    assert "hefu draft casework/results" in ran.err
    assert "甲乙丙" not in ran.out + ran.err
    assert not mapping.exists()
    ran = hefu("draft", "casework/results", "--node", node.root)
    assert (ran.code, ran.out.strip()) == (0, str(mapping))
    assert "required, still NULL: source_record_id" in ran.err
    assert mapping.read_text(encoding="utf-8") == trial["drafted"]
    ran = hefu("draft", "casework/results", "--node", node.root)
    assert (ran.code, "has a mapping.sql already" in ran.err) == (2, True)


def test_an_unused_column_is_named_with_the_field_that_it_seems_to_be(
    hefu: Hefu, node: Node
) -> None:
    add_source(node, *ROWS)
    mapping = node.root / "sources/casework/results/mapping.sql"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(
        text.replace('    yuan("罚款金额（元）") AS fine_amount_cny,\n', ""), encoding="utf-8"
    )
    ran = hefu("check", "--node", node.root)
    assert "by their names: 罚款金额（元） → fine_amount_cny" in ran.err


def test_what_the_source_has_is_listed_when_asked_for(hefu: Hefu, node: Node) -> None:
    add_source(node, *ROWS)
    ran = hefu("check", "--streams", "--node", node.root)
    assert ran.code == 0
    assert "it has" in ran.out


def test_a_file_that_cannot_be_read_says_why(hefu: Hefu, node: Node) -> None:
    add_source(node, *ROWS).write_bytes(b"")
    ran = hefu("check", "--node", node.root)
    assert ran.code == 0
    assert "refused 1 × read:file: a file that can't be read as a whole" in ran.out
    assert "  the first one: the file is empty, without even a header" in ran.out
    assert "made of" not in ran.out  # no table of fields of which none was tried
    assert "compare [reader] in source.toml" in ran.err
