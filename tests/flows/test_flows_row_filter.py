"""The agreement's rows, days and versions on two nodes: at the sender, again at the receiver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flows_agreed import FIELDS, Office, agreement, lay_out, paper
from flows_world import NIGHT, NOW, World, query

from exchange.agreement.model import load_agreement
from exchange.trust.evidence import kept_in
from exchange.trust.evidence_verify import proof_of, verify_evidence
from flows import coverage
from flows.counting import count_coverage
from schemas.errors import ConfigError, VerificationError

#: The last second of 2026-10-09 in Beijing, and the first of the day after.
LAST = datetime(2026, 10, 9, 15, 59, 59, tzinfo=UTC)
NEXT = LAST + timedelta(seconds=1)

FILTER = """\
divisions = ["9999"]
domains = ["01", "02"]
since = 2020-09-01
until = 2020-09-30
"""


@pytest.fixture
def office(world: World) -> Office:
    lay_out(world)
    return Office(world)


def test_only_covered_rows_go_and_the_receiver_quarantines_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = (*FIELDS, "occurred_time")
    office.agree(agreement(rows=FILTER, fields=granted))
    covered = [
        paper(1, occurred="2020-09-01 00:00:00"),
        paper(2, occurred="2020-09-30 23:59:59", domain="02", division="999901"),
    ]
    others = [
        paper(3, occurred="2020-08-31 23:59:59"),
        paper(4, occurred="2020-10-01 00:00:00"),
        paper(5, occurred=""),
        paper(6, domain="03"),
        paper(7, division="999800"),
        paper(8, sharing="not_shared"),
    ]
    office.write("1.csv", *covered, *others)
    (grant, _) = load_agreement(office.file("a")).grants
    (counted,) = count_coverage(office.world.a, grant).values()
    assert (counted.current, counted.going) == (8, 2)
    assert counted.held == {"not_shared": 1, "outside": 5}
    published, (taken,) = office.sent()
    assert published.counts == {"correction": 2}
    assert taken.counts["correction"].accepted == 2

    # Software that forgets the filter sends what the agreement does not cover.
    monkeypatch.setattr(coverage, "row_filter_sql", lambda *_: "true")
    office.write("2.csv", *(row | {"updated": "2020-10-08 09:00:00"} for row in others))
    published, (taken,) = office.sent(NOW + NIGHT)
    assert published.counts == {"correction": 5}
    found = taken.counts["correction"]
    assert (found.accepted, found.quarantined) == (0, 5)
    assert found.reasons == {
        "agreement:rows:business_domain": 1,
        "agreement:rows:division_code": 1,
        "agreement:rows:occurred_time": 3,
    }
    assert [row[0] for row in office.at_b()] == ["更1", "更2"]
    receipts = "SELECT refusal_reason FROM receipt_current ORDER BY receipt_time DESC LIMIT 1"
    assert "5" in str(query(office.world.b, "receipt", receipts))


def test_an_agreement_ends_with_the_last_second_of_its_last_day_in_beijing(
    office: Office,
) -> None:
    office.agree(agreement(until="2026-10-09"))
    office.write("1.csv", paper(1))
    assert office.publish(LAST).status == "published"
    office.write("2.csv", paper(2), now=NEXT)
    with pytest.raises(ConfigError, match="runs from 2020-01-01 to 2026-10-09, not on 2026-10-10"):
        office.publish(NEXT)
    with pytest.raises(VerificationError, match="the agreement does not run") as caught:
        office.receive(NEXT)
    assert caught.value.step == "agreement"
    assert office.receive(LAST)[0].sequence == 1


def test_an_agreement_begins_with_the_first_second_of_its_first_day(office: Office) -> None:
    office.agree(agreement(since="2026-10-10"))
    office.write("1.csv", paper(1))
    with pytest.raises(ConfigError, match="runs from 2026-10-10 to 2999-12-31, not on 2026-10-09"):
        office.publish(LAST)
    assert office.publish(NEXT).status == "published"
    assert len(office.receive(NEXT)) == 1


def test_the_chain_goes_on_under_the_version_that_holds(office: Office) -> None:
    """Both files lie side by side; from its first day on the new one holds."""
    office.agree(agreement(until="2026-10-09"))
    wider = agreement(2, fields=(*FIELDS, "refers_to_org"), since="2026-10-10")
    office.agree(wider, name="a-b-2")
    office.write("1.csv", paper(1))
    assert office.publish(LAST).sequence == 1
    office.write("2.csv", paper(2), now=NEXT)
    assert office.publish(NEXT).sequence == 2
    # B comes late: version 1 has ended, but it ran when bundle 1 was made, and version 2 runs now
    first, second = office.receive(NEXT + NIGHT)
    assert (first.warnings, second.warnings) == ((), ())
    assert [row[0] for row in office.at_b()] == ["更1", "更2"]
    kept = list(kept_in(office.world.b.place("inbox")))
    proven = [verify_evidence(proof_of(one)).bundle.statement.sequence for one in kept]
    assert proven == [1, 2]


@pytest.mark.parametrize("only", ["a", "b"])
def test_a_version_that_one_side_alone_has_is_refused_by_both_digests(
    office: Office, only: str
) -> None:
    office.agree(agreement())
    office.agree(agreement(2), only)
    office.write("1.csv", paper(1))
    office.publish()
    with pytest.raises(VerificationError) as caught:
        office.receive()
    error = caught.value
    digests = {node: load_agreement(office.file(node)).digest() for node in ("a", "b")}
    assert error.step == "agreement"
    assert digests["a"] in error.found
    assert digests["b"] in error.expected
    assert error.hint is not None
    assert "agreements/" in error.hint.en
    assert "hefu agreement digest" in error.hint.zh
    # what to do: the missing file beside the other, or in its place
    office.agree(office.file("a").read_text(encoding="utf-8"), "b", name="a-b-of-a")
    assert len(office.receive()) == 1


def test_two_texts_of_one_version_are_refused(office: Office) -> None:
    office.agree(agreement())
    office.agree(agreement(rows='domains = ["02"]'), name="a-b-2")
    with pytest.raises(ConfigError, match="version 1 is here with two different texts"):
        office.publish()


def test_a_dry_run_shows_a_masked_sample_of_what_would_leave(office: Office) -> None:
    office.agree(agreement(fields=("correction_no", "correction_type", "correction_reason")))
    reason = "电话13900000000有误"
    papers = (paper(n, reason=reason) for n in range(1, 6))
    office.write("1.csv", *papers, paper(6, sharing="not_shared"))
    would = office.publish(dry_run=True)
    assert (would.status, would.counts) == ("dry_run", {"correction": 5})
    columns = {column.name: column.values for column in would.samples["correction"]}
    grant = load_agreement(office.file("a")).grants[0]
    from schemas.contract import load_contract

    assert tuple(columns) == grant.columns(load_contract("correction"))
    assert [len(values) for values in columns.values()] == [3] * len(columns)
    assert columns["correction_reason"] == ("电" + "*" * 12 + "误",) * 3
    assert set(columns["correction_no"]) < {f"更{n}" for n in range(1, 6)}
    assert reason not in repr(would)
    assert office.publish().counts == would.counts
