"""Agreements: what they let through, and how a mistake in one is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from bundles import GRANTED, RECEIVER, SENDER, Case, agreement, contract, good

from exchange.agreement.model import load_agreement
from schemas.errors import ConfigError

TEXT = Case("x", "x", good()).files()["trust/agreement.toml"].decode()
CONTRACTS = {"note": contract()}


def load(folder: Path, text: str = TEXT):
    (folder / "a.toml").write_text(text, encoding="utf-8")
    return load_agreement(folder / "a.toml", CONTRACTS)


def test_an_agreement_is_read(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found == agreement()
    grant = found.grants_from(SENDER)[0]
    assert grant.records["note"] == GRANTED
    assert found.grants_from(RECEIVER) == ()
    assert found.stream_id(grant) == "test-agreement.testsender.testreceiver.format_test"
    assert found.party(RECEIVER).name == "乙测试支队"


def test_technical_fields_go_along_unasked() -> None:
    assert agreement().grants[0].columns(contract()) == ("record_id", "content_hash", *GRANTED)


def test_layout_and_comments_do_not_change_the_digest(tmp_path: Path) -> None:
    other = "# a comment\n" + TEXT.replace(" = ", "  =  ").replace('id  =  "t', 'id = "t')
    assert load(tmp_path, other).digest() == load(tmp_path).digest() == agreement().digest()


@pytest.mark.parametrize(
    "change",
    [
        ("version = 1", "version = 2"),
        ("2027-12-31", "2027-12-30"),
        ("乙测试", "丙测试"),
        ('"place", ', ""),
        ("本格式规定", "另一规定"),
    ],
)
def test_every_term_changes_the_digest(tmp_path: Path, change: tuple[str, str]) -> None:
    assert load(tmp_path, TEXT.replace(*change)).digest() != agreement().digest()


@pytest.mark.parametrize(
    ("old", "new", "said", "hint", "row"),
    [
        ("version = 1", "version = 1\nversoin = 1", "unknown key 'versoin'",
         "did you mean 'version'?", 3),
        ('"place"', '"plaec"', "no field 'plaec'", "did you mean 'place'?", 20),
        ("note = [", "noet = [", "no record type 'noet'", "did you mean 'note'?", 20),
        ("version = 1", "version = 0", "greater than or equal to 1", None, 2),
        ('to = "TESTRECEIVER"', 'to = "TESTOTHER"', "'TESTOTHER', which is not a party",
         "parties: TESTSENDER, TESTRECEIVER", 16),
        ('to = "TESTRECEIVER"', 'to = "TESTSENDER"', "from a party to itself", None, 16),
        ("2027-12-31", "2025-12-31", "valid_until lies before", None, 4),
        ('"place", ', '"place", "place", ', "listed twice: place", None, 20),
        ('code = "TESTRECEIVER"', 'code = "TestSender"', "two parties have the same code", None,
         7),
        ('id = "test-agreement"', 'id = "a.b"', "String should match pattern", None, 1),
        ("note = [", 'note = []\nx = [', "'note' has no field: in version 1", None, 20),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, old: str, new: str, said: str, hint: str | None, row: int | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, TEXT.replace(old, new))
    error = caught.value
    assert said in error.message.en
    assert error.message.zh
    assert error.where is not None
    assert error.where.file == str(tmp_path / "a.toml")
    if hint is not None:
        assert error.hint is not None
        assert error.hint.en == hint
    if row is not None:
        assert error.where.row == row


def test_two_grants_of_one_stream_are_refused(tmp_path: Path) -> None:
    grant = TEXT[TEXT.index("[[grants]]") :]
    with pytest.raises(ConfigError, match="same from, to and purpose"):
        load(tmp_path, TEXT + "\n" + grant)


def test_nothing_is_sent_under_an_agreement_that_does_not_run() -> None:
    for now in (datetime(2025, 12, 31, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)):
        with pytest.raises(ConfigError) as caught:
            good(now=now)
        assert "2026-01-01 to 2027-12-31" in caught.value.message.en
    # The first day begins at midnight in China, eight hours before it does in UTC.
    assert agreement().is_running(datetime(2025, 12, 31, 16, 0, tzinfo=UTC))
    assert not agreement().is_running(datetime(2025, 12, 31, 15, 59, tzinfo=UTC))


def test_the_contracts_of_this_installation_are_the_default(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(TEXT, encoding="utf-8")
    with pytest.raises(ConfigError, match="no record type 'note'"):
        load_agreement(tmp_path / "a.toml")
    fields = '["penalty_decision_no", "decision_date"]'
    text = TEXT[: TEXT.index("note = ")] + f"case_result = {fields}\n"
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    assert "case_result" in load_agreement(tmp_path / "a.toml").grants[0].records


MORE = TEXT.replace('"place", ', '"place", "remark_to_come", ')


@pytest.mark.parametrize("version", ["1.1.0", "1.0.1", "1.20.0"])
def test_a_field_of_a_later_contract_may_be_granted_if_the_agreement_says_so(
    tmp_path: Path, version: str
) -> None:
    found = load(tmp_path, f'{MORE}\n[contracts]\nnote = "{version}"\n')
    grant = found.grants[0]
    assert "remark_to_come" in grant.records["note"]
    # what this contract has of it
    assert grant.columns(contract()) == ("record_id", "content_hash", *GRANTED)
    # a help for reading, not a term
    named = load(tmp_path, f'{TEXT}\n[contracts]\nnote = "{version}"\n')
    assert named.digest() == agreement().digest() != found.digest()


@pytest.mark.parametrize(
    "said",
    ["", '[contracts]\nnote = "1.0.0"\n', '[contracts]\nnote = "0.9.0"\n',
     '[contracts]\nnote = "2.0.0"\n', '[contracts]\nother = "1.1.0"\n'],
)  # fmt: skip
def test_else_an_unknown_field_is_a_mistake(tmp_path: Path, said: str) -> None:
    with pytest.raises(ConfigError, match="there is no field 'remark_to_come'"):
        load(tmp_path, f"{MORE}\n{said}")


@pytest.mark.parametrize("version", ["1.1", "01.1.0", "1.1.0-rc1"])
def test_a_contract_version_of_an_agreement_has_three_numbers(tmp_path: Path, version: str) -> None:
    with pytest.raises(ConfigError, match=r"contracts\.note"):
        load(tmp_path, f'{MORE}\n[contracts]\nnote = "{version}"\n')
