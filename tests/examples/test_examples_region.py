"""The region on disk."""

from __future__ import annotations

import csv
import json
import stat
from collections import Counter
from pathlib import Path

import pytest
from examples_constants import NOW, SMALL

from examples.region.agencies import AGENCIES, BY_CODE, Agency
from examples.region.region import (
    DROPS,
    MARKER,
    Region,
    clear,
    drop_folder,
    next_night,
    open_region,
    set_up,
)
from examples.region.systems.running import APIS, data_path, token_path
from hefu.node import load_node
from schemas.contract import load_contract
from schemas.errors import ConfigError


@pytest.mark.parametrize("agency", AGENCIES, ids=lambda agency: agency.folder)
def test_each_node_loads_with_sources_agreements_and_partners(
    small_region: Region, agency: object
) -> None:
    node = load_node(small_region.node(agency))  # type: ignore[arg-type]
    assert node.agency.code in BY_CODE
    assert len(node.sources()) == 3
    assert len(node.agreements()) == 2
    others = {each.code for each in AGENCIES} - {node.agency.code}
    assert {partner.code for partner in node.partners()} == others
    for partner in node.partners():
        mine = load_node(small_region.node(BY_CODE[partner.code])).root
        assert partner.location == str(mine / "repository")
        assert partner.root == (mine / "repository/metadata/1.root.json").read_bytes()
        assert partner.facts is not None
        recipient = (mine / "keys" / "identity.recipient.txt").read_text(encoding="ascii")
        assert partner.facts.recipients == (recipient.strip(),)


def test_both_parties_hold_the_same_agreement(small_region: Region) -> None:
    digests: dict[str, set[str]] = {}
    for agency in AGENCIES:
        for agreement in load_node(small_region.node(agency)).agreements():
            digests.setdefault(agreement.id, set()).add(agreement.digest())
            for party in agreement.parties:
                assert BY_CODE[party.code].name == party.name
    assert len(digests) == 3
    assert all(len(each) == 1 for each in digests.values())


#: What goes over of a referred lead, because the rules on referring overloads list it.
OF_A_REFERRAL = {
    "vehicle_operator_name", "driver_name", "qualification_certificate_no",
}  # fmt: skip
#: What somebody wrote of an act: for the other agency, which has to answer it.
OF_AN_ACT = {"reason_text", "result_summary"}


def test_agreements_share_no_more_than_they_need(small_region: Region) -> None:
    """Of personal data only the plate, which is what the agencies compare, and what is suspected.

    A lead says in words what is suspected; such words may name somebody, so they count as
    personal, and so does what the source wrote, of which only granted fields go over. No identity
    number, no address, no telephone number, no name of an officer.
    """
    for agency in AGENCIES:
        for agreement in load_node(small_region.node(agency)).agreements():
            for grant in agreement.grants:
                for record_type, names in grant.records.items():
                    contract = load_contract(record_type)
                    delicate = {
                        name
                        for name in names
                        if contract.field(name).classification in ("personal", "sensitive")
                    }
                    more = {
                        "lead": OF_A_REFERRAL,
                        "procedure_act": OF_AN_ACT,
                        "sealed_lead": {"sealed_sha256"},
                    }
                    assert delicate <= {
                        "vehicle_plate_no", "suspected_violation", "raw_values",
                        *more.get(record_type, ()),
                    }  # fmt: skip


def test_keys_and_tokens_are_for_their_owner_only(small_region: Region) -> None:
    secret = [small_region.node(agency) / "keys" / "signing.pem" for agency in AGENCIES]
    secret += [small_region.node(agency) / "keys" / "identity.pem" for agency in AGENCIES]
    secret += [token_path(small_region.root, api) for api in APIS]
    secret += [path for a in AGENCIES for path in _pair_keys(small_region, a)]
    for path in secret:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _pair_keys(region: Region, agency: Agency) -> list[Path]:
    return sorted((region.node(agency) / "keys" / "pairs").iterdir())


def test_each_pair_of_agencies_has_a_token_key_of_its_own(small_region: Region) -> None:
    found = [path.read_bytes() for a in AGENCIES for path in _pair_keys(small_region, a)]
    assert len(found) == 6
    assert sorted(Counter(found).values()) == [2, 2, 2]


def test_the_files_are_gb18030_and_hold_every_row_once(small_region: Region) -> None:
    generated = small_region.generated()
    for feed, stem in DROPS:
        files = sorted(drop_folder(small_region, feed).iterdir())
        assert files
        assert all(path.name.startswith(stem) for path in files)
        rows = 0
        for path in files:
            if feed.carried_as == "csv":
                with path.open(encoding="gb18030", errors="strict", newline="") as text:
                    rows += sum(1 for _ in csv.DictReader(text))
            elif feed.carried_as == "jsonl":
                rows += len(path.read_text(encoding="utf-8").splitlines())
            else:
                rows += len(json.loads(path.read_text(encoding="utf-8"))["list"])
        assert rows == generated.ledger.expected(feed.name).received


def test_the_ground_truth_lies_beside_it(small_region: Region) -> None:
    truth = json.loads(small_region.ground_truth.read_text(encoding="utf-8"))
    assert truth == json.loads(json.dumps(small_region.generated().ledger.as_json()))


def test_it_is_found_again(small_region: Region, tmp_path: Path) -> None:
    assert open_region(small_region.root) == small_region
    with pytest.raises(ConfigError, match="no example region"):
        open_region(tmp_path)


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="not empty"):
        set_up(tmp_path, 1, NOW, 50)
    with pytest.raises(ConfigError, match="not made by the demo"):
        clear(tmp_path)
    assert (tmp_path / "letter.txt").read_text(encoding="utf-8") == "mine"


def test_a_region_is_removed_and_made_afresh(tmp_path: Path) -> None:
    target = tmp_path / "demo"
    clear(target)  # nothing there: nothing to do
    set_up(target, 1, NOW, 50)
    clear(target)
    assert not target.exists()
    assert (set_up(target, 2, NOW, 50).root / MARKER).is_file()


def test_a_link_to_a_region_is_not_followed(tmp_path: Path) -> None:
    set_up(tmp_path / "demo", 1, NOW, 50)
    (tmp_path / "link").symlink_to(tmp_path / "demo")
    with pytest.raises(ConfigError):
        clear(tmp_path / "link")
    assert (tmp_path / "demo" / MARKER).is_file()


def test_a_day_passes(tmp_path: Path) -> None:
    region = set_up(tmp_path / "demo", 7, NOW, SMALL)
    folders = {drop_folder(region, feed) for feed, _ in DROPS}
    before = {folder: set(folder.iterdir()) for folder in folders}
    first = {api.profile: _lines(data_path(region.root, api)) for api in APIS}
    next_night(region)
    for folder in folders:
        (new,) = set(folder.iterdir()) - before[folder]
        assert new.stem.endswith("_20261123")
    ledger = region.generated().ledger
    for api in APIS:
        more = _lines(data_path(region.root, api)) - first[api.profile]
        assert more == ledger.expected(api.feed.name, 2).received


def test_progress_counts_rows_up_to_all_of_them(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    region = set_up(tmp_path / "demo", 1, NOW, 200, lambda done, total: seen.append((done, total)))
    total = region.generated().first_night
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
