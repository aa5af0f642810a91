"""Partners: whose keys, how many of them, and where their bundles are."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import KEY_A, KEY_B, SENDER

from exchange.bundle.verify import Trust
from exchange.trust.partner import load_partner
from schemas.errors import ConfigError

TEXT = f'code = "{SENDER}"\nname = "甲测试支队"\n'


def make(folder: Path, text: str = TEXT, **keys: bytes) -> Path:
    (folder / "partner.toml").write_text(text, encoding="utf-8")
    for name, pem in (keys or {"a": KEY_A.public.pem}).items():
        (folder / f"{name}.pem").write_bytes(pem)
    return folder


def test_a_partner_is_its_folder(tmp_path: Path) -> None:
    partner = load_partner(make(tmp_path, a=KEY_A.public.pem, b=KEY_B.public.pem))
    assert partner.trust == Trust(SENDER, (KEY_A.public, KEY_B.public), 1)
    assert (partner.code, partner.name, partner.location) == (SENDER, "甲测试支队", None)


def test_a_key_in_two_files_is_one_key(tmp_path: Path) -> None:
    folder = make(tmp_path, TEXT + "threshold = 2\n", a=KEY_A.public.pem, b=KEY_A.public.pem)
    with pytest.raises(ConfigError, match="cannot be met by 1 different"):
        load_partner(folder)


@pytest.mark.parametrize(
    ("repository", "location"),
    [
        ("https://example.invalid/hefu", "https://example.invalid/hefu"),
        ("/mnt/disk", "/mnt/disk"),
        ("../repository", None),
    ],
)
def test_a_repository_is_an_address_or_a_folder(
    tmp_path: Path, repository: str, location: str | None
) -> None:
    folder = tmp_path / "partners"
    folder.mkdir()
    partner = load_partner(make(folder, TEXT + f'repository = "{repository}"\n'))
    assert partner.location == (location or str(tmp_path / "repository"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('keys = ["none*.pem"]', "no public key matches 'none*.pem'"),
        ('keys = ["../a.pem"]', "must lie in the partner's folder"),
        ('keys = ["/a.pem"]', "must lie in the partner's folder"),
        ("keys = []", "at least 1 item"),
        ("threshold = 0", "greater than or equal to 1"),
        ('repositry = "x"', "unknown key 'repositry'"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_partner(make(tmp_path, f"{TEXT}{line}\n"))
    assert said in caught.value.message.en
    assert caught.value.where is not None
    assert caught.value.where.file == str(tmp_path / "partner.toml")
