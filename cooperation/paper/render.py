"""Filling a DOCX template: docxtpl with a Jinja environment that can do nothing but fill.

A template may name the kind's placeholders, ask whether one has a value, and repeat a table row
for each material. It may not call, compute, include or reach into anything (what it holds was
perhaps edited by somebody else), and a name that does not exist is an error, not an empty place.
The same template, values and title give the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cooperation.paper.filling import Value
from cooperation.paper.kinds import MATERIAL_FIELDS, MATERIALS, Kind
from cooperation.paper.words import Blank
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from docxtpl import DocxTemplate
    from jinja2.sandbox import SandboxedEnvironment

_FILTERS = ("default", "join", "length", "trim")
_LOOP = frozenset({"index", "index0", "first", "last", "length"})
_NESTED = 2
#: The first moment that a ZIP archive can name.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LARGEST_BYTES = 20_000_000
_MOST_PARTS = 1_000
_CODE_PARTS = re.compile(r"(?i)vbaProject|activeX|oleObject|/embeddings/|customUI")


class TemplateError(ConfigError):
    """A template that can't be used; says which and why."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template's bytes, and the path that messages name."""

    data: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """``filled`` and ``blank``: the placeholders that the template names, with and without a
    value."""

    data: bytes
    filled: tuple[str, ...]
    blank: tuple[str, ...]


def render(template: Template, kind: Kind, values: Mapping[str, Value]) -> Rendered:
    """The template filled in. Raises :class:`TemplateError`, naming what is wrong with it."""
    _check_archive(template)
    named: set[str] = set()
    environment = _environment(named)
    document = _open(template)
    _fill(document, environment, template, kind, values)
    used = [name for name in values if name in named]
    return Rendered(
        reproducible(_saved(document)),
        tuple(name for name in used if not isinstance(values[name], Blank) and values[name]),
        tuple(name for name in used if isinstance(values[name], Blank) or not values[name]),
    )


def _check_archive(template: Template) -> None:
    """A DOCX without macros or embedded programs, of a size that an office writes."""
    from lxml.etree import XMLSyntaxError

    try:
        with zipfile.ZipFile(io.BytesIO(template.data)) as archive:
            parts = archive.infolist()
            size = sum(part.file_size for part in parts)
            fits = size <= _LARGEST_BYTES and len(parts) <= _MOST_PARTS
            remote = next(_remote(archive), None) if fits else None
            declares = fits and any(
                b"<!DOCTYPE" in archive.read(part) for part in parts if _is_xml(part.filename)
            )
    except (zipfile.BadZipFile, XMLSyntaxError) as error:
        raise _unusable(
            template, Text(en="the template is no DOCX file", zh="模板不是 DOCX 文件")
        ) from error
    if not fits:
        raise _unusable(template, Text(en="the template is too large", zh="模板过大"))
    code = sorted(part.filename for part in parts if _CODE_PARTS.search("/" + part.filename))
    if code:
        raise _unusable(
            template,
            Text(
                en=f"the template holds macros or embedded objects ({code[0]})",
                zh=f"模板含有宏或者嵌入对象（{code[0]}）",
            ),
        )
    if remote is not None:
        raise _unusable(
            template,
            Text(
                en=f"the template takes in another file when it is opened ({remote})",
                zh=f"模板打开时会引入其他文件（{remote}）",
            ),
        )
    if declares:
        raise _unusable(
            template,
            Text(en="the template declares XML entities", zh="模板含有 XML 实体声明"),
        )


def _is_xml(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))


def _remote(archive: zipfile.ZipFile) -> Iterator[str]:
    """Relationships that fetch or take in something when the document is opened; a link that a
    reader has to click may lead out."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    for part in archive.infolist():
        if not part.filename.lower().endswith(".rels"):
            continue
        for one in etree.fromstring(archive.read(part), parser).iter("{*}Relationship"):
            kind = str(one.get("Type", "")).rpartition("/")[2]
            is_external = str(one.get("TargetMode", "")).lower() == "external"
            if kind == "aFChunk" or (is_external and kind != "hyperlink"):
                yield kind


def _open(template: Template) -> DocxTemplate:
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import XMLSyntaxError

    try:
        document = _strict_template(io.BytesIO(template.data))
        document.init_docx()
        if document.docx.part.blob is None:  # reads the parts
            raise ValueError
    except (PackageNotFoundError, XMLSyntaxError, KeyError, ValueError, AttributeError) as error:
        raise _unusable(
            template, Text(en="the template is no DOCX file", zh="模板不是 DOCX 文件")
        ) from error
    return document


def _strict_template(data: io.BytesIO) -> DocxTemplate:
    from docxtpl import DocxTemplate
    from lxml import etree

    class Strict(DocxTemplate):  # type: ignore[misc]  # docxtpl has no types
        """Says that a filled document is no XML instead of mending it and losing text."""

        def fix_tables(self, xml: str) -> Any:
            etree.fromstring(xml.encode("utf-8"), etree.XMLParser(resolve_entities=False))
            return super().fix_tables(xml)

    return Strict(data)


def _fill(
    document: DocxTemplate,
    environment: SandboxedEnvironment,
    template: Template,
    kind: Kind,
    values: Mapping[str, Value],
) -> None:
    from jinja2 import TemplateError as JinjaError
    from jinja2 import TemplateSyntaxError, UndefinedError
    from lxml.etree import XMLSyntaxError

    try:
        document.render(dict(values), environment, autoescape=True)
    except UndefinedError as error:
        raise _unknown(template, kind, values, str(error.message)) from error
    except TemplateSyntaxError as error:
        raise _unusable(
            template,
            Text(
                en=f"the template does not read: {error.message}",
                zh=f"模板的占位符写法有误：{error.message}",
            ),
        ) from error
    except JinjaError as error:  # among them what the sandbox refuses
        raise _unusable(
            template,
            Text(
                en=f"the template does more than fill in fields: {error}",
                zh=f"模板含有填写字段以外的写法：{error}",
            ),
        ) from error
    except XMLSyntaxError as error:
        raise _unusable(
            template,
            Text(
                en="filled in, the template is no document: a {%p … %} or {%tr … %} does not stand "
                "alone in its paragraph or row",
                zh="模板填写后不是有效文档：请检查 {%p … %}、{%tr … %} 是否单独占一段（一行）",
            ),
        ) from error


def _environment(named: set[str]) -> SandboxedEnvironment:
    """An environment that fills and repeats, and notes every placeholder that it meets."""
    from jinja2 import StrictUndefined, meta
    from jinja2.runtime import LoopContext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Filling(ImmutableSandboxedEnvironment):
        def compile(self, source: Any, *rest: Any, **more: Any) -> Any:
            tree = self.parse(source) if isinstance(source, str) else source
            _check_tree(tree)
            named.update(meta.find_undeclared_variables(tree))
            return super().compile(tree, *rest, **more)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            del value
            return isinstance(obj, LoopContext) and attr in _LOOP

        def is_safe_callable(self, obj: Any) -> bool:
            del obj
            return False

    environment = Filling(undefined=StrictUndefined, autoescape=True, cache_size=0)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.tests = {"defined": environment.tests["defined"]}
    return environment


def _check_tree(tree: Any) -> None:
    """Only what fills, asks and repeats. Raises Jinja's ``SecurityError``."""
    from jinja2 import nodes
    from jinja2.exceptions import SecurityError

    allowed = (
        nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr,
        nodes.Getitem, nodes.If, nodes.For, nodes.CondExpr, nodes.Filter, nodes.Test,
        nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
    )  # fmt: skip
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, allowed):
            raise SecurityError(type(node).__name__)
        if isinstance(node, nodes.Name) and node.name == "self":
            raise SecurityError(node.name)
    if _depth(tree, nodes.For) > _NESTED:
        raise SecurityError(f"more than {_NESTED} for within each other")


def _depth(node: Any, kind: type) -> int:
    inner = max((_depth(child, kind) for child in node.iter_child_nodes()), default=0)
    return inner + isinstance(node, kind)


def _unknown(
    template: Template, kind: Kind, values: Mapping[str, Value], said: str
) -> TemplateError:
    names: Collection[str] = values
    of_item = [f.name for f in MATERIAL_FIELDS]
    quoted = re.findall(r"'([^']+)'", said)
    name = quoted[-1] if quoted else said
    if "has no attribute" in said:
        names = of_item
    here = "、".join(names)
    return TemplateError(
        Text(
            en=f"the template names {name}, which {kind.name} does not have",
            zh=f"模板中的占位符“{name}”不是“{kind.label.zh}”的字段",
        ),
        where=Where(template.path),
        hint=Text(
            en=f"there are: {', '.join(names)}; see hefu paper fields {kind.name}",
            zh=f"可用字段：{here}；说明见 hefu paper fields {kind.name}",
        ),
    )


def _unusable(template: Template, message: Text) -> TemplateError:
    return TemplateError(
        message,
        where=Where(template.path),
        hint=Text(
            en="begin again from the template that comes with Hefu: hefu paper template KIND --out "
            f"FILE; a list of materials is {{%tr for 材料 in {MATERIALS} %}} … {{%tr endfor %}}",
            zh="请用 hefu paper template 文书 --out 文件 取得原始模板重新编辑；材料清单写作 "
            f"{{%tr for 材料 in {MATERIALS} %}} … {{%tr endfor %}}",
        ),
    )


def _saved(document: DocxTemplate) -> bytes:
    """Without the name of whoever edited the template last."""
    properties = document.docx.core_properties
    properties.author = properties.last_modified_by = ""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def reproducible(data: bytes) -> bytes:
    """The same archive without the times of its making."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as new,
    ):
        for part in old.infolist():
            info = zipfile.ZipInfo(part.filename, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            new.writestr(info, old.read(part.filename))
    return out.getvalue()
