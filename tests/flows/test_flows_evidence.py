"""What a node keeps proves what it was told; what its time of receipt rests on grows."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flows_world import NIGHT, NOW, A, B, World, case, query

from exchange.jsontext import canonical, sha256_hex
from exchange.trust.evidence import Kept, kept_in
from exchange.trust.evidence_verify import proof_of, verify_evidence
from flows.heads import heads_of
from flows.history import forks
from flows.letting_go import held, let_go
from flows.time_basis import time_basis
from hefu.cli import run
from hefu.evidence_export import export
from hefu.evidence_own import own_evidence, own_statements
from schemas.errors import VerificationError

HOUR = timedelta(hours=1)
DOCS = Path(__file__).parents[2] / "docs"
Ran = tuple[int, str, str]


@pytest.fixture(scope="module")
def exchanged(new_world: Callable[[], World]) -> World:
    """A sends twice; between the two B's receipt goes back, and A says that it has it."""
    world = new_world()
    world.drop("1.csv", [case(1), case(2)])
    world.sync()
    world.publish()
    world.receive(now=NOW + HOUR)
    world.publish(world.b, now=NOW + 2 * HOUR)
    world.receive(world.a, now=NOW + 3 * HOUR)
    world.drop("2.csv", [case(3), case(1, fine="300", day=2)])
    world.sync(now=NOW + NIGHT)
    world.publish(now=NOW + NIGHT)
    world.receive(now=NOW + NIGHT + HOUR)
    return world


@pytest.fixture
def world(exchanged: World, tmp_path: Path) -> World:
    """A copy that a test may change."""
    shutil.copytree(exchanged.root, tmp_path / "w")
    return World(tmp_path / "w")


@pytest.fixture
def hefu(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    monkeypatch.setenv("HEFU_LANG", "en")

    def call(*words: str | Path) -> Ran:
        capfd.readouterr()
        code = run([str(word) for word in words])
        return code, *capfd.readouterr()

    return call


def of_b(world: World) -> list[Kept]:
    return list(kept_in(world.b.place("inbox"), A.code))


def test_every_bundle_that_was_taken_in_verifies_as_of_its_receipt(exchanged: World) -> None:
    kept = of_b(exchanged)
    assert [one.evidence.received_time for one in kept] == [NOW + HOUR, NOW + NIGHT + HOUR]
    for one in kept:
        proven = verify_evidence(proof_of(one))
        assert proven.bundle.statement.publisher.code == A.code
        assert one.evidence.encrypted_sha256 is not None, "plates are personal data"


def test_heads_are_told_and_nobody_differs(exchanged: World) -> None:
    heads = {(h.publisher, h.sequence) for h in heads_of(exchanged.b)}
    assert heads == {(A.code, 2), (B.code, 1)}
    assert [h.stream for h in heads_of(exchanged.b)] == sorted(
        h.stream for h in heads_of(exchanged.b)
    )
    assert forks(exchanged.a) == forks(exchanged.b) == []


def test_the_time_of_receipt_rests_on_more_with_every_answer(exchanged: World) -> None:
    first, second = of_b(exchanged)
    known = time_basis(exchanged.b, first.evidence)
    assert known.level == "acknowledged"
    assert known.receipt is not None
    assert known.acknowledged is not None
    assert known.receipt.statement.publisher.code == B.code
    assert known.acknowledged.statement.created_time == NOW + NIGHT
    assert time_basis(exchanged.b, second.evidence).level == "own_word"
    assert "own word" in time_basis(exchanged.b, second.evidence).text.en


def test_before_the_answer_it_rests_on_our_signed_receipt(world: World) -> None:
    for path in world.b.place("inbox").glob("*/streams/*/00000002.statement.dsse.json"):
        path.unlink()
    first = world.b.place("inbox") / A.code / "streams" / world.stream / "00000001.evidence.json"
    (kept,) = (one for one in of_b(world) if one.record == first)
    assert time_basis(world.b, kept.evidence).level == "signed_receipt"


@pytest.mark.parametrize("ahead", [timedelta(seconds=-1), timedelta(days=1)])
def test_a_time_that_was_changed_by_hand_is_found_out(world: World, ahead: timedelta) -> None:
    first = of_b(world)[0]
    moved = first.evidence.model_copy(
        update={"received_time": first.evidence.received_time + ahead}
    )
    with pytest.raises(VerificationError) as refused:
        time_basis(world.b, moved)
    assert refused.value.step == "stream"
    shutil.rmtree(world.b.place("lake") / "bundles")  # the ledger, too, was only our own word
    with pytest.raises(VerificationError, match="own receipt"):
        time_basis(world.b, moved)


def test_a_receipt_that_cannot_be_opened_is_told(world: World) -> None:
    for path in (world.b.place("repository") / "targets/streams").rglob("*.hefu*"):
        path.unlink()
    basis = time_basis(world.b, of_b(world)[0].evidence)
    assert basis.level == "own_word"
    assert "could not be opened" in basis.warnings[0].en


def test_bundles_go_when_their_retention_is_over_and_not_before(world: World) -> None:
    node, days = world.b, 30
    for kept in of_b(world):
        plain = json.loads(kept.agreement())
        for grant in plain["grants"]:
            grant["retention_days"] = days
        data = canonical(plain)
        changed = kept.evidence.model_dump(mode="json", by_alias=True)
        digest = sha256_hex(data)
        changed["agreement_sha256"] = digest
        (node.place("inbox") / A.code / "agreements" / f"{digest}.json").write_bytes(data)
        kept.record.write_bytes(canonical(changed))
    first, second = held(node)
    assert (second.last_day - first.last_day).days == 1  # type: ignore[operator]
    # NOW is 01:30 of the 9th in Beijing, so the 8th of November is the last day of the first.
    last_moment = NOW + timedelta(days=days, hours=22, minutes=29)
    assert let_go(node, last_moment) == []
    gone = let_go(node, last_moment + timedelta(minutes=1))
    assert [one.evidence.sequence for one in gone] == [1]
    assert [one.is_here for one in held(node)] == [False, True]
    assert let_go(node, last_moment + timedelta(minutes=1)) == []
    assert first.kept.record.is_file()
    assert first.kept.statement.is_file()
    assert forks(node) == []


# The commands, as docs/evidence.md shows them.


def test_list_names_what_is_kept(exchanged: World, hefu: Callable[..., Ran]) -> None:
    code, out, _ = hefu("evidence", "list", "--node", exchanged.b.root)
    assert code == 0
    assert out.count(exchanged.stream) == 2
    assert "kept" in out
    code, out, _ = hefu(
        "evidence", "list", "--json", "--partner", A.code, "--node", exchanged.b.root
    )
    listed = json.loads(out)
    assert [one["sequence"] for one in listed] == [1, 2]
    assert Path(listed[0]["bundle_file"]).is_file()
    code, out, _ = hefu(
        "evidence", "verify", listed[0]["bundle_id"], "--json", "--node", exchanged.b.root
    )
    (result,) = json.loads(out)
    assert (code, result["verified"], result["sequence"]) == (0, True, 1)
    assert "acknowledged" in result["time_rests_on"]["en"]


def test_verify_says_what_fails(world: World, hefu: Callable[..., Ran]) -> None:
    code, out, _ = hefu("evidence", "verify", "--node", world.b.root)
    assert code == 0
    assert out.count("verified as of") == 2
    bundle = of_b(world)[1].bundle
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    code, out, err = hefu("evidence", "verify", "--node", world.b.root)
    assert code == 4
    assert out.count("verified as of") == 1
    assert "fetch" in err
    bundle.unlink()
    code, _, err = hefu("evidence", "verify", world.stream, "2", "--node", world.b.root)
    assert code == 1
    assert "let go of" in err
    assert hefu("evidence", "verify", "0" * 32, "--node", world.b.root)[0] == 2
    assert hefu("evidence", "verify", "a", "b", "--node", world.b.root)[0] == 2


def test_an_exported_folder_is_checked_without_a_node(
    exchanged: World, hefu: Callable[..., Ran], tmp_path: Path
) -> None:
    out = tmp_path / "卷宗"
    code, told, err = hefu(
        "evidence", "export", exchanged.stream, "1", "--out", out, "--node", exchanged.b.root
    )
    assert code == 0
    assert told.strip() == str(out)
    assert "personal data" in err
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in out.rglob("*") if p.is_file()} == {0o600}
    page = (out / "封面.html").read_text(encoding="utf-8")
    for words in (A.name, B.name, "行政处罚法第二十六条", "2026-10-09 02:30:00", "接收时间的依据"):
        assert words in page
    assert "http" not in page
    assert list(out.glob("*/records/case_result.xlsx"))
    assert list(out.glob("*/receipt/partner-statement.dsse.json"))
    code, told, _ = hefu("evidence", "verify", out)
    assert code == 0
    assert "verified as of 2026-10-09 02:30" in told


def test_an_exported_folder_is_checked_with_common_tools(
    exchanged: World, hefu: Callable[..., Ran], tmp_path: Path
) -> None:
    out = tmp_path / "case"
    hefu("evidence", "export", exchanged.stream, "1", "--out", out, "--node", exchanged.b.root)

    def check() -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"]}
        return subprocess.run(
            ["sh", out / "verify.sh"], capture_output=True, text=True, check=False, env=environment
        )

    good = check()
    assert good.returncode == 0, good.stderr
    assert "All passed" in good.stdout
    assert of_b(exchanged)[0].evidence.root_sha256 in good.stdout
    (path,) = out.glob("*/bundle.hefu")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert check().returncode != 0
    code, _, err = hefu("evidence", "verify", out)
    assert code == 1
    assert "SHA256SUMS" in err
    (out / "SHA256SUMS").unlink()
    code, _, err = hefu("evidence", "verify", out)
    assert code == 4
    (path.parent / "evidence.json").unlink()
    assert hefu("evidence", "verify", out)[0] == 2


def test_the_base_installation_checks_an_exported_folder(
    exchanged: World, hefu: Callable[..., Ran], tmp_path: Path
) -> None:
    out = tmp_path / "case"
    hefu("evidence", "export", exchanged.stream, "1", "--out", out, "--node", exchanged.b.root)
    program = (
        "import sys\n"
        "for name in ('prefect', 'great_expectations', 'deltalake', 'lake', 'flows'):\n"
        "    sys.modules[name] = None\n"
        "from hefu.cli import run\n"
        f"sys.exit(run(['evidence', 'verify', {str(out)!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        cwd=DOCS.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_record_is_exported_with_all_versions_and_their_labels(
    exchanged: World, hefu: Callable[..., Ran], tmp_path: Path
) -> None:
    ((record_id,),) = query(
        exchanged.b,
        "case_result",
        "SELECT DISTINCT record_id FROM case_result_history GROUP BY record_id HAVING count(*) > 1",
    )
    out = tmp_path / "record"
    code, told, err = hefu(
        "evidence", "export", "--record", record_id, "--out", out, "--node", exchanged.b.root
    )
    assert code == 0
    page = (out / "封面.html").read_text(encoding="utf-8")
    plate = case(1)["plate"]
    for words in (
        "200",
        "300",
        plate,
        f"{exchanged.stream} #1",
        f"{exchanged.stream} #2",
        "罚款金额",
    ):
        assert words in page
    assert case(2)["plate"] not in page, "another record is nobody's business here"
    assert plate not in told + err
    assert not list(out.glob("*/records"))
    assert hefu("evidence", "verify", out)[0] == 0
    assert (
        hefu("evidence", "export", "--record", "0" * 32, "--out", tmp_path / "x",
             "--node", exchanged.b.root)[0]
        == 2
    )  # fmt: skip
    again = hefu(
        "evidence", "export", "--record", record_id, "--out", out, "--node", exchanged.b.root
    )
    assert again[0] == 2
    assert "exists already" in again[2]


def test_what_was_let_go_of_is_on_the_sheet_as_such(
    world: World, hefu: Callable[..., Ran], tmp_path: Path
) -> None:
    of_b(world)[0].bundle.unlink()
    out = tmp_path / "gone"
    code, _, err = hefu(
        "evidence", "export", world.stream, "1", "--out", out, "--node", world.b.root
    )
    assert code == 0
    assert "let go of" in err
    assert "保存期限" in (out / "封面.html").read_text(encoding="utf-8")
    assert hefu("evidence", "verify", out)[0] == 1


def test_the_publishers_words_on_the_sheet_are_no_markup(exchanged: World) -> None:
    from hefu.evidence_cover import BundlePart, Cover, Fact, render
    from schemas.text import Text

    nasty = '<script>alert("x")</script>'
    fact = Fact(Text(en=nasty, zh=nasty), nasty)
    page = render(Cover(nasty, nasty, [BundlePart(nasty, [fact])]))
    assert "<script" not in page


def test_evidence_of_another_number_does_not_pass_for_this_one(exchanged: World) -> None:
    first, second = (proof_of(one) for one in of_b(exchanged))
    with pytest.raises(VerificationError):
        verify_evidence(replace(first, bundle=second.bundle))


def commands_of(name: str) -> list[str]:
    """The lines of the document's shell blocks."""
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = text.split("```bash\n")[1:]
    return [line for block in blocks for line in block.split("```")[0].splitlines()]


@pytest.mark.parametrize("name", ["evidence", "one-history"])
def test_what_the_documents_say_can_be_done(
    name: str, world: World, hefu: Callable[..., Ran], tmp_path: Path
) -> None:
    assert commands_of(f"{name}.md") == commands_of(f"{name}.zh-CN.md")
    ((record_id,), *_) = query(world.b, "case_result", "SELECT record_id FROM case_result_current")
    words = {
        "CODE": A.code, "STREAM": world.stream, "BUNDLE_ID": bundle_id_of(world),
        "RECORD_ID": record_id, "DAY": "2026-01-01", "PROOFS": str(tmp_path / "proofs"),
    }  # fmt: skip
    for number, line in enumerate(commands_of(f"{name}.md")):
        if "--out" in line or "--export" in line:  # each writes something new
            words |= {word: str(tmp_path / f"{word}-{number}") for word in ("OUT", "NOTES")}
            words["OUT/verify.sh"] = f"{words['OUT']}/verify.sh"
        program, *rest = (words.get(word, word) for word in line.split())
        if program == "sh":
            subprocess.run(["sh", *rest], check=True, capture_output=True)
            continue
        is_folder = line == "hefu evidence verify OUT"
        code, out, err = hefu(*rest, *(() if is_folder else ("--node", world.b.root)))
        assert code == 0, (line, out, err)


def bundle_id_of(world: World) -> str:
    return verify_evidence(proof_of(of_b(world)[0])).bundle.statement.bundle_id


def test_what_this_node_published_is_exported_with_the_partners_answer(
    exchanged: World, hefu: Callable[..., Ran], tmp_path: Path
) -> None:
    node, out = exchanged.a, tmp_path / "own"
    said = next(one for one in own_statements(node) if one.statement.sequence == 1)
    now = NOW + NIGHT + 2 * HOUR
    with own_evidence(node, said, now) as (kept, basis):
        export(node, [kept], out, now, basis=basis)
    page = (out / "封面.html").read_text(encoding="utf-8")
    assert "对方已在其" in page
    assert "本单位自己的信任根" in page
    assert list(out.glob("*/receipt/partner-statement.dsse.json"))
    assert hefu("evidence", "verify", out)[0] == 0
    subprocess.run(["sh", out / "verify.sh"], check=True, capture_output=True)
    # The command looks at the clock, and these lists are of another year.
    words = ("evidence", "export", said.statement.bundle_id, "--out", tmp_path / "x")
    code, _, err = hefu(*words, "--node", node.root)
    assert (code, "trust" in err, (tmp_path / "x").exists()) == (4, True, False)
