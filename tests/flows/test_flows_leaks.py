"""Values of persons stay in landing, lake and quarantine; what is granted also in bundles.

Every personal field holds a marker that occurs nowhere else, in good rows and in rows with
every kind of defect. Then all that Hefu says and writes is searched for the markers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flows_hotline import Hotline, serving
from flows_world import LEADS, TOKEN, URL_VARIABLE, World, case, csv_text, history, order

from hefu.quarantined import open_rows

Hefu = Callable[..., Any]

#: Plates are granted; names, telephone numbers and callers are not.
PLATE, NAME, PHONE, CALLER = "示Q9Q7Z", "ZQXNAME", "ZQXPHONE", "ZQXCALLER"
PRIVATE = (NAME, PHONE, CALLER)
#: A value in a column where nobody expects a person, such as a name where a date should be.
SHIFTED = "ZQXSHIFTED"
MARKERS = (PLATE, *PRIVATE, SHIFTED)
#: Who corrects a row must see what can't be read in it: these two show it, on the screen.
SHOW_WHAT_IS_WRONG = ("check", "quarantine show")
#: Folders of a node that only its owner may read, and may hold them.
MAY_HOLD = ("landing", "lake", "quarantine")


def person(number: int, **more: str) -> dict[str, str]:
    return case(number, plate=PLATE, name=f"{NAME}{number}", phone=f"{PHONE}{number}", **more)


def drop_everything(world: World) -> None:
    """Good rows, and one of each defect, each with the markers in it."""
    rows = [
        person(1),
        person(2),
        person(3, decided="2026-02-30"),
        person(4, fine=f"{SHIFTED}4"),
        person(5, decided=f"{SHIFTED}5"),
        person(6, fine="-1"),
        person(7, fine="1"),
        person(7, fine="2"),
        person(8, sharing=f"{SHIFTED}8"),
        person(9, no=""),
    ]
    text = csv_text(rows).encode("gb18030")
    broken = csv_text([person(i) for i in range(20, 25)]).splitlines()[1:]
    more = (
        broken[0].encode("gb18030") + b",x",
        broken[1].encode("gb18030").replace("超限".encode("gb18030"), b"\xff\xff"),
        broken[2].encode("gb18030").replace(b",200,", b',"200,'),
        broken[3].encode("gb18030").replace(b",200,", b",2\x00,"),
        broken[4].encode("gb18030") + b"x" * 3_000_000,
    )
    world.drop("1.csv", text + b"\r\n".join(more) + b"\r\n")


@dataclass
class Heard:
    """All that was said."""

    texts: list[tuple[str, str]] = field(default_factory=list)

    def leaks(self) -> list[tuple[str, str]]:
        return [
            (who, marker)
            for who, text in self.texts
            for marker in MARKERS
            if marker in text
            and not (marker == SHIFTED and any(words in who for words in SHOW_WHAT_IS_WRONG))
        ]


@pytest.fixture
def hotline() -> Iterator[Hotline]:
    with serving(Hotline(TOKEN)) as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL_VARIABLE, running.url)
        yield running


def test_values_of_persons_stay_where_they_may_be(
    world: World, hotline: Hotline, hefu: Hefu, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    a, b = world.root / "a", world.root / "b"
    drop_everything(world)
    hotline.orders = [
        order(1, caller=f"{CALLER}1", phone=f"{PHONE}1"),
        order(2, caller=f"{CALLER}2", found=f"{SHIFTED}2"),
    ]
    heard = Heard()

    def say(*words: str, code: int) -> None:
        said = hefu(*words)
        assert said.code == code, said.err
        heard.texts += [(" ".join(words), said.out), (" ".join(words), said.err)]

    at_a = ("--verbose", "--node", str(a))
    say(*at_a, "check", code=0)
    say(*at_a, "sync", "--json", code=0)
    hotline.mood = "truncated"
    say(*at_a, "sync", LEADS, code=3)
    (a / "sources" / LEADS / "mapping.sql").write_text("SELECT nothing AS lead_no FROM raw")
    hotline.mood = "well"
    say(*at_a, "sync", LEADS, code=2)
    say(*at_a, "status", code=0)
    say(*at_a, "quarantine", "list", code=0)
    for row in open_rows(world.a)[::3]:
        say(*at_a, "quarantine", "show", row.row_id, code=0)
    say(*at_a, "publish", code=0)
    say("--node", str(b), "receive", code=0)
    say("--node", str(b), "status", "--json", code=0)
    heard.texts += [(f"log {r.name}", r.getMessage()) for r in caplog.records]

    assert len(open_rows(world.a)) >= 13
    assert heard.leaks() == []
    assert files_with_markers(world.root, MARKERS) == []
    assert database_leaks() == []
    # the markers did go the whole way: into A's lake, and what is granted into B's
    stored = repr(history(world.a) + history(world.a, "lead"))
    assert all(marker in stored for marker in (PLATE, *PRIVATE))
    received = repr(history(world.b) + history(world.b, "lead"))
    assert PLATE in received
    assert not any(marker in received for marker in (*PRIVATE, SHIFTED))


def files_with_markers(root: Path, markers: tuple[str, ...]) -> list[str]:
    """Files outside the private folders whose name or content holds a marker.

    A bundle's tables are compressed; tests/flows/test_flows_exchange.py unfolds them.
    """
    found = []
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        if any(marker in str(path) for marker in markers):
            found.append(str(path))
        if path.is_file() and parts[0] != "drops" and not set(parts) & set(MAY_HOLD):
            data = path.read_bytes()
            granted = {PLATE} if path.suffix == ".hefu" else set()
            found += [f"{path}: {m}" for m in set(markers) - granted if holds(data, m)]
    return found


def holds(data: bytes, marker: str) -> bool:
    escaped = marker.encode("unicode_escape")
    return any(m in data for m in (marker.encode(), marker.encode("gb18030"), escaped))


def database_leaks() -> list[str]:
    """Markers in the database of Prefect's server: run names, parameters, states, artifacts."""
    from prefect.settings import get_current_settings

    url = get_current_settings().server.database.connection_url
    assert url is not None
    path = Path(url.get_secret_value().removeprefix("sqlite+aiosqlite:///"))
    files = list(path.parent.glob(f"{path.name}*"))
    assert files
    data = b"".join(f.read_bytes() for f in files)
    assert b"sync" in data
    return [marker for marker in MARKERS if holds(data, marker)]


@pytest.mark.parametrize("folder", [*MAY_HOLD, "inbox", "tmp", "reports", "keys"])
def test_private_folders_are_their_owners_alone(world: World, folder: str) -> None:
    assert (world.root / "a" / folder).stat().st_mode & 0o077 == 0


def test_a_run_leaves_nothing_in_tmp_but_its_locks(world: World) -> None:
    world.drop("1.csv", [person(1)])
    world.sync()
    tmp = world.root / "a/tmp"
    left = [p for p in tmp.rglob("*") if p.is_file() and p.suffix != ".lock"]
    assert left == []
