"""Lays the region out on disk and starts its systems.

::

    demo/
      .hefu-region.json     seed, number of records and time: made by us, may be removed by us
      anji/ guangde/ ningguo/   the three nodes, as hefu init makes them, with their sources
      systems/<agency>/…    what the systems have in store: drop folders and web interfaces' data
      ground-truth.json     which defects were put in, and what must become of them
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from examples.introduce import introduce_all, make_node
from examples.region import drops, feeds
from examples.region.agencies import AGENCIES, Agency
from examples.region.feeds import Feed
from examples.region.generator import DEFAULT_RECORDS, Entry, Generated, generate
from examples.region.ledger import Ledger
from examples.region.systems.running import APIS, data_path, token_path
from exchange.keys.pairs import write_pair_key
from hefu import scaffold
from hefu.node import load_node
from schemas.errors import ConfigError, Where
from schemas.identities.tokens import KEY_BYTES
from schemas.text import Text

MARKER: Final = ".hefu-region.json"
_HERE: Final = Path(__file__).parent
# the stem of the files that each dropping system writes
DROPS: Final[tuple[tuple[Feed[Any], str], ...]] = (
    (feeds.WIM, "guoche"),
    (feeds.YUNZHENG, "anjian"),
    (feeds.GUANGDE_HOTLINE, "gongdan"),
    (feeds.JIANCHA, "jiancha"),
    (feeds.NINGGUO_HOTLINE, "gongdan"),
)

Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    del done, total


@dataclass(frozen=True, slots=True)
class Region:
    """A region on disk, as it was set up."""

    root: Path
    seed: int
    records: int
    now: datetime

    def node(self, agency: Agency) -> Path:
        return self.root / agency.folder

    @property
    def ground_truth(self) -> Path:
        return self.root / "ground-truth.json"

    def generated(self) -> Generated:
        """What was put into the systems, computed again."""
        return generate(self.seed, self.records, self.now)


def set_up(
    target: Path,
    seed: int,
    now: datetime,
    records: int = DEFAULT_RECORDS,
    progress: Progress = _silent,
) -> Region:
    """Make the region in ``target``, which must be empty or not there (see :func:`clear`).

    ``now`` is aware; everything in the systems happened before it. ``progress`` is told the
    rows written so far and in all. The same arguments give the same systems; keys and access
    tokens are new each time. Raises :class:`ConfigError` if ``target`` holds anything.
    """
    if target.exists() and any(target.iterdir()):
        raise ConfigError(
            Text(en="the folder is not empty", zh="文件夹不是空的"),
            where=Where(str(target)),
            hint=Text(en="choose another with --target", zh="请用 --target 指定其他文件夹"),
        )
    target.mkdir(parents=True, exist_ok=True)
    region = Region(target.absolute(), seed, records, now)
    marker = {"seed": seed, "records": records, "now": now.isoformat()}
    (target / MARKER).write_text(json.dumps(marker) + "\n", encoding="utf-8")
    _make_nodes(region)
    generated = region.generated()
    _fill_systems(region, generated, progress)
    _write_ground_truth(region, generated.ledger)
    return region


def is_region(target: Path) -> bool:
    """Whether a region was set up in ``target``."""
    return (target / MARKER).is_file()


def open_region(target: Path) -> Region:
    """The region that was set up in ``target``. Raises :class:`ConfigError` if there is none."""
    path = target / MARKER
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
        return Region(
            root=target.absolute(),
            seed=marker["seed"],
            records=marker["records"],
            now=datetime.fromisoformat(marker["now"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            Text(en="there is no example region here", zh="此处没有示例区域"),
            where=Where(str(path)),
            hint=Text(en="run make demo first", zh="请先运行 make demo"),
        ) from error


def clear(target: Path) -> None:
    """Remove a region that :func:`set_up` made, and nothing else.

    Raises :class:`ConfigError` for a folder that holds anything but has not our marker.
    """
    if not target.exists() or not any(target.iterdir()):
        return
    if target.is_symlink() or not (target / MARKER).is_file():
        raise ConfigError(
            Text(
                en="this folder was not made by the demo, so it is left alone",
                zh="此文件夹不是演示程序建立的，未作改动",
            ),
            where=Where(str(target)),
            hint=Text(en="choose another with --target", zh="请用 --target 指定其他文件夹"),
        )
    shutil.rmtree(target)


def next_night(region: Region) -> None:
    """Let a day pass in every system: new rows, corrections, and rows that come in late."""
    generated = region.generated()
    for feed, stem in DROPS:
        folder = drop_folder(region, feed)
        entries = _of_night(generated, feed, 2)
        drops.next_drop(folder, stem, _written_as(feed), entries, region.now)
    for api in APIS:
        drops.write_api_data(data_path(region.root, api), generated.feeds[api.feed.name])


def drop_folder(region: Region, feed: Feed[Any]) -> Path:
    return region.root / "systems" / feed.agency.folder / feed.system


def _written_as(feed: Feed[Any]) -> drops.Format:
    if feed.carried_as == "rest":
        raise ValueError(f"{feed.name} drops no files")
    return feed.carried_as


def _of_night(generated: Generated, feed: Feed[Any], night: int) -> list[Entry]:
    return [entry for entry in generated.feeds[feed.name] if entry.night == night]


def _fill_systems(region: Region, generated: Generated, progress: Progress) -> None:
    done, total = 0, generated.first_night
    progress(done, total)
    for feed, stem in DROPS:
        entries = _of_night(generated, feed, 1)
        drops.first_drop(drop_folder(region, feed), stem, _written_as(feed), entries, region.now)
        done += len(entries)
        progress(done, total)
    for api in APIS:
        entries = _of_night(generated, api.feed, 1)
        drops.write_api_data(data_path(region.root, api), entries)
        done += len(entries)
        progress(done, total)


def _make_nodes(region: Region) -> None:
    for agency in AGENCIES:
        who = scaffold.check_agency(agency.code, agency.name, agency.division_code)
        root = region.node(agency)
        make_node(root, who, region.now)
        shutil.copytree(_HERE / "nodes" / agency.folder, root, dirs_exist_ok=True)
    introduce_all([region.node(agency) for agency in AGENCIES])
    for one, other in combinations(AGENCIES, 2):
        _share_token_key(region, one, other)
    for agreement in sorted((_HERE / "agreements").glob("*.toml")):
        for folder in agreement.stem.split("-"):
            shutil.copy(agreement, region.root / folder / "agreements")
    for api in APIS:
        path = token_path(region.root, api)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24) + "\n", encoding="ascii")


def _share_token_key(region: Region, one: Agency, other: Agency) -> None:
    """As with ``hefu partner token-key``: one agency makes the secret, the other takes its copy."""
    key = secrets.token_bytes(KEY_BYTES)
    for agency, partner in ((one, other), (other, one)):
        node = load_node(region.node(agency))
        write_pair_key(node.pair_key_path(partner.code), key)


def _write_ground_truth(region: Region, ledger: Ledger) -> None:
    text = json.dumps(ledger.as_json(), ensure_ascii=False, indent=1)
    region.ground_truth.write_text(text + "\n", encoding="utf-8")
