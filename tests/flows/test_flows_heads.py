"""Two nodes that were told different things by a third find out by exchanging notes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flows_world import NOW, A, B, C, World

from exchange.bundle.dsse import sign
from exchange.bundle.statement import Head, format_time, make_statement
from exchange.jsontext import canonical, sha256_hex
from exchange.repository.local import refresh
from exchange.trust.evidence import STATEMENT
from flows.compare import Difference
from flows.history import FORKS, forks
from flows.notes import Notes, compare_notes, make_notes, read_notes
from hefu.cli import run
from hefu.exchange_summary import settle
from hefu.node import Node, load_node
from hefu.summary import summarise
from schemas.errors import VerificationError

TO_B, TO_C = "deal.a.b.cases", "deal.a.c.cases"


class Telling:
    """A says something, signed with its own key, and somebody keeps it."""

    def __init__(self, world: World):
        self.world = world
        shutil.copytree(world.root / "b", world.root / "c")
        path = world.root / "c" / "hefu.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(B.code, C.code).replace(B.name, C.name), encoding="utf-8")
        for node in (self.b, self.c):
            self.keep_metadata(node)

    @property
    def b(self) -> Node:
        return self.world.b

    @property
    def c(self) -> Node:
        return load_node(self.world.root / "c")

    def keep_metadata(self, node: Node) -> None:
        folder = node.place("inbox") / A.code / "metadata"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (self.world.a.place("repository") / "metadata").glob("*.json"):
            (folder / f"{sha256_hex(path.read_bytes())}.json").write_bytes(path.read_bytes())

    def say(
        self, to: Node, stream: str, sequence: int, previous: str | None,
        heads: tuple[Head, ...] = (), rows: int = 1, signers: Any = None,
    ) -> str:  # fmt: skip
        """Returns the statement's digest."""
        facts: dict[str, Any] = {
            "publisher": {"code": A.code, "name": A.name},
            "recipients": [{"code": to.agency.code, "name": to.agency.name}],
            "agreement": {"id": "deal", "version": 1, "digest": "0" * 64},
            "purpose": "cases",
            "legal_basis": "虚构",
            "stream": stream,
            "sequence": sequence,
            "previous_statement_sha256": previous,
            "period": None,
            "lake_versions": {"note": 1},
            "counts": {"note": rows},
            "contracts": {"note": {"version": "1.0.0", "sha256": "0" * 64}},
            "heads": list(heads),
            "rule_pack_version": "test",
            "verdict_sha256": "0" * 64,
            "created_time": format_time(NOW + timedelta(hours=sequence)),
            "sensitivity_class": "internal",
        }
        payload = make_statement(facts, []).payload()
        folder = to.place("inbox") / A.code / "streams" / stream
        folder.mkdir(parents=True, exist_ok=True)
        envelope = sign(payload, signers or self.world.a.signers().all)
        (folder / f"{sequence:08d}{STATEMENT}").write_bytes(envelope)
        return sha256_hex(payload)

    def export(self, node: Node, since: Any = None) -> Path:
        path = self.world.root / f"notes-of-{node.agency.code}.json"
        path.write_bytes(make_notes(node, NOW, since).to_bytes())
        return path


@pytest.fixture
def telling(world: World) -> Telling:
    return Telling(world)


def head(stream: str, sequence: int, digest: str) -> Head:
    return Head(publisher=A.code, stream=stream, sequence=sequence, statement_sha256=digest)


def compared(node: Node, *paths: Path) -> list[Difference]:
    return compare_notes(node, [(path, read_notes(path)) for path in paths])[0]


def lie(telling: Telling) -> tuple[str, str]:
    """B gets number 2; C is told that number 2 of the same stream is another statement."""
    first = telling.say(telling.b, TO_B, 1, None)
    true = telling.say(telling.b, TO_B, 2, first)
    other = "f" * 64
    telling.say(telling.c, TO_C, 1, None, (head(TO_B, 2, other),))
    return true, other


def test_notes_of_an_honest_publisher_agree_however_far_behind(telling: Telling) -> None:
    first = telling.say(telling.b, TO_B, 1, None)
    second = telling.say(telling.b, TO_B, 2, first)
    telling.say(telling.b, TO_B, 3, second)
    told = telling.say(telling.c, TO_C, 1, None, (head(TO_B, 1, first),))
    telling.say(telling.c, TO_C, 2, told, (head(TO_B, 2, second),))
    assert compared(telling.b, telling.export(telling.c)) == []
    assert compared(telling.c, telling.export(telling.b)) == []


def test_a_fork_is_found_by_both_and_stays(telling: Telling) -> None:
    true, other = lie(telling)
    assert forks(telling.b) == forks(telling.c) == []
    for one, another in ((telling.b, telling.c), (telling.c, telling.b)):
        (fork,) = compared(one, telling.export(another))
        assert (fork.kind, fork.publisher, fork.stream, fork.sequence) == (
            "fork", A.code, TO_B, 2,
        )  # fmt: skip
        assert {told.digest for told in fork.told} == {true, other}
    for node in (telling.b, telling.c):
        (stays,) = forks(node)
        assert stays.is_proven
        assert all(Path(told.where).is_file() for told in stays.told)
        # hefu status tells of it once, until a person has looked
        status = summarise(node, NOW)
        assert [(a.kind, a.numbers) for a in status.history] == [("history", (2,))]
        assert status.needs_a_person
        settle(node, TO_B, 2, NOW)
        assert summarise(node, NOW).history == ()


def test_a_list_of_digests_is_enough_to_know_but_not_to_prove(telling: Telling) -> None:
    """Notes from which the signed statements were left out."""
    lie(telling)
    path = telling.export(telling.c, NOW + timedelta(days=1))
    assert read_notes(path).statements == []
    assert compared(telling.b, path) == []
    notes = read_notes(telling.export(telling.b, NOW + timedelta(days=1)))
    assert notes.statements == []
    chain = {
        "publisher": A.code, "stream": TO_B, "first": 1, "digests": ["1" * 64, "2" * 64],
    }  # fmt: skip
    path.write_bytes(canonical(notes.model_dump(by_alias=True, mode="json") | {"chains": [chain]}))
    (found,) = compared(telling.b, path)
    assert (found.kind, found.sequence, found.later) == ("contradiction", 1, 1)
    assert forks(telling.b) == [], "an unsigned word leaves no trace"


def test_a_statement_under_unknown_keys_accuses_nobody(telling: Telling) -> None:
    """Whoever makes notes can write anything into them; only A's signature speaks for A."""
    first = telling.say(telling.b, TO_B, 1, None)
    telling.say(telling.c, TO_C, 1, None, (head(TO_B, 1, first),), 1, telling.b.signers().all)
    telling.say(telling.c, TO_B, 1, None, (), 9, telling.b.signers().all)
    path = telling.export(telling.c)
    found, (read,) = compare_notes(telling.b, [(path, read_notes(path))])
    assert (read.statements, read.unchecked) == (2, 2)
    assert [(d.kind, d.is_proven) for d in found] == [("contradiction", False)]
    assert {told.by for told in found[0].told} == {A.code, C.code}
    assert not (telling.b.place("inbox") / A.code / FORKS).exists()


def test_two_timestamps_of_one_version_are_a_fork(telling: Telling) -> None:
    a = telling.world.a
    copy = telling.world.root / "other-repository"
    shutil.copytree(a.place("repository"), copy)
    for repository, hours, node in (
        (a.place("repository"), 1, telling.b), (copy, 2, telling.c),
    ):  # fmt: skip
        now = NOW + timedelta(hours=hours)
        refresh(repository, a.signers(), a.periods(), now)
        data = (repository / "metadata/timestamp.json").read_bytes()
        kept = node.place("inbox") / A.code / "metadata" / f"{sha256_hex(data)}.json"
        kept.write_bytes(data)
    (found,) = compared(telling.b, telling.export(telling.c))
    assert (found.kind, found.stream, found.is_proven) == ("metadata", "timestamp", True)
    assert forks(telling.b) == [found.__class__(**_without_where(found, forks(telling.b)[0]))]
    forged = json.loads(telling.export(telling.c).read_bytes())
    shutil.rmtree(telling.b.place("inbox") / A.code / FORKS)
    for one in forged["metadata"]:
        if one["role"] == "timestamp" and one["version"] == found.sequence:
            one["signed"]["signatures"][0]["sig"] = "00" * 64
    path = telling.world.root / "forged.json"
    path.write_bytes(canonical(forged))
    (found,) = compared(telling.b, path)
    assert not found.is_proven
    assert forks(telling.b) == []


def _without_where(found: Difference, same: Difference) -> dict[str, Any]:
    """The finding that stays names the kept file instead of the notes."""
    return {
        "kind": found.kind, "publisher": found.publisher, "stream": found.stream,
        "sequence": found.sequence, "seen": same.seen,
    }  # fmt: skip


def test_a_partner_that_goes_back_is_named(telling: Telling) -> None:
    first = telling.say(telling.b, TO_B, 1, None, (head(TO_C, 5, "5" * 64),))
    telling.say(telling.b, TO_B, 2, first, (head(TO_C, 4, "4" * 64),))
    assert [d.kind for d in forks(telling.b)] == ["went_back"]


def test_notes_in_another_form_are_refused(telling: Telling) -> None:
    path = telling.export(telling.b)
    data = path.read_bytes()
    for other in (data + b"\n", data.replace(b"notes:1", b"notes:2"), b"{}", b"[", data[:-1]):
        path.write_bytes(other)
        with pytest.raises(VerificationError):
            read_notes(path)
    value = json.loads(data)
    value["metadata"] = [
        {"publisher": A.code, "role": "timestamp", "version": 1, "sha256": "0" * 64,
         "signed": {"signed": {"_type": "timestamp", "version": 1}, "signatures": []}}
    ]  # fmt: skip
    path.write_bytes(canonical(value))
    with pytest.raises(VerificationError):
        compared(telling.b, path)


def test_notes_hold_no_more_than_chains_statements_and_lists(telling: Telling) -> None:
    lie(telling)
    notes = make_notes(telling.b, NOW)
    assert set(Notes.model_fields) == {
        "type_", "agency", "made_time", "chains", "statements", "metadata",
    }  # fmt: skip
    assert len(notes.statements) == 2
    assert {one.role for one in notes.metadata} >= {"root", "targets", "snapshot", "timestamp"}
    assert all((one.signed is None) == (one.role != "timestamp") for one in notes.metadata)


# The commands, as docs/one-history.md shows them.


@pytest.fixture
def hefu(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("HEFU_LANG", "en")

    def call(*words: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([str(word) for word in words])
        return code, *capfd.readouterr()

    return call


def test_the_commands_find_a_fork_and_write_its_proofs(
    telling: Telling, hefu: Callable[..., tuple[int, str, str]]
) -> None:
    b, c, root = telling.b, telling.c, telling.world.root
    code, out, _ = hefu("compare", "--node", b.root)
    assert (code, "nothing differs" in out) == (0, True)
    true, other = lie(telling)
    code, out, err = hefu("compare", "--export", root / "c.notes.json", "--node", c.root)
    assert (code, out.strip()) == (0, str(root / "c.notes.json"))
    assert "no records" in err
    code, _, err = hefu("compare", "--export", root / "c.notes.json", "--node", c.root)
    assert (code, "exists already" in err) == (2, True)
    code, out, err = hefu(
        "compare", root / "c.notes.json", "--proofs", root / "proofs", "--node", b.root
    )
    assert code == 1
    assert true in out
    assert other in out
    assert "two histories" in err
    (folder,) = (root / "proofs").iterdir()
    assert len(list(folder.glob(f"*{STATEMENT}"))) == 2
    assert list(folder.glob("key-*.pem"))
    assert TO_B in (folder / "about.txt").read_text(encoding="utf-8")
    code, out, _ = hefu("compare", "--json", "--node", b.root)
    (found,) = json.loads(out)["differences"]
    assert (code, found["kind"], found["proven"]) == (1, "fork", True)


def test_wrong_use_is_told(
    telling: Telling, hefu: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    node = telling.b.root
    assert hefu("compare", tmp_path / "none.json", "--node", node)[0] == 2
    assert hefu("compare", "x", "--export", tmp_path / "n.json", "--node", node)[0] == 2
    code, _, err = hefu("compare", "--export", tmp_path / "n", "--since", "now", "--node", node)
    assert (code, "not a date" in err) == (2, True)
