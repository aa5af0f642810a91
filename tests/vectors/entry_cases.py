"""Vectors of the steps ``subjects``, ``contract``, ``grant`` and ``table``."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from bundles import (
    CONTRACT,
    MORE_FIELD,
    RECORDS,
    Case,
    contract,
    entries_of,
    flipped,
    good,
    parquet,
    predicate,
    restated,
    rows,
    unchanged,
    with_records,
)

from exchange.bundle.container import write_container
from exchange.jsontext import sha256_hex


def subject_cases() -> Iterator[Case]:
    def case(name: str, about: str, bundle: bytes) -> Case:
        return Case(f"subjects_{name}_fail", about, bundle, "subjects")

    entries = entries_of(good())
    for part in (RECORDS, CONTRACT, "quality/verdict.json", "readme.txt"):
        short = part.split("/")[-1].split(".")[0] if part != RECORDS else "records"
        short = "contract" if part == CONTRACT else short
        yield case(
            f"byte_changed_in_{short}",
            f"One byte of {part} was changed, its CRC made good.",
            write_container(entries | {part: flipped(entries[part], len(entries[part]) // 2)}),
        )
    yield case(
        "entry_added",
        "An entry was added that nobody signed.",
        write_container(entries | {"records/ghost.parquet": b"x"}),
    )
    yield case(
        "entry_removed",
        "An entry was removed.",
        write_container({k: v for k, v in entries.items() if k != "readme.txt"}),
    )
    renamed = {("readme.md" if k == "readme.txt" else k): v for k, v in entries.items()}
    yield case("entry_renamed", "An entry was renamed.", write_container(renamed))
    swapped = entries | {RECORDS: entries["readme.txt"], "readme.txt": entries[RECORDS]}
    yield case("entries_swapped", "Two entries changed places.", write_container(swapped))
    yield case(
        "size_differs",
        "A subject's size is not its entry's, the digest is.",
        restated(lambda s: s["subject"][0]["annotations"].update(size=1)),
    )
    yield case(
        "doubled_subject",
        "A subject is named twice.",
        restated(lambda s: s["subject"].append(s["subject"][-1])),
    )
    yield case(
        "unexpected_entry",
        "A signed entry is not one that the format knows.",
        restated(unchanged, entries | {"setup.exe": b"MZ"}),
    )
    yield case(
        "attachment_misnamed",
        "An attachment's name is not its digest.",
        restated(unchanged, entries | {f"attachments/{'0' * 64}.txt": b"x"}),
    )
    for name, about, text in (
        ("number", "a number that not every JSON reader tells exactly", "9007199254740992"),
        ("surrogate", "half of a surrogate pair", '"\\ud800"'),
    ):
        data = f'{{"checked":{text}}}'.encode()
        yield case(
            f"verdict_{name}",
            f"The verdict holds {about}.",
            restated(
                predicate(verdict_sha256=sha256_hex(data)), entries | {"quality/verdict.json": data}
            ),
        )
    yield case(
        "verdict_digest",
        "The predicate names another verdict than the one that travels.",
        restated(predicate(verdict_sha256="0" * 64)),
    )


def contract_cases() -> Iterator[Case]:
    def case(name: str, about: str, bundle: bytes) -> Case:
        return Case(f"contract_{name}_fail", about, bundle, "contract")

    entries = entries_of(good())
    yield case(
        "digest",
        "The predicate names another contract than the one that travels.",
        restated(predicate(contracts={"note": {"version": "1.0.0", "sha256": "0" * 64}})),
    )
    yield case(
        "major_version",
        "The contract is of a later major version.",
        good(contracts={"note": contract("2.0.0")}),
    )
    yield case(
        "same_version_other_bytes",
        "The contract has our version's number and says something else.",
        good(contracts={"note": contract("1.0.0", MORE_FIELD)}),
    )
    other = b"not: a contract\n"
    reference = {"note": {"version": "1.1.0", "sha256": sha256_hex(other)}}
    yield case(
        "not_a_contract",
        "The file of a newer minor version is no contract.",
        restated(predicate(contracts=reference), entries | {CONTRACT: other}),
    )
    yield case("unknown_record_type", "The record type is not one we know.", _ghost_type())


def _ghost_type() -> bytes:
    entries = {k.replace("note", "ghost"): v for k, v in entries_of(good()).items()}
    sha256 = sha256_hex(entries["contracts/ghost.odcs.yaml"])
    return restated(
        predicate(
            contracts={"ghost": {"version": "1.0.0", "sha256": sha256}},
            counts={"ghost": 3},
            lake_versions={"ghost": 7},
        ),
        entries,
    )


def grant_cases() -> Iterator[Case]:
    def case(name: str, about: str, bundle: bytes) -> Case:
        return Case(f"grant_{name}_fail", about, bundle, "grant")

    table = rows()
    phone = table.append_column("party_phone", pa.array(["x"] * 3))
    yield case(
        "field_not_allowed",
        "The table has a field that the agreement does not grant.",
        with_records(parquet(phone), sensitivity_class="sensitive"),
    )
    yield case(
        "field_missing",
        "The table lacks a field that the agreement grants.",
        with_records(parquet(table.drop_columns(["place"])), sensitivity_class="internal"),
    )
    yield case(
        "field_unknown",
        "The table has a field that its contract does not know.",
        with_records(parquet(table.append_column("ghost", pa.array([1, 2, 3])))),
    )
    yield case(
        "columns_unsorted",
        "The columns are not in the contract's order.",
        with_records(parquet(table.select(table.schema.names[::-1]))),
    )
    yield case(
        "sensitivity_understated",
        "The bundle holds personal data and is labelled public.",
        restated(predicate(sensitivity_class="public")),
    )


def table_cases() -> Iterator[Case]:
    def case(name: str, about: str, bundle: bytes) -> Case:
        return Case(f"table_{name}_fail", about, bundle, "table")

    table, right = rows(), entries_of(good())[RECORDS]
    money = table.schema.get_field_index("fine_amount_cny")
    as_text = table.set_column(money, "fine_amount_cny", table.column(money).cast(pa.string()))
    yield case(
        "schema_differs",
        "A column's type is not its contract's.",
        with_records(parquet(as_text)),
    )
    yield case("more_rows", "The table has more rows than the statement counts.",
               with_records(parquet(rows(4))))  # fmt: skip
    yield case("fewer_rows", "The table has fewer rows than the statement counts.",
               with_records(parquet(rows(2))))  # fmt: skip
    yield case("not_parquet", "The table is text.", with_records(b"record_id,place\n1,x\n"))
    yield case("truncated", "The table was cut short before it was signed.",
               with_records(right[:-200] + right[-8:]))  # fmt: skip
    yield case(
        "page_damaged",
        "A byte of a page was changed before it was signed; the page's checksum tells.",
        with_records(flipped(right, 60)),
    )
    yield case("footer_damaged", "The footer's length points outside of the table.",
               with_records(right[:-8] + (1 << 30).to_bytes(4, "little") + b"PAR1"))  # fmt: skip
    yield case(
        "page_size_lies",
        "A page header declares a larger page than its column chunk.",
        with_records(_page_size_lies(right)),
    )
    yield case(
        "levels_contradict",
        "The footer counts one level too few; Arrow 26 ends the whole process on it.",
        with_records(_levels_contradict(right)),
    )
    yield case(
        "hidden_bytes",
        "Bytes that belong to no page lie before the footer.",
        with_records(_hidden_bytes(right)),
    )
    yield case(
        "no_page_checksums",
        "The pages have no checksums.",
        with_records(parquet(table, write_page_checksum=False)),
    )
    yield case(
        "metadata",
        "The footer carries a text of its own, which no agreement allows.",
        with_records(parquet(table.replace_schema_metadata({"phone": "x"}), store_schema=True)),
    )
    yield case("not_utf8", "A text is not UTF-8.", with_records(_not_utf8(table)))


def _page_size_lies(data: bytes) -> bytes:
    """The first page header is ``15 <type> 15 <uncompressed size> 15 …``; sizes are zigzag."""
    assert (data[4], data[6]) == (0x15, 0x15)
    return data[:7] + bytes([data[7] | 0x40 if not data[7] & 0x40 else data[7] & ~0x40]) + data[8:]


def _levels_contradict(data: bytes) -> bytes:
    """The first column's size statistics: a list of two numbers becomes a list of one."""
    length = int.from_bytes(data[-8:-4], "little")
    start = len(data) - 8 - length
    footer = data[start:-8].replace(b"\x19\x06\x19\x26\x00\x06", b"\x19\x06\x19\x16\x00", 1)
    assert len(footer) == length - 1
    return data[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _hidden_bytes(data: bytes) -> bytes:
    length = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - length] + b"hidden" + data[-8 - length :]


def _not_utf8(table: pa.Table) -> bytes:
    """Written as text, then the bytes of one plain page exchanged, with its checksum left out
    of the question by writing the same bytes as binary that claims to be text."""
    index = table.schema.get_field_index("note_no")
    raw = pa.array([b"\xff\xfe", b"b", b"c"], pa.binary())
    text = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    return parquet(table.set_column(index, table.schema.field(index), text))
