"""How keys, roles, their ends and a pending change are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hefu.terminal import say, say_table, say_warning, tr

if TYPE_CHECKING:
    from exchange.keys.signing import PublicKey
    from exchange.trust.ceremony import Terms
    from exchange.trust.drafts import Draft, Needed
    from hefu.node import Node

_WARN_BEFORE = timedelta(days=90)
"""An offline ceremony needs people and safes, so it is announced this long ahead."""


@dataclass(frozen=True, slots=True)
class RoleStanding:
    """One role: what it is for, until when it is signed. ``is_due``: sign it anew now."""

    role: str
    version: int
    expires: datetime
    is_due: bool
    is_expired: bool


@dataclass(frozen=True, slots=True)
class Standing:
    terms: Terms
    roles: tuple[RoleStanding, ...]
    draft: Draft | None
    change_folder: str

    @property
    def due(self) -> list[RoleStanding]:
        return [role for role in self.roles if role.is_due or role.is_expired]


def read_standing(node: Node, now: datetime) -> Standing:
    """What holds, as the repository says. Raises ``ConfigError``, ``VerificationError``."""
    from exchange.repository.tree import read_tree
    from exchange.trust import roles
    from exchange.trust.ceremony import read_terms
    from hefu.trust_change import change_folder, pending

    repository = node.place("repository")
    terms = read_terms(repository)
    tree, periods = read_tree(repository), node.periods()
    segments = [tree.segment(role) for role in tree.segments()]
    oldest = min((one.expires for one in segments), default=None)
    ends = {
        roles.ROOT: (tree.root_version, tree.root.expires),
        roles.TARGETS: (tree.targets.version, tree.targets.expires),
        roles.BUNDLES: (
            tree.bundles.version,
            min(tree.bundles.expires, oldest or tree.bundles.expires),
        ),
        roles.SNAPSHOT: (tree.snapshot.version, tree.snapshot.expires),
        roles.TIMESTAMP: (tree.timestamp.version, tree.timestamp.expires),
    }
    found = tuple(
        RoleStanding(
            role,
            version,
            expires,
            role in (roles.ROOT, roles.TARGETS)
            and expires - now < min(_WARN_BEFORE, periods.offline / 3),
            expires <= now,
        )
        for role, (version, expires) in ends.items()
    )
    return Standing(terms, found, pending(node), str(change_folder(node)))


def as_dict(standing: Standing) -> dict[str, Any]:
    """For ``--json``; keys by their ids, never anything of a private key."""
    terms = standing.terms
    return {
        "agency": {"code": terms.facts.code, "name": terms.facts.name},
        "repository": terms.facts.repository,
        "recipients": list(terms.facts.recipients),
        "sealed_recipients": list(terms.facts.sealed_recipients),
        "root": {"threshold": terms.root_threshold, "keys": _ids(terms.root_keys)},
        "bundles": {"threshold": terms.bundles_threshold, "keys": _ids(terms.bundle_keys)},
        "online_key": terms.online_key.key_id,
        "roles": [
            {
                "role": role.role,
                "version": role.version,
                "expires": role.expires,
                "renew": role.is_due,
                "expired": role.is_expired,
            }
            for role in standing.roles
        ],
        "pending": _draft_dict(standing.draft, standing.change_folder) if standing.draft else None,
    }


def _ids(keys: tuple[PublicKey, ...]) -> list[str]:
    return [key.key_id for key in keys]


def _draft_dict(draft: Draft, folder: str) -> dict[str, Any]:
    from exchange.trust.describing import key_changes

    return {
        "folder": folder,
        "changes": [
            {"key": one.key.key_id, "kind": one.kind, "change": one.mark}
            for one in key_changes(draft)
        ],
        "complete": draft.progress.is_complete,
        "needed": {
            "old_root": _needed_dict(draft.progress.old),
            "new_root": _needed_dict(draft.progress.new),
        },
    }


def _needed_dict(needed: Needed) -> dict[str, Any]:
    return {
        "threshold": needed.threshold,
        "signed": _ids(needed.signed),
        "missing": needed.missing,
        "can_sign": _ids(needed.waiting),
    }


def tell_standing(standing: Standing) -> None:
    terms = standing.terms
    kinds = [
        (tr("root key (offline)", "根密钥（离线）"), terms.root_keys, terms.root_threshold),
        (tr("online key", "在线密钥"), (terms.online_key,), None),
        (tr("cosigner", "第二签名人密钥"), terms.cosigner_keys, None),
    ]
    say(f"{terms.facts.name} ({terms.facts.code})")
    say_table(
        [tr("key", "密钥"), tr("for", "用途"), tr("fingerprint", "指纹")],
        [(key.key_id[:8], what, key.fingerprint) for what, keys, _ in kinds for key in keys],
    )
    say(
        tr(
            f"root keys that must sign a change of keys: {terms.root_threshold} of "
            f"{len(terms.root_keys)}; keys that must sign a bundle: {terms.bundles_threshold} of "
            f"{len(terms.bundle_keys)}",
            f"更换密钥须签名的根密钥：{len(terms.root_keys)} 把中 {terms.root_threshold} 把；"
            f"数据包须签名的密钥：{len(terms.bundle_keys)} 把中 {terms.bundles_threshold} 把",
        )
    )
    say(
        tr(
            f"bundles for us are encrypted to: {', '.join(terms.facts.recipients) or '–'}",
            f"发给本机构的数据包加密到：{'、'.join(terms.facts.recipients) or '–'}",
        )
    )
    say_table(
        [tr("signed list", "签名清单"), tr("version", "版本"), tr("good until", "有效期至")],
        [(r.role, str(r.version), r.expires.date().isoformat()) for r in standing.roles],
        numbers=(1,),
    )
    for role in standing.due:
        tell_due(role)
    if standing.draft is not None:
        tell_pending(standing.draft, standing.change_folder)


def tell_due(role: RoleStanding) -> None:
    day = role.expires.date().isoformat()
    word = tr("ended on", "已于以下日期失效：") if role.is_expired else tr("ends on", "即将到期：")
    by_hand = role.role in ("root", "targets")
    say_warning(
        tr(f"{role.role} {word} {day}", f"{role.role} {word}{day}"),
        tr(
            "hefu keys renew, with the root keys" if by_hand else "hefu publish signs it anew",
            "请取出根密钥执行 hefu keys renew" if by_hand else "执行 hefu publish 即自动续签",
        ),
    )


def tell_pending(draft: Draft, folder: str) -> None:
    """Which signatures a change still needs, and how they are given."""
    say(tr(f"a change of keys is under way: {folder}", f"有一项密钥变更正在进行：{folder}"))
    if draft.progress.is_complete:
        say(tr("  all signatures are there: hefu keys apply", "  签名已齐：请执行 hefu keys apply"))
        return
    groups = [
        (tr("root keys that hold now", "现有根密钥"), draft.progress.old),
        (tr("root keys after the change", "变更后的根密钥"), draft.progress.new),
    ]
    if draft.progress.old == draft.progress.new:
        groups = [(tr("root keys", "根密钥"), draft.progress.old)]
    for name, needed in groups:
        say(
            tr(
                f"  {name}: {len(needed.signed)} of {needed.threshold} signature(s)",
                f"  {name}：{needed.threshold} 个签名中已有 {len(needed.signed)} 个",
            )
        )
        if needed.missing:
            keys = ", ".join(key.key_id[:8] for key in needed.waiting)
            say(tr(f"    can sign: {keys}", f"    可签名的密钥：{keys}"))
    say(
        tr(
            "  copy the folder to each holder of such a key; there: hefu keys sign FOLDER "
            "--root-key FILE; bring it back, then: hefu keys apply",
            "  请将该目录拷给各密钥保管人，由其执行 hefu keys sign 目录 --root-key 文件；"
            "带回后执行 hefu keys apply",
        )
    )
