"""A ZIP in the drop: its members are objects of the run, the lake and the quarantine."""

from __future__ import annotations

import io
import zipfile

import pytest
from flows_world import CASES, NIGHT, NOW, World, case, counts, csv_text, query

from flows.again import normalise_again
from hefu.quarantined import open_rows
from lake.runs import RunRecord
from schemas.errors import DataError

ORIGINS = "SELECT case_no, _object_digest, _row FROM case_result_current ORDER BY case_no"
LARGE = "max_unpacked_bytes = 2048\n"


def zipped(**members: list[dict[str, str]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, rows in members.items():
            archive.writestr(f"{name}.csv", csv_text(rows).encode("gb18030"))
    return out.getvalue()


def _again(world: World, night: int) -> RunRecord:
    (source,) = world.a.sources([CASES])
    return normalise_again(world.a, source, NOW + night * NIGHT)


@pytest.fixture
def archives(world: World) -> World:
    text = world.source_toml.read_text(encoding="utf-8")
    world.source_toml.write_text(text.replace("*.csv", "*.zip"), encoding="utf-8")
    return world


def test_every_row_tells_the_member_that_it_came_from(archives: World) -> None:
    bad = case(4, fine="keine")
    archives.drop("a.zip", zipped(one=[case(1), case(2)], two=[case(3), bad]))
    run = archives.sync()
    assert counts(run) == (4, 3, 0, 0, 1)
    digest = run.landed[0].partition("!/")[0]
    assert run.landed == (f"{digest}!/one.csv", f"{digest}!/two.csv")
    assert [row[1:] for row in query(archives.a, "case_result", ORIGINS)] == [
        (f"{digest}!/one.csv", 1),
        (f"{digest}!/one.csv", 2),
        (f"{digest}!/two.csv", 1),
    ]
    (row,) = open_rows(archives.a)
    assert (row.object_digest, row.row) == (f"{digest}!/two.csv", 2)
    # What was received is read again without the source, member by member.
    again = _again(archives, 1)
    assert again.landed == run.landed
    assert counts(again) == (4, 0, 3, 0, 1)
    assert counts(archives.sync(now=NOW + 2 * NIGHT)) == (0, 0, 0, 0, 0)


def test_a_refused_archive_waits_until_it_is_read_with_a_setting_that_lets_it(
    archives: World,
) -> None:
    text = archives.source_toml.read_text(encoding="utf-8")
    archives.source_toml.write_text(text.replace("[window]", LARGE + "\n[window]"), "utf-8")
    archives.drop("a.zip", zipped(one=[case(n) for n in range(60)]))
    archives.drop("b.zip", zipped(one=[case(100)]))
    run = archives.sync()
    assert counts(run) == (2, 1, 0, 0, 1)
    (row,) = open_rows(archives.a)
    assert (row.reasons, row.row) == (("read:file",), 0)
    assert row.object_digest in run.landed
    archives.source_toml.write_text(text, encoding="utf-8")
    assert counts(_again(archives, 1)) == (61, 60, 1, 0, 0)
    assert open_rows(archives.a) == []


def test_what_the_retention_rule_let_go_is_told_by_a_replay(archives: World) -> None:
    from flows.retention import prune

    archives.drop("a.zip", zipped(one=[case(1)]))
    archives.sync()
    prune(archives.a, NOW + 500 * NIGHT, keep=400 * NIGHT)
    with pytest.raises(DataError, match="pruned on 2028-02-20 by the retention rule"):
        _again(archives, 501)
