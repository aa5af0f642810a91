"""How ``hefu sync`` and ``hefu status`` show new columns and counts that differ."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import typer
from cli_world import Hefu, add_source

from flows.outcome import Outcome
from hefu.commands.runs_told import finish_runs
from hefu.node import Node
from lake.runs import Drift, NewColumn, RunRecord
from lake.store import Lake
from schemas.contract import load_contract
from schemas.text import Text

STREAM = "casework/results"
CONTRACT = load_contract("case_result")
START = datetime(2026, 10, 8, 17, 30, tzinfo=UTC)
ALARM = Text(
    en="the source counts 5 rows, this node holds 4 of them: 1 is missing",
    zh="来源统计为 5 行，本节点有其中 4 行，缺 1 行",
)
DRIFT = Drift(
    unused=("车牌颜色",),
    new=("车牌颜色",),
    columns=(
        NewColumn("车牌颜色", 3, 4, "2026-10-09", Text(en="text", zh="文本"), ("蓝", "黄"), "颜色"),
    ),
)
RUN = RunRecord(
    run_id=f"{STREAM}/1",
    stream_id=STREAM,
    record_type="case_result",
    mode="cursor",
    started_at=START,
    received=0,
    accepted=0,
    unchanged=0,
    duplicate=0,
    quarantined=0,
    columns=("案号", "车牌颜色"),
    drift=DRIFT,
    source_count=5,
    node_count=4,
    alarms=(ALARM,),
    landed=("0" * 64,),
)


@pytest.fixture
def lake(node: Node) -> Lake:
    """A lake with one run that saw a new column and counts that differ."""
    add_source(node)
    made = Lake(node.place("lake"))
    commit(made, RUN)
    return made


def commit(lake: Lake, run: RunRecord) -> None:
    rows = CONTRACT.arrow_schema().empty_table().to_reader()
    sequence = lake.next_sequence(STREAM, "case_result")
    at = START + timedelta(days=sequence - 1)
    lake.append(
        CONTRACT,
        rows,
        replace(run, run_id=f"{STREAM}/{sequence}", started_at=at),
        sequence=sequence,
    )


def test_status_shows_alarms_counts_and_new_columns(node: Node, lake: Lake, hefu: Hefu) -> None:
    ran = hefu("status", "--node", node.root)
    assert ran.code == 1
    assert f"{STREAM}: alarm: {ALARM.en}" in ran.err
    assert (
        f"{STREAM}: column 车牌颜色 is new since 2026-10-09: 3 of 4 rows have it, sample 蓝, 黄; "
        "it may be the new name of 颜色"
    ) in ran.err.replace("\n", " ")
    assert "Rows as the source counts them" in ran.out
    data = json.loads(hefu("status", "--json", "--node", node.root).out)
    (source,) = data["sources"]
    assert data["needs_a_person"] is True
    assert (source["counts"]["source"], source["counts"]["node"]) == (5, 4)
    assert source["alarms"] == [{"en": ALARM.en, "zh": ALARM.zh}]
    assert source["drift"]["new"] == ["车牌颜色"]


def test_status_shows_them_until_they_are_settled(node: Node, lake: Lake, hefu: Hefu) -> None:
    backfill = replace(RUN, mode="window", source_count=None, node_count=None, alarms=())
    commit(lake, backfill)
    assert hefu("status", "--node", node.root).code == 1
    agrees = replace(RUN, drift=Drift(unused=("车牌颜色",)), node_count=5, alarms=())
    commit(lake, agrees)
    ran = hefu("status", "--node", node.root)
    assert ran.code == 0
    assert "alarm" not in ran.err
    assert "车牌颜色 is new since 2026-10-09" in ran.err
    toml = node.root / "sources" / STREAM / "source.toml"
    with toml.open("a", encoding="utf-8") as file:
        file.write('\n[unused_columns]\n"车牌颜色" = "颜色已在车牌号中体现"\n')
    assert "车牌颜色" not in hefu("status", "--node", node.root).err


def test_status_forgets_a_count_that_is_turned_off(node: Node, lake: Lake, hefu: Hefu) -> None:
    commit(lake, replace(RUN, source_count=None, node_count=None, alarms=()))
    ran = hefu("status", "--node", node.root)
    assert (ran.code, "alarm" in ran.err) == (0, False)
    assert "counts them" not in ran.out


@pytest.mark.parametrize(
    ("language", "alarm", "column"),
    [
        ("en", f"alarm: {ALARM.en}", "column 车牌颜色 is new: 3 of 4 rows have it"),
        ("zh", f"告警：{ALARM.zh}", "新增列“车牌颜色”：4 行中 3 行有值，示例：蓝、黄"),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_sync_ends_with_1_and_says_both(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    alarm: str,
    column: str,
    as_json: bool,
) -> None:
    monkeypatch.setenv("HEFU_LANG", language)
    run = replace(RUN, retracted=2, accepted=2, received=2, retracted_by_row=2)
    with pytest.raises(typer.Exit) as left:
        finish_runs([Outcome(STREAM, run)], as_json=as_json)
    said = capsys.readouterr()
    assert left.value.exit_code == 1
    told = said.err.replace("\n", "")
    assert alarm.replace(" ", "") in told.replace(" ", "")
    assert column.replace(" ", "") in told.replace(" ", "")
    if as_json:
        (kept,) = json.loads(said.out)["runs"]
        assert (kept["source_count"], kept["node_count"], kept["retracted"]) == (5, 4, 2)
    else:
        assert ("2 records are gone" in said.out) or ("来源已删除 2 条" in said.out)
