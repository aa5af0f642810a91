"""Two agencies that both filed one act: what each is told, raising it, settling it, the paper."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from docx import Document
from flows_matters import Two, make_two
from flows_world import NOW, A, B

from cooperation.paper.kinds import KINDS
from cooperation.procedures.act import MatterKey
from cooperation.procedures.fold import Matter
from cooperation.procedures.guards import competent_of
from flows.acting import do, following
from flows.disputing import DisputeProposal, advise, dispute_proposals, raise_dispute
from flows.matters import find_matter, matters_of
from flows.own_records import append_own
from flows.papers import own_template, write_paper
from flows.transferring import frozen
from hefu.node import Node
from schemas.errors import ConfigError

FIELDS = (
    "case_no", "filing_time", "violation_division_code", "vehicle_plate_no", "vehicle_plate_color",
    "occurred_time", "common_cause_code", "decision_date", "decision_type", "fine_amount_cny",
    "total_weight_kg", "violation_place", "axle_count",
)  # fmt: skip
_RECORDS = f"case_result = [{', '.join(repr(f) for f in FIELDS)}]".replace("'", '"')
OURS, THEIRS = "甲交案〔2026〕1号", "乙交案〔2026〕9号"
CASE = {
    "violation_type": "违法超限运输",
    "source_updated_time": "2026-10-05T08:00:00+08:00",
    "vehicle_plate_no": "皖P00001",
    "vehicle_plate_color": "yellow",
    "occurred_time": "2026-10-01T08:00:00+08:00",
    "common_cause_code": "overload_road",
    "total_weight_kg": "75000",
    "axle_count": "6",
    "decision_type": "penalty",
    "decision_date": "2026-10-06",
    "fine_amount_cny": "3000",
}


def case(node: Node, no: str, **more: str) -> None:
    row: Mapping[str, str | None] = {"source_record_id": no, "case_no": no} | CASE | more
    run = append_own(node, "case_result", f"SELECT {', '.join(row)} FROM raw", [row], NOW)
    assert run is not None
    assert not run.quarantined, run.reasons


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """A filed at ten, B an hour later; both have fined."""
    made = make_two(tmp_path_factory.mktemp("disputes"), records=_RECORDS)
    case(
        made.a, OURS, filing_time="2026-10-02T10:00:00+08:00",
        violation_division_code="999900", violation_place="甲县某省道",
    )  # fmt: skip
    case(
        made.b, THEIRS, filing_time="2026-10-02T11:00:00+08:00",
        violation_division_code="999901", violation_place="乙县某省道",
    )  # fmt: skip
    made.carry(made.a, made.b)
    made.carry(made.b, made.a)
    return made


def proposals(node: Node, no: str) -> list[DisputeProposal]:
    return [p for p in dispute_proposals(node) if p.own.no == no]


def same(two: Two, key: MatterKey) -> tuple[Matter, Matter]:
    """The dispute as both see it: the same."""
    here = find_matter(matters_of(two.a, "jurisdiction"), key.no)
    there = find_matter(matters_of(two.b, "jurisdiction"), key.no)
    assert (here.state_name, here.orgs, competent_of(here)) == (
        there.state_name,
        there.orgs,
        competent_of(there),
    )
    return here, there


def test_from_a_proposal_to_the_file_handed_over(two: Two, tmp_path: Path) -> None:
    (told,), (theirs,) = proposals(two.a, OURS), proposals(two.b, THEIRS)
    assert (told.kind, told.org) == ("both_filed", B.code)
    assert told.other is not None
    assert theirs.own.record_id == told.other.record_id
    assert told.evidence

    raised = raise_dispute(two.a, OURS, told.other.record_id, NOW).matter
    assert raised.state_name == "raised"
    with pytest.raises(ConfigError) as again:
        raise_dispute(two.a, told.own.record_id, THEIRS, NOW)
    assert raised.key.no in str(again.value)
    two.carry(two.a, two.b)
    here, there = same(two, raised.key)
    assert proposals(two.a, OURS) == []
    for node, no in ((two.a, told.own.record_id), (two.b, told.other.record_id)):
        assert [m.key for m in frozen(node, [no])] == [raised.key]
    with pytest.raises(ConfigError):
        raise_dispute(two.b, told.other.record_id, told.own.record_id, NOW)

    advice = advise(two.a, here, NOW)
    assert advice.proposal.competent == advise(two.b, there, NOW).proposal.competent == A.code
    assert advice.proposal.first.first is not None
    assert [c.no for c in advice.cases] == [OURS, THEIRS]
    assert any(r.basis.article.endswith("第二十九条") for r in advice.proposal.against)
    assert not advice.missing

    with pytest.raises(ConfigError):  # for the raising agency alone
        do(two.b, following(two.b, there, "propose_competent", NOW, competent_org=B.code), NOW)
    do(two.b, following(two.b, there, "counter_propose", NOW, competent_org=B.code), NOW)
    two.carry(two.b, two.a)
    here, there = same(two, raised.key)
    assert here.state_name == "receiver_proposed"
    for node, matter, org in ((two.b, there, B.code), (two.a, here, A.code)):
        wanted = following(node, matter, "agree", NOW, competent_org=org, actor_name="某甲")
        with pytest.raises(ConfigError):
            do(node, wanted, NOW)
    yes = following(two.a, here, "agree", NOW, competent_org=B.code, actor_name="某甲")
    agreed = do(two.a, yes, NOW)
    assert agreed.act.decision_sha256
    letter = write_paper(two.a, KINDS["case_transfer"], agreed.matter, tmp_path, NOW)
    given = do(
        two.a,
        following(
            two.a, agreed.matter, "hand_over_file", NOW,
            document_no="甲交移〔2026〕1号", document_sha256=letter.sha256,
        ),
        NOW,
    )  # fmt: skip
    assert given.matter.state_name == "handed_over"
    two.carry(two.a, two.b)
    here, there = same(two, raised.key)
    assert competent_of(there) == B.code
    assert not frozen(two.b, [told.other.record_id])
    assert frozen(two.a, [told.own.record_id])
    assert (
        do(two.b, following(two.b, there, "confirm_file", NOW), NOW).matter.state_name == "closed"
    )


def test_a_record_that_is_not_here_or_of_the_wrong_side_is_refused(two: Two) -> None:
    for own, other in (("没有", THEIRS), (THEIRS, OURS)):
        with pytest.raises(ConfigError) as refused:
            raise_dispute(two.a, own, other, NOW)
        assert refused.value.hint is not None


def test_a_paper_is_private_reproducible_and_by_the_agencys_own_template(
    two: Two, tmp_path: Path
) -> None:
    no = "甲交案〔2026〕3号"
    case(two.a, no, vehicle_plate_no="皖P00003", filing_time="2026-10-02T10:00:00+08:00")
    matter = raise_dispute(two.a, no, B.code, NOW).matter
    kind = KINDS["jurisdiction_letter"]
    one = write_paper(two.a, kind, matter, tmp_path, NOW)
    other = write_paper(two.a, kind, matter, tmp_path / "b.docx", NOW)
    assert one.path.name == f"jurisdiction_letter-{matter.key.no}.docx"
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.sha256 == other.sha256
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o600
    text = "\n".join(p.text for p in Document(str(one.path)).paragraphs)
    for said in (A.name, B.name, no, "2026年10月2日10时00分"):
        assert said in text
    assert "文号" in one.blank
    with pytest.raises(ConfigError):
        write_paper(two.a, kind, matter, one.path, NOW)

    own = own_template(two.a, kind)
    own.parent.mkdir()
    document = Document()
    document.add_paragraph("{{对方机关}}，{{文号}}")
    document.save(str(own))
    given = {"文号": "甲交函〔2026〕7号"}
    third = write_paper(two.a, kind, matter, tmp_path / "c.docx", NOW, given)
    assert third.template == own
    assert [p.text for p in Document(str(third.path)).paragraphs] == [
        f"{B.name}，甲交函〔2026〕7号"
    ]
