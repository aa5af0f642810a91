"""What every change of keys goes through: root keys at hand, new ones, a draft, its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hefu.commands.keys_options import for_each, now
from hefu.commands.keys_sign import carry_through
from hefu.commands.keys_told import tell_pending
from hefu.commands.options import open_node
from hefu.terminal import tr
from schemas.errors import HefuError

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from exchange.keys.signing import PublicKey
    from exchange.trust.ceremony import Terms
    from hefu.node import Node
    from hefu.trust_change import RootFile

AT_ONCE = tr(
    "Done at once if enough root folders are given; else the change waits in trust-change/ for "
    "hefu keys sign on other machines and then hefu keys apply.",
    "给出足够的根密钥目录时立即完成；否则变更保存在 trust-change/，待在其他机器上执行 "
    "hefu keys sign 后，再执行 hefu keys apply。",
)


class Offline:
    """The root keys that are at hand for this change. Opened before anything is made."""

    def __init__(
        self,
        here: Node,
        terms: Terms,
        folders: Sequence[Path] | None,
        passphrases: list[str] | None,
        without: PublicKey | None = None,
    ):
        from hefu.trust_change import find_root_files, load_root_signer

        wanted = [key for key in terms.root_keys if key != without]
        files = find_root_files(folders or (), wanted)
        secrets = for_each(passphrases, [file.path for file in files], is_new=False)
        self.signers: list[Signer] = [
            load_root_signer(file, secret) for file, secret in zip(files, secrets, strict=True)
        ]

    def add(self, files: Sequence[RootFile], secrets: Sequence[str]) -> None:
        from hefu.trust_change import load_root_signer

        self.signers += [load_root_signer(f, s) for f, s in zip(files, secrets, strict=True)]


def start(ctx: typer.Context, node: Path | None) -> tuple[Node, Terms]:
    from exchange.trust.ceremony import read_terms
    from hefu.trust_change import check_none_pending

    here = open_node(ctx, node)
    check_none_pending(here)
    return here, read_terms(here.place("repository"))


def go(here: Node, wanted: Terms, at_hand: Offline) -> None:
    """Draft, sign with what is at hand, and put it into force if that is enough."""
    from hefu.trust_change import change_folder, discard, propose

    try:
        draft, progress = propose(here, wanted, at_hand.signers, now())
    except HefuError:
        discard(here)  # nothing of it holds; keys that were made for it would be in the way
        raise
    if progress.is_complete:
        carry_through(here)
    else:
        tell_pending(draft, str(change_folder(here)))


def new_root(
    here: Node,
    at_hand: Offline,
    folders: Sequence[Path] | None,
    passphrases: list[str] | None,
    public_keys: Sequence[Path] | None,
) -> tuple[PublicKey, ...]:
    """New root keys: made in ``folders`` (and signing at once), or known by their public half."""
    from hefu.trust_change import new_root_keys
    from hefu.trust_setup import check_root_folders

    made: list[RootFile] = []
    if folders:
        checked = check_root_folders(here, folders)
        secrets = for_each(passphrases, checked, is_new=True)
        made = new_root_keys(checked, secrets)
        at_hand.add(made, secrets)
    return (*(file.key for file in made), *(public_half(path) for path in public_keys or ()))


def public_half(path: Path) -> PublicKey:
    from exchange.keys.signing import load_public_key

    return load_public_key(path)
