"""The blocks: written once, the same in every contract, and nothing else of a file touched."""

from __future__ import annotations

import subprocess
import sys

import pytest

from schemas.blocks import block_names, filled, load_block, parse_block
from schemas.contract import load_contract, record_types
from schemas.errors import ConfigError

CONTRACT = """name: example
schema:
  - name: example   # written by hand
    properties:
      # block: driver
      - name: what stood here before
      # end of block driver
      - name:   own_field
    quality:
      # block: driver
      # end of block driver
"""


@pytest.mark.parametrize("record_type", record_types())
def test_the_blocks_of_a_contract_are_those_of_the_block_files(record_type: str) -> None:
    text = load_contract(record_type).yaml_bytes.decode()
    assert filled(text) == text, "run: python -m schemas.blocks"


@pytest.mark.parametrize("record_type", record_types())
def test_a_field_or_rule_of_a_block_stands_nowhere_else(record_type: str) -> None:
    """Whoever has a block has all of it, once: nothing of it is written by hand beside it."""
    lines = load_contract(record_type).yaml_bytes.decode().splitlines()
    for block in block_names():
        for section in load_block(block).values():
            heads = [line for line in section if line.startswith("- ")]
            if marks := lines.count(f"      # block: {block}"):
                assert marks == len(load_block(block))
                assert [lines.count(f"      {head}") for head in heads] == [1] * len(heads)


def test_only_what_stands_between_the_marks_changes() -> None:
    found = filled(CONTRACT)
    assert filled(found) == found
    driver = load_block("driver")
    wanted = [
        *CONTRACT.splitlines()[:5],
        *(f"      {line}" for line in driver["properties"]),
        *CONTRACT.splitlines()[6:10],
        *(f"      {line}" for line in driver["quality"]),
        "      # end of block driver",
        "",
    ]
    assert found.split("\n") == wanted


def test_the_record_type_is_the_contracts_own() -> None:
    contract = CONTRACT.replace("block: driver", "block: envelope").replace(
        "end of block driver", "end of block envelope"
    )
    assert 'examples: ["example"]' in filled(contract)


def test_a_block_file_has_two_lists() -> None:
    text = "# about\nproperties:\n  - name: a\n    type: b\nquality:\n  - id: c\n"
    assert parse_block(text) == {
        "properties": ("- name: a", "  type: b"),
        "quality": ("- id: c",),
    }


@pytest.mark.parametrize(
    "broken",
    [
        CONTRACT.replace("driver", "drivers"),
        CONTRACT.replace("      # end of block driver\n", ""),
        CONTRACT.replace("    quality:\n", "    rules:\n").replace("    properties:\n", ""),
    ],
)
def test_a_mark_that_means_nothing_is_refused(broken: str) -> None:
    with pytest.raises(ConfigError):
        filled(broken)


def test_the_command_finds_the_contracts_as_they_are() -> None:
    command = [sys.executable, "-m", "schemas.blocks", "--check"]
    assert subprocess.run(command, check=False, capture_output=True).stdout == b""
    assert subprocess.run([*command, "--more"], check=False, capture_output=True).returncode == 2
