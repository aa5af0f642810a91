"""The table ``[cooperation]``: agreed like any other term, and told in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import RECEIVER, SENDER, Case, agreement, contract, good

from exchange.agreement.explain import explain
from exchange.agreement.model import Agreement, load_agreement
from schemas.errors import ConfigError

PLAIN = Case("x", "x", good()).files()["trust/agreement.toml"].decode()
TERMS = f"""
[cooperation.clocks]
referral_sign_working_days = 3

[[cooperation.routes]]
from = "{SENDER}"
to = "{RECEIVER}"
record_type = "case_result"
causes = ["overload_road"]
by = "registration_place"
divisions = ["3418"]
"""
CONTRACTS = {"note": contract()}


def load(folder: Path, text: str) -> Agreement:
    (folder / "a.toml").write_text(text, encoding="utf-8")
    return load_agreement(folder / "a.toml", CONTRACTS)


def test_without_it_the_digest_is_what_it_was(tmp_path: Path) -> None:
    assert load(tmp_path, PLAIN).digest() == agreement().digest()
    assert explain(load(tmp_path, PLAIN), None, CONTRACTS).cooperation == ()


@pytest.mark.parametrize("change", [("= 3", "= 4"), ('["3418"]', '["34"]'), ("overload_road", "")])
def test_its_terms_are_part_of_the_digest(tmp_path: Path, change: tuple[str, str]) -> None:
    agreed = load(tmp_path, PLAIN + TERMS).digest()
    other = TERMS.replace('causes = ["overload_road"]\n', "") if not change[1] else TERMS
    assert agreed != agreement().digest()
    assert load(tmp_path, PLAIN + other.replace(*change)).digest() != agreed


def test_it_is_told_in_both_languages(tmp_path: Path) -> None:
    said = explain(load(tmp_path, PLAIN + TERMS), None, CONTRACTS).cooperation
    assert "closed cases of vehicles registered in 3418" in said[0].en
    assert "车籍地为3418的已办结案件" in said[0].zh
    assert "须反馈结果" in said[0].zh
    assert said[1].en == "referral_sign_working_days: 3 working days"
    assert said[1].zh == "接收机关签收抄告、移送的期限：3个工作日"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("referral_sign_working_days", "referral_sing_working_days", "no period"),
        ("referral_sign_working_days", "transfer_approval_days", "no period"),
        (f'to = "{RECEIVER}"', 'to = "TESTOTHER"', "not a party"),
        (f'to = "{RECEIVER}"', f'to = "{SENDER}"', "from a party to itself"),
        ('divisions = ["3418"]', "", "needs divisions"),
        ("overload_road", "overlaod_road", "no common cause"),
        ("= 3", "= 0", "greater than or equal to 1"),
        ('"case_result"', '"receipt"', "Input should be"),
    ],
)
def test_a_mistake_in_it_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, PLAIN + TERMS.replace(old, new))
    assert said in caught.value.message.en
    assert caught.value.where is not None
    assert caught.value.where.row is not None
