"""What a draft changes, in plain words for the person whose key is about to sign it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from exchange.keys.signing import PublicKey
from exchange.trust.drafts import Draft
from schemas.text import Text

Mark = Literal["comes", "goes", "stays"]
Kind = Literal["root", "online", "cosigner"]

KINDS: dict[Kind, Text] = {
    "root": Text(en="root key", zh="根密钥"),
    "online": Text(en="online key", zh="在线密钥"),
    "cosigner": Text(en="cosigner", zh="第二签名人密钥"),
}
MARKS: dict[Mark, Text] = {
    "comes": Text(en="+ comes", zh="+ 新增"),
    "goes": Text(en="- goes", zh="- 移除"),
    "stays": Text(en="  stays", zh="  保留"),
}
_FACTS = {
    "code": Text(en="code", zh="机构代码"),
    "name": Text(en="name", zh="机构名称"),
    "division_code": Text(en="division", zh="行政区划代码"),
    "repository": Text(en="publishes at", zh="发布位置"),
    "recipients": Text(en="bundles are encrypted to", zh="数据包加密公钥"),
    "sealed_recipients": Text(en="discipline leads are sealed to", zh="问题线索密封公钥"),
}


@dataclass(frozen=True, slots=True)
class KeyChange:
    kind: Kind
    key: PublicKey
    mark: Mark

    def told(self) -> Text:
        kind, mark = KINDS[self.kind], MARKS[self.mark]
        return Text(
            en=f"{mark.en:<8} {kind.en:<11} {self.key.fingerprint}",
            zh=f"{mark.zh} {kind.zh} {self.key.fingerprint}",
        )


def key_changes(draft: Draft) -> list[KeyChange]:
    """Every key before and after, each with what becomes of it; none is left out."""
    before, after = draft.current, draft.next
    pairs: tuple[tuple[Kind, tuple[PublicKey, ...], tuple[PublicKey, ...]], ...] = (
        ("root", before.root_keys, after.root_keys),
        ("online", (before.online_key,), (after.online_key,)),
        ("cosigner", before.cosigner_keys, after.cosigner_keys),
    )
    found: list[KeyChange] = []
    for kind, old, new in pairs:
        for key in dict.fromkeys((*old, *new)):
            mark: Mark = "comes" if key not in old else "goes" if key not in new else "stays"
            found.append(KeyChange(kind, key, mark))
    return found


def describe(draft: Draft, own: PublicKey | None = None) -> list[Text]:
    """Lines to read before signing. ``own``: the key that is about to sign."""
    facts, root = draft.next.facts, draft.root.signed
    lines = [
        Text(
            en=f"change of trust of {facts.name} ({facts.code}), root version "
            f"{root.version - 1} -> {root.version}",
            zh=f"{facts.name}（{facts.code}）的信任变更：信任根第 {root.version - 1} 版 → 第 "
            f"{root.version} 版",
        ),
        *(change.told() for change in key_changes(draft)),
        *_thresholds(draft),
        *_fact_changes(draft),
        _good_until(draft),
    ]
    if own is not None and not draft.knows(own):
        lines.append(
            Text(
                en="this key did not sign what holds now, so the folder alone cannot prove what "
                "was there before: compare every fingerprint above with another holder of a root "
                "key, by telephone or face to face",
                zh="此密钥未签署过当前信任根，仅凭此目录无法证明变更前的内容：请与其他根密钥保管人"
                "当面或电话核对以上每个指纹",
            )
        )
    return lines


def _thresholds(draft: Draft) -> list[Text]:
    before, after = draft.current, draft.next
    return [
        _threshold(
            Text(en="root keys that must sign a change of keys", zh="更换密钥须签名的根密钥数"),
            (before.root_threshold, len(before.root_keys)),
            (after.root_threshold, len(after.root_keys)),
        ),
        _threshold(
            Text(en="keys that must sign a bundle", zh="数据包须签名的密钥数"),
            (before.bundles_threshold, len(before.bundle_keys)),
            (after.bundles_threshold, len(after.bundle_keys)),
        ),
    ]


def _threshold(what: Text, before: tuple[int, int], after: tuple[int, int]) -> Text:
    if before == after:
        return Text(
            en=f"{what.en}: {after[0]} of {after[1]}, as before",
            zh=f"{what.zh}：{after[1]} 把中 {after[0]} 把，不变",
        )
    return Text(
        en=f"{what.en}: {before[0]} of {before[1]} -> {after[0]} of {after[1]}",
        zh=f"{what.zh}：{before[1]} 把中 {before[0]} 把 → {after[1]} 把中 {after[0]} 把",
    )


def _fact_changes(draft: Draft) -> list[Text]:
    old, new = draft.current.facts.as_dict(), draft.next.facts.as_dict()
    return [
        Text(
            en=f"{name.en}: {_value(old[field])} -> {_value(new[field])}",
            zh=f"{name.zh}：{_value(old[field])} → {_value(new[field])}",
        )
        for field, name in _FACTS.items()
        if old[field] != new[field]
    ]


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return str(value) or "–"


def _good_until(draft: Draft) -> Text:
    day = draft.expires.date().isoformat()
    return Text(en=f"good until {day}", zh=f"有效期至 {day}")
