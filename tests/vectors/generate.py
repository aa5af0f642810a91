"""Write the test vectors: ``python tests/vectors/generate.py [FOLDER]``.

One folder per case. A name that ends in ``_fail`` must be refused at the step that its
``expected.json`` names, every other one accepted; each failing case has one fault.
``docs/client-protocol.md`` says how to run them against another reader.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import pyarrow as pa  # noqa: E402
from bundles import (  # noqa: E402
    CONTRACT,
    KEY_A,
    KEY_B,
    RECORDS,
    STRANGER,
    Case,
    agreement,
    contract,
    entries_of,
    envelope,
    flipped,
    good,
    parquet,
    payload_of,
    predicate,
    restated,
    rows,
    signed,
    statement_digest,
    unchanged,
    with_envelope,
    with_records,
)
from container_cases import container_cases  # noqa: E402

from exchange.container import write_container  # noqa: E402
from exchange.dsse import pre_authentication_encoding  # noqa: E402
from exchange.jsontext import canonical, sha256_hex  # noqa: E402


def second(first: bytes, **changes: object) -> bytes:
    facts = {"sequence": 2, "previous_statement_sha256": statement_digest(first)}
    return good(**facts | changes)


def good_cases() -> Iterator[Case]:
    yield Case("minimal", "The smallest ordinary bundle.", good())
    yield Case("no_rows", "A table without rows.", good(tables={"note": rows(0)}))
    yield Case(
        "two_signatures",
        "Two different keys signed, as the threshold of two asks.",
        good(KEY_A, KEY_B),
        keys=(KEY_A, KEY_B),
        threshold=2,
    )
    yield Case(
        "unknown_cosigner",
        "A key that we don't know signed as well; its signature counts for nothing.",
        good(KEY_A, STRANGER),
    )
    yield Case("continued", "The second bundle of a stream.", second(good()), previous=good())
    yield Case(
        "attachment",
        "A document travels along, named by its digest.",
        good(attachments=[("txt", "附件".encode())]),
    )
    yield Case(
        "newer_minor_contract",
        "The sender's contract is a newer minor version with one more field that is not granted.",
        good(contracts={"note": contract("1.1.0", _MORE_FIELD)}),
    )


_MORE_FIELD = (
    "      - {name: remark, businessName: remark, logicalType: string, physicalType: VARCHAR,"
    " classification: internal}\n"
)


def envelope_cases() -> Iterator[Case]:
    def case(name: str, about: str, data: bytes) -> Case:
        return Case(f"envelope_{name}_fail", about, with_envelope(data), "envelope")

    payload = payload_of(good())
    right = signed(payload)
    text = right.decode()
    yield case(
        "doubled_key",
        "The envelope has the key payloadType twice.",
        text.replace('"payloadType"', '"payloadType":"text/plain","payloadType"', 1).encode(),
    )
    yield case(
        "spaces", "The envelope is spelt with spaces.", json.dumps(json.loads(text)).encode()
    )
    yield case(
        "unknown_field",
        "The envelope has a field that the format does not know.",
        canonical(json.loads(text) | {"note": "x"}),
    )
    yield case("no_signatures", "Nobody signed.", envelope(payload, []))
    yield case(
        "payload_type",
        "The payload is said to be of another type, and signed so.",
        envelope(
            payload,
            [
                (
                    KEY_A.public.key_id,
                    KEY_A.private.sign(pre_authentication_encoding(payload, "text/plain")),
                )
            ],
            "text/plain",
        ),
    )
    yield case(
        "base64_not_canonical",
        "A signature's base64 has stray bits before its padding.",
        _stray_bits(text).encode(),
    )
    yield case("not_json", "The envelope is no JSON.", b"PAYLOAD")
    yield case("not_utf8", "The envelope is not UTF-8.", b'{"payload":"\xff"}')
    yield case("deep", "The envelope is nested ten thousand deep.", b"[" * 10_000 + b"]" * 10_000)


def _stray_bits(text: str) -> str:
    """The last character before ``==`` carries four bits that must be zero."""
    end = text.index('=="', text.index('"sig"'))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[: end - 1] + alphabet[alphabet.index(text[end - 1]) + 1] + text[end:]


def signature_cases() -> Iterator[Case]:
    payload = payload_of(good())
    message = pre_authentication_encoding(payload)
    key_id, signature = KEY_A.public.key_id, KEY_A.private.sign(message)

    def case(name: str, about: str, bundle: bytes, **changes: object) -> Case:
        return Case(f"signature_{name}_fail", about, bundle, "signature", **changes)

    yield case("wrong_signer", "A key that we don't trust signed.", good(STRANGER))
    yield case(
        "stranger_under_our_key_id",
        "A stranger signed under the key id of the key that we trust.",
        with_envelope(envelope(payload, [(key_id, STRANGER.private.sign(message))])),
    )
    yield case(
        "good_signature_under_wrong_key_id",
        "The trusted key signed, but its signature is given under another key id.",
        with_envelope(envelope(payload, [("0" * 64, signature)])),
    )
    yield case(
        "statement_byte_changed",
        "One byte of the statement was changed after it was signed.",
        with_envelope(
            envelope(payload.replace(b'"sequence":1', b'"sequence":2'), [(key_id, signature)])
        ),
    )
    yield case(
        "signature_byte_changed",
        "One byte of the signature was changed.",
        with_envelope(envelope(payload, [(key_id, flipped(signature, 40))])),
    )
    yield case(
        "without_pre_authentication_encoding",
        "The bare payload was signed, not its pre-authentication encoding.",
        with_envelope(envelope(payload, [(key_id, KEY_A.private.sign(payload))])),
    )
    yield case(
        "below_threshold",
        "One of two keys signed, the threshold is two.",
        good(),
        keys=(KEY_A, KEY_B),
        threshold=2,
    )
    yield case(
        "one_key_twice",
        "One key signed twice under two key ids, the threshold is two.",
        with_envelope(
            envelope(payload, sorted([(key_id, signature), (KEY_B.public.key_id, signature)]))
        ),
        keys=(KEY_A, KEY_B),
        threshold=2,
    )
    yield case(
        "doubled",
        "The same signature stands there twice.",
        with_envelope(envelope(payload, [(key_id, signature)] * 2)),
    )


def statement_cases() -> Iterator[Case]:
    def case(name: str, about: str, bundle: bytes) -> Case:
        return Case(f"statement_{name}_fail", about, bundle, "statement")

    payload = payload_of(good())
    yield case(
        "doubled_key",
        "The statement has the key sequence twice, and is honestly signed.",
        with_envelope(signed(payload.replace(b'"sequence":1', b'"sequence":1,"sequence":1'))),
    )
    yield case(
        "not_canonical",
        "The statement is spelt with spaces.",
        with_envelope(signed(json.dumps(json.loads(payload)).encode())),
    )
    yield case(
        "unknown_field",
        "The predicate has a field that the format does not know.",
        restated(predicate(remark="x")),
    )
    yield case(
        "missing_field",
        "The predicate lacks its purpose.",
        restated(lambda s: s["predicate"].pop("purpose")),
    )
    yield case(
        "predicate_type",
        "The predicate is of a later format.",
        restated(lambda s: s.update(predicateType="urn:hefu:bundle:2")),
    )
    yield case("fraction", "A count is a fraction.", with_envelope(signed(
        payload.replace(b'"note":3}', b'"note":3.5}'))))  # fmt: skip
    yield case("number_as_text", "A sequence is given as text.", restated(predicate(sequence="1")))
    yield case(
        "time_without_zone",
        "The created time has no zone.",
        restated(predicate(created_time="2026-11-22T01:00:00.000000")),
    )
    yield case(
        "bundle_id",
        "The bundle id does not follow from the statement.",
        restated(predicate(bundle_id="0" * 32), keep_id=True),
    )
    yield case(
        "first_with_previous",
        "The first bundle of a stream names a previous one.",
        restated(predicate(previous_statement_sha256="0" * 64)),
    )
    yield case(
        "counts_of_other_types",
        "The counts name a record type that has no contract.",
        restated(predicate(counts={"note": 3, "ghost": 1})),
    )
    yield case(
        "stream_climbs_out", "The stream's name is a path.", restated(predicate(stream="../x"))
    )


def party_cases() -> Iterator[Case]:
    def case(name: str, about: str, step: str, bundle: bytes, **changes: object) -> Case:
        return Case(f"{step}_{name}_fail", about, bundle, step, **changes)

    yield case(
        "wrong_recipient",
        "The bundle is meant for another agency.",
        "parties",
        good(),
        recipient="TESTOTHER",
    )
    yield case(
        "wrong_publisher",
        "The trusted key signed in the name of another agency.",
        "parties",
        restated(predicate(publisher={"code": "TESTOTHER", "name": "丙测试支队"})),
    )
    yield case(
        "from_the_future",
        "The bundle was made two hours from now.",
        "parties",
        good(now=datetime(2026, 11, 22, 3, 0, tzinfo=UTC)),
    )
    yield case(
        "expired",
        "The agreement had run out when the bundle was made.",
        "agreement",
        restated(
            predicate(agreement=_reference(_EXPIRED)),
        ),
        agreement=_EXPIRED,
    )
    yield case(
        "other_digest",
        "The sender's agreement of the same id and version says something else.",
        "agreement",
        good(),
        agreement=agreement(valid_until="2028-12-31"),
    )
    yield case(
        "other_version",
        "The sender uses another version of the agreement.",
        "agreement",
        good(),
        agreement=agreement(version=2),
    )
    yield case(
        "other_purpose",
        "The bundle states another purpose than its grant.",
        "agreement",
        restated(predicate(purpose="something_else")),
    )
    yield case(
        "unknown_stream",
        "The agreement has no grant for the bundle's stream.",
        "agreement",
        restated(predicate(stream="test-agreement.testsender.testreceiver.other")),
    )


_EXPIRED = agreement(valid_until="2026-11-21")


def _reference(deal: object) -> dict[str, object]:
    return deal.reference().model_dump(mode="json")  # type: ignore[attr-defined]


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
    yield case(
        "verdict_digest",
        "The predicate names another verdict than the one that travels.",
        restated(predicate(verdict_sha256="0" * 64)),
    )


def stream_cases() -> Iterator[Case]:
    def case(name: str, about: str, bundle: bytes, previous: bytes) -> Case:
        return Case(f"stream_{name}_fail", about, bundle, "stream", previous)

    first = good()
    yield case("repeated", "The bundle was taken in before.", first, first)
    yield case(
        "same_sequence_other_content",
        "Another bundle with the number of the one that was taken in.",
        good(tables={"note": rows(2)}),
        first,
    )
    yield case("gap", "The bundle after the next came.", second(first, sequence=3), first)
    yield case(
        "previous_digest",
        "The bundle continues another first bundle than the one we have.",
        second(good(tables={"note": rows(2)})),
        first,
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
        good(contracts={"note": contract("1.0.0", _MORE_FIELD)}),
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


def cases() -> Iterator[Case]:
    for group in (
        good_cases, container_cases, envelope_cases, signature_cases, statement_cases,
        party_cases, subject_cases, stream_cases, contract_cases, grant_cases, table_cases,
    ):  # fmt: skip
        yield from group()


def write(folder: Path) -> int:
    """Write all cases below ``folder``, removing the folders of cases that are no more."""
    wanted = {case.name: case.files() for case in cases()}
    for expected in folder.glob("*/expected.json"):
        shutil.rmtree(expected.parent)
    for name, files in wanted.items():
        for path, data in files.items():
            target = folder / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return len(wanted)


if __name__ == "__main__":
    written = write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
    sys.stdout.write(f"{written} vectors written\n")
