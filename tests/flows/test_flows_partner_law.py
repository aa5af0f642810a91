"""The law of publishing: whatever was edited, shared, agreed, published and received in whatever
order, what holds at the partner is what the agreement covers at the publisher now.

The lake is written directly, and the partner is a model of what ``exchange/FORMAT.md`` says of
versions: both ends with their checks are in the other tests.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from flows_agreed import FIELDS, Office, agreement
from flows_world import NOW, A, World
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exchange.agreement.keeping import keep_agreement
from exchange.agreement.model import load_agreement
from exchange.agreement.project import projection_sql, shared_sql
from exchange.bundle.statement import Predicate
from exchange.repository.local import PublishedHead
from flows.collecting import collect, next_created
from flows.coverage import covered_sql
from lake.runs import RunRecord
from lake.store import Lake
from schemas.contract import load_contract
from schemas.identity import content_hash_sql
from schemas.sql import connect, literal

CONTRACT = load_contract("correction")
RECORDS = 3


@dataclass(frozen=True)
class Edit:
    """A version of a record. ``clock``: minutes by which the node's clock was off; ``day``: of the
    source's clock, which may stand still."""

    record: int
    day: int
    reason: int
    domain: str = "01"
    sharing: str = "conditional"
    status: str = "valid"
    clock: int = 0


@dataclass(frozen=True)
class Agree:
    fields: tuple[str, ...] = FIELDS
    rows: str = ""
    ended: bool = False


@dataclass(frozen=True)
class Publish:
    clock: int = 0


class Receive:
    """The partner takes in all that was published and not yet taken in."""

    def __repr__(self) -> str:
        return "Receive()"


EDITS = st.builds(
    Edit,
    st.integers(1, RECORDS),
    st.integers(1, 4),
    st.integers(0, 1),
    st.sampled_from(["01", "01", "02"]),
    st.sampled_from(["conditional", "conditional", "not_shared"]),
    st.sampled_from(["valid", "valid", "removed"]),
    st.sampled_from([0, 0, -1, -2, -100, 100]),
)
AGREES = st.builds(
    Agree,
    st.sampled_from([FIELDS, (*FIELDS, "correction_reason"), FIELDS]),
    st.sampled_from(["", 'domains = ["01"]']),
    st.sampled_from([False, False, False, True]),
)
STEPS = st.lists(
    st.one_of(
        EDITS,
        EDITS,
        AGREES,
        st.builds(Publish, st.sampled_from([0, 0, -1, -100])),
        st.just(Receive()),
    ),
    max_size=10,
)


WIDER = Agree((*FIELDS, "correction_reason"))


@dataclass
class Both:
    """A's lake and chain, and what B has."""

    world: World
    lake: Path
    version: int = 1
    runs: int = 0
    moment: datetime = NOW
    last: PublishedHead | None = None
    sent: list[list[dict[str, Any]]] = field(default_factory=list)
    taken: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.agree(Agree())

    def tick(self, off: int = 0) -> datetime:
        self.moment += timedelta(minutes=1)
        return self.moment + timedelta(minutes=off)

    @property
    def terms(self) -> Any:
        return load_agreement(Office(self.world).file("a"))

    def agree(self, step: Agree) -> None:
        listed = "[" + ", ".join(f'"{n}"' for n in step.fields) + "]"
        records = f"correction = {'[]' if step.ended else listed}"
        text = agreement(self.version, rows=step.rows, records=records)
        Office(self.world).agree(text, "a")
        self.version += 1

    def edit(self, step: Edit) -> None:
        now = self.tick(step.clock)
        made: dict[str, Any] = {
            "record_id": f"{step.record:032x}",
            "record_type": "correction",
            "schema_version": CONTRACT.version,
            "source_org_code": A.code,
            "source_org_name": A.name,
            "source_system": "office",
            "source_record_id": str(step.record),
            "division_code": A.division_code,
            "business_domain": step.domain,
            "source_updated_time": NOW + timedelta(days=step.day - 10),
            "received_time": now,
            "data_status": step.status,
            "sharing_attribute": step.sharing,
            "sensitivity_class": "internal",
            "rule_pack_version": "cn",
            "correction_no": f"更{step.record}",
            "correction_type": "data_error",
            "effective_time": NOW - timedelta(days=10),
            "correction_reason": f"缘由{step.reason}",
        }
        names = [n for n in CONTRACT.names() if n not in ("record_version", "content_hash")]
        schema = CONTRACT.arrow_schema(names)
        rows = pa.Table.from_pylist([made], schema=schema)
        con = connect(threads=1)
        con.register("rows", rows)
        hashed = con.execute(
            f"SELECT *, {content_hash_sql(CONTRACT, names)} AS content_hash FROM rows"
        ).to_arrow_reader(10)
        self.runs += 1
        run = RunRecord(
            run_id=f"office/corrections/{self.runs}",
            stream_id="office/corrections",
            record_type="correction",
            mode="cursor",
            started_at=now,
            received=1,
            accepted=1,
            unchanged=0,
            duplicate=0,
            quarantined=0,
        )
        Lake(self.lake).append(CONTRACT, hashed, run, sequence=self.runs)
        con.close()

    def publish(self, step: Publish) -> None:
        lake, now = Lake(self.lake), self.tick(step.clock)
        version = lake.version("correction")
        if version is None:
            return
        terms, node = self.terms, self.world.a
        grant = terms.grants_from(A.code)[0]
        created = next_created(self.last, now)
        con = connect(threads=1)
        found = collect(con, lake, node, (terms, grant), self.last, "correction", version, created)
        rows = con.execute(projection_sql(found.table, CONTRACT, grant)).fetchall()
        names = grant.columns(CONTRACT)
        con.close()
        assert len(rows) == found.rows
        if rows:
            keep_agreement(node.place("sent"), terms)
            told = Predicate.model_construct(
                agreement=terms.reference(),
                lake_versions={"correction": version},
                created_time=created,
            )
            sequence = self.last.sequence + 1 if self.last else 1
            self.last = PublishedHead(sequence, "0" * 64, told)
            self.sent.append([dict(zip(names, row, strict=True)) for row in rows])

    def receive(self) -> None:
        for bundle in self.sent:
            ids = [row["record_id"] for row in bundle]
            assert len(ids) == len(set(ids)), "a record twice in one bundle"
            for row in bundle:
                versions = self.taken.setdefault(row["record_id"], [])
                if not versions or max(versions, key=_order)["content_hash"] != row["content_hash"]:
                    versions.append(row)
        self.sent.clear()

    def holds(self) -> dict[str, str]:
        current = (max(versions, key=_order) for versions in self.taken.values())
        return {r["record_id"]: r["content_hash"] for r in current if r["data_status"] != "removed"}

    def covered(self) -> dict[str, str]:
        lake, grant = Lake(self.lake), self.terms.grants_from(A.code)[0]
        if lake.version("correction") is None:
            return {}
        con = connect(threads=1)
        lake.attach(con, "correction")
        con.execute(
            "CREATE TABLE now AS SELECT * FROM correction_current WHERE "
            f"{covered_sql(CONTRACT, self.world.a, grant)} AND data_status <> {literal('removed')}"
        )
        con.execute(f"CREATE TABLE shared AS {shared_sql('now', CONTRACT, grant)}")
        names = grant.columns(CONTRACT)
        rows = con.execute(projection_sql("shared", CONTRACT, grant)).fetchall()
        con.close()
        at = names.index("record_id"), names.index("content_hash")
        return {row[at[0]]: row[at[1]] for row in rows}


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["source_updated_time"], row["received_time"], row["content_hash"]


@pytest.fixture(scope="module")
def new_both(new_world: Callable[[], World]) -> Callable[[], Both]:
    world = new_world()

    def make() -> Both:
        root = Path(tempfile.mkdtemp(dir=world.root))
        return Both(world, root)

    return make


@settings(max_examples=8, deadline=None)
@example(
    # A run that began before the second bundle and ended after it.
    steps=[Edit(1, 1, 0), Publish(), WIDER, Publish(), Edit(1, 1, 1, clock=-2)]
)
@example(
    # The clock was put back after the record was received.
    steps=[Edit(1, 1, 0, clock=100), Publish(), WIDER, Publish()]
)
@example(
    # The clock was put back between two bundles.
    steps=[Edit(1, 1, 0), Publish(), Agree(rows='domains = ["02"]'), Publish(-100), Agree()]
)
@given(steps=STEPS)
def test_the_partner_holds_what_is_covered_now(
    new_both: Callable[[], Both], steps: list[Any]
) -> None:
    both = new_both()
    for step in steps:
        match step:
            case Edit():
                both.edit(step)
            case Agree():
                both.agree(step)
            case Publish():
                both.publish(step)
            case Receive():
                both.receive()
    both.publish(Publish())
    both.receive()
    assert both.holds() == both.covered()
    before = both.last
    both.publish(Publish())
    assert both.last == before, "the same was sent twice"
