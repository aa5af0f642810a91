"""JSON and JSON Lines: numbers keep their text, and a bad record stops no other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.jsontext import dumps, loads

VALUES = {
    '"text"': "text",
    '""': "",
    "0.10": "0.10",
    "1e308": "1e308",
    "-1": "-1",
    "123456789012345678901234567890": "123456789012345678901234567890",
    "true": "true",
    "false": "false",
    "null": None,
    '{"b": 0.10, "a": ["x", null]}': '{"b": 0.10, "a": ["x", null]}',
    "[]": "[]",
    '"甲\\n乙"': "甲\n乙",
}


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("text", list(VALUES))
def test_values(files, form, text):
    source = files(form)
    record = f'{{"v": {text}}}'
    source.put("a.json", (f"[{record}]" if form == "json" else record).encode())
    assert source.read(source.pull()).rows == [{"v": VALUES[text]}]


BAD = {
    '{"v": 1, "v": 2}': "read:json",
    '{"v": {"x": 1, "x": 2}}': "read:json",
    '{"v": [{"x": 1, "x": 2}]}': "read:json",
    '{"v": 1, "V": 2}': "read:json",
    '{"_row": 1}': "read:json",
    '["not", "an object"]': "read:json",
    "17": "read:json",
    "null": "read:json",
    '{"v": "a\\u0000b"}': "read:nul",
    '{"v": ["a\\u0000b"]}': "read:nul",
    '{"v\\u0000": 1}': "read:nul",
    '{"v": "\\ud800"}': "read:encoding",
    '{"v": "' + "x" * 3_000_000 + '"}': "read:oversize",
}
ONLY_LINES = {
    '{"v": NaN}': "read:json",
    '{"v": 1': "read:json",
    "<html>": "read:json",
    "[" * 100_000: "read:json",
    '{"v": "a\0b"}': "read:nul",
}


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize(("text", "rule"), list(BAD.items()), ids=range(len(BAD)))
def test_bad_records_stop_no_other(files, form, text, rule):
    records = ['{"v": "1"}', text, '{"v": "2"}']
    data = "[" + ", ".join(records) + "]" if form == "json" else "\n".join(records)
    source = files(form)
    source.put("a.json", data.encode())
    found = source.read(source.pull())
    assert [p[1] for p in found.placed] == [1, 3]
    assert [r["v"] for r in found.rows] == ["1", "2"]
    assert [(r[1], r[2]) for r in found.rejects] == [(2, rule)]


@pytest.mark.parametrize(("text", "rule"), list(ONLY_LINES.items()), ids=range(len(ONLY_LINES)))
def test_bad_lines_stop_no_other(files, text, rule):
    source = files("jsonl")
    source.put("a.jsonl", ('{"v": 1}\n\n' + text + '\n{"v": 2}\n').encode())
    found = source.read(source.pull())
    assert [p[1] for p in found.placed] == [1, 3]
    assert [(r[1], r[2]) for r in found.rejects] == [(2, rule)]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_bad_bytes_are_one_record_only(files, form):
    data = b'{"v": "1"},\n{"v": "\xff"},\n{"v": "2"}'
    source = files(form)
    source.put("a", b"[" + data + b"]" if form == "json" else data.replace(b",\n", b"\n"))
    found = source.read(source.pull())
    assert [r["v"] for r in found.rows] == ["1", "2"]
    assert found.rules == ["read:encoding"]
    assert "\\xff" in found.rejects[0][4]


def test_columns_are_the_union_of_keys_and_optional_ones_exist(files):
    source = files("jsonl", 'optional_columns = ["paid_on", "a"]')
    source.put("1.jsonl", b'{"a": 1}\n{"b": 2}\n')
    source.put("2.jsonl", b'{"c": 3, "A": 4}\n')
    found = source.read(source.pull())
    assert found.batch.columns == ("a", "b", "c", "paid_on")
    assert found.rows[2] == {"a": "4", "b": None, "c": "3", "paid_on": None}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_encodings(files, form, encoding):
    text = '{"当事人": "甲公司"}'
    source = files(form, f'encoding = "{encoding}"')
    source.put("a", (f"[{text}]" if form == "json" else text + "\n").encode(encoding))
    assert source.read(source.pull()).rows == [{"当事人": "甲公司"}]


def test_records_path(files):
    source = files("json", 'records = "data.items"')
    source.put("a.json", b'{"data": {"items": [{"a": 1}], "n": 1}}')
    assert source.read(source.pull()).rows == [{"a": "1"}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'[{"a": 1}, {"a"', "cut off"),
        (b"", "cut off"),
        (b"<html/>", "HTML"),
        (b'{"a": 1}', "no list of records at the top"),
        (b"[" + b"1," * 5000 + b"1]", "larger than 2000 bytes"),
    ],
)
def test_an_unreadable_document_is_one_reject_and_the_next_goes_through(files, data, words):
    source = files("json", "max_document_bytes = 2000")
    source.put("a.json", data)
    source.put("b.json", b'[{"a": 1}]')
    found = source.read(source.pull())
    ((_, row, rule, detail, text),) = found.rejects
    assert (row, rule) == (0, "read:file")
    assert words in detail
    assert text.startswith(f"a.json ({len(data)} bytes")
    assert found.rows == [{"a": "1"}]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(_JSON)
def test_json_text_keeps_its_meaning(value):
    assert json.loads(dumps(loads(json.dumps(value)))) == value


@settings(max_examples=80, deadline=None)
@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
)
def test_numbers_keep_their_text(text):
    assert dumps(loads(f"[{text}]")) == f"[{text}]"
