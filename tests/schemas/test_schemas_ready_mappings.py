"""Every ready mapping: its invented rows give exactly what ``expected.json`` says."""

from __future__ import annotations

import csv
import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from schemas_ready import Outcome, outcome

from connectors.config import SourceConfig
from hefu.headers import Header
from hefu.ready_draft import written
from schemas.codes import all_codes, schemes
from schemas.contract import load_contract, record_types
from schemas.errors import ConfigError
from schemas.identities import credit_code_ok, id_no_ok
from schemas.mapping import parse_mapping
from schemas.mappings import Ready, load_ready, ready_mappings
from schemas.mappings.fitting import fit, plain, sql_in_names, toml_in_names
from schemas.sql import connect
from schemas.toml import parse_toml

FORMATS = ready_mappings()


@cache
def ran(name: str) -> Outcome:
    with TemporaryDirectory() as folder:
        return outcome(load_ready(name), sample_of(name), Path(folder))


def sample_of(name: str) -> Path:
    return Path(str(load_ready(name).sample))


def expected_of(name: str) -> list[dict[str, Any]]:
    return json.loads((sample_of(name).parent / "expected.json").read_text(encoding="utf-8"))


def test_the_formats_that_partners_use_are_there() -> None:
    assert set(FORMATS) >= {
        "copy-notice",
        "double-publicity-penalty",
        "double-publicity-penalty-2015",
        "hotline-work-order",
        "overload-pass",
        "overload-result",
        "ride-hailing-driver",
        "ride-hailing-driver-penalty",
        "ride-hailing-vehicle",
        "supervision-inspection",
        "supervision-penalty",
        "transport-operator-licence",
        "transport-vehicle-licence",
        "transport-worker-licence",
        "wim-record",
    }


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_becomes_what_is_expected(name: str) -> None:
    assert ran(name).rows == expected_of(name)


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_shows_good_rows_and_bad_ones(name: str) -> None:
    rows = ran(name).rows
    assert 10 <= len(rows) <= 30
    assert sum("record" in row for row in rows) >= 3
    assert any("quarantined" in row for row in rows)


@pytest.mark.parametrize("name", FORMATS)
def test_no_column_is_left_unexplained(name: str) -> None:
    trial = ran(name).trial
    assert (trial.unused, trial.contradicted) == ((), ())
    assert all(reason.zh and reason.en for reason in trial.explained.values())


@pytest.mark.parametrize("name", FORMATS)
def test_every_column_of_the_format_is_in_the_sample(name: str) -> None:
    ready, sample = load_ready(name), sample_of(name)
    names = {column.name for column in ready.about.columns}
    assert fit(ready, columns_of(sample)).extra == ()
    assert names - set(columns_of(sample)) == set()


def columns_of(sample: Path) -> list[str]:
    text = sample.read_text(encoding="utf-8")
    if sample.suffix == ".csv":
        return next(csv.reader(text.splitlines()))
    rows = (
        json.loads(text)
        if sample.suffix == ".json"
        else [json.loads(line) for line in text.splitlines()]
    )
    return list(dict.fromkeys(key for row in rows for key in row))


@pytest.mark.parametrize("name", FORMATS)
def test_about_speaks_of_what_there_is(name: str) -> None:
    ready = load_ready(name)
    about = ready.about
    contract = load_contract(about.record_type)
    columns = {column.name for column in about.columns}
    assert len(columns) == len(about.columns)
    for column in about.columns:
        assert column.field is None or not contract.field(column.field).filled_by_node
    for known in about.code_lists:
        assert known.column in columns
        assert known.scheme == "CASE" or known.scheme in schemes(known.list)


@pytest.mark.parametrize("name", FORMATS)
def test_each_column_is_used_or_explained_and_no_other_is_named(name: str) -> None:
    ready = load_ready(name)
    con = connect()
    try:
        mapping = parse_mapping(
            con, ready.mapping_sql, name, load_contract(ready.about.record_type)
        )
    finally:
        con.close()
    config = source_of(ready)
    # `e` is the parameter of a lambda.
    used = set(mapping.used_columns) - {"e"}
    explained = {c.lower() for c in config.unused_columns}
    assert used & explained == set()
    assert used | explained == {column.name.lower() for column in ready.about.columns}


def source_of(ready: Ready) -> SourceConfig:
    names = tuple(column.name for column in ready.about.columns)
    header = Header("utf-8", ",", names)
    toml, _ = written(ready, fit(ready, names), header, "s", "t", Path("/drop/file.csv"))
    assert '"{' not in toml
    return parse_toml(toml, SourceConfig, Path("source.toml"))


@pytest.mark.parametrize("name", ["double-publicity-penalty", "overload-pass", "wim-record"])
def test_a_file_with_chinese_headers_gives_the_same(name: str, tmp_path: Path) -> None:
    ready, sample = load_ready(name), sample_of(name)
    labels = {column.name: column.label for column in ready.about.columns}
    path = tmp_path / sample.name
    path.write_text(renamed(sample, labels), encoding="utf-8")
    assert outcome(ready, path, tmp_path / "node").rows == expected_of(name)


def renamed(sample: Path, names: dict[str, str]) -> str:
    text = sample.read_text(encoding="utf-8")
    if sample.suffix == ".csv":
        head, _, rest = text.partition("\n")
        return ",".join(names[name] for name in head.split(",")) + "\n" + rest
    lines = sample.suffix == ".jsonl"
    rows = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
    own = [{names[key]: value for key, value in row.items()} for row in rows]
    if lines:
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own)
    return json.dumps(own, ensure_ascii=False)


@pytest.mark.parametrize("name", FORMATS)
def test_numbers_are_good_and_persons_impossible(name: str) -> None:
    """But for the rows that are there to show a wrong check digit."""
    text = sample_of(name).read_text(encoding="utf-8")
    shown_wrong = json.dumps(expected_of(name)).count("check_digit")
    wrong = set()
    for number in set(re.findall(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])", text)):
        assert number.startswith("99999918"), "a region that is not, a birthday long ago"
        if not id_no_ok(number.upper()):
            wrong.add(number)
    for code in set(re.findall(r"(?<![0-9A-Za-z])(?:91|11)[0-9A-Za-z]{16}(?![0-9A-Za-z])", text)):
        assert code.upper().startswith(("91999900MA", "11999900MB"))
        if not credit_code_ok(code.upper()):
            wrong.add(code)
    assert len(wrong) <= shown_wrong


def test_an_unknown_format_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as raised:
        load_ready("overload-passes")
    assert "overload-pass" in str(raised.value.hint)


def test_names_are_compared_without_case_blanks_and_width() -> None:
    assert plain(" CF_xdr_MC ") == plain("CF_XDR_MC")
    assert plain("罚款金额（万元）") == plain("罚款金额 (万元)")
    assert plain("罚款金额（万元）") != plain("罚款金额（元）")


def test_a_column_is_found_by_code_label_and_other_names() -> None:
    ready = load_ready("double-publicity-penalty")
    found = fit(
        ready, ["cf_wsh", "行政相对人名称", "法人", "罚款金额（元）", "违法行为类型", "经办"]
    )
    assert found.columns["CF_WSH"] == "cf_wsh"
    assert found.columns["CF_XDR_MC"] == "行政相对人名称"
    assert found.columns["CF_FRDB"] == "法人"
    assert found.extra == ("罚款金额（元）", "经办")
    assert found.near["CF_NR_FK"] == "罚款金额（元）", "near, but never taken for 万元"
    assert found.missing_required == ("CF_JDRQ",)
    assert found.columns["BZ"] == "备注", "the file's other names are labels"


def test_a_person_can_say_what_a_column_is() -> None:
    ready = load_ready("double-publicity-penalty")
    found = fit(ready, ["文书编号", "行政相对人名称"], {"CF_WSH": "文书编号"})
    assert found.columns["CF_WSH"] == "文书编号"
    assert found.extra == ()


def test_only_columns_are_renamed() -> None:
    sql = """SELECT "a" AS x, 'a "a"' AS y, "b" -- "a"\nFROM raw"""
    assert sql_in_names(sql, {"a": 'c"d'}) == (
        """SELECT "c""d" AS x, 'a "a"' AS y, "b" -- "a"\nFROM raw"""
    )
    toml = 'label = "{label}"\n"a" = "the a column"\nfield = "a"\n'
    assert toml_in_names(toml, {"a": 'c"d'}, {"label": "示例"}) == (
        'label = "示例"\n"c\\"d" = "the a column"\nfield = "c\\"d"\n'
    )


def test_record_types_and_code_lists_of_the_formats_exist() -> None:
    abouts = [load_ready(name).about for name in FORMATS]
    assert {about.record_type for about in abouts} <= set(record_types())
    assert {known.list for about in abouts for known in about.code_lists} <= {
        *all_codes(),
        "boolean",
    }
