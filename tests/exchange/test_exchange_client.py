"""What a reader sees of a publisher, what it remembers, and that a cut leaves nothing half."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bundles import KEY_A, KEY_B, RECEIVER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_signatures import (
    FOR_EVERYTHING,
    MIXED,
    SMALL,
    only_with_cofactor,
    plain_sign,
    unreduced,
    with_neutral_nonce,
)
from publisher_world import (
    DAY,
    NOW,
    SEGMENT,
    SENDER,
    STREAM,
    CountingCarrier,
    Reader,
    edition,
    file,
)
from repositories import ROOT_1, ROOT_2, RootOf
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

from exchange.bundle.policy import ChainHead, Trust
from exchange.jsontext import sha256_hex
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.memory import MemoryCarrier
from exchange.trust import state
from exchange.trust.refusals import MissingError
from exchange.trust.roles import tuf_key
from exchange.trust.rules import read_signed
from schemas.errors import ConfigError, HefuError, RefusedError, RetryableError, VerificationError


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "trusted")


# what is seen


def test_the_lists_say_what_is_there_and_whose_keys_sign(reader: Reader) -> None:
    seen = reader.open(edition(3).write())
    assert seen.last(STREAM) == 3
    assert seen.last("agreement-1.a") == 0
    found = seen.find(STREAM, 2)
    assert found is not None
    assert (found.size, found.sha256) == (len(file(2).data), sha256_hex(file(2).data))
    assert (found.sequence, found.is_encrypted) == (2, False)
    assert found.statement_sha256 == file(2).statement_sha256
    assert seen.find(STREAM, 4) is None
    assert seen.find(STREAM, 257) is None
    assert seen.trust(SENDER) == Trust(SENDER, (KEY_A.public,), 1)
    assert seen.facts.code == SENDER


def test_numbers_go_on_in_the_next_segment(reader: Reader) -> None:
    seen = reader.open(replace(edition(1), files={n: file(n) for n in (256, 257)}).write())
    assert seen.last(STREAM) == 257
    assert [bool(seen.find(STREAM, n)) for n in (255, 256, 257, 258)] == [False, True, True, False]


def test_a_bundle_comes_as_it_is_listed_and_only_for_us(reader: Reader, tmp_path: Path) -> None:
    seen = reader.open(edition(1).write())
    listed = seen.find(STREAM, 1)
    assert listed is not None
    seen.download(listed, tmp_path / "came")
    assert (tmp_path / "came").read_bytes() == file(1).data
    assert (tmp_path / "came").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("came", [b"", b"bundle 1", b"bundle 1 b", b"bundle 1 a and more"])
def test_another_file_than_the_listed_one_does_not_stay(
    reader: Reader, tmp_path: Path, came: bytes
) -> None:
    files = edition(1).write()
    seen = reader.open(carrier := MemoryCarrier(files))
    listed = seen.find(STREAM, 1)
    assert listed is not None
    carrier.files[listed.place] = came
    with pytest.raises(VerificationError) as caught:
        seen.download(listed, tmp_path / "came")
    assert caught.value.step == "trust"
    assert not (tmp_path / "came").exists()


def test_a_file_above_the_limit_is_not_even_asked_for(reader: Reader, tmp_path: Path) -> None:
    carrier = CountingCarrier(edition(1).write())
    seen = reader.open(carrier, limits=replace(DEFAULT_LIMITS, bundle_size=3))
    listed = seen.find(STREAM, 1)
    assert listed is not None
    asked = len(carrier.asked)
    with pytest.raises(VerificationError) as caught:
        seen.download(listed, tmp_path / "came")
    assert (caught.value.step, len(carrier.asked)) == ("fetch", asked)


def test_every_file_that_a_view_rests_on_can_be_kept(reader: Reader, tmp_path: Path) -> None:
    files = replace(edition(1), roots=(RootOf(), RootOf(), RootOf())).write()
    seen = reader.open(files)
    seen.find(STREAM, 1)
    kept = seen.metadata()
    agency = next(path for path in files if path.endswith("agency.json"))
    below = {name if "/" in name else f"metadata/{name}": data for name, data in kept.items()}
    assert below == {path: data for path, data in files.items() if not path.endswith(".hefu")}
    assert agency in below

    again = Reader(tmp_path / "elsewhere").open(below)
    assert again.find(STREAM, 1) == seen.find(STREAM, 1)
    assert again.metadata() == kept


def test_a_view_stays_as_it_was_whatever_happens_meanwhile(reader: Reader) -> None:
    carrier = MemoryCarrier(edition(1).write())
    old = reader.open(carrier)
    before = old.metadata()
    carrier.files |= edition(2).write()
    new = reader.open(carrier)
    assert (old.metadata(), new.last(STREAM)) == (before, 2)
    assert old.last(STREAM) == 1


def test_the_second_look_asks_for_what_may_have_changed(reader: Reader) -> None:
    reader.open(files := edition(1).write()).find(STREAM, 1)
    carrier = CountingCarrier(files)
    reader.open(carrier).find(STREAM, 1)
    assert carrier.asked == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_another_agencys_repository_is_not_taken_for_the_partners(reader: Reader) -> None:
    with pytest.raises(VerificationError) as caught:
        reader.open(edition(1).write()).trust(RECEIVER)
    assert (caught.value.step, caught.value.expected) == ("trust", RECEIVER)


# how old it is


def test_the_clock_is_the_callers_and_python_tuf_still_has_one(reader: Reader) -> None:
    """``reference_time`` is not public in python-tuf; this fails when it goes by another name."""
    root = edition(1).write()["metadata/1.root.json"]
    from tuf.ngclient.config import EnvelopeType

    assert hasattr(TrustedMetadataSet(root, EnvelopeType.METADATA), "reference_time")
    fresh = reader.open(edition(1).write(), NOW + 13 * DAY).freshness
    assert (fresh.published_time, fresh.expires) == (NOW, NOW + 14 * DAY)
    assert not fresh.is_stale
    with pytest.raises(VerificationError, match="too old"):
        reader.open(edition(1).write(), NOW + 14 * DAY)


@pytest.mark.parametrize(("after", "allowed"), [(14, 1), (29, 16), (14 + 366, 366 + 1)])
def test_a_slow_disk_is_taken_as_long_as_its_reader_allows(
    reader: Reader, after: int, allowed: int
) -> None:
    periods = replace(edition(1).periods, bundles=timedelta(days=2000))
    files = replace(edition(1), periods=periods).write()
    seen = reader.open(files, NOW + after * DAY, max_stale_days=allowed)
    assert seen.freshness.is_stale
    with pytest.raises(VerificationError) as caught:
        reader.open(files, NOW + after * DAY, max_stale_days=allowed - 1)
    assert caught.value.step == "trust"
    assert "ended 2026-" in caught.value.found


def test_what_was_published_in_the_future_points_at_a_wrong_clock(reader: Reader) -> None:
    reader.open(edition(1).write(), NOW - timedelta(minutes=59))
    with pytest.raises(VerificationError, match="in the future") as caught:
        reader.open(edition(1).write(), NOW - timedelta(minutes=61))
    assert "clock" in str(caught.value.hint)


# what does not come


@pytest.mark.parametrize("failing", range(1, 10))
def test_a_line_that_is_down_is_told_as_that_and_leaves_a_whole_view_or_none(
    reader: Reader, tmp_path: Path, failing: int
) -> None:
    """Also where the next root would be: a failure must never look like "there is none"."""
    carrier = CountingCarrier(replace(edition(2), roots=(RootOf(), RootOf())).write(), failing)

    def look() -> None:
        seen = reader.open(carrier)
        listed = seen.find(STREAM, 1)
        assert listed is not None
        seen.download(listed, tmp_path / "came")

    with pytest.raises(RetryableError, match="the line is down"):
        look()
    left = set(reader.memory()) - {"root_history/2.root.json"}
    assert bool(left) == (failing > 7), "roots 2 and 3, timestamp, three lists, agency.json: seven"


def test_where_there_is_no_repository_a_person_is_told_what_to_do(reader: Reader) -> None:
    with pytest.raises(RefusedError, match="no repository here") as caught:
        reader.open({})
    assert "address or folder" in str(caught.value.hint)
    assert reader.memory() == {}


@pytest.mark.parametrize("name", ["snapshot", "targets", "bundles", SEGMENT])
def test_a_list_that_is_named_and_not_there_is_an_incomplete_copy(
    reader: Reader, name: str
) -> None:
    files = {p: d for p, d in edition(1).write().items() if not p.endswith(f".{name}.json")}
    with pytest.raises(MissingError, match="listed is not there"):
        reader.open(files).find(STREAM, 1)


def test_a_listed_bundle_that_is_withheld_is_told_by_its_name(
    reader: Reader, tmp_path: Path
) -> None:
    files = {p: d for p, d in edition(1).write().items() if not p.endswith(".hefu")}
    seen = reader.open(files)
    listed = seen.find(STREAM, 1)
    assert listed is not None
    with pytest.raises(MissingError) as caught:
        seen.download(listed, tmp_path / "came")
    assert listed.place in str(caught.value.where)


# changes of trust


def test_many_changes_of_trust_are_followed_a_bounded_number_at_a_time(reader: Reader) -> None:
    files = replace(edition(1), roots=(RootOf(),) * 6).write()
    limits = replace(DEFAULT_LIMITS, root_count=2)
    for _ in range(2):
        with pytest.raises(RetryableError, match="2 changes of trust"):
            reader.open(files, limits=limits)
    assert reader.open(files, limits=limits).root_version == 6


def test_a_new_root_is_remembered_even_if_what_it_speaks_of_is_refused(reader: Reader) -> None:
    """It takes trust from a key: who withholds the rest must not make us forget that."""
    reader.open(edition(1).write())
    rotated = RootOf(online=(KEY_B,))
    files = replace(edition(2), roots=(RootOf(), rotated)).write()
    signed_by_the_old_key = files | {
        path: data
        for path, data in edition(2).write().items()
        if path.endswith(("timestamp.json", "snapshot.json"))
    }
    with pytest.raises(VerificationError, match="not signed by the keys"):
        reader.open(signed_by_the_old_key)
    assert "root_history/2.root.json" in reader.memory()
    with pytest.raises(VerificationError, match="not signed by the keys"):
        reader.open(edition(2).write())
    assert reader.open(files).last(STREAM) == 2


def test_a_root_that_is_not_of_our_form_is_not_remembered(reader: Reader) -> None:
    files = replace(
        edition(1), roots=(RootOf(),) * 3, alter={"root.3": lambda s: s.update(note="x")}
    ).write()
    with pytest.raises(VerificationError) as caught:
        reader.open(files)
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.field) == ("3.root.json", "note")
    assert set(reader.memory()) == {"root_history/2.root.json"}


def test_the_cards_root_must_be_of_our_form(reader: Reader) -> None:
    altered = replace(edition(1), alter={"root.1": lambda s: s.update(note="x")})
    reader.bootstrap = altered.write()["metadata/1.root.json"]
    with pytest.raises(VerificationError) as caught:
        reader.open(edition(1).write())
    assert caught.value.step == "trust"


# what is remembered


def test_a_stream_goes_on_from_what_was_taken_in(reader: Reader) -> None:
    seen = reader.open(edition(3).write())
    seen.check_continues(STREAM, ChainHead.start())
    seen.check_continues(STREAM, ChainHead(2, file(2).statement_sha256))
    for head, found in [
        (ChainHead(4, file(4).statement_sha256), "nothing above number 3"),
        (ChainHead(3, file(3, "b").statement_sha256), file(3).statement_sha256),
        (ChainHead(300, file(300).statement_sha256), "nothing above number 3"),
    ]:
        with pytest.raises(VerificationError, match="no longer lists") as caught:
            seen.check_continues(STREAM, head)
        assert found in caught.value.found


def test_a_memory_that_came_back_from_a_backup_is_noticed_by_what_was_taken_in(
    reader: Reader,
) -> None:
    """Trusted folder and repository both of yesterday fit each other; the lake knows better."""
    yesterday = edition(1).write()
    reader.open(yesterday)
    old = reader.memory()
    head = reader.open(edition(2).write()).find(STREAM, 2)
    assert head is not None
    for name, data in old.items():
        (reader.folder / name).write_bytes(data)
    seen = reader.open(yesterday)
    with pytest.raises(VerificationError, match="no longer lists"):
        seen.check_continues(STREAM, ChainHead(2, head.statement_sha256))


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "root_history/2.root.json"])
def test_a_damaged_memory_is_not_passed_over(reader: Reader, name: str) -> None:
    files = replace(edition(2), roots=(RootOf(), RootOf())).write()
    reader.open(files)
    (reader.folder / name).write_bytes(reader.memory()[name][:100])
    with pytest.raises(ConfigError, match="damaged") as caught:
        reader.open(files)
    assert caught.value.where is not None
    assert str(caught.value.where.file).endswith(name)
    (reader.folder / name).unlink()
    assert reader.open(files).last(STREAM) == 2


class _Killed(BaseException):
    """Nothing after it runs but what the kernel does."""


def _kill_at(monkeypatch: pytest.MonkeyPatch, moment: int) -> Callable[[], None]:
    """Before the ``moment``-th step of writing: each fsync, each replace."""
    done = 0

    def step(real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            nonlocal done
            done += 1
            if done == moment:
                raise _Killed
            return real(*args)

        return run

    monkeypatch.setattr(state.os, "fsync", step(os.fsync))
    monkeypatch.setattr(Path, "replace", step(Path.replace))
    return monkeypatch.undo


def test_a_kill_at_any_moment_leaves_a_memory_that_works_and_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = edition(1).write()
    new = replace(edition(2), roots=(RootOf(), RootOf((ROOT_1, ROOT_2), 2, (KEY_B,)))).write()
    moment, was_killed = 0, True
    while was_killed:
        moment, was_killed = moment + 1, False
        reader = Reader(tmp_path / str(moment))
        reader.open(old).find(STREAM, 1)
        undo = _kill_at(monkeypatch, moment)
        try:
            reader.open(new).find(STREAM, 2)
        except _Killed:
            was_killed = True
        finally:
            undo()
        if reader.memory().get("timestamp.json") == new["metadata/timestamp.json"]:
            with pytest.raises(VerificationError):
                reader.open(old)
        assert reader.open(new).last(STREAM) == 2
        assert not list(reader.folder.glob(".partial-*"))
        with pytest.raises(VerificationError):
            reader.open(old)
    assert moment > 15, "root, timestamp, snapshot, bundles, segment: three steps each"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(days=st.lists(st.integers(1, 5), min_size=1, max_size=7))
def test_in_whatever_order_copies_come_versions_never_go_back(
    days: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    reader = Reader(tmp_path_factory.mktemp("order") / "trusted")
    newest = 0
    for number in days:
        before = reader.memory()
        try:
            seen = reader.open(_WRITTEN[number], NOW + 4 * DAY)
        except VerificationError:
            assert number < newest
            assert reader.memory() == before
        else:
            assert (seen.last(STREAM), number >= newest) == (number, True)
            newest = number


_WRITTEN = {number: edition(number).write() for number in range(1, 6)}


@pytest.mark.parametrize(
    "path", sorted(p for p in _WRITTEN[1] if p.startswith("metadata/") and "root" not in p)
)
def test_a_changed_byte_of_any_list_is_refused_and_leaves_no_trace(
    reader: Reader, path: str
) -> None:
    """One byte in each 37th place here; every byte of a bundle is another test's."""
    for at in range(0, len(_WRITTEN[1][path]), 37):
        data = bytearray(_WRITTEN[1][path])
        data[at] ^= 1
        with pytest.raises(HefuError) as caught:
            reader.open(_WRITTEN[1] | {path: bytes(data)}).find(STREAM, 1)
        assert isinstance(caught.value, VerificationError)
        if SEGMENT not in path:
            assert reader.memory() == {}


# signatures on which verifiers disagree


def test_lists_and_statements_are_held_to_one_rule_of_signatures() -> None:
    message = b"message"
    honest, secret = plain_sign(KEY_A.seed, message)
    for key, signature, is_good in [
        (KEY_A.public, honest, True),
        (KEY_A.public, unreduced(honest), False),
        (KEY_A.public, with_neutral_nonce(secret, KEY_A.public.raw, message), False),
        (SMALL.public, FOR_EVERYTHING, False),
        (MIXED.public, only_with_cofactor(message), False),
    ]:
        assert key.verifies(signature, message) is is_good
        named = Signature(key.key_id, signature.hex())
        try:
            tuf_key(key).verify_signature(named, message)
            read_signed(_envelope(key.key_id, signature.hex()), "x.json")
            listed = True
        except (UnverifiedSignatureError, VerificationError):
            listed = False
        # A key of small order is refused where the lists name it (rules.check_keys).
        assert listed is is_good


@pytest.mark.parametrize("sig", ["", "00", "A" * 128, "0" * 127, " " + "0" * 127, "g" * 128])
def test_a_signature_has_one_spelling(sig: str) -> None:
    with pytest.raises(VerificationError):
        read_signed(_envelope("0" * 64, sig), "x.json")


def _envelope(key_id: str, sig: str) -> bytes:
    return f'{{"signatures":[{{"keyid":"{key_id}","sig":"{sig}"}}],"signed":{{}}}}'.encode()


def test_of_readers_at_once_none_takes_the_memory_back(reader: Reader) -> None:
    """Four look at four editions at the same time: each is told the truth, the newest stays."""

    def look(number: int) -> int:
        try:
            return reader.open(_WRITTEN[number], NOW).last(STREAM)
        except VerificationError:
            return 0

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(look, [4, 2, 3, 5, 1, 5, 2]))
    assert seen[3] == seen[5] == 5
    assert all(one in (0, number) for one, number in zip(seen, [4, 2, 3, 5, 1, 5, 2], strict=True))
    assert reader.memory()["timestamp.json"] == _WRITTEN[5]["metadata/timestamp.json"]
