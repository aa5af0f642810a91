"""A suspected crime goes to police that have a node; papers come from those that have none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flows_matters import Two, make_two
from flows_transfer import MATERIALS, PROCURATORATE, add_cases, case, matter, sent
from flows_world import NOW, B

from cooperation.procedures.act import Act
from cooperation.procedures.fold import Matter
from flows.acting import check, do, following
from flows.decisions import DecisionError, sign_statement, verify_act, verify_decision
from flows.matters import matters_of
from flows.transfer_checks import Fault, decision_faults, faults, penalties
from flows.transfer_records import Goods, transfer_record_id
from flows.transferring import (
    Subject,
    frozen,
    owes_paper_copy,
    procuratorates,
    receive_back,
    subject_of,
    suspect,
    suspicions,
    transfer_numbers,
)
from flows.workspace import workspace
from hefu.node import Node
from lake.store import Lake
from schemas.errors import ConfigError

HAZMAT, OVERLOAD, FINED = "甲交案〔2026〕1号", "甲交案〔2026〕2号", "甲交案〔2026〕3号"
OTHER = "甲交案〔2026〕4号"
FIELDS = ("transfer_no", "case_no", "approval_result", "material_kinds", "property_names")
_LISTED = ", ".join(f'"{name}"' for name in FIELDS)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """A, and B that plays the police; the transfer record is granted both ways."""
    made = make_two(
        tmp_path_factory.mktemp("transfer"),
        records=f"transfer = [{_LISTED}]",
        cooperation="\n[cooperation]\ncopy_transfers_to_procuratorate = true\n",
    )
    add_cases(
        made.a,
        [
            case(HAZMAT, "no_dangerous_goods_licence", decision_type="criminal_transfer"),
            case(OVERLOAD, "overload_road"),
            case(OTHER, "certificate_invalid"),
            case(FINED, "dangerous_goods_escort", fine="5000.00", kinds='["fine"]'),
        ],
    )
    assert suspect(made.a, FINED, "危险驾驶罪", NOW - timedelta(days=40)) is not None
    return made


@pytest.fixture(scope="module")
def going(two: Two) -> Matter:
    """HAZMAT on its way to B, where the receipt was signed."""
    sent(
        two.a, HAZMAT, to_org=B.code, reason_text="虚构的依据", procuratorate=PROCURATORATE,
        goods=[Goods("罐车", "1辆", "停车场")],
    )  # fmt: skip
    two.carry(two.a, two.b)
    do(two.b, following(two.b, matter(two.b, HAZMAT), "sign_receipt", NOW, document_no="回1"), NOW)
    two.carry(two.b, two.a)
    return matter(two.a, HAZMAT)


def rows(node: Node, sql: str) -> list[tuple[object, ...]]:
    with workspace(node) as (con, _):
        Lake(node.place("lake")).attach(con, "transfer")
        return con.execute(sql).fetchall()


def of_decisions(node: Node) -> list[Fault]:
    return decision_faults(node, matters_of(node))


def test_police_with_a_node_see_it_from_the_letter_on(two: Two, going: Matter) -> None:
    there = matter(two.b, HAZMAT)
    assert (there.state_name, going.state_name) == ("receipt_signed", "receipt_signed")
    assert there.overtaken == going.overtaken == ()
    assert there.opening.code == "dispatch"
    assert there.opening.subject_nos == (HAZMAT,)
    # What went before stays where it was decided.
    assert not {"suspect", "report", "approve"} & {a.act.code for a in there.applied}
    assert PROCURATORATE in going.latest.party_orgs


def test_the_formal_record_travels_to_whom_it_is_for(two: Two, going: Matter) -> None:
    told = f"SELECT record_id, {', '.join(FIELDS)} FROM transfer_current"
    (row,) = rows(two.b, told)
    act = going.last_of("dispatch")
    assert act is not None
    assert row[:4] == (act.result_record_id, going.key.no, HAZMAT, "approved")
    assert (row[4], row[5]) == ([m.kind for m in MATERIALS], ["罐车"])
    assert act.result_record_id == transfer_record_id(two.a, going.key.no)
    (copy,) = rows(two.a, "SELECT cc_procuratorate_org, party_name FROM transfer_current")
    assert copy == (PROCURATORATE, "甲公司（虚构）")


def test_no_fine_while_it_runs(two: Two, going: Matter) -> None:
    assert frozen(two.a, [HAZMAT]) == [going]
    assert frozen(two.a, list(going.opening.subject_record_ids)) == [going]
    assert frozen(two.a, [OVERLOAD]) == []
    # To others it is told, and holds up no fine of theirs by that alone.
    assert frozen(two.b, [HAZMAT]) == []


def test_opening_it_again_changes_nothing(two: Two, going: Matter) -> None:
    assert suspect(two.a, HAZMAT, "危险驾驶罪", NOW) is None
    assert matter(two.a, HAZMAT) == going


def test_cases_without_a_transfer_are_listed_and_counted(two: Two, going: Matter) -> None:
    found = {(s.sign.case_no, s.sign.entry.name): s.outcome for s in suspicions(two.a, NOW)}
    assert found == {
        (HAZMAT, "dangerous_goods_endangering"): "transferred",
        (HAZMAT, "dangerous_goods_business"): "transferred",
        (FINED, "dangerous_goods_endangering"): "suspected",
        (OTHER, "forged_papers"): "none",
    }
    whole = transfer_numbers(two.a, NOW)[-1]
    assert (whole.sign, whole.cases, whole.transferred, whole.none) == ("all", 3, 1, 1)


def test_the_decision_is_signed_and_what_was_changed_is_told(two: Two, going: Matter) -> None:
    act = going.last_of("approve")
    assert act is not None
    decision = verify_act(two.a, act)
    assert (decision.kind, decision.fields["approver_role"]) == ("procedure_act", "principal_head")
    path = two.a.root / "decisions" / f"{decision.sha256}.dsse.json"
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b'"sig":"', b'"sig":"A', 1))
    assert [f.act for f in of_decisions(two.a)] == [act]
    path.unlink()
    (fault,) = of_decisions(two.a)
    assert "missing" in fault.message.en
    path.write_bytes(kept)
    path.chmod(0o600)
    assert of_decisions(two.a) == []


def test_a_decision_on_something_else_does_not_prove_an_act(two: Two, going: Matter) -> None:
    from dataclasses import replace

    act = going.last_of("approve")
    assert act is not None
    with pytest.raises(DecisionError, match="reason_text"):
        verify_act(two.a, replace(act, reason_text="另一理由"))
    other = sign_statement(two.a, "recognition", {"decision": "recognised", "at": NOW})
    assert verify_decision(two.a, other).fields == {
        "decision": "recognised", "at": "2026-10-08T17:30:00.000000Z",
    }  # fmt: skip
    with pytest.raises(DecisionError):
        verify_act(two.a, replace(act, decision_sha256=other))
    # B's keys are not A's.
    theirs = sign_statement(two.b, "recognition", {"decision": "recognised"})
    name = f"decisions/{theirs}.dsse.json"
    (two.a.root / name).write_bytes((two.b.root / name).read_bytes())
    with pytest.raises(DecisionError, match="not signed"):
        verify_decision(two.a, theirs)


def test_an_agreement_may_ask_for_copies_and_have_no_procuratorate(two: Two) -> None:
    assert procuratorates(two.a, NOW) == []
    assert owes_paper_copy(two.a, NOW)


def test_a_fine_in_place_of_a_transfer_is_told(two: Two) -> None:
    # Suspected 40 days before NOW, on 30 August; fined on 1 September.
    (fault,) = faults(two.a)
    assert FINED in fault.message.en
    assert [(s.category, s.effect) for s in penalties(two.a) if s.penalty.case_no == FINED] == [
        ("fine", "instead")
    ]


def test_what_police_without_a_node_write_is_entered_with_its_number(
    two: Two, going: Matter
) -> None:
    def entered(**fields: object) -> Act:
        return following(two.a, going, "police_file", NOW, acting_org=B.code, **fields)

    assert check(two.a, entered(document_no="立1"), NOW) == going
    with pytest.raises(ConfigError, match="document_no"):
        check(two.a, entered(), NOW)


def test_a_case_of_justice_comes_back_once(two: Two) -> None:
    first = receive_back(two.a, PROCURATORATE, ["检案1"], NOW, document_no="检意1")
    again = receive_back(two.a, PROCURATORATE, ["检案1"], NOW, document_no="检意1")
    assert first is not None
    assert first.matter.state_name == "received"
    assert again is None


def test_a_case_that_is_not_finished_goes_by_its_number(two: Two) -> None:
    assert subject_of(two.a, "甲交案〔2026〕9号") == Subject("甲交案〔2026〕9号")
    assert subject_of(two.a, OVERLOAD).cause == "overload_road"
