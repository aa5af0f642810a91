"""A node's own rule packs and working days: what they judge, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from schemas_law_rows import CASE, broken, rules_of

from schemas.errors import ConfigError
from schemas.law.calendar import load_calendar
from schemas.law.exemption import list_items
from schemas.law.jurisdiction import parameter
from schemas.law.record_rules import law_rules
from schemas.node_packs import load_rule_packs, own_packs
from schemas.rulepack import RulePack, packs_of, rule_packs, rule_set_version

DAY = date(2026, 10, 8)
ROW = """\
article = "某市规定第一条"
text = "摘要：示例"
source = "memory"
verified = false
valid_from = 2025-01-01
"""


def head(name: str, *divisions: str) -> str:
    listed = ", ".join(f'"{d}"' for d in divisions)
    return (
        f'name = "{name}"\nversion = "{name}-1"\njurisdiction = "某市"\n'
        f'jurisdiction_en = "some city"\ndivisions = [{listed}]\n'
    )


def hearing(value: str = "5000", name: str = "hearing_fine_person_cny", unit: str = "yuan") -> str:
    return (
        f'\n[[parameter]]\nname = "{name}"\nvalue = {value}\nunit = "{unit}"\nunit_zh = "元"\n{ROW}'
    )


def tier(
    grade: str, least: int, greatest: int, cause: str = "vehicle_modified", name: str = "tier"
) -> str:
    return (
        f'\n[[discretion_tier]]\nname = "{name}_{least}"\ncause = "{cause}"\ngrade = "{grade}"\n'
        f'circumstances = "示例"\nmin_cny = {least}\nmax_cny = {greatest}\n{ROW}'
    )


ITEM = (
    '\n[[exemption_item]]\nname = "first"\nlist = "first_offence"\nitem = "1"\n'
    f'causes = ["vehicle_certificate_not_carried"]\nconditions = ["初次违法"]\n{ROW}'
)

#: A person fined 6000 yuan for a modified vehicle; nobody told them of a hearing.
FINED: dict[str, Any] = {
    "division_code": "990100",
    "occurred_time": "2026-10-01 09:00:00+08:00",
    "decision_date": "2026-10-08",
    "decision_type": "penalty",
    "common_cause_code": "vehicle_modified",
    "party_category": "natural_person",
    "fine_amount_cny": "6000",
    "hearing_flag": False,
}
HEARD = FINED | {"hearing_flag": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    return tmp_path / "rules"


def write(folder: Path, name: str, *parts: str) -> tuple[RulePack, ...]:
    (folder / f"{name}.toml").write_text("".join(parts), encoding="utf-8")
    return load_rule_packs(folder)


def own(ids: set[str]) -> set[str]:
    """Without the rules of the installed packs."""
    installed = tuple(f"law:{pack.name}:" for pack in rule_packs())
    return {i for i in ids if not i.startswith(installed)}


def test_without_own_packs_there_are_the_installed_ones(folder: Path) -> None:
    assert load_rule_packs(folder) is rule_packs()
    assert load_rule_packs(folder / "nowhere") is rule_packs()
    packs = write(folder, "xx", head("xx", "9901"), hearing())
    assert [p.name for p in own_packs(packs)] == ["xx"]
    assert own_packs(rule_packs()) == ()


def test_a_citys_amount_judges_its_cases_and_not_its_neighbours(folder: Path) -> None:
    packs = write(folder, "xx", head("xx", "9901"), hearing())
    assert broken(CASE, FINED, packs) == {"law:xx:hearing_by_amount_person"}
    assert broken(CASE, FINED | {"division_code": "990200"}, packs) == set()
    assert broken(CASE, FINED) == set()
    assert own(broken(CASE, FINED | {"fine_amount_cny": "4999"}, packs)) == set()
    assert broken(CASE, HEARD, packs) == set()


def test_a_neighbours_pack_does_not_judge_our_cases(folder: Path) -> None:
    write(folder, "yy", head("yy", "9902"), hearing("100"))
    packs = write(folder, "xx", head("xx", "9901"), hearing("8000"))
    assert broken(CASE, FINED, packs) == set()
    assert broken(CASE, FINED | {"division_code": "990200"}, packs) == {
        "law:yy:hearing_by_amount_person"
    }


def test_the_more_specific_takes_the_place_of_the_general(folder: Path) -> None:
    write(folder, "xx", head("xx", "9901"), hearing("5000"))
    packs = write(folder, "county", head("county", "990102"), hearing("50000"))
    big = FINED | {"fine_amount_cny": "20000", "division_code": "990102"}
    assert own(broken(CASE, big, packs)) == set()
    assert "law:cn:hearing_by_amount_person" not in broken(CASE, big, packs)
    assert "law:xx:hearing_by_amount_person" in broken(
        CASE, big | {"division_code": "990101"}, packs
    )
    assert "law:cn:hearing_by_amount_person" in broken(CASE, big)
    assert parameter("hearing_fine_person_cny", "990102", DAY, packs).entry.value == 50000
    assert parameter("hearing_fine_person_cny", "990101", DAY, packs).entry.value == 5000
    assert [p.name for p in packs_of("990102", packs)] == ["county", "xx", "cn"]


def test_for_the_divisions_of_an_installed_pack_the_nodes_rows_go_first(folder: Path) -> None:
    tariff = (
        '\n[[overload_fine]]\nname = "overload_fine"\nmethod = "per_step"\nfree_kg = 0\n'
        f"step_kg = 1000\nyuan_per_step = 100\ncap_cny = 5000\n{ROW}"
    )
    truck = FINED | {
        "division_code": "330523", "common_cause_code": "overload_road",
        "total_weight_kg": 75_000, "limit_weight_kg": 49_000, "hearing_flag": True,
    }  # fmt: skip
    assert "law:zj:overload_fine" in broken(CASE, truck)
    packs = write(folder, "ours", head("ours", "33"), tariff)
    found = broken(CASE, truck, packs)
    assert {i for i in found if "overload_fine" in i} == {"law:ours:overload_fine"}
    right = truck | {"fine_amount_cny": "2600"}
    assert {i for i in broken(CASE, right, packs) if "overload_fine" in i} == set()
    assert [p.name for p in packs_of("330523", packs)] == ["ours", "zj", "cn"]


@pytest.mark.parametrize(
    ("grade", "fine", "flagged"),
    [
        ("较轻", "5000", False),
        ("较轻", "8000", False),
        ("较轻", "9000", True),
        ("一般", "9000", False),
        ("一般", "7000", True),
        (None, "9000", False),
        (None, "20000", True),
        ("从轻", "4999", True),
    ],
)
def test_a_fine_lies_in_the_tier_that_the_record_names(
    folder: Path, grade: str | None, fine: str, flagged: bool
) -> None:
    packs = write(
        folder, "xx", head("xx", "9901"), tier("较轻", 5000, 8000), tier("一般", 8001, 12000)
    )
    row = HEARD | {"discretion_grade": grade, "fine_amount_cny": fine}
    told = own(broken(CASE, row, packs))
    assert told == ({"law:xx:discretion_vehicle_modified"} if flagged else set())
    assert own(broken(CASE, row | {"division_code": "990200"}, packs)) == set()
    assert own(broken(CASE, row | {"common_cause_code": "overload_road"}, packs)) == set()


def test_a_discretion_standard_that_changed_since_the_act_is_a_persons_task(folder: Path) -> None:
    old = tier("较轻", 5000, 8000) + "valid_to = 2026-10-05\n"
    new = tier("较轻", 1000, 2000).replace("2025-01-01", "2026-10-05")
    packs = write(folder, "xx", head("xx", "9901"), old, new)
    assert own(set(rules_of(CASE, packs))) == {
        "law:xx:discretion_vehicle_modified",
        "law:xx:discretion_vehicle_modified:2026-10-05",
    }
    wrong = HEARD | {"fine_amount_cny": "4000"}
    assert own(broken(CASE, wrong, packs)) == set()
    earlier = wrong | {"decision_date": "2026-10-04"}
    assert own(broken(CASE, earlier, packs)) == {"law:xx:discretion_vehicle_modified"}
    later = wrong | {"occurred_time": "2026-10-05 00:00:00+08:00"}
    assert own(broken(CASE, later, packs)) == {"law:xx:discretion_vehicle_modified:2026-10-05"}


def test_own_rules_are_soft_and_say_where_they_stand(folder: Path) -> None:
    packs = write(folder, "xx", head("xx", "9901"), tier("较轻", 5000, 8000), hearing())
    found = {i: r for i, r in rules_of(CASE, packs).items() if i.startswith("law:xx:")}
    assert len(found) == 2
    for rule in found.values():
        assert rule.severity == "soft"
        assert rule.source == "某市规定第一条"
        assert "待核实" in rule.message.zh
        assert "not verified" in rule.message.en
        assert set(rule.fields) <= set(CASE.names())
    assert set(found) <= {r.rule_id for r in CASE.rules(packs=packs)}
    projected = CASE.rules(["division_code", "fine_amount_cny"], packs)
    assert not set(found) & {r.rule_id for r in projected}


def test_a_list_of_first_offences_is_found_by_place(folder: Path) -> None:
    packs = write(folder, "xx", head("xx", "9901"), ITEM)
    cause = "vehicle_certificate_not_carried"
    (item,) = list_items("990100", DAY, cause=cause, packs=packs)
    assert item.basis.version == "xx-1"
    assert list_items("990200", DAY, cause=cause, packs=packs) == ()


def test_the_versions_name_the_nodes_packs_last_where_they_apply(folder: Path) -> None:
    national = rule_set_version("")
    write(folder, "xx", head("xx", "9901"), hearing())
    packs = write(folder, "county", head("county", "990102"), ITEM)
    assert rule_set_version("990102", packs) == f"{national}+xx-1+county-1"
    assert rule_set_version("990100", packs) == f"{national}+xx-1"
    assert rule_set_version("990200", packs) == national


GOOD = head("xx", "9901") + hearing()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (head("zj", "9901") + hearing(), 1, "installed rule pack zj"),
        (head("xx") + hearing(), 5, "only cn is for the whole country"),
        (GOOD.replace('divisions = ["9901"]\n', ""), None, "no divisions"),
        (GOOD.replace('"xx-1"', '"1"'), 2, "begin with xx-"),
        (GOOD.replace('"xx-1"', '"xx-1+cn-9"'), 2, "letters, digits, dots and hyphens"),
        (GOOD.replace("5000", '"many"'), 9, "decimal"),
        (GOOD.replace("valid_from", "valid_form"), 16, "unknown key 'valid_form'"),
        (GOOD + hearing(), 18, "two rows of parameter"),
        (head("xx", "9901") + hearing(name="hearing_fine_persn_cny"), 7, "no effect"),
        (head("xx", "9901") + hearing(unit="10000 yuan"), 7, "is in yuan"),
        (head("xx", "9901") + hearing("-1"), 7, "can't be -1"),
        (head("xx", "9901") + hearing("2.5", "limitation_years", "years"), 7, "can't be 2.5"),
        (head("xx", "9901") + ITEM.replace("not_carried", "lost"), 7, "as causes"),
        (head("xx", "9901") + tier("较轻", 1, 2, "vehicle_modifyed"), 7, "as cause of"),
        (head("xx", "9901") + tier("较轻", 8000, 5000), 7, "min_cny is greater"),
        (
            head("xx", "9901") + f'\n[[hearing_condition]]\nname = "h"\nitem = "1"\n'
            f'kinds = ["fine_of_all"]\n{ROW}', 7, "as kinds",
        ),
        (
            head("xx", "9901") + f'\n[[choice]]\nname = "limitation_first_day"\nvalue = "x"\n'
            f'options = ["x"]\n{ROW}', 7, "as value",
        ),
        (
            head("xx", "9901") + f'\n[[exemption]]\nname = "e"\nground = "33-9"\n'
            f'consequence = "may_not_punish"\nneeds = []\ndecision_type = "no_penalty"\n'
            f'label_en = "e"\n{ROW}', 7, "as ground",
        ),
    ],
)  # fmt: skip
def test_a_pack_that_cannot_be_used_is_named_with_its_line(
    folder: Path, text: str, line: int | None, said: str
) -> None:
    name = "zj" if 'name = "zj"' in text else "xx"
    with pytest.raises(ConfigError) as caught:
        write(folder, name, text)
    assert said in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.file == str(folder / f"{name}.toml")
    assert caught.value.where.row == line


def test_two_own_packs_for_one_division_are_refused(folder: Path) -> None:
    write(folder, "aa", head("aa", "9901", "9902"), hearing())
    with pytest.raises(ConfigError, match=r"9902 is a division of aa\.toml"):
        write(folder, "bb", head("bb", "9902"), ITEM)


def test_a_file_that_is_not_utf_8_is_told_and_a_byte_order_mark_is_not_minded(
    folder: Path,
) -> None:
    (folder / "xx.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert own_packs(load_rule_packs(folder))
    (folder / "xx.toml").write_bytes(GOOD.encode("gb18030"))
    with pytest.raises(ConfigError, match="can't be read"):
        load_rule_packs(folder)


DAY_OFF = '\n[[day]]\ndate = {}\nworking = {}\nsource = "示例"\n'


def calendar_file(folder: Path, name: str, *days: tuple[str, str]) -> None:
    rows = "".join(DAY_OFF.format(day, working) for day, working in days)
    (folder / f"{name}.toml").write_text(f'version = "{name}"\n{rows}', encoding="utf-8")


def test_several_files_of_days_are_one_calendar(tmp_path: Path) -> None:
    calendar_file(tmp_path, "a", ("2027-01-04", "false"))
    calendar_file(tmp_path, "b", ("2027-01-04", "false"), ("2027-01-09", "true"))
    calendar = load_calendar(tmp_path)
    assert calendar.version.endswith("+a+b")
    assert not calendar.is_working(date(2027, 1, 4))
    assert calendar.is_working(date(2027, 1, 9))
    calendar_file(tmp_path, "c", ("2027-02-01", "false"), ("2027-01-09", "false"))
    with pytest.raises(ConfigError, match=r"2027-01-09 is worked by one row .*b\.toml") as caught:
        load_calendar(tmp_path)
    assert str(caught.value.where) == f"{tmp_path / 'c.toml'}, row 8, field day"


def test_without_files_of_days_there_is_the_installed_calendar(tmp_path: Path) -> None:
    assert load_calendar(tmp_path) is load_calendar()


def test_late_delivery_is_judged_by_the_nodes_days(tmp_path: Path) -> None:
    year = [("2027-01-04", "false"), ("2027-01-05", "false")]
    (tmp_path / "n.toml").write_text(
        'version = "n"\ncomplete_years = [2027]\n'
        + "".join(DAY_OFF.format(*day) for day in year),
        encoding="utf-8",
    )  # fmt: skip
    calendar = load_calendar(tmp_path)
    rule = next(
        r for r in law_rules(CASE, calendar=calendar) if r.rule_id == "law:cn:delivered_late"
    )
    plain = next(r for r in law_rules(CASE) if r.rule_id == "law:cn:delivered_late")
    assert "DATE '2027-01-04'" in rule.violation_sql
    assert "DATE '2027-01-04'" not in plain.violation_sql
    assert "DATE '2027-12-24'" in rule.violation_sql
