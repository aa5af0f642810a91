"""A sealed lead: one reader opens it; for everybody else there is a number and a count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flows_world import NIGHT, NOW, A, B, World, query

from exchange.keys.identity import create_identity, load_identity
from exchange.keys.sealing import padded_size, seal, unseal
from exchange.trust.agency import parse_agency
from flows import sealed as sealed_flow
from flows.letting_go import let_go
from flows.outgoing import grants_of
from flows.sealed import note_handed_over, received_file, seal_lead, sealed_leads
from schemas.errors import ConfigError, DataError, VerificationError

CONTENT = "虚构的问题线索：某支队某人（不存在）于 2026-10-01 收受财物".encode()
PASSPHRASE = "of the supervisory organ in tests"

AGREEMENT = f"""\
id = "a-b-sealed"
version = 1
valid_from = 2020-01-01
valid_until = 2999-12-31
[[parties]]
code = "{A.code}"
name = "{A.name}"
[[parties]]
code = "{B.code}"
name = "{B.name}"
[[grants]]
from = "{A.code}"
to = "{B.code}"
purpose = "discipline_leads"
retention_days = 30
legal_basis = "310号令 第十八条、第十九条"
[grants.records]
sealed_lead = ["sealed_no", "to_org", "sealed_time", "sealed_sha256", "sealed_size_bytes"]
"""


@dataclass(frozen=True)
class Story:
    world: World
    key: Path
    number: str


@pytest.fixture(scope="module")
def story(new_world: Callable[[], World]) -> Story:
    """B's officer has a key of his own; A has sealed one lead, sent it, and B took it in."""
    world = new_world()
    key = world.root / "officer" / "key.pem"
    recipient = create_identity(key, PASSPHRASE)
    for folder in ("a", "b"):
        (world.root / folder / "agreements/sealed.toml").write_text(AGREEMENT, encoding="utf-8")
    know_recipient(world, recipient)
    sealed = seal_lead(world.a, CONTENT, B.code, NOW)
    (sent,) = (p for p in world.publish() if p.status == "published")
    assert sent.counts == {"sealed_lead": 1}
    (taken,) = world.receive()
    assert taken.counts["sealed_lead"].accepted == 1
    return Story(world, key, sealed.sealed_no)


def know_recipient(world: World, *recipients: str) -> None:
    """B's card says for whom its leads are sealed."""
    path = world.root / "a/partners" / B.code / "agency.json"
    facts = parse_agency(path.read_bytes())
    changed = facts.model_copy(update={"sealed_recipients": recipients})
    path.write_bytes(changed.to_bytes())


def test_the_officer_opens_it_and_nobody_else(story: Story, tmp_path: Path) -> None:
    sealed = tmp_path / "sealed.age"
    sealed.write_bytes(received_file(story.world.b, story.number))
    assert unseal(sealed, [load_identity(story.key, PASSPHRASE)]) == CONTENT
    for node in (story.world.a, story.world.b):
        with pytest.raises(VerificationError, match="not encrypted to the key"):
            unseal(sealed, node.identities())


def test_its_content_is_in_no_file_of_either_node(story: Story) -> None:
    """Not in the clear; and no node has a key to what holds it (the test above)."""
    for path in story.world.root.rglob("*"):
        if path.is_file():
            assert "问题线索：某支队".encode() not in path.read_bytes(), path


def test_operators_see_a_number_a_time_and_a_size_that_tells_little(story: Story) -> None:
    ((ours,), (theirs,)) = (sealed_leads(story.world.a), sealed_leads(story.world.b))
    assert (ours.sealed_no, ours.partner, ours.is_ours) == (story.number, B.code, True)
    assert (theirs.sealed_no, theirs.partner, theirs.is_ours) == (story.number, A.code, False)
    assert ours.size_bytes == theirs.size_bytes
    # age puts a line of random length into the header; the content adds nothing.
    longer = seal(CONTENT * 100, recipients_of(story))
    assert abs(ours.size_bytes - len(longer)) < 512


def recipients_of(story: Story) -> tuple[str, ...]:
    path = story.world.root / "a/partners" / B.code / "agency.json"
    return parse_agency(path.read_bytes()).sealed_recipients


def test_the_bundle_around_it_is_encrypted_too(story: Story) -> None:
    """That there is a lead is confidential itself."""
    (grant,) = (g for g in grants_of(story.world.a) if g.agreement.id == "a-b-sealed")
    folder = story.world.root / "a/repository/targets/streams" / grant.stream
    assert [path.name.partition(".")[2] for path in folder.iterdir()] == ["00000001.hefu.age"]


def test_what_was_sent_is_not_sent_again(story: Story) -> None:
    assert {p.status for p in story.world.publish(now=NOW + NIGHT)} == {"nothing_new"}


def test_a_lead_whose_file_did_not_come_is_refused_when_it_is_taken_in(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_lead(story.world.a, CONTENT, B.code, NOW + NIGHT)
    with monkeypatch.context() as faulty:  # a sender's software that forgets the file
        faulty.setattr("flows.outgoing.attachments", lambda *_: [])
        story.world.publish(now=NOW + NIGHT)
    (taken,) = story.world.receive(now=NOW + NIGHT)
    found = taken.counts["sealed_lead"]
    assert (found.accepted, found.quarantined) == (0, 1)
    assert found.reasons == {sealed_flow.CAME_WITH: 1}
    reason = "SELECT refusal_reason FROM receipt_current ORDER BY receipt_time DESC LIMIT 1"
    assert "隔离" in str(query(story.world.b, "receipt", reason))


def test_a_lead_that_nobody_came_for_is_not_let_go_of(story: Story) -> None:
    late, b = NOW + 40 * NIGHT, story.world.b
    with pytest.raises(DataError, match=f"nobody has come for them: {story.number}"):
        let_go(b, late)
    assert received_file(b, story.number)
    note_handed_over(b, story.number, late)
    assert story.number not in {lead.sealed_no for lead in sealed_flow.waiting_leads(b)}


def test_a_sealed_file_that_no_partner_would_take_is_refused_at_once(story: Story) -> None:
    before = sealed_leads(story.world.a)
    with pytest.raises(ConfigError, match="too large"):
        seal_lead(story.world.a, b"age-encryption.org/v1\n".ljust((64 << 20) + 1), B.code, NOW)
    assert sealed_leads(story.world.a) == before


def test_a_file_that_was_sealed_elsewhere_is_taken_as_it_is(story: Story, tmp_path: Path) -> None:
    world = story.world
    already = seal(b"sealed on the officer's own machine", recipients_of(story))
    sealed = seal_lead(world.a, already, B.code, NOW + NIGHT)
    assert (world.root / "a/sealed" / f"{sealed.sha256}.age").read_bytes() == already
    (world.root / "a/sealed" / f"{sealed.sha256}.age").rename(tmp_path / "away")
    with pytest.raises(DataError, match="a sealed file is missing"):
        world.publish(now=NOW + NIGHT)
    (tmp_path / "away").rename(world.root / "a/sealed" / f"{sealed.sha256}.age")


def test_without_an_agreement_or_a_key_nothing_is_sealed(world: World) -> None:
    with pytest.raises(ConfigError, match="no agreement lets sealed leads go"):
        seal_lead(world.a, CONTENT, B.code, NOW)
    (world.root / "a/agreements/sealed.toml").write_text(AGREEMENT, encoding="utf-8")
    with pytest.raises(ConfigError, match="has not told to which key"):
        seal_lead(world.a, CONTENT, B.code, NOW)
    assert not list((world.root / "a/sealed").iterdir())
    assert query(world.a, "sealed_lead", "SELECT count(*) FROM sealed_lead_history") == [(0,)]


@pytest.mark.parametrize(
    ("size", "padded"),
    [(0, 1 << 16), ((1 << 16) - 23, 1 << 16), ((1 << 16) - 22, 1 << 17), (1 << 20, 1 << 21)],
)
def test_sizes_are_filled_up(size: int, padded: int) -> None:
    assert padded_size(size) == padded


def test_what_is_too_large_is_told(story: Story) -> None:
    with pytest.raises(ConfigError, match="too large to seal"):
        seal(bytes(33 << 20), recipients_of(story))
