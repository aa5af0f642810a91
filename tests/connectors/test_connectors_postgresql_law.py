"""Whatever is written, committed late, pulled, broken off and read anew: no row is missed."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from connectors_postgresql_world import FOLLOW, Table, table
from hypothesis import given, settings
from hypothesis import strategies as st
from servers.postgresql import Postgresql, postgresql, run

__all__ = ["postgresql"]

# A write beside an open transaction and a pull between: what is easily lost comes often.
WRITES = ["write 1", "write 1", "write 2", "delete 1"]
LATE = ["begin", "begin", "commit", "roll back"]
PULLS = ["pull", "pull", "pull", "break off", "full"]
STEPS = st.lists(st.sampled_from([*WRITES, *LATE, *PULLS]), min_size=6, max_size=14)


@dataclass
class Story:
    """``taken``: id → every word that a run has stored; with the cursor, as the lake would."""

    source: Table
    stack: ExitStack
    operator: Any
    taken: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    cursor: dict[str, Any] | None = None
    written: int = 0
    pending: list[Any] = field(default_factory=list)

    def row(self, number: int) -> str:
        """As an application writes it: the time is that at which its transaction began."""
        self.written += 1
        return (
            f"INSERT INTO {self.source.schema}.cases VALUES ({number}, now(), 'v{self.written}') "
            "ON CONFLICT (id) DO UPDATE SET updated_at = now(), word = excluded.word"
        )

    def step(self, step: str) -> None:
        what, _, number = step.partition(" ") if step[-1].isdigit() else (step, "", "")
        if what == "write":
            run(self.operator, self.row(int(number)))
        elif what == "delete":
            run(self.operator, f"DELETE FROM {self.source.schema}.cases WHERE id = {number}")
        elif what == "begin":
            late = self.stack.enter_context(closing(self.source.server.connect(autocommit=False)))
            run(late, self.row(100 + self.written))
            self.pending.append(late)
        elif what in ("commit", "roll back") and self.pending:
            late = self.pending.pop(0)
            late.commit() if what == "commit" else late.rollback()
            late.close()
        elif what == "break off":
            self.source.pull(self.cursor)  # landed, and then the process was killed
        elif what in ("pull", "full"):
            self.pull(full=what == "full")

    def pull(self, *, full: bool = False) -> int:
        delivery = self.source.pull(self.cursor, full=full)
        for row in self.source.read(delivery):
            self.taken[int(row["id"] or 0)].add(str(row["word"]))
        self.cursor = delivery.cursor
        assert delivery.counted is not None
        return delivery.counted.rows


@pytest.fixture(scope="module")
def source(postgresql: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Table:
    one = table(postgresql, tmp_path_factory.mktemp("law"), rest=FOLLOW + 'overlap = "PT0S"\n')
    one.execute("CREATE TABLE {s}.cases (id int PRIMARY KEY, updated_at timestamptz, word text)")
    return one


@settings(max_examples=14, deadline=None, derandomize=True)
@given(steps=STEPS)
def test_no_row_is_missed(source: Table, steps: list[str]) -> None:
    source.execute("TRUNCATE {s}.cases")
    with ExitStack() as stack:
        operator = stack.enter_context(closing(source.server.connect()))
        story = Story(source, stack, operator)
        for step in steps:
            story.step(step)
        for late in story.pending:
            late.commit()
            late.close()
        counted = story.pull()
    here = source.execute("SELECT id, word FROM {s}.cases")
    assert [row for row in here if row[1] not in story.taken[row[0]]] == []
    assert counted == len(here)
