"""An agency's card: the one small file with which trust in it begins.

    {"_type": "urn:hefu:card:1", "agency": {…agency.json…}, "root": {…signed root.json…}}

It is RFC 8785 JSON, so one card has one form and one digest. Nothing in it is secret, and nothing
in it is believed because of where it came from: two people compare the SHA-256 of the file aloud.
After that everything else follows from the root's signatures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import refusal
from exchange.jsontext import canonical, parse_strict, sha256_hex
from exchange.keys.signing import PublicKey
from exchange.limits import DEFAULT_LIMITS, Limits
from exchange.trust.agency import AgencyFacts, agency_of
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, Root

TYPE = "urn:hefu:card:1"
SUFFIX = ".card.json"
HEARD_DIGITS = 32
"""So many leading digits of the fingerprint must have been compared: 128 bits."""
_KEYS = {"_type", "agency", "root"}


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says. ``root``: the signed root metadata as the reader keeps it."""

    facts: AgencyFacts
    root: bytes
    sha256: str
    root_version: int
    root_keys: tuple[PublicKey, ...]
    threshold: int

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the file in groups of four, to be read aloud."""
        return grouped(self.sha256)

    def matches(self, heard: str) -> bool:
        """Whether ``heard`` is how the fingerprint begins, in any grouping or case.

        Raises ``ConfigError`` if it is not hexadecimal or fewer than 32 digits.
        """
        return self.sha256.startswith(heard_digits(heard))


def grouped(digits: str) -> str:
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def heard_digits(heard: str) -> str:
    """The hexadecimal digits of a fingerprint as somebody typed it."""
    digits = "".join(c for c in heard if not c.isspace() and c not in "-:.,，、").lower()
    if set(digits) <= set("0123456789abcdef") and HEARD_DIGITS <= len(digits) <= 64:
        return digits
    raise ConfigError(
        Text(
            en=f"a fingerprint has {HEARD_DIGITS} to 64 hexadecimal digits",
            zh=f"指纹应为 {HEARD_DIGITS} 至 64 位十六进制数字",
        ),
        hint=Text(
            en="type what the other agency reads aloud, at least the first eight groups of four",
            zh="请录入对方读出的指纹，至少前八组、每组四位",
        ),
    )


def make_card(facts: AgencyFacts, root: bytes) -> bytes:
    """The card's bytes. ``root``: signed root metadata."""
    return canonical({"_type": TYPE, "agency": facts.as_dict(), "root": json.loads(root)})


def write_card(repository: Path, to: Path, *, place: str | None = None) -> Card:
    """Write the card of the agency whose repository this is to the file ``to``.

    ``place``: where this partner fetches, if it is another place than the agency's usual one.
    Raises ``ConfigError`` if there are no keys yet, or something is at ``to``.
    """
    from exchange.trust.agency import parse_agency
    from exchange.trust.ceremony import read_offline

    offline = read_offline(repository)
    facts = parse_agency(offline.agency)
    if place is not None:
        facts = AgencyFacts(**facts.model_dump() | {"repository": place})
    data = make_card(facts, offline.root)
    card = parse_card(data, str(to))
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        with to.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise ConfigError(
            Text(en="there is something here already", zh="此处已有内容"),
            where=Where(str(to)),
            hint=Text(
                en="nothing is overwritten: remove it yourself or choose another place",
                zh="不会覆盖已有内容：请自行移除，或换一个位置",
            ),
        ) from error
    return card


def load_card(path: Path, limits: Limits = DEFAULT_LIMITS) -> Card:
    """Read a card file.

    Raises ``ConfigError`` if it can't be read, ``VerificationError`` (step ``trust``) if it is no
    card, its root does not carry its own signatures, or a key stands in it under two names.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limits.document_size + 1)
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the card cannot be read ({error.strerror})",
                zh=f"无法读取名片文件（{error.strerror}）",
            ),
            where=Where(str(path)),
            hint=Text(
                en="a card is one file, <code>.card.json, as hefu partner card writes it",
                zh="名片是一个文件（<机构代码>.card.json），由 hefu partner card 生成",
            ),
        ) from error
    return parse_card(data, str(path), limits)


def parse_card(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Card:
    """As :func:`load_card`, of bytes."""
    if len(data) > limits.document_size:
        raise _no_card(name, f"at most {limits.document_size} bytes", "more")
    if data[:1] != b"{":
        raise _no_card(name, f"{TYPE} with agency and root", "another file")
    value = parse_strict(data, "trust", name, limits)
    if set(value) != _KEYS or value["_type"] != TYPE:
        raise _no_card(name, f"{TYPE} with agency and root", ", ".join(sorted(value))[:200])
    facts = agency_of(value["agency"], entry=name)
    if not isinstance(value["root"], dict):
        raise _no_card(name, "signed root metadata", type(value["root"]).__name__)
    root = canonical(value["root"])
    version, keys, threshold = read_root(root, name, limits)
    return Card(facts, root, sha256_hex(data), version, keys, threshold)


def read_root(
    data: bytes, name: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[int, tuple[PublicKey, ...], int]:
    """Version, root keys and threshold of a root that carries its own signatures.

    Raises ``VerificationError`` (step ``trust``).
    """
    root = _checked_root(data, name, limits)
    return (root.signed.version, *_signed_by_itself(root, name))


def _checked_root(data: bytes, name: str, limits: Limits) -> Metadata[Root]:
    from tuf.api.metadata import Metadata, Root
    from tuf.api.serialization import DeserializationError

    from exchange.trust.rules import check_root

    check_root(data, name, limits)
    try:
        root: Metadata[Root] = Metadata.from_bytes(data)
    except DeserializationError as error:
        raise _no_card(name, "signed root metadata", type(error).__name__) from None
    if not isinstance(root.signed, Root):
        raise _no_card(name, "signed root metadata", type(root.signed).__name__)
    return root


def _signed_by_itself(root: Metadata[Root], name: str) -> tuple[tuple[PublicKey, ...], int]:
    from exchange.trust import roles

    keys, threshold = roles.keys_of(root.signed, roles.ROOT)
    signed = roles.signed_by(root, keys)
    if len(signed) < threshold:
        raise refusal(
            "trust",
            Text(
                en="the card's root does not carry its own signatures",
                zh="名片中的信任根缺少其自身要求的签名",
            ),
            expected=f"{threshold} good signatures of root keys",
            found=len(signed),
            entry=name,
            hint=Text(
                en="don't use this card; ask the partner for one made by hefu partner card",
                zh="请勿使用此名片；请对方用 hefu partner card 重新生成",
            ),
        )
    return keys, threshold


def _no_card(name: str, expected: object, found: object) -> Exception:
    return refusal(
        "trust",
        Text(en="this file is not an agency's card", zh="此文件不是机构名片"),
        expected=expected,
        found=found,
        entry=name,
        hint=Text(
            en="a card is one file, <code>.card.json, as hefu partner card writes it",
            zh="名片是一个文件（<机构代码>.card.json），由 hefu partner card 生成",
        ),
    )
