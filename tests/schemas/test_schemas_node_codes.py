"""A node's own rows of code lists: what they add, and what they may not say."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from schemas_samples import value

from schemas.codes import COLUMNS, all_codes, load_codes
from schemas.errors import ConfigError
from schemas.sql import connect, install

HEADER = ",".join(COLUMNS)


def written(folder: Path, *lines: str, header: str = HEADER, name: str = "plate_color") -> Path:
    folder.mkdir(exist_ok=True)
    text = "\n".join([header, *lines]) + "\n"
    (folder / f"{name}.csv").write_text(text, encoding="utf-8-sig")
    return folder


def line(scheme: str = "own", raw: str = "甲", code: str = "blue", days: str = ",") -> str:
    return f"{scheme},{raw},{code},,,{days},本单位系统,true"


def test_without_a_folder_the_lists_are_those_of_the_package(tmp_path: Path) -> None:
    assert load_codes(tmp_path / "codes") == all_codes()


def test_a_row_is_used_beside_those_of_the_package(tmp_path: Path) -> None:
    folder = written(
        tmp_path / "codes",
        line(),
        line(scheme="zh", raw=" 渐变色 ", code="green"),
        line(scheme="zh", raw="黄牌", code="yellow"),
        line(raw="乙", days=",2020-01-01"),
        line(raw="乙", code="white", days="2020-01-01,"),
    )
    lists = load_codes(folder)
    assert len(lists["plate_color"]) == len(all_codes()["plate_color"]) + 4
    assert {**lists, "plate_color": ()} == {**all_codes(), "plate_color": ()}
    con = connect(threads=1, codes=lists)
    asked = ["'own', '甲'", "'zh', '渐变色'", "'zh', '黄牌'", "'own', '乙'", "'own', '丙'"]
    found = [value(con, f"code('plate_color', {x})") for x in asked]
    assert found == ["blue", "green", "yellow", "unmapped:乙", "unmapped:丙"]
    assert value(con, "code_on('plate_color', 'own', '乙', '2019-12-31')") == "blue"
    con.close()


@pytest.mark.parametrize(
    ("lines", "row", "says"),
    [
        ([line(), line(scheme="canonical", raw="pink", code="pink")], 3, "canonical"),
        ([line(code="pink")], 2, "no code 'pink'"),
        ([line(scheme="")], 2, "empty"),
        ([line(raw=" ")], 2, "empty"),
        ([line(raw="a\x01b")], 2, "control"),
        ([line(days="2020-13-01,")], 2, "valid_from is no date"),
        ([line(days=",20200101")], 2, "valid_to is no date"),
        ([line(days="2020-01-02,2020-01-01")], 2, "ends before it begins"),
        ([line(), line(code="yellow")], 3, "those of line 2"),
        ([line(), line(days="2020-01-01,")], 3, "those of line 2"),
        ([line(scheme="zh", raw="黄牌", code="blue")], 2, "already has another code"),
        ([line(scheme="zh", raw="黄色", code="blue", days="2020-01-01,")], 2, "already has"),
        ([line().replace("true", "yes")], 2, "verified"),
        ([line() + ",more"], 2, "cells"),
        (["own,甲,blue"], 2, "cells"),
        (['own,"甲,blue,,,,,,true'], 2, "not CSV"),
    ],
)
def test_what_a_row_may_not_say(tmp_path: Path, lines: list[str], row: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_codes(written(tmp_path / "codes", *lines))
    error = caught.value
    assert says in error.message.en
    assert not error.message.zh.isascii()
    assert error.where
    assert str(error.where.file).endswith("plate_color.csv")
    assert error.where.row == row


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (HEADER.replace("code", "kode"), "missing code; unknown or twice kode"),
        (HEADER + ",note", "unknown or twice note"),
        ("", "missing scheme"),
    ],
)
def test_a_header_that_is_not_that_of_a_list(tmp_path: Path, header: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_codes(written(tmp_path / "codes", line(), header=header))


def test_a_list_that_does_not_exist_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_codes(written(tmp_path / "codes", line(), name="plate_colour"))
    assert caught.value.hint
    assert "plate_color" in caught.value.hint.en


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    folder = written(tmp_path / "codes")
    (folder / "plate_color.csv").write_bytes("scheme,原文".encode("gbk"))
    with pytest.raises(ConfigError, match="can't be read"):
        load_codes(folder)


@pytest.mark.parametrize(
    ("page", "heading", "gives"),
    [
        ("mapping.md", "### A node's own codes", "gives"),
        ("mapping.zh-CN.md", "### 本节点自己的对照行", "得"),
    ],
)
def test_the_example_of_the_document_holds(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, page: str, heading: str, gives: str
) -> None:
    part = Path("docs", page).read_text("utf-8").split(heading)[1]
    [_, lines, after] = part.replace("```csv", "```").split("```")
    (tmp_path / "penalty_category.csv").write_text(lines.strip() + "\n", encoding="utf-8")
    install(con, load_codes(tmp_path))
    examples = re.findall(rf"`(code(?:_on)?\([^`]*\))`\s+也?{gives}\s+`([^`]*)`", after)
    assert [value(con, call) for call, _ in examples] == [found for _, found in examples]
    assert len(examples) == 3
