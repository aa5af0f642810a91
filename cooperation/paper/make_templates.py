"""Makes the templates beside this file: ``python -m cooperation.paper.make_templates``.

Page and margins as GB/T 9704-2012 (A4; type area 156 mm x 225 mm, 37 mm above, 28 mm to the
left), title in 方正小标宋 of size 2, body in 仿宋 of size 3. Where a machine does not have these
fonts, the font table names the ones that come with every system. Each template is an ordinary
document: an agency copies it and edits it in Word or WPS. The wording is in wording.toml.
"""

from __future__ import annotations

import io
import tomllib
import zipfile
from pathlib import Path
from typing import Any

TITLE, BODY, BOLD = "方正小标宋简体", "仿宋_GB2312", "黑体"
FALLBACKS = {TITLE: "宋体", BODY: "仿宋", BOLD: "SimHei"}
FOLDER = Path(__file__).parent / "templates"

WORDING = Path(__file__).parent / "wording.toml"


def wording() -> dict[str, list[tuple[str, str]]]:
    """Style and text of every paragraph, by paper."""
    told = tomllib.loads(WORDING.read_text(encoding="utf-8"))
    return {name: [(style, text) for style, text in lines] for name, lines in told.items()}


def template_of(name: str) -> bytes:
    """One template as DOCX; the same bytes each time."""
    from docx import Document

    from cooperation.paper.render import reproducible

    document = Document()
    _drop_ballast(document)
    _page(document)
    for style, text in wording()[name]:
        if style == "list":
            _materials(document)
        elif style == "form":
            _form_row(document, *text.split("|"))
        else:
            _paragraph(document, style, text)
    _properties(document)
    out = io.BytesIO()
    document.save(out)
    return reproducible(_with_font_table(out.getvalue()))


def _drop_ballast(document: Any) -> None:
    """The library's own picture of a page, and styles for Word 2010 alone."""
    for rels in (document.part.rels, document.part.package.rels):
        for key, rel in list(rels.items()):
            if rel.reltype.endswith(("/thumbnail", "/stylesWithEffects", "/customXml")):
                rels.pop(key)


def _page(document: Any) -> None:
    from docx.shared import Mm, Pt

    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    normal = document.styles["Normal"]
    normal.font.size = Pt(16)
    _font(normal.element.get_or_add_rPr(), BODY)


def _font(properties: Any, name: str) -> None:
    from docx.oxml.ns import qn

    fonts = properties.get_or_add_rFonts()
    for script in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(script), name)


def _paragraph(document: Any, style: str, text: str) -> Any:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    run = paragraph.add_run(text)
    form = paragraph.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.line_spacing = Pt(28)
    _font(run._element.get_or_add_rPr(), TITLE if style == "title" else BODY)
    if style == "title":
        run.font.size = Pt(22)
        form.line_spacing, form.space_after = Pt(36), Pt(14)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    elif style == "no":
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        form.space_after = Pt(14)
    elif style == "body":
        form.first_line_indent = Pt(32)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    elif style == "sign":
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        form.right_indent = Pt(64)
    elif style == "note":
        run.font.size = Pt(14)
        form.space_before = Pt(28)
    return paragraph


def _materials(document: Any) -> None:
    """A row for each item; a line says it when there is none."""
    columns = (("序号", 16), ("种类", 50), ("名称", 56), ("附送情况", 34))
    table = document.add_table(rows=4, cols=len(columns), style="Table Grid")
    table.autofit = False
    for index, (heading, width) in enumerate(columns):
        _cell(table.cell(0, index), heading, width, font=BOLD)
        _cell(table.cell(2, index), "{{材料." + heading + "}}", width)
    _cell(table.cell(1, 0), "{%tr for 材料 in 材料清单 %}", columns[0][1])
    _cell(table.cell(3, 0), "{%tr endfor %}", columns[0][1])


def _form_row(document: Any, label: str, value: str) -> None:
    from docx.shared import Mm

    last = document.element.body[-2] if len(document.element.body) > 1 else None
    is_table = last is not None and last.tag.endswith("}tbl")
    if is_table:
        row = document.tables[-1].add_row()
    else:
        table = document.add_table(rows=1, cols=2, style="Table Grid")
        table.autofit = False
        row = table.rows[0]
    row.height = Mm(11)
    _cell(row.cells[0], label, 50, font=BOLD)
    _cell(row.cells[1], value, 106)


def _cell(cell: Any, text: str, width: int, font: str = BODY) -> None:
    from docx.shared import Mm, Pt

    cell.width = Mm(width)
    run = cell.paragraphs[0].add_run(text)
    run.font.size = Pt(12)
    _font(run._element.get_or_add_rPr(), font)


def _properties(document: Any) -> None:
    from datetime import datetime

    properties = document.core_properties
    properties.author = properties.last_modified_by = properties.comments = ""
    properties.title = ""
    properties.language = "zh-CN"
    properties.created = properties.modified = datetime(2026, 11, 22)  # noqa: DTZ001


def _with_font_table(data: bytes) -> bytes:
    """Names the fonts to fall back on."""
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{other}"/><w:charset w:val="86"/>'
        '<w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
        for name, other in FALLBACKS.items()
    )
    table = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<w:fonts xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"{fonts}</w:fonts>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            kept = table.encode() if part.filename == "word/fontTable.xml" else old.read(part)
            new.writestr(part.filename, kept)
    return out.getvalue()


def main() -> None:
    """Write every template beside this file."""
    FOLDER.mkdir(exist_ok=True)
    for name in wording():
        (FOLDER / f"{name}.docx").write_bytes(template_of(name))


if __name__ == "__main__":
    main()
