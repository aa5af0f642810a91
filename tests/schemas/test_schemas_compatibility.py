"""What changed between two versions of a contract, and which version number it needs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schemas_contracts import FIELDS, small_contract

from schemas.codes import all_codes
from schemas.compatibility import Change, at_least, check_release, compare, required_bump
from schemas.compatibility.__main__ import main
from schemas.compatibility.changes import LEVELS, parse_version
from schemas.compatibility.releases import (
    RELEASED,
    check_codes,
    check_types,
    newest_release,
    release,
    released_codes,
    released_contract,
    released_versions,
)
from schemas.contract import load_contract, record_types
from schemas.errors import ConfigError
from schemas.text import Text


def found(old: Any, new: Any) -> list[tuple[str, str, str]]:
    """The changes, each of them told in both languages."""
    changes = compare(old, new)
    for change in changes:
        assert change.message.en
        assert any("\u4e00" <= c <= "\u9fff" for c in change.message.zh)
    return [(c.kind, c.subject, c.level) for c in changes]


def with_field(name: str, **given: Any) -> dict[str, dict[str, Any]]:
    return {**FIELDS, name: given}


ADDED = [
    ({}, "field-added", "minor"),
    ({"tags": ["derived"]}, "field-added", "minor"),
    ({"required": True}, "field-added-required", "major"),
    ({"tags": ["filled-by-node"], "required": True}, "field-added", "minor"),
    ({"tags": ["node-default"]}, "field-added-default", "major"),
    ({"tags": ["technical", "filled-by-node"]}, "field-added-technical", "major"),
]


@pytest.mark.parametrize(("field", "kind", "level"), ADDED)
def test_a_new_field(field: dict[str, Any], kind: str, level: str) -> None:
    new = small_contract(with_field("remark", **field))
    assert found(small_contract(), new) == [(kind, "remark", level)]


def test_a_field_that_goes() -> None:
    old = small_contract(with_field("remark"))
    assert found(old, small_contract()) == [("field-removed", "remark", "major")]


def text(**options: Any) -> dict[str, Any]:
    return {"logicalTypeOptions": options}


def tagged(*tags: str, **more: Any) -> dict[str, Any]:
    return {"tags": list(tags), **more}


CHANGED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"physicalType": "BIGINT"}, {"physicalType": "DECIMAL(16,2)"}, "type-widened", "major"),
    ({"physicalType": "VARCHAR"}, {"physicalType": "DATE"}, "type-narrowed", "major"),
    ({"physicalType": "DATE"}, {"physicalType": "BOOLEAN"}, "type-changed", "major"),
    ({"logicalType": "string"}, {"logicalType": "date"}, "logical-type", "minor"),
    ({"required": True}, {}, "required-loosened", "major"),
    ({}, {"required": True}, "required-tightened", "major"),
    (
        {"classification": "personal"}, {"classification": "public"},
        "classification-lowered", "major",
    ),
    (
        {"classification": "internal"}, {"classification": "sensitive"},
        "classification-raised", "minor",
    ),
    ({}, tagged("technical"), "technical-added", "major"),
    (tagged("technical"), {}, "technical-removed", "major"),
    ({}, tagged("filled-by-node"), "filled-by-node-added", "major"),
    (tagged("filled-by-node"), {}, "filled-by-node-removed", "major"),
    ({}, tagged("node-default"), "node-default-added", "major"),
    (tagged("node-default"), {}, "node-default-removed", "major"),
    ({}, tagged("derived"), "derived-added", "major"),
    (tagged("derived"), {}, "derived-removed", "minor"),
    ({}, {"codeList": "urgency"}, "code-list", "major"),
    ({"codeList": "urgency"}, {"codeList": "id_type"}, "code-list", "major"),
    ({"codeList": "urgency"}, {"codeList": "urgency", "codeListOpen": True}, "code-mode", "minor"),
    ({"codeList": "urgency", "codeListOpen": True}, {"codeList": "urgency"}, "code-mode", "minor"),
    (
        {"codeList": "urgency"}, {"codeList": "urgency", "codeListClosed": True},
        "code-mode-closed", "major",
    ),
    (
        {"codeList": "urgency", "codeListClosed": True}, {"codeList": "urgency"},
        "code-mode", "minor",
    ),
    (text(maxLength=10), text(maxLength=20), "length", "minor"),
    (text(maxLength=20), text(maxLength=10), "length", "minor"),
    ({}, text(pattern="^a$"), "pattern-narrowed", "major"),
    (text(pattern="^a$"), {}, "pattern-widened", "minor"),
    (text(pattern="^a$"), text(pattern="^a$|^b$"), "pattern-widened", "minor"),
    (text(pattern="^a$"), text(pattern="^[ab]$"), "pattern-narrowed", "major"),
    (text(minimum=1), text(minimum=0), "minimum-widened", "minor"),
    (text(minimum=0), text(minimum=1), "minimum-narrowed", "major"),
    (text(maximum=1), text(maximum=2), "maximum-widened", "minor"),
    (text(maximum=2), text(maximum=1), "maximum-narrowed", "major"),
    (text(maximum=2), {}, "maximum-widened", "minor"),
    ({}, text(maximum=0), "maximum-narrowed", "major"),
    (text(timezone=True), text(timezone=False), "limit", "minor"),
    ({"unit": "kg"}, {"unit": "t"}, "unit", "major"),
    ({"anything": "a"}, {"anything": ["b"]}, "property", "minor"),
    ({"businessName": "甲"}, {"businessName": "乙"}, "words", "patch"),
    ({"labelEn": "a"}, {"labelEn": "b"}, "words", "patch"),
    ({"description": "a"}, {"description": "b"}, "words", "patch"),
    ({"noteZh": "甲"}, {"noteZh": "乙"}, "words", "patch"),
    ({"examples": ["a"]}, {"examples": ["b"]}, "words", "patch"),
    ({"source": "甲"}, {"source": "乙"}, "words", "patch"),
    ({}, tagged("envelope"), "words", "patch"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "kind", "level"), CHANGED)
def test_a_field_that_changes(
    before: dict[str, Any], after: dict[str, Any], kind: str, level: str
) -> None:
    old, new = (small_contract(with_field("remark", **f)) for f in (before, after))
    assert found(old, new) == [(kind, "remark", level)]


def test_fields_in_another_order() -> None:
    other = small_contract(dict(sorted(FIELDS.items())))
    assert found(small_contract(), other) == [("order", "", "minor")]
    # one in between moves the others, and is new anyway
    between = {"note": {}, **FIELDS}
    assert found(small_contract(), small_contract(between)) == [("field-added", "note", "minor")]


RULE = {"heavy": {"where": "mass_kg > 900000"}}
SOFT = {"heavy": {"where": "mass_kg > 900000", "severity": "warning"}}
OTHER = {"heavy": {"where": "mass_kg > 100000"}}


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ({}, RULE, [("rule-added-hard", "major")]),
        ({}, SOFT, [("rule-added-soft", "minor")]),
        (RULE, {}, [("rule-removed", "minor")]),
        (SOFT, RULE, [("rule-hardened", "major")]),
        (RULE, SOFT, [("rule-softened", "minor")]),
        (RULE, OTHER, [("rule-condition", "major")]),
        (
            RULE,
            {"heavy": {"where": f"{RULE['heavy']['where']} AND mass_kg < 900000"}},
            [("rule-condition-less", "minor")],
        ),
        (
            RULE,
            {"heavy": {"where": f"{RULE['heavy']['where']} AND mass_kg < 9 OR mass_kg > 1"}},
            [("rule-condition", "major")],
        ),
        (SOFT, {"heavy": SOFT["heavy"] | {"where": "mass_kg > 1"}}, [("rule-condition", "minor")]),
        (RULE, {"heavy": RULE["heavy"] | {"hint": "look"}}, [("rule-words", "patch")]),
    ],
)
def test_rules(before: Any, after: Any, kinds: list[tuple[str, str]]) -> None:
    old, new = small_contract(rules=before), small_contract(rules=after)
    assert found(old, new) == [(kind, "thing.heavy", level) for kind, level in kinds]


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("height_cm > 500", "rule-added-new-fields"),
        ("height_cm > 500 AND mass_kg > 1", "rule-added-new-fields"),
        # it does not either, but that is not seen: rather too careful
        ("CASE WHEN height_cm > 500 THEN mass_kg IS NULL END", "rule-added-hard"),
        ("height_cm IS NULL", "rule-added-hard"),
        # says nothing of an empty row, and yet of a heavy one
        ("height_cm IS NULL AND mass_kg > 900000", "rule-added-hard"),
        ("height_cm > 500 OR mass_kg > 900000", "rule-added-hard"),
    ],
)
def test_a_hard_rule_that_spares_rows_without_the_new_fields(where: str, kind: str) -> None:
    fields = with_field("height_cm", physicalType="BIGINT")
    changes = found(small_contract(), small_contract(fields, {"high": {"where": where}}))
    assert changes[0] == ("field-added", "height_cm", "minor")
    assert changes[1][:2] == (kind, "thing.high")


def test_what_is_not_about_fields_or_rules() -> None:
    one = small_contract()
    assert found(one, small_contract(labelEn="Thing")) == [("words", "", "patch")]
    assert found(one, small_contract(rulePack="cn")) == [("property", "", "minor")]
    assert found(one, small_contract(comment="\n# said\n")) == [("layout", "", "patch")]
    assert found(one, small_contract(version="1.0.1")) == [("version", "", "patch")]
    with pytest.raises(ConfigError, match="not versions of one contract"):
        compare(load_contract("lead"), load_contract("receipt"))


def test_before_there_were_modes_a_list_was_closed() -> None:
    first, now = released_contract("lead", "1.0.0"), load_contract("lead")
    changes = {c.subject: c.kind for c in compare(first, now) if "code" in c.kind}
    assert "data_status" not in changes
    assert changes["vehicle_plate_color"] == "code-mode"


@pytest.mark.parametrize("record_type", record_types())
def test_a_contract_does_not_differ_from_itself(record_type: str) -> None:
    contract = load_contract(record_type)
    assert compare(contract, contract) == ()


FIELD = st.fixed_dictionaries(
    {},
    optional={
        "physicalType": st.sampled_from(["VARCHAR", "BIGINT", "DATE"]),
        "required": st.booleans(),
        "classification": st.sampled_from(["public", "internal", "personal", "sensitive"]),
        "tags": st.lists(st.sampled_from(["technical", "node-default", "derived"]), unique=True),
        "unit": st.sampled_from(["kg", "t"]),
        "description": st.sampled_from(["a", "b"]),
    },
)
CONTRACT = st.dictionaries(st.sampled_from(["alpha", "beta", "gamma"]), FIELD, min_size=1).map(
    small_contract
)


@given(CONTRACT, CONTRACT)
def test_a_change_is_told_if_and_only_if_there_is_one(one: Any, other: Any) -> None:
    assert (compare(one, other) == ()) == (one.yaml_bytes == other.yaml_bytes)
    assert compare(one, one) == ()
    # what is not to be told from the contracts' words is major or minor both ways
    levels = {required_bump(compare(one, other)), required_bump(compare(other, one))}
    assert levels != {None, "major"}


CHANGES = st.lists(
    st.sampled_from(LEVELS).map(lambda level: Change("x", "", level, Text(en="x", zh="某"))),
    max_size=5,
)


@given(CHANGES, CHANGES)
def test_more_changes_never_need_less(some: list[Change], more: list[Change]) -> None:
    def rank(changes: list[Change]) -> int:
        bump = required_bump(changes)
        return -1 if bump is None else LEVELS.index(bump)

    assert rank([*some, *more]) == max(rank(some), rank(more))


@given(st.tuples(*[st.integers(0, 999)] * 3), st.sampled_from(LEVELS))
def test_the_next_version_is_greater_and_the_smallest_of_its_kind(
    version: tuple[int, int, int], level: Any
) -> None:
    text = ".".join(map(str, version))
    after = parse_version(at_least(text, level))
    place = 2 - LEVELS.index(level)
    assert after > version
    assert after == (*version[:place], version[place] + 1, *[0] * (2 - place))


@pytest.mark.parametrize("text", ["", "1.0", "1.0.0-rc1", "v1.0.0", "1.00.0", "1.0.0\n", "١.0.0"])
def test_other_versions_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a version"):
        parse_version(text)


# -- what was released --------------------------------------------------------------------------

FIRST = {
    "case_result": "de4fa60d9a87594de0ca0d96b859db3b0d0bd797f3531e1473df65e8b8e53abc",
    "inspection": "978b85a551bd9db047f6b9939e550f8f27d1d62e4636a84a5b4db2977a9ee5f8",
    "lead": "621fc5aac5caa8f8cb861c11845e120141650e3d41ef1c9c72b6585408734626",
    "receipt": "4d3204bab50a24aa529d57fc3eb58ab79e258faf2d7829b04b511f35830dea98",
}


def test_every_contract_may_be_released_as_it_is() -> None:
    assert [p.en for name in record_types() for p in check_release(name)] == []
    assert [p.en for p in (*check_types(), *check_codes())] == []


def test_what_was_released_can_be_read_and_is_what_it_was() -> None:
    for name, digest in FIRST.items():
        versions = released_versions(name)
        assert versions[0] == "1.0.0"
        assert [released_contract(name, v).version for v in versions] == list(versions)
        path = RELEASED / name / "1.0.0.odcs.yaml"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def keep(folder: Path, contract: Any) -> None:
    path = folder / "thing" / f"{contract.version}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contract.yaml_bytes)


REQUIRED = with_field("remark", required=True)
WORDS = {**FIELDS, "note_no": {"required": True, "description": "said"}}


@pytest.mark.parametrize(
    ("fields", "version", "needed"),
    [
        (FIELDS, "1.2.0", None),
        (WORDS, "1.2.0", "1.2.1"),
        (WORDS, "1.2.1", None),
        (with_field("remark"), "1.2.1", "1.3.0"),
        (with_field("remark"), "1.3.0", None),
        (REQUIRED, "1.9.0", "2.0.0"),
        (REQUIRED, "2.0.0", None),
        (with_field("remark"), "1.1.0", "1.3.0"),
        (FIELDS, "1.1.0", "1.2.1"),
    ],
)
def test_a_version_must_follow_from_the_changes(
    tmp_path: Path, fields: Any, version: str, needed: str | None
) -> None:
    keep(tmp_path, small_contract(version="1.10.0"))
    (tmp_path / "thing/1.10.0.odcs.yaml").unlink()
    keep(tmp_path, small_contract(with_field("old"), version="1.1.0"))
    keep(tmp_path, small_contract(version="1.2.0"))
    problems = check_release("thing", tmp_path, small_contract(fields, version=version))
    assert [p.en.rsplit(" ", 1)[1] for p in problems] == ([needed] if needed else [])
    assert all(needed and needed in p.zh for p in problems)


def test_the_newest_release_is_by_number_not_by_letters(tmp_path: Path) -> None:
    for version in ("1.10.0", "1.9.0", "1.2.0"):
        keep(tmp_path, small_contract(version=version))
    newest = newest_release("thing", tmp_path)
    assert newest is not None
    assert newest.version == "1.10.0"
    assert newest_release("other", tmp_path) is None
    (tmp_path / "thing/1.11.0.odcs.yaml").write_bytes(newest.yaml_bytes)
    with pytest.raises(ConfigError, match=r"the file holds thing 1\.10\.0"):
        newest_release("thing", tmp_path)


def test_releasing_keeps_exact_bytes_once(tmp_path: Path) -> None:
    written = release(tmp_path)
    assert {p.suffix for p in written} == {".yaml", ".txt"}
    for name in record_types():
        contract = load_contract(name)
        assert released_contract(name, contract.version, tmp_path).yaml_bytes == contract.yaml_bytes
    assert release(tmp_path) == []
    # other bytes of a released version are never written over
    path = tmp_path / "lead" / f"{load_contract('lead').version}.odcs.yaml"
    other = path.read_bytes() + b"# said later\n"
    path.write_bytes(other)
    with pytest.raises(ConfigError, match="lead is version"):
        release(tmp_path)
    assert path.read_bytes() == other


def test_a_released_code_never_disappears(tmp_path: Path) -> None:
    release(tmp_path)
    codes = released_codes(tmp_path)
    assert codes["plate_color"]
    assert set(codes) <= set(all_codes())
    assert check_codes(tmp_path, codes | {"plate_color": (*codes["plate_color"], "new")}) == []
    (problem,) = check_codes(tmp_path, codes | {"plate_color": codes["plate_color"][1:]})
    assert codes["plate_color"][0] in problem.en
    assert "plate_color" in problem.zh
    gone = {name: found for name, found in codes.items() if name != "urgency"}
    assert len(check_codes(tmp_path, gone)) == 1
    withdrawn = "".join(f"urgency,{code},,虚构\n" for code in codes["urgency"])
    (tmp_path / "codes/withdrawn.csv").write_text(
        f"list,code,replaced_by,reason\n{withdrawn}", encoding="utf-8"
    )
    assert check_codes(tmp_path, gone) == []
    assert len(check_types(tmp_path, record_types()[1:])) == 1


@pytest.mark.parametrize(("language", "words"), [("en", ": "), ("zh", "：")])
def test_the_command_says_of_each_contract_what_changed(
    language: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HEFU_LANG", language)
    assert main([]) == 0
    said = capsys.readouterr()
    assert all(f"\n{name} " in f"\n{said.out}" for name in record_types())
    assert words in said.out
    assert said.err == ""
