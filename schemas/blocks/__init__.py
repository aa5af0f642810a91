"""Parts that several contracts share, each written once: ``<block>.yaml`` beside this file.

A contract stays complete in itself, because its exact bytes travel in bundles. So a block is
not referred to but written into it, between two comments at the place where it belongs:

    # block: party
    …
    # end of block party

The marks stand among the contract's properties, and again among its quality rules if the block
has rules. What stands between them belongs to the block; everything else of the file is written
by hand and left as it is, byte for byte. A block file has the two lists ``properties`` and
``quality``, indented by two. ``${record_type}`` in it becomes the contract's own record type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from schemas.errors import ConfigError, Where
from schemas.text import Text

_MARK = re.compile(r"(?P<indent> *)# block: (?P<name>[a-z_]+)\Z")
_SECTION = re.compile(r" *(?P<name>properties|quality):\Z")
_RECORD_TYPE = re.compile(r"name: (?P<name>[a-z_]+)\Z")

Block = Mapping[str, tuple[str, ...]]
"""The lines of a block, without indentation of their own, by section."""


@cache
def block_names() -> tuple[str, ...]:
    """The blocks that there are."""
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(n.removesuffix(".yaml") for n in names if n.endswith(".yaml")))


@cache
def load_block(name: str) -> Block:
    """The block of that name. Raises :class:`ConfigError` if there is none."""
    if name not in block_names():
        raise ConfigError(
            Text(en=f"there is no block {name}", zh=f"没有共用字段组 {name}"),
            where=Where("schemas/blocks"),
            hint=Text(
                en=f"blocks: {', '.join(block_names())}",
                zh=f"可用的字段组：{'、'.join(block_names())}",
            ),
        )
    return parse_block(files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))


def parse_block(text: str) -> Block:
    """The sections of a block file's text."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if section := _SECTION.match(line):
            lines = sections.setdefault(section["name"], [])
        elif not line.startswith("#"):
            lines.append(line.removeprefix("  "))
    return {name: tuple(found) for name, found in sections.items()}


def filled(contract: str) -> str:
    """The text of a contract with every block in it as it is written in ``schemas/blocks``.

    Raises :class:`ConfigError` for a mark of an unknown block, a block without its end, and a
    section that the block does not have.
    """
    return "\n".join(_filled(contract.split("\n")))


def _filled(lines: list[str]) -> Iterator[str]:
    record_type, section, end = "", "", ""
    for number, line in enumerate(lines, start=1):
        if end:
            if line != end:
                continue
            end = ""
        elif mark := _MARK.match(line):
            yield line
            yield from _block_lines(mark["name"], section, record_type, mark["indent"])
            end = f"{mark['indent']}# end of block {mark['name']}"
            if end not in lines[number:]:
                raise ConfigError(
                    Text(
                        en=f"block {mark['name']} has no end",
                        zh=f"字段组 {mark['name']} 没有结束标记",
                    ),
                    where=Where("contract", row=number),
                )
            continue
        elif found := _SECTION.match(line):
            section = found["name"]
        elif found := _RECORD_TYPE.match(line):
            record_type = found["name"]
        yield line


def _block_lines(name: str, section: str, record_type: str, indent: str) -> Iterator[str]:
    block = load_block(name)
    if section not in block:
        raise ConfigError(
            Text(
                en=f"block {name} has nothing for {section or 'this place'}",
                zh=f"字段组 {name} 没有 {section or '此处'} 的内容",
            ),
            where=Where(f"schemas/blocks/{name}.yaml"),
        )
    for line in block[section]:
        yield indent + line.replace("${record_type}", record_type)
