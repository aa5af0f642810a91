"""What a partner holds is what the agreement covers now: it gets it again, and it loses it."""

from __future__ import annotations

import shutil

import pytest
from flows_agreed import FIELDS, Office, agreement, lay_out, paper
from flows_world import NIGHT, NOW, B, C, World, query

from exchange.agreement.model import load_agreement
from schemas.errors import ConfigError

DAY = NIGHT


@pytest.fixture
def office(world: World) -> Office:
    lay_out(world)
    here = Office(world)
    here.agree(agreement())
    return here


def test_a_record_that_may_not_be_shared_any_more_is_taken_back(office: Office) -> None:
    office.write("1.csv", paper(1), paper(2))
    office.sent()
    before = office.at_b("record_id, correction_no, effective_time, source_updated_time")
    secret = paper(1, day=5, sharing="not_shared", occurred="2020-10-05 10:00:00")
    office.write("2.csv", secret, now=NOW + DAY)

    published, (taken,) = office.sent(NOW + DAY)

    assert published.counts == published.removed == published.taken_back == {"correction": 1}
    assert taken.counts["correction"].accepted == 1
    assert office.at_b() == [("更1", "removed"), ("更2", "valid")]
    # nothing newer than what B had: not even when the record changed
    after = office.at_b("record_id, correction_no, effective_time, source_updated_time")
    assert after == before
    assert office.publish(NOW + 2 * DAY).status == "nothing_new"

    office.write("3.csv", paper(1, day=9), now=NOW + 3 * DAY)
    published, _ = office.sent(NOW + 3 * DAY)
    assert (published.counts, published.taken_back) == ({"correction": 1}, {})
    assert office.at_b() == [("更1", "valid"), ("更2", "valid")]


def test_a_record_that_is_removed_is_not_taken_back_and_not_told_to_who_never_had_it(
    office: Office,
) -> None:
    office.write("1.csv", paper(1), paper(2, gone="removed"), paper(3, sharing="not_shared"))
    assert office.publish().counts == {"correction": 1}
    gone = [paper(n, day=5, gone="removed") for n in (1, 3)]
    office.write("2.csv", *gone, now=NOW + DAY)
    published = office.publish(NOW + DAY)
    assert (published.removed, published.taken_back) == ({"correction": 1}, {})
    office.write("3.csv", paper(1, day=7, gone="removed", sharing="not_shared"), now=NOW + 2 * DAY)
    assert office.publish(NOW + 2 * DAY).status == "nothing_new"


LEADS = """\
SELECT
    txt(no) AS source_record_id, ts_cn(updated) AS source_updated_time, txt(no) AS lead_no,
    '12328' AS lead_source, 'copy_notice' AS lead_type,
    ts_cn(occurred) AS discovered_time, '疑似超限' AS suspected_violation, txt(sharing) AS to_org
FROM raw
"""


def test_a_record_for_another_agency_now_is_taken_back(office: Office) -> None:
    folder = office.world.root / "a/sources/office/corrections"
    toml = (folder / "source.toml").read_text(encoding="utf-8")
    (folder / "source.toml").write_text(toml.replace('"correction"', '"lead"'), encoding="utf-8")
    (folder / "mapping.sql").write_text(LEADS, encoding="utf-8")
    office.agree(agreement(records='lead = ["lead_no", "lead_type", "discovered_time", "to_org"]'))
    first = [paper(n, sharing=to) for n, to in ((1, ""), (2, B.code), (3, C.code))]
    office.write("1.csv", *first)
    assert office.sent()[0].counts == {"lead": 2}
    office.write("2.csv", paper(1, day=5, sharing=C.code), now=NOW + DAY)
    assert office.sent(NOW + DAY)[0].taken_back == {"lead": 1}
    found = query(
        office.world.b, "lead", "SELECT lead_no, data_status, to_org FROM lead_current ORDER BY 1"
    )
    assert found == [("更1", "removed", None), ("更2", "valid", B.code)]


def test_the_row_filter_takes_back_what_falls_out_of_it(office: Office) -> None:
    office.agree(agreement(rows='divisions = ["999900"]'))
    office.write("1.csv", paper(1), paper(2), paper(3, division="999901"))
    assert office.sent()[0].counts == {"correction": 2}
    office.write("2.csv", paper(1, day=5, division="999901"), now=NOW + DAY)
    published, (taken,) = office.sent(NOW + DAY)
    assert published.taken_back == {"correction": 1}
    assert taken.counts["correction"].quarantined == 0
    assert office.at_b("correction_no, data_status, division_code") == [
        ("更1", "removed", "999900"),
        ("更2", "valid", "999900"),
    ]
    # and gives back what a wider one covers
    office.agree(agreement(2), name="a-b-2")
    published, _ = office.sent(NOW + 2 * DAY)
    assert (published.counts, published.again) == ({"correction": 2}, {"correction": 2})
    assert office.at_b("correction_no, data_status, division_code") == [
        ("更1", "valid", "999901"),
        ("更2", "valid", "999900"),
        ("更3", "valid", "999901"),
    ]
    office.agree(agreement(3, rows='divisions = ["999901"]'), name="a-b-3")
    published, (taken,) = office.sent(NOW + 3 * DAY)
    # the version that says so is outside the filter itself, and is taken in
    assert (published.taken_back, taken.counts["correction"].accepted) == ({"correction": 1}, 1)
    assert office.at_b() == [("更1", "valid"), ("更2", "removed"), ("更3", "valid")]
    assert office.publish(NOW + 4 * DAY).status == "nothing_new"


def test_an_agreement_that_grows_shrinks_and_ends(office: Office) -> None:
    office.write("1.csv", paper(1), paper(2, reason=""), paper(3, gone="removed"), paper(4))
    office.sent()
    office.write("2.csv", paper(4, day=5, sharing="not_shared"), now=NOW + DAY)

    office.agree(agreement(2, fields=(*FIELDS, "correction_reason")), name="a-b-2")
    published, (taken,) = office.sent(NOW + DAY)
    # 2 has no reason that could be told; of 3 B never heard
    assert (published.again, published.taken_back) == ({"correction": 1}, {"correction": 1})
    assert published.counts == {"correction": 2}
    assert published.path is not None
    assert published.path.suffix == ".age"  # the reason may tell of a person
    assert taken.warnings == ()
    shown = "correction_no, data_status, correction_reason"
    # what is taken back holds no field that is granted only now
    assert office.at_b(shown) == [
        ("更1", "valid", "缘由1"),
        ("更2", "valid", None),
        ("更4", "removed", None),
    ]
    assert office.publish(NOW + 2 * DAY).status == "nothing_new"

    office.agree(agreement(3), name="a-b-3")
    assert office.publish(NOW + 3 * DAY).again == {"correction": 1}
    office.agree(agreement(4, records="correction = []"), name="a-b-4")
    published = office.publish(NOW + 4 * DAY)
    assert published.counts == published.taken_back == {"correction": 2}
    third, fourth = office.receive(NOW + 4 * DAY)
    (warning,) = third.warnings  # version 4 says that it held since 2020
    assert "made under version 3" in warning.en
    assert "version 4" in warning.en
    assert fourth.counts["correction"].accepted == 2
    # by their technical columns alone
    assert office.at_b(shown)[1:] == [(None, "removed", None)] * 2
    office.write("3.csv", paper(1, day=5), paper(5), now=NOW + 5 * DAY)
    assert office.publish(NOW + 5 * DAY).status == "nothing_new"


def test_a_killed_publication_is_made_again_with_the_same_rows(office: Office) -> None:
    """Nothing is remembered but the chain: without its last bundle the difference is the same."""
    office.write("1.csv", paper(1), paper(2))
    office.publish()
    office.write("2.csv", paper(1, day=5, sharing="not_shared"), paper(3), now=NOW + DAY)
    root = office.world.root
    shutil.copytree(root / "a", root / "kept")
    first = office.publish(NOW + DAY)
    shutil.rmtree(root / "a")
    (root / "kept").rename(root / "a")
    second = office.publish(NOW + DAY)
    assert (first.bundle_id, first.counts) == (second.bundle_id, {"correction": 2})


def test_the_version_that_a_bundle_was_sent_under_is_kept(office: Office) -> None:
    office.write("1.csv", paper(1), paper(2, division="999901"))
    office.publish()
    first = load_agreement(office.file("a"))
    # version 2 in place of version 1, not beside it
    office.agree(agreement(2, rows='divisions = ["999900"]'))
    kept = office.world.a.place("sent") / "agreements" / f"{first.digest()}.json"
    text = kept.read_bytes()
    kept.unlink()
    with pytest.raises(ConfigError, match="under which the last bundle was made") as caught:
        office.publish(NOW + DAY)
    assert first.digest() in caught.value.message.en
    kept.write_bytes(text + b" ")
    with pytest.raises(ConfigError, match="not the agreement that its name says"):
        office.publish(NOW + DAY)
    kept.write_bytes(text)
    assert office.publish(NOW + DAY).taken_back == {"correction": 1}
