"""Records of an XML document, one after the other: memory follows the record, not the document.

A record's leaves are its columns, named by their path below it:

    <case id="7"><no>A1</no><party type="1"><name>甲</name></party></case>
    @id, no, party/@type, party/name

An element that may come more than once is named in ``lists`` and is always a JSON array, also
when it comes once. One that repeats and is not named there makes its record unreadable: the
same column would be a text in one record and a list in the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.formats.jsontext import dumps
from connectors.formats.xml_parser import (
    MAX_DEPTH,
    XmlError,
    feed,
    local,
    strict_parser,
    too_deep,
)
from connectors.formats.xml_text import BAD
from schemas.text import Text

_XSI = "http://www.w3.org/2001/XMLSchema-instance}"
_BLANK = " \t\r\n"
_SHOWN = 1000
MAX_RECORD_DEPTH = 64


@dataclass(frozen=True, slots=True)
class XmlShape:
    """Where records are. ``path`` counts from the root element; a step without a prefix stands
    for that name in any namespace, ``*`` for any name."""

    path: tuple[str, ...]
    lists: frozenset[str]
    max_record_bytes: int

    @classmethod
    def of(
        cls,
        records: str,
        namespaces: Mapping[str, str],
        lists: Iterable[str],
        max_record_bytes: int,
    ) -> XmlShape:
        """From the settings; without ``records``, the root's children are the records.

        Raises :class:`XmlError` for a prefix that ``namespaces`` does not name.
        """
        steps = [step for step in records.split("/") if step] or ["*", "*"]
        return cls(tuple(_step(s, namespaces) for s in steps), frozenset(lists), max_record_bytes)


@dataclass(frozen=True, slots=True)
class XmlRecord:
    """``values`` by column, None for ``xsi:nil``. ``rule_id`` is set if it can't be read;
    ``repeated`` is then the element that comes more than once and is not in ``lists``."""

    row: int
    values: dict[str, str | None]
    rule_id: str | None = None
    detail: str = ""
    raw_text: str = ""
    repeated: str | None = None


@dataclass(slots=True)
class _Node:
    name: str
    attributes: dict[str, str]
    nil: bool
    text: list[str] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)

    @property
    def own_text(self) -> str:
        return "".join(self.text).strip(_BLANK)


class _RepeatedError(Exception):
    def __init__(self, path: str, times: int) -> None:
        super().__init__(path)
        self.path, self.times = path, times


def iter_records(chunks: Iterable[bytes], shape: XmlShape) -> Iterator[XmlRecord]:
    """The records of a document in UTF-8, in its order.

    Raises :class:`XmlError`, also after records: then none of them may be used, because what
    follows a break is unknown.
    """
    parser = strict_parser()
    reader = _Reader(shape, lambda: parser.CurrentByteIndex)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    for _ in feed(parser, chunks, max(shape.max_record_bytes, 1 << 20)):
        yield from reader.done
        reader.done.clear()
    if not reader.container:
        raise _no_container(shape, reader.root, reader.below_root)


def _step(step: str, namespaces: Mapping[str, str]) -> str:
    prefix, colon, name = step.rpartition(":")
    if not colon:
        return step
    if prefix not in namespaces:
        raise XmlError(
            Text(
                en=f"`records` uses the prefix {prefix!r}, which `namespaces` does not name",
                zh=f"`records` 中的前缀 {prefix!r} 未在 `namespaces` 中说明",
            )
        )
    return f"{namespaces[prefix]}}}{name}"


class _Reader:
    """Follows the path to the records and builds one at a time."""

    def __init__(self, shape: XmlShape, position: Any) -> None:
        self.shape = shape
        self.done: list[XmlRecord] = []
        self.container = False
        self.root = ""
        self.below_root: dict[str, None] = {}
        self._position = position
        self._row = self._depth = self._matched = self._begin = 0
        self._open: list[_Node] = []
        self._problem: tuple[str, str] | None = None
        self._deeper = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._open:
            self._start_inside(name, attributes)
            return
        path = self.shape.path
        if self._depth == 0:
            self.root = local(name)
        elif self._depth == 1 and len(self.below_root) < 20:
            self.below_root[local(name)] = None
        if self._matched == self._depth < len(path) and is_step(name, path[self._depth]):
            self._matched += 1
            self.container |= self._matched >= len(path) - 1
            if self._matched == len(path):
                self._row += 1
                self._begin, self._problem = self._position(), None
                self._open.append(_node(name, attributes))
                self._mind(attributes)
                return
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise too_deep()

    def end(self, name: str) -> None:
        if self._deeper:
            self._deeper -= 1
        elif len(self._open) > 1:
            self._open.pop()
        elif self._open:
            self._finish(self._open.pop())
            self._matched -= 1
        else:
            self._depth -= 1
            self._matched = min(self._matched, self._depth)

    def data(self, text: str) -> None:
        if self._open and not self._deeper and self._problem is None:
            self._open[-1].text.append(text)
            self._bound()

    def _start_inside(self, name: str, attributes: dict[str, str]) -> None:
        if self._deeper or self._problem:
            self._deeper += 1
            if self._deeper > MAX_DEPTH:
                raise too_deep()
            return
        if len(self._open) > MAX_RECORD_DEPTH:
            self._problem = ("read:xml", f"nested more than {MAX_RECORD_DEPTH} deep")
            self._deeper += 1
            return
        node = _node(name, attributes)
        self._open[-1].children.append(node)
        self._open.append(node)
        self._mind(attributes)
        self._bound()

    def _mind(self, attributes: dict[str, str]) -> None:
        """Columns have no namespace: of two attributes of one name, one would be lost."""
        if len(attributes) > 1 and len({local(n) for n in attributes}) < len(attributes):
            what = "two attributes of one element differ only in their namespace"
            self._problem = ("read:xml", what)

    def _bound(self) -> None:
        if self._position() - self._begin > self.shape.max_record_bytes:
            self._problem = ("read:oversize", "")

    def _finish(self, node: _Node) -> None:
        size = self._position() - self._begin
        if self._problem is None and size > self.shape.max_record_bytes:
            self._problem = ("read:oversize", "")
        if self._problem and self._problem[0] == "read:oversize":
            limit = self.shape.max_record_bytes
            self._problem = ("read:oversize", f"{size} bytes, more than {limit}")
        self.done.append(self._record(node))

    def _record(self, node: _Node) -> XmlRecord:
        values: dict[str, str | None] = {}
        if self._problem:
            return XmlRecord(self._row, {}, *self._problem, _all_text(node)[:_SHOWN])
        try:
            _flatten(node, "", values, self.shape.lists)
        except _RepeatedError as repeated:
            detail = f"<{repeated.path}> comes {repeated.times} times; name it in `lists`"
            shown = _all_text(node)[:_SHOWN]
            return XmlRecord(self._row, {}, "read:xml", detail, shown, repeated.path)
        if any(BAD in (value or "") for value in values.values()):
            shown = dumps(values).replace(BAD, "\ufffd")
            return XmlRecord(
                self._row, {}, "read:encoding", "bytes that don't belong to the encoding", shown
            )
        return XmlRecord(self._row, values)


def is_step(name: str, step: str) -> bool:
    """Whether an element ``namespace}local`` is what a step of a path means."""
    return step in ("*", name) or ("}" not in step and local(name) == step)


def _node(name: str, attributes: dict[str, str]) -> _Node:
    nil = is_nil(attributes)
    return _Node(local(name), {local(n): v for n, v in attributes.items()}, nil)


def is_nil(attributes: dict[str, str]) -> bool:
    """Whether the element says that it has no value; ``xsi:nil`` is taken out of them."""
    return attributes.pop(f"{_XSI}nil", "").strip() in ("true", "1")


def _flatten(
    node: _Node, prefix: str, values: dict[str, str | None], lists: frozenset[str]
) -> None:
    """Add what ``node`` holds as columns; its own text has the column of its path."""
    text = node.own_text
    own = prefix.removesuffix("/") or "#text"
    if node.nil:
        values[own] = None
    elif text or (prefix and not node.children):
        values[own] = text
    for name, value in node.attributes.items():
        values[f"{prefix}@{name}"] = value
    for name, children in _grouped(node).items():
        path = prefix + name
        if path in lists:
            values[path] = dumps([_as_json(child, f"{path}/", lists) for child in children])
        elif len(children) > 1:
            raise _RepeatedError(path, len(children))
        else:
            _flatten(children[0], f"{path}/", values, lists)


def _as_json(node: _Node, prefix: str, lists: frozenset[str]) -> Any:
    """A text, or an object of what the element holds; None for ``xsi:nil``."""
    text = None if node.nil else node.own_text
    if not node.attributes and not node.children:
        return text
    found: dict[str, Any] = {f"@{name}": value for name, value in node.attributes.items()}
    for name, children in _grouped(node).items():
        path = prefix + name
        inner = [_as_json(child, f"{path}/", lists) for child in children]
        if path in lists:
            found[name] = inner
        elif len(inner) > 1:
            raise _RepeatedError(path, len(inner))
        else:
            found[name] = inner[0]
    if text or not node.children:
        found["#text"] = text
    return found


def _grouped(node: _Node) -> dict[str, list[_Node]]:
    groups: dict[str, list[_Node]] = {}
    for child in node.children:
        groups.setdefault(child.name, []).append(child)
    return groups


def _all_text(node: _Node) -> str:
    """The beginning of the texts in a record that can't be read, for a person to know it by."""
    found: list[str] = []
    waiting = [node]
    while waiting and sum(map(len, found)) < _SHOWN:
        here = waiting.pop()
        if text := here.own_text:
            found.append(f"{here.name}={text[:_SHOWN]}")
        waiting.extend(reversed(here.children))
    return ", ".join(found).replace(BAD, "\ufffd")


def _no_container(shape: XmlShape, root: str, below: Iterable[str]) -> XmlError:
    path = "/".join(local(step) for step in shape.path)
    children = ", ".join(below) or "–"
    return XmlError(
        Text(
            en=f"there is nothing at records = {path!r}; the root is <{root}>, below it: "
            f"{children}",
            zh=f"records = {path!r} 处没有内容；根元素为 <{root}>，其下有：{children}",
        )
    )
