"""Whatever the bytes: an archive gives members or itself, and reading never breaks."""

from __future__ import annotations

from pathlib import Path

import duckdb
from connectors_archives import CSV, Member, crafted
from connectors_world import NOW
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.delivery import Delivery
from connectors.formats.archive import expand
from connectors.landing import Landed
from connectors.raw import load_raw

_NAME = st.text(alphabet=st.sampled_from("ab/.é中\\\0 :"), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    members=st.lists(st.tuples(_NAME, st.binary(max_size=20)), max_size=4),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
    damage=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=2),
    cut=st.integers(0, 3),
)
def test_whatever_the_bytes_an_archive_gives_members_or_itself_and_reading_never_breaks(
    tmp_path_factory, files, members, encoding, damage, cut
):
    data = bytearray(crafted([Member(n.encode(encoding), CSV + d) for n, d in members]))
    for place, byte in damage:
        data[place % len(data)] = byte
    path: Path = tmp_path_factory.mktemp("zip") / "a"
    path.write_bytes(bytes(data[: len(data) - cut]))
    source = files("csv")
    landed = Landed("0" * 64, path.stat().st_size, path, "a", NOW)
    found = expand(landed, source.config.reader)
    assert found
    for one in found:
        member = one.member or "a"
        assert not member.startswith("/")
        assert not {"..", "", "."} & set(member.split("/"))
        assert not {"\\", "\0"} & set(member)
    assert len({one.key for one in found}) == len(found)
    with duckdb.connect() as con:
        load_raw(con, source.config, Delivery(found, None), secrets=str)
