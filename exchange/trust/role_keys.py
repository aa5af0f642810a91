"""Keys as TUF metadata names them, and what their thresholds must be.

Key ids are ours (:attr:`PublicKey.key_id`), so a key has one name and a threshold never counts
it twice; :func:`check_keys` refuses metadata in which one key stands under two names.
Nothing here reads a clock or a disk. tuf is imported when a function runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from exchange.errors import refusal
from exchange.keys.signing import PublicKey
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Key
    from tuf.api.metadata import Root, Targets


def tuf_key(key: PublicKey) -> Key:
    """A key as TUF metadata holds it, under our key id."""
    from securesystemslib.signer import SSlibKey

    return SSlibKey(key.key_id, "ed25519", "ed25519", {"public": key.raw.hex()})


def public_key(key: Key) -> PublicKey:
    """The key behind an entry of metadata. Raises ``VerificationError`` if it isn't Ed25519."""
    public = key.keyval.get("public", "")
    if (key.keytype, key.scheme) == ("ed25519", "ed25519"):
        try:
            raw = bytes.fromhex(public)
        except (TypeError, ValueError):
            raw = b""
        if len(raw) == 32:
            return PublicKey(raw)
    raise refusal(
        "trust",
        Text(
            en="a key in the metadata is not an Ed25519 key", zh="元数据中的密钥不是 Ed25519 密钥"
        ),
        expected="keytype and scheme ed25519, 64 hexadecimal digits",
        found=f"{key.keytype}, {key.scheme}",
    )


def keys_of(delegator: Root | Targets, role: str) -> tuple[tuple[PublicKey, ...], int]:
    """The keys and the threshold of a role that ``delegator`` (root or targets) gives.

    Raises ``VerificationError`` if there is no such role or :func:`check_keys` refuses.
    """
    check_keys(delegator)
    try:
        found = delegator.get_delegated_role(role)
        keys = tuple(public_key(delegator.get_key(key_id)) for key_id in found.keyids)
    except ValueError:
        raise refusal(
            "trust",
            Text(en=f"the metadata gives no role {role!r}", zh=f"元数据中没有角色 {role!r}"),
            expected=role,
            found="no such role, or one of its keys is missing",
        ) from None
    return keys, found.threshold


def check_keys(delegator: Root | Targets) -> None:
    """No key under two names, none of another kind, no threshold that can't be met.

    Raises ``VerificationError`` (step ``trust``): two names of one key would let one holder
    meet a threshold of two.
    """
    from tuf.api.metadata import Root

    if isinstance(delegator, Root):
        keys, roles = delegator.keys, dict(delegator.roles)
    elif delegator.delegations is not None:
        keys = delegator.delegations.keys
        roles = dict(delegator.delegations.roles or {})
    else:
        return
    known = {key_id: public_key(key) for key_id, key in keys.items()}
    for key_id, key in known.items():
        if key.key_id != key_id:
            raise refusal(
                "trust",
                Text(
                    en="a key in the metadata has a name that is not its own",
                    zh="元数据中的密钥标识与密钥不符",
                ),
                expected=key.key_id,
                found=key_id,
            )
    for name, role in roles.items():
        if len(set(role.keyids)) < role.threshold or not set(role.keyids) <= set(known):
            raise refusal(
                "trust",
                Text(
                    en=f"the threshold of role {name!r} can't be met",
                    zh=f"角色 {name!r} 的门限无法满足",
                ),
                expected=f"{role.threshold} different keys",
                found=f"{len(set(role.keyids) & set(known))}",
            )


def check_threshold(keys: Sequence[PublicKey], threshold: int, what: Text) -> None:
    """Raises ``ConfigError`` if ``keys`` has one twice or can't meet ``threshold``."""
    if len(set(keys)) != len(keys):
        raise ConfigError(
            Text(en=f"{what.en}: the same key is given twice", zh=f"{what.zh}：同一密钥重复")
        )
    if not 1 <= threshold <= len(keys):
        raise ConfigError(
            Text(
                en=f"{what.en}: threshold {threshold} cannot be met by {len(keys)} key(s)",
                zh=f"{what.zh}：门限为 {threshold}，但只有 {len(keys)} 个密钥",
            )
        )
