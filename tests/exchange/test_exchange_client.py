"""What a reader sees of a publisher, how old it is, and what is told when it does not come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from bundles import KEY_A, KEY_B, RECEIVER
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
from repositories import RootOf
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

from exchange.bundle.policy import Trust
from exchange.jsontext import sha256_hex
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.memory import MemoryCarrier
from exchange.trust.refusals import MissingError
from schemas.errors import RefusedError, RetryableError, VerificationError


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
