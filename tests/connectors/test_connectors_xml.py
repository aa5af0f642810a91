"""XML: each record's leaves are its columns; nothing is declared, expanded, fetched or guessed."""

from __future__ import annotations

import io
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.xml import xml_records
from connectors.formats.xml_parser import XmlError
from connectors.reader_base import Rows

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
ONE = "<list><case><no>A1</no></case></list>"


def read(files, data, more=""):
    source = files("xml", more)
    source.put("a.xml", data.encode() if isinstance(data, str) else data)
    return source.read(source.pull())


def test_leaves_attributes_and_what_is_nested(files):
    found = read(
        files,
        f"""<?xml version="1.0"?>
        <list {XSI}>
          <case id="7">
            <no> A1
            </no>
            <party type="1"><name>甲</name></party>
            <fine unit="元">200</fine>
            <note/>
            <text><![CDATA[<a> & "b"]]></text>
          </case>
          <case id="8"><no xsi:nil="true"/><!-- nothing --><?nothing?></case>
        </list>""",
    )
    assert found.rows[0] == {
        "@id": "7", "no": "A1", "party/@type": "1", "party/name": "甲",
        "fine": "200", "fine/@unit": "元", "note": "", "text": '<a> & "b"',
    }  # fmt: skip
    assert {k: v for k, v in found.rows[1].items() if v is not None} == {"@id": "8"}
    assert [p[1] for p in found.placed] == [1, 2]


LISTS = "<l><c><p>甲</p><p>乙</p></c><c><p>丙</p></c><c/></l>"


def test_what_repeats_is_a_list_if_a_person_says_so(files):
    found = read(files, LISTS, 'lists = ["p"]')
    assert [r["p"] for r in found.rows] == ['["甲", "乙"]', '["丙"]', None]


def test_what_repeats_otherwise_takes_its_record_out(files):
    found = read(files, LISTS)
    assert [r["p"] for r in found.rows] == ["丙", None]
    assert found.rejects[0][1:4] == (1, "read:xml", "<p> comes 2 times; name it in `lists`")


def test_a_list_of_what_is_nested(files):
    party = '<p id="1"><name>甲</name><tel>1</tel><tel>2</tel></p>'
    found = read(files, f"<l><c>{party}</c></l>", 'lists = ["p", "p/tel"]')
    assert found.rows[0]["p"] == '[{"@id": "1", "name": "甲", "tel": ["1", "2"]}]'
    assert read(files, f"<l><c>{party}</c></l>", 'lists = ["p"]').rules == ["read:xml"]


@pytest.mark.parametrize(
    ("records", "more", "numbers"),
    [
        ("", "", ["A1"]),
        ("list/case", "", ["A1"]),
        ("*/case", "", ["A1"]),
        ("u:list/u:case", '[reader.namespaces]\nu = "urn:x"', ["A1"]),
        ("list/u:case", '[reader.namespaces]\nu = "urn:x"', ["A1"]),
        ("list/u:case", '[reader.namespaces]\nu = "urn:y"', []),
        ("list/other", "", []),
    ],
)
def test_where_records_are(files, records, more, numbers):
    data = ONE.replace("<list>", '<list xmlns="urn:x">')
    found = read(files, data, f'records = "{records}"\n{more}')
    assert [r["no"] for r in found.rows] == numbers
    assert not found.rejects


def test_records_far_below_and_in_more_places(files):
    places = "".join(f"<b><case><n>{i}</n></case></b>" for i in (1, 2))
    data = f"<a><head><case>no</case></head>{places}</a>"
    found = read(files, data, 'records = "a/b/case"')
    assert [r["n"] for r in found.rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ("answer/list/case", "the root is <list>, below it: case"),
        ("x:list/case", "the prefix 'x'"),
    ],
)
def test_where_they_are_not(files, records, told):
    found = read(files, ONE, f'records = "{records}"')
    assert found.rules == ["read:file"]
    assert told in found.rejects[0][3]


# ---- encodings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("GB2312", "gb18030"),
        ("gbk", "gbk"),
        ("GB18030", "gb18030"),
        ("UTF-16", "utf-16"),
        ("UTF-16LE", "utf-16-le"),
        ("utf-16be", "utf-16-be"),
        # What .NET writes into a string and then saves otherwise.
        ("utf-16", "utf-8"),
        ("Big5", "big5"),
    ],
)
def test_declared_encodings(files, declared, codec):
    text = f'<?xml version="1.0" encoding="{declared}"?><l><c><名>張中文</名></c></l>'
    assert read(files, text.encode(codec)).rows == [{"名": "張中文"}]


@pytest.mark.parametrize("codec", ["gb18030", "gbk", "utf-16", "utf-8"])
def test_an_encoding_that_is_not_declared(files, codec):
    data = "<l><c><n>张三丰</n></c></l>".encode(codec)
    assert read(files, data, f'encoding = "{codec}"').rows == [{"n": "张三丰"}]


def test_a_rare_character_in_what_says_gb2312(files):
    data = '<?xml version="1.0" encoding="gb2312"?><l><c>㐀䶮镕</c></l>'.encode("gb18030")
    assert read(files, data).rows == [{"#text": "㐀䶮镕"}]


def test_a_character_cut_in_half_takes_only_its_record_out(files):
    text = '<?xml version="1.0" encoding="gbk"?><l><c><n>张三</n></c><c><n>李</n></c></l>'
    data = text.encode("gbk").replace("三".encode("gbk"), "三".encode("gbk")[:1])
    found = read(files, data)
    assert found.rows == [{"n": "李"}]
    assert found.rules == ["read:encoding"]


@pytest.mark.parametrize("half", [b"\x00\xd8", b"\x41\xdc"], ids=["first", "second"])
@pytest.mark.parametrize("mark", [b"", b"\xff\xfe"])
def test_half_a_character_in_utf16_takes_only_its_record_out(files, mark, half):
    before, after = (t.encode("utf-16-le") for t in ("<l><c><n>1</n></c><c><n>", "x</n></c></l>"))
    found = read(files, mark + before + half + after)
    assert ([row["n"] for row in found.rows], found.rules) == (["1"], ["read:encoding"])


def test_two_attributes_that_differ_only_in_their_namespace_lose_neither(files):
    """One column would hold the one and drop the other."""
    clash = '<l xmlns:a="u"><c a:id="1" id="2"/><c><n a:id="1" id="2"/></c><c id="3"/></l>'
    found = read(files, clash)
    assert ([row["@id"] for row in found.rows], found.rules) == (["3"], ["read:xml"] * 2)


def test_an_unknown_encoding(files):
    found = read(files, '<?xml version="1.0" encoding="x-none"?><l/>')
    assert "x-none" in found.rejects[0][3]


# ---- what is not read ------------------------------------------------------------------------

LAUGHS = "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
REFUSED = {
    "billion_laughs": (f'<!DOCTYPE l [<!ENTITY a "x">{LAUGHS}]><l><c>&i;</c></l>', "(DTD)"),
    "quadratic": (
        f'<!DOCTYPE l [<!ENTITY a "{"x" * 9999}">]><l><c>{"&a;" * 9999}</c></l>', "(DTD)",
    ),
    "external_entity": (
        '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]><l><c>&a;</c></l>', "(DTD)",
    ),
    "external_dtd": ('<!DOCTYPE l SYSTEM "http://127.0.0.1:9/x.dtd"><l><c/></l>', "(DTD)"),
    "parameter_entity": ('<!DOCTYPE l [<!ENTITY % a SYSTEM "x"> %a;]><l><c/></l>', "(DTD)"),
    "plain_dtd": ("<!DOCTYPE l><l><c/></l>", "(DTD)"),
    "html": ("<!DOCTYPE HTML><html><body>login</body></html>", "HTML"),
    "undeclared_entity": ("<l><c>&nbsp;</c></l>", "broken in line 1, column 7"),
    "cut_off": (ONE[:-9], "cut off in line 1"),
    "cut_off_in_a_tag": (ONE[:20], "cut off in line 1"),
    "cut_off_in_a_character": (b"<l><c>\xe5\xbc", "cut off in line 1"),
    "cut_off_in_cdata": ("<l><c><![CDATA[x", "cut off in line 1"),
    "empty": ("", "the file is empty"),
    "mismatched": (ONE.replace("</case>", "</cases>"), "broken in line 1, column 26"),
    "text_behind": (ONE + "x", "broken in line 1"),
    "two_roots": (ONE + ONE, "broken in line 1"),
    "no_xml": ('{"a": 1}', "broken in line 1, column 1"),
    "control_character": ("<l><c>\x01</c></l>", "broken in line 1, column 7"),
    "nul": ("<l><c>\0</c></l>", "broken in line 1, column 7"),
    "nested_without_end": ("<a>" * 300_000, "nested more than"),
    "nested_in_a_record": ("<l><c>" + "<a>" * 300_000, "nested more than"),
    "says_gbk_and_is_utf8": (
        '<?xml version="1.0" encoding="GBK"?><l><c>一二三四五</c></l>', "is in UTF-8",
    ),
    "attribute_twice": ('<l><c a="1" a="2"/></l>', "broken in line 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_a_document_that_is_refused_is_refused_as_a_whole(files, name):
    """Records before the fault too: what stands behind it is not known. Others go through."""
    data, told = REFUSED[name]
    source = files("xml")
    for file, content in (("a.xml", ONE), ("b.xml", data), ("c.xml", ONE)):
        source.put(file, content.encode() if isinstance(content, str) else content)
    found = source.read(source.pull())
    assert [p[0] for p in found.placed] == [0, 2]
    ((index, row, rule, detail, _),) = found.rejects
    assert (index, row, rule) == (1, 0, "read:file")
    assert told in detail


@pytest.mark.parametrize("name", list(REFUSED))
def test_every_refusal_is_in_both_languages(name):
    data = REFUSED[name][0]
    with pytest.raises(XmlError) as caught:
        list(xml_records(io.BytesIO(data.encode() if isinstance(data, str) else data), Rows()))
    assert any("一" <= c <= "鿿" for c in caught.value.message.zh)


@pytest.mark.parametrize("depth", [63, 64, 1000, 200_000])
def test_nesting(files, depth):
    found = read(files, f"<l><c>{'<a>' * depth}x{'</a>' * depth}</c><c><n>1</n></c></l>")
    assert found.rows[-1]["n"] == "1"
    assert found.rules == ([] if depth <= 64 else ["read:xml"])


def test_nesting_outside_of_records(files):
    data = f"<l>{'<a>' * 200_000}{'</a>' * 200_000}<b><c>1</c></b></l>"
    assert read(files, data, 'records = "l/b"').rows == [{"c": "1"}]


@pytest.mark.parametrize(
    "inside", ["<n>{}</n>".format("x" * 5000), '<n a="{}"/>'.format("x" * 5000), "<n/>" * 2000]
)
def test_a_record_larger_than_a_record_may_be(files, inside):
    found = read(files, f"<l><c>{inside}</c><c><n>1</n></c></l>", "max_record_bytes = 1024")
    assert [r["n"] for r in found.rows] == ["1"]
    assert found.rules == ["read:oversize"]
    assert len(found.rejects[0][4]) < 1100


@pytest.mark.parametrize("record", ["<c><a>1</a><A>2</A></c>", "<c><_row>1</_row></c>"])
def test_names_that_clash(files, record):
    found = read(files, f"<l>{record}<c><n>1</n></c></l>")
    assert found.rules == ["read:xml"]
    assert [r["n"] for r in found.rows] == ["1"]


def test_a_tag_without_end_is_given_up():
    """Expat would keep all of it; the bytes come and come."""

    class Endless(io.RawIOBase):
        read_bytes = 0

        def read(self, size=-1):
            data = b"<l><c a='" if self.read_bytes == 0 else b"x" * size
            self.read_bytes += len(data)
            return data

    source = Endless()
    with pytest.raises(XmlError, match="longer than"):
        list(xml_records(source, Rows()))
    assert source.read_bytes < 8 << 20


# ---- law -------------------------------------------------------------------------------------

names = st.from_regex(r"[a-z一-龥][a-z0-9一-龥_.-]{0,8}", fullmatch=True)
texts = st.text(
    st.characters(
        exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff\ufdd0"
    ),
    max_size=30,
)  # fmt: skip
values = texts.map(lambda t: t.strip(" \t\r\n"))
records = st.lists(
    st.dictionaries(names, values, min_size=1, max_size=5)
    .map(lambda r: {k.lower(): v for k, v in r.items()}),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(records, st.sampled_from(["utf-8", "gb18030", "utf-16"]))
def test_any_records_come_back(rows, codec):
    lines = [
        "<c>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in row.items()) + "</c>" for row in rows
    ]
    data = f'<?xml version="1.0" encoding="{codec}"?><l>{"".join(lines)}</l>'.encode(codec)
    found = list(xml_records(io.BytesIO(data), Rows()))
    assert [r.values for r in found] == rows
    assert [r.row for r in found] == list(range(1, len(rows) + 1))


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(names, texts, min_size=1, max_size=5))
def test_any_attributes_come_back(values):
    tag = " ".join(f"{k}={quoteattr(v)}" for k, v in values.items())
    (found,) = xml_records(io.BytesIO(f"<l><c {tag}/></l>".encode()), Rows())
    assert found.values == {f"@{k}": v for k, v in values.items()}
