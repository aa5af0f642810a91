"""Papers: filled from a matter and its records, by templates that may only be filled."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cooperation.paper.filling import Facts, fill
from cooperation.paper.kinds import KINDS, Kind, fields_of_kind, kind_of
from cooperation.paper.make_templates import FOLDER, template_of, wording
from cooperation.paper.render import Rendered, Template, TemplateError, render
from cooperation.paper.words import LINE, Blank, day_in_numerals, in_words
from cooperation.procedures.act import Act, Material, MatterKey
from cooperation.procedures.fold import Matter, fold
from schemas.errors import ConfigError

NOW = datetime(2026, 11, 22, 1, tzinfo=UTC)
US, POLICE = "11999900MB0000000G", "11999901MB0000001A"
NAMES = {US: "甲县交通运输综合行政执法大队", POLICE: "甲县公安局"}
KEY = MatterKey(US, "YS-999900-0123456789")
CASE = {
    "record_type": "case_result",
    "case_no": "甲交案〔2026〕15号",
    "party_name": "甲 & 乙 <物流> 有限公司",
    "party_id_no": None,
    "vehicle_plate_no": "皖P00000",
    "vehicle_plate_color": "yellow",
    "occurred_time": datetime(2026, 10, 8, 1, 30, tzinfo=UTC),
    "violation_place": "某省道K12+300",
    "violation_facts": "车货总质量75吨\x07\x00，\n超过限定标准",
    "fine_amount_cny": Decimal("13000.00"),
    "decision_date": date(2026, 10, 15),
}


def act(sequence: int, code: str, **more: Any) -> Act:
    return Act(
        record_id=f"{sequence:032x}",
        source_org=US,
        procedure="transfer",
        matter=KEY,
        code=code,
        sequence=sequence,
        act_time=NOW,
        acting_org=US,
        party_orgs=(US,),
        **more,
    )


def transfer(items: int = 2) -> Matter:
    materials = tuple(Material("other", "present", f"材料{n}", "ab" * 32) for n in range(items))
    return fold(
        KEY,
        "transfer",
        [
            act(1, "suspect", subject_record_ids=("0" * 32,), subject_nos=("甲交案〔2026〕15号",)),
            act(2, "set_team", officer_certificate_nos=("皖P01", "皖P02")),
            act(3, "report", document_no="报告1号", suspected_offence="危险驾驶罪"),
            act(
                4, "approve", approver_role="principal_head", actor_name="某甲", decision_sha256="x"
            ),
            act(5, "dispatch", document_no="甲交移〔2026〕3号", to_org=POLICE, materials=materials),
        ],
    )


def facts(matter: Matter, **more: Any) -> Facts:
    return Facts(matter, US, [CASE], NAMES, NOW, **more)


def ours(kind: Kind) -> Template:
    return Template((FOLDER / f"{kind.name}.docx").read_bytes(), f"{kind.name}.docx")


def written(kind_name: str = "transfer_letter", matter: Matter | None = None) -> Rendered:
    kind = KINDS[kind_name]
    return render(ours(kind), kind, fill(kind, facts(matter or transfer())))


def text_of(data: bytes) -> str:
    """Every paragraph and table row, after each part was read as XML."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(archive.read(name))
    document = Document(io.BytesIO(data))
    rows = ("|".join(c.text for c in row.cells) for t in document.tables for row in t.rows)
    return "\n".join([*(p.text for p in document.paragraphs), *rows])


def edited(*paragraphs: str, base: str = "transfer_letter") -> Template:
    """Our template as an agency changed it: these paragraphs instead of its text."""
    document = Document(io.BytesIO(ours(KINDS[base]).data))
    for element in list(document.element.body)[:-1]:
        element.getparent().remove(element)
    for text in paragraphs:
        document.add_paragraph(text)
    out = io.BytesIO()
    document.save(out)
    return Template(out.getvalue(), "templates/own.docx")


def test_a_transfer_letter_says_who_what_and_which_materials() -> None:
    paper = written()
    text = text_of(paper.data)
    for said in (
        "涉嫌犯罪案件移送书", "甲交移〔2026〕3号", "甲县公安局：", "甲 & 乙 <物流> 有限公司",
        "危险驾驶罪", "2026年10月8日9时30分", "皖P01、皖P02", "二〇二六年十一月二十二日",
        "1|其他有关涉嫌犯罪的材料|材料0|已附", "2|其他有关涉嫌犯罪的材料|材料1|已附",
    ):  # fmt: skip
        assert said in text
    assert "{" not in text
    assert "%" not in text
    assert f"证件号码：{LINE}" in text
    assert set(paper.blank) == {"证件号码", "驾驶人", "抄送检察院"}
    assert "文号" in paper.filled


def test_what_xml_cannot_hold_is_left_out_and_a_line_stays_a_line() -> None:
    text = text_of(written().data)
    assert "车货总质量75吨，\n超过限定标准" in text


def test_the_same_input_gives_the_same_bytes() -> None:
    assert written().data == written().data


def test_every_kind_has_a_template_as_the_wording_makes_it() -> None:
    assert set(wording()) == set(KINDS)
    for kind in KINDS.values():
        assert ours(kind).data == template_of(kind.name)


@pytest.mark.parametrize("kind", list(KINDS.values()), ids=str)
def test_our_templates_name_only_fields_there_are_and_fill_without_a_record(kind: Kind) -> None:
    procedure = kind.procedures[0] if kind.procedures else "transfer"
    matter = replace(fold(KEY, procedure, []), orgs={"origin": US})
    values = fill(kind, Facts(matter, US, [], NAMES, NOW))
    paper = render(ours(kind), kind, values)
    assert "{{" not in text_of(paper.data)
    assert "本机关" in paper.filled


def test_the_page_is_that_of_an_official_document() -> None:
    section = Document(io.BytesIO(written().data)).sections[0]
    sizes = (section.page_width, section.page_height, section.top_margin, section.left_margin)
    assert [round(length.mm) for length in sizes if length is not None] == [210, 297, 37, 28]


def test_many_materials_are_many_rows() -> None:
    document = Document(io.BytesIO(written(matter=transfer(60)).data))
    (table,) = document.tables
    assert [row.cells[0].text for row in table.rows] == ["序号", *(str(n) for n in range(1, 61))]


def test_no_material_leaves_the_heading_and_is_told() -> None:
    paper = written(matter=transfer(0))
    assert len(Document(io.BytesIO(paper.data)).tables[0].rows) == 1
    assert "材料清单" in paper.blank


def test_an_edited_template_is_used_and_a_placeholder_split_by_word_still_reads() -> None:
    template = edited("致{{主送机关}}：", "")
    document = Document(io.BytesIO(template.data))
    paragraph = document.paragraphs[1]
    for part in ("案号{", "{案", "号}", "}，{% if 证件号码 %}有{% else %}无{% endif %}证件"):
        paragraph.add_run(part)
    out = io.BytesIO()
    document.save(out)
    kind = KINDS["transfer_letter"]
    paper = render(replace(template, data=out.getvalue()), kind, fill(kind, facts(transfer())))
    assert text_of(paper.data) == "致甲县公安局：\n案号甲交案〔2026〕15号，无证件"


def test_the_officers_own_text_goes_before_the_record() -> None:
    kind = KINDS["transfer_letter"]
    values = fill(kind, facts(transfer(), given={"违法地点": "更正后的地点"}))
    assert values["违法地点"] == "更正后的地点"
    with pytest.raises(ConfigError) as refused:
        fill(kind, facts(transfer(), given={"不存在": "x"}))
    assert "不存在" in str(refused.value)


def test_a_paper_is_for_matters_of_its_procedures() -> None:
    with pytest.raises(ConfigError):
        fill(KINDS["copy_notice"], facts(transfer()))
    with pytest.raises(ConfigError) as refused:
        kind_of("letter")
    assert refused.value.hint is not None
    assert kind_of("抄告函").name == "copy_notice"


def test_an_unknown_field_is_named_with_the_template_and_the_fields_there_are() -> None:
    kind = KINDS["transfer_letter"]
    with pytest.raises(TemplateError) as refused:
        render(edited("{{当事人姓名}}"), kind, fill(kind, facts(transfer())))
    error = refused.value
    assert "当事人姓名" in error.message.zh
    assert "templates/own.docx" in str(error)
    assert error.hint is not None
    assert "当事人" in error.hint.zh
    row = edited("{% for 材料 in 材料清单 %}{{材料.页数}}{% endfor %}")
    with pytest.raises(TemplateError) as refused:
        render(row, kind, fill(kind, facts(transfer())))
    assert "页数" in refused.value.message.zh


@pytest.mark.parametrize(
    "hostile",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ 当事人.__class__ }}",
        "{{ 当事人['__class__'] }}",
        "{{ 当事人.upper() }}",
        "{{ 当事人 * 1000000000 }}",
        "{{ 当事人 ~ 当事人 }}",
        "{{ range(10) }}",
        "{{ cycler('a') }}",
        "{{ lipsum() }}",
        "{{ self }}",
        "{{ 当事人|attr('__class__') }}",
        "{{ 当事人|center(1000000000) }}",
        "{{ 当事人|safe }}",
        "{% set x = 1 %}",
        "{% include 'a' %}",
        "{% import 'a' as b %}",
        "{% extends 'a' %}",
        "{% macro a() %}{% endmacro %}",
        "{% for a in 材料清单 %}" * 3 + "{% endfor %}" * 3,
        "{% for a in 材料清单 %}{{ loop.cycle('x') }}{% endfor %}",
        "{% for a in 材料清单 %}{{ a.items }}{% endfor %}",
        "{{ 当事人",
        "{% if 当事人 %}",
        "{{ 1 // 0 }}",
    ],
)
def test_a_template_fills_and_nothing_else(hostile: str) -> None:
    kind = KINDS["transfer_letter"]
    with pytest.raises(TemplateError) as refused:
        render(edited(hostile), kind, fill(kind, facts(transfer())))
    assert "物流" not in str(refused.value)


def test_macros_and_files_of_another_kind_are_refused() -> None:
    kind = KINDS["transfer_letter"]
    values = fill(kind, facts(transfer()))
    out = io.BytesIO(ours(kind).data)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"x")
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("a.txt", "x")
    for data in (out.getvalue(), b"no zip", b"", empty.getvalue(), ours(kind).data[:2000]):
        with pytest.raises(TemplateError) as refused:
            render(Template(data, "own.docx"), kind, values)
        assert refused.value.hint is not None


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("word/_rels/settings.xml.rels", '<r Relationship Type="x/attachedTemplate" TargetMode='),
        ("word/_rels/header9.xml.rels", '<r Relationship Type="x/image" TargetMode='),
        ("word/_rels/footer9.xml.rels", '<r Relationship Type="x/aFChunk" Ignored='),
        ("word/entities.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"),
    ],
)
def test_a_template_that_fetches_another_file_or_declares_entities_is_refused(
    part: str, text: str
) -> None:
    kind = KINDS["transfer_letter"]
    if part.endswith(".rels"):
        text = text.replace("<r ", "<r><") + '"External" Target="http://127.0.0.1/x"/></r>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ours(kind).data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
        new.writestr(part, text)
    with pytest.raises(TemplateError):
        render(Template(out.getvalue(), "own.docx"), kind, fill(kind, facts(transfer())))


def test_nothing_names_who_edited_the_template() -> None:
    document = Document(io.BytesIO(ours(KINDS["transfer_letter"]).data))
    document.core_properties.author = document.core_properties.last_modified_by = "某乙"
    out = io.BytesIO()
    document.save(out)
    kind = KINDS["transfer_letter"]
    paper = render(Template(out.getvalue(), "own.docx"), kind, fill(kind, facts(transfer())))
    properties = Document(io.BytesIO(paper.data)).core_properties
    assert (properties.author, properties.last_modified_by) == ("", "")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 22), "二〇二六年十一月二十二日"),
        (date(2030, 10, 10), "二〇三〇年十月十日"),
        (date(2009, 1, 1), "二〇〇九年一月一日"),
        (date(2026, 12, 31), "二〇二六年十二月三十一日"),
        (date(2026, 2, 20), "二〇二六年二月二十日"),
    ],
)
def test_a_day_in_chinese_numerals(day: date, said: str) -> None:
    assert day_in_numerals(day) == said


def test_values_as_a_document_writes_them() -> None:
    assert in_words(["a", None, "b"], {"a": "甲"}) == "甲、b"
    assert in_words(datetime(2026, 10, 7, 16, tzinfo=UTC)) == "2026年10月8日"
    assert in_words(Decimal("0.10")) == "0.10"
    assert not Blank()


@given(st.text(max_size=60))
@settings(max_examples=25, deadline=None)
def test_any_name_comes_back_as_it_was_but_for_what_cannot_be_written(name: str) -> None:
    kind = KINDS["transfer_letter"]
    values = {f.name: "" for f in fields_of_kind(kind)} | {"当事人": in_words(name)}
    paper = render(edited("[{{当事人}}]"), kind, values)
    expected = in_words(name)
    if "{_" not in expected and "_}" not in expected and "%_" not in expected:
        assert text_of(paper.data) == f"[{expected}]"
