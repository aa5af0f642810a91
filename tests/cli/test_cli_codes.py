"""``hefu codes`` over real lakes: an unknown text is listed, proposed for, decided on, mapped."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_world import AGREEMENT, CITY, COUNTY, Hefu, add_source, make_node

from hefu.code_work.citations import citations
from hefu.code_work.suggest import plain
from hefu.node import Node, load_node
from schemas.codes import all_codes

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
STREAM = "casework/results"
CAUSE = "未带道路运输证"
HEADER = "案号,违法行为类型,决定类型,处罚种类,处罚决定日期,处罚依据,颜色"
RULE = "《中华人民共和国道路运输条例》第六十三条第一款"
ROWS = (
    f"示交立〔2026〕1号,{CAUSE},行政处罚,警告、罚款,2026-10-08,{RULE},1",
    f"示交立〔2026〕2号,{CAUSE},行政处罚,罚款、扣分,2026-10-08,{RULE},2",
    "示交立〔2026〕3号,违法超限运输,行政处罚,罚款,2026-10-09,《公路安全保护条例》第六十四条,渐变",
    "示交立〔2026〕4号,违法超限运输,行政处罚,罚款,2026-10-09,,黄 牌",
)
MAPPING = """\
WITH named AS (SELECT *, txt("违法行为类型") AS cause FROM raw)
SELECT
    txt("案号") AS source_record_id,
    txt("案号") AS case_no,
    '示例甲乙丙丁' AS party_name,
    cause AS violation_type,
    code('case_cause', 'zh', cause) AS common_cause_code,
    code('decision_type', 'zh', "决定类型") AS decision_type,
    codes('penalty_category', 'zh', "处罚种类", '、') AS penalty_category,
    date_ymd("处罚决定日期") AS decision_date,
    txt("处罚依据") AS penalty_basis,
    code('plate_color', 'jt697', "颜色") AS vehicle_plate_color
FROM named
"""


def sync(node: Node, now: datetime = NOW) -> None:
    """A run as the flow does it, without Prefect around it."""
    from connectors.pull import PullRequest
    from flows.ingest import ingest

    (source,) = node.sources()
    ingest(node, source, PullRequest("cursor", None, None, None, now), now)


def read_again(node: Node, now: datetime) -> None:
    from flows.again import normalise_again

    (source,) = node.sources()
    normalise_again(node, source, now)


def listed(hefu: Hefu, node: Node, *words: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    """What ``hefu codes unmapped`` tells, by field and text."""
    ran = hefu("codes", "unmapped", *words, "--json", "--node", node.root)
    assert ran.code == 0, ran.err
    return {(entry["field"], entry["raw"]): entry for entry in json.loads(ran.out)}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node after one run over four cases with texts that no list knows."""
    node = make_node(tmp_path_factory.mktemp("template") / "county")
    add_source(node)
    (node.root / "sources" / STREAM / "mapping.sql").write_text(MAPPING, encoding="utf-8")
    (node.root / "export" / "cases.csv").write_text("\n".join((HEADER, *ROWS, "")), "utf-8")
    sync(node)
    return node.root


@pytest.fixture
def synced(template: Path, tmp_path: Path) -> Node:
    shutil.copytree(template, tmp_path / "synced")
    return load_node(tmp_path / "synced")


def test_the_lists_need_no_node(hefu: Hefu, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    told = {entry["list"]: entry for entry in json.loads(hefu("codes", "list", "--json").out)}
    assert told.keys() == all_codes().keys()
    assert told["plate_color"]["schemes"] == ["jt697", "operator", "parking", "toll", "zh"]
    assert 0 < told["plate_color"]["unverified"] <= told["plate_color"]["rows"]
    assert all(entry["own"] == 0 for entry in told.values())
    shown = hefu("codes", "show", "plate_color", "--scheme", "toll", "--json")
    assert {row["raw"]: row["code"] for row in json.loads(shown.out)}["1"] == "yellow"
    assert "yellow" in hefu("codes", "show", "plate_color", "--scheme", "toll").out
    assert "plate_color" in hefu("codes", "list").out


def test_a_list_is_shown_as_it_was_on_a_day(hefu: Hefu, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    codes = lambda day: {  # noqa: E731
        row["code"]
        for row in json.loads(
            hefu("codes", "show", "division", "--scheme", "canonical", "--on", day, "--json").out
        )
    }
    before, after = codes("2021-03-10"), codes("2021-03-11")
    assert before - after == {"330103", "330104", "330155"}
    assert after - before == {"330113", "330114"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("plate_colour",), "did you mean plate_color"),
        (("plate_color", "--scheme", "tol"), "did you mean toll"),
        (("plate_color", "--on", "yesterday"), "write it as 2026-10-01"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest(
    hefu: Hefu, node: Node, words: tuple[str, ...], told: str
) -> None:
    ran = hefu("codes", "show", *words, "--node", node.root)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_nothing_is_unmapped_in_a_new_node(hefu: Hefu, node: Node) -> None:
    ran = hefu("codes", "unmapped", "--check", "--node", node.root)
    assert (ran.code, ran.out) == (0, "")
    assert "every code is mapped" in ran.err
    assert hefu("codes", "suggest", "--node", node.root).code == 0


def test_unknown_texts_are_listed_with_where_and_how_often(hefu: Hefu, synced: Node) -> None:
    told = listed(hefu, synced)
    assert told.keys() == {
        ("common_cause_code", CAUSE),
        ("penalty_category", "扣分"),
        ("vehicle_plate_color", "渐变"),
        ("vehicle_plate_color", "黄 牌"),
    }
    cause = told["common_cause_code", CAUSE]
    assert next(iter(told)) == ("common_cause_code", CAUSE)  # the most frequent first
    assert (cause["stream"], cause["received"], cause["record_type"]) == (
        STREAM,
        False,
        "case_result",
    )
    assert (cause["list"], cause["schemes"], cause["records"]) == ("case_cause", ["zh"], 2)
    assert cause["first_seen"] == cause["last_seen"] == "2026-11-22T09:30:00+08:00"
    assert cause["example"].startswith("示交立〔2026〕")
    assert told["vehicle_plate_color", "渐变"]["schemes"] == ["jt697"]
    spoken = hefu("codes", "unmapped", "--node", synced.root)
    assert spoken.code == 0
    assert CAUSE in spoken.out
    assert "hefu codes suggest" in spoken.err


def test_unknown_texts_can_be_narrowed_to_a_source_and_fail_a_check(
    hefu: Hefu, synced: Node
) -> None:
    assert len(listed(hefu, synced, "casework")) == 4
    assert len(listed(hefu, synced, STREAM)) == 4
    assert listed(hefu, synced, "bundle:nobody/nothing") == {}
    assert hefu("codes", "unmapped", "elsewhere", "--node", synced.root).code == 2
    assert hefu("codes", "unmapped", "--check", "--node", synced.root).code == 1
    assert hefu("codes", "unmapped", "--check", "--json", "--node", synced.root).code == 1


def test_status_counts_the_values_that_no_list_knows(hefu: Hefu, synced: Node) -> None:
    (source,) = json.loads(hefu("status", "--json", "--node", synced.root).out)["sources"]
    assert source["unmapped"] == 5
    spoken = hefu("status", "--node", synced.root)
    assert "unmapped" in spoken.out
    assert "hefu codes unmapped" in spoken.err


def test_a_wrong_mapping_hides_nothing_that_is_in_the_lake(hefu: Hefu, synced: Node) -> None:
    mapping = synced.root / "sources" / STREAM / "mapping.sql"
    mapping.write_text("SELECT nothing", encoding="utf-8")
    told = listed(hefu, synced)
    assert len(told) == 4
    assert told["common_cause_code", CAUSE]["schemes"] == []


def proposals(hefu: Hefu, node: Node, *words: str) -> dict[str, list[dict[str, Any]]]:
    ran = hefu("codes", "suggest", *words, "--json", "--node", node.root)
    assert ran.code == 0, ran.err
    return {entry["raw"]: entry["proposals"] for entry in json.loads(ran.out)}


def test_proposals_come_with_their_evidence_and_change_nothing(hefu: Hefu, synced: Node) -> None:
    before = sorted(synced.root.rglob("*"))
    told = proposals(hefu, synced)
    best = told[CAUSE][0]
    assert best["code"] == "vehicle_certificate_not_carried"
    assert [e["kind"]["en"] for e in best["evidence"]] == ["near"]
    by_article = {
        proposal["code"]: e["told"]["zh"]
        for proposal in told[CAUSE]
        for e in proposal["evidence"]
        if e["kind"]["en"] == "same article"
    }
    assert set(by_article.values()) <= {"记录的依据为《道路运输条例》第63条"}
    assert told["扣分"] == []
    assert told["黄 牌"][0]["code"] == "yellow"
    spoken = hefu("codes", "suggest", "case_cause", "--node", synced.root)
    assert "nearly as" in spoken.out
    assert "扣分" not in spoken.out
    assert "hefu codes accept" in spoken.err
    assert hefu("codes", "suggest", "case_causes", "--node", synced.root).code == 2
    assert sorted(synced.root.rglob("*")) == before


def test_the_same_text_in_another_scheme_is_a_proposal(hefu: Hefu, synced: Node) -> None:
    (best, *_) = proposals(hefu, synced, "plate_color")["黄 牌"]
    assert (best["code"], best["evidence"][0]["kind"]["en"]) == ("yellow", "same")
    assert "zh" in best["evidence"][0]["told"]["en"]


def accept(hefu: Hefu, node: Node, *words: str) -> Any:
    return hefu("codes", "accept", *words, "--by", "法制审核岗", "--node", node.root)


def own_rows(node: Node, name: str) -> list[dict[str, str]]:
    with (node.root / "codes" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_a_person_accepts_is_mapped_from_then_on(hefu: Hefu, synced: Node) -> None:
    words = ("case_cause", "zh", CAUSE, "vehicle_certificate_not_carried")
    ran = accept(hefu, synced, *words)
    assert ran.code == 0, ran.err
    assert f"hefu backfill {STREAM} --from-landing" in ran.err
    (row,) = own_rows(synced, "case_cause")
    assert (row["scheme"], row["raw"], row["code"]) == words[1:]
    assert row["verified"] == "true"
    assert row["source"].startswith("本单位确认（法制审核岗，20")
    file = synced.root / "codes" / "case_cause.csv"
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in file.parent.iterdir()] == [file.name]

    assert len(listed(hefu, synced)) == 4  # the records are as they were
    read_again(synced, NOW + timedelta(days=1))
    assert ("common_cause_code", CAUSE) not in listed(hefu, synced)
    (source,) = json.loads(hefu("status", "--json", "--node", synced.root).out)["sources"]
    assert source["unmapped"] == 3
    row = f"示交立〔2026〕5号,{CAUSE},行政处罚,罚款,2026-10-10,,1"
    (synced.root / "export" / "more.csv").write_text("\n".join((HEADER, row, "")), "utf-8")
    sync(synced, NOW + timedelta(days=2))
    assert ("common_cause_code", CAUSE) not in listed(hefu, synced)
    assert [c["own"] for c in own_counts(hefu, synced) if c["list"] == "case_cause"] == [1]


def own_counts(hefu: Hefu, node: Node) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(
        hefu("codes", "list", "--json", "--node", node.root).out
    )
    return told


def test_rows_follow_one_another_and_keep_what_was_there(hefu: Hefu, synced: Node) -> None:
    assert accept(hefu, synced, "plate_color", "jt697", "渐变", "green").code == 0
    assert accept(hefu, synced, "plate_color", "jt697", "双色,大车", "yellow_green").code == 0
    dated = ("--from", "2026-01-01", "--until", "2027-01-01")
    assert accept(hefu, synced, "plate_color", "jt697", "8", "white", *dated).code == 0
    later = ("--from", "2027-01-01")
    assert accept(hefu, synced, "plate_color", "jt697", "8", "black", *later).code == 0
    rows = own_rows(synced, "plate_color")
    assert [row["raw"] for row in rows] == ["渐变", "双色,大车", "8", "8"]
    assert [row["valid_to"] for row in rows] == ["", "", "2027-01-01", ""]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("plate_color", "jt697", "渐变", "gren"), "did you mean green"),
        (("plate_colour", "jt697", "渐变", "green"), "did you mean plate_color"),
        (("plate_color", "canonical", "渐变", "green"), "can't be a scheme"),
        (("plate_color", "Own scheme", "渐变", "green"), "can't be a scheme"),
        (("plate_color", "jt697", " ", "green"), "is empty"),
        (("plate_color", "jt697", "1", "blue"), "has this row already"),
        (("plate_color", "jt697", "1", "yellow"), "already reads this text"),
        (("plate_color", "zh", "蓝色", "yellow"), "already reads this text"),
        (("plate_color", "jt697", "１", "yellow"), "already reads this text"),
        (("plate_color", "jt697", "渐变", "green", "--from", "8 May"), "is not a date"),
        (
            ("plate_color", "jt697", "9", "green", "--from", "2026-05-01", "--until", "2026-05-01"),
            "ends before it begins",
        ),
        (("id_type", "zh", "回乡证", "passport"), "already reads this text"),
        (("decision_type", "zh", "撤销案件", "penalty"), "already reads this text"),
        (("division", "own", "钱塘", "330114", "--until", "2021-01-01"), "not in force"),
    ],
)
def test_a_row_that_cannot_be_right_is_not_written(
    hefu: Hefu, synced: Node, words: tuple[str, ...], told: str
) -> None:
    ran = accept(hefu, synced, *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert "hint: " in ran.err
    assert not (synced.root / "codes").exists()


def test_a_row_is_not_added_to_a_file_that_is_wrong(hefu: Hefu, synced: Node) -> None:
    file = synced.root / "codes" / "plate_color.csv"
    file.parent.mkdir()
    file.write_text("scheme,raw\njt697,渐变\n", encoding="utf-8")
    ran = accept(hefu, synced, "plate_color", "jt697", "渐变", "green")
    assert ran.code == 2
    assert str(file) in ran.err
    assert file.read_text(encoding="utf-8") == "scheme,raw\njt697,渐变\n"


def test_a_role_is_wanted(hefu: Hefu, synced: Node) -> None:
    row = ("codes", "accept", "plate_color", "jt697", "渐变", "green", "--node", synced.root)
    assert hefu(*row).code == 2
    assert hefu(*row, "--by", " ").code == 2


def test_a_scheme_that_no_mapping_reads_is_written_with_a_warning(hefu: Hefu, synced: Node) -> None:
    ran = accept(hefu, synced, "plate_color", "gate-cameras", "7", "green")
    assert ran.code == 0
    assert "no mapping of this node" in ran.err
    assert own_rows(synced, "plate_color")[0]["scheme"] == "gate-cameras"


def connect_partners(county: Node, city: Node, more: str) -> None:
    from hefu.cards import take_card, write_card

    for ours, theirs in ((county, city), (city, county)):
        card = ours.root.parent / f"card-{ours.agency.code}"
        write_card(ours, card, str(ours.place("repository")))
        take_card(theirs, card)
        (ours.root / "agreements" / "a.toml").write_text(
            AGREEMENT.replace('"decision_date"]', f'"decision_date", "common_cause_code"{more}]'),
            encoding="utf-8",
        )


def exchange(county: Node, city: Node, now: datetime) -> None:
    from flows.incoming import incoming_of, take_in
    from flows.outgoing import grants_of, publish_to

    for going in grants_of(county):
        publish_to(county, going, now, override_gate=True)
    for incoming in incoming_of(city):
        take_in(city, incoming, now)


@pytest.mark.parametrize(("granted", "told"), [(', "raw_values"', CAUSE), ("", None)])
def test_what_a_partner_could_not_map_is_listed_until_they_have(
    hefu: Hefu, synced: Node, tmp_path: Path, granted: str, told: str | None
) -> None:
    city = make_node(tmp_path / "city", CITY)
    connect_partners(synced, city, granted)
    exchange(synced, city, NOW + timedelta(hours=1))
    (entry,) = listed(hefu, city).values()
    assert (entry["raw"], entry["records"], entry["received"]) == (told, 2, True)
    assert entry["stream"].startswith(f"bundle:{COUNTY.code}/")
    assert entry["example"] == ""  # the agreement does not grant the source's number
    assert entry["schemes"] == []
    assert listed(hefu, city, entry["stream"]) == {("common_cause_code", told): entry}
    spoken = hefu("codes", "suggest", "--node", city.root)
    assert "only its sender can map" in spoken.err
    if not told:
        return
    assert "vehicle_certificate_not_carried" in spoken.out
    words = ("case_cause", "zh", CAUSE, "vehicle_certificate_not_carried")
    assert accept(hefu, synced, *words).code == 0
    read_again(synced, NOW + timedelta(days=1))
    exchange(synced, city, NOW + timedelta(days=1, hours=1))
    assert listed(hefu, city) == {}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (RULE, {("道路运输条例", 63)}),
        (
            "道路运输条例（2023年修订） 第六十三条、第六十四条",
            {("道路运输条例", 63), ("道路运输条例", 64)},
        ),
        (
            "《公路法》第七十六条第（五）项；《公路安全保护条例》第64条",
            {("公路法", 76), ("公路安全保护条例", 64)},
        ),
        ("行政处罚法 第三十三条第一款", {("行政处罚法", 33)}),
        ("《浙江省公路条例》第一百零五条", {("浙江省公路条例", 105)}),
        ("第六十四条", set()),
        ("本项目代码表", set()),
        ("", set()),
    ],
)
def test_articles_are_found_in_the_ways_they_are_written(
    text: str, named: set[tuple[str, int]]
) -> None:
    assert citations(text) == named


def test_texts_are_compared_without_width_case_space_and_signs() -> None:
    assert plain("《网约车》（ＡＢ 1）") == plain("网约车(ab1)")
