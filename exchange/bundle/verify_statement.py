"""Steps ``parties``, ``agreement`` and ``stream``: is the signed statement one for us?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from exchange.agreement.model import Agreement, Grant
from exchange.agreement.versions import succeeded_by
from exchange.bundle.policy import ChainHead, Policy, Trust
from exchange.bundle.statement import Predicate, format_time
from exchange.errors import refusal
from schemas.errors import ConfigError
from schemas.text import Text


def check_parties(
    predicate: Predicate, trust: Trust, policy: Policy, now: datetime
) -> Iterator[Text]:
    if predicate.publisher.code != trust.publisher_code:
        raise refusal(
            "parties",
            Text(en="the bundle names another publisher", zh="数据包的发送单位不符"),
            expected=trust.publisher_code,
            found=predicate.publisher.code,
        )
    recipients = [r.code for r in predicate.recipients]
    if policy.recipient is None:
        yield Text(
            en=f"not checked for whom it is: it names {', '.join(recipients)}",
            zh=f"未核对接收单位：数据包所列为 {'、'.join(recipients)}",
        )
    elif policy.recipient not in recipients:
        raise refusal(
            "parties",
            Text(en="the bundle is meant for another agency", zh="数据包的接收单位不是本单位"),
            expected=policy.recipient,
            found=", ".join(recipients),
            hint=Text(
                en="delete the file and tell the sender that it went to the wrong agency",
                zh="请删除该文件，并告知发送方数据包误发",
            ),
        )
    latest = now + timedelta(seconds=policy.limits.clock_skew_seconds)
    if predicate.created_time > latest:
        raise refusal(
            "parties",
            Text(en="the bundle was made in the future", zh="数据包的生成时间晚于当前时间"),
            expected=f"at most {format_time(latest)}",
            found=format_time(predicate.created_time),
            hint=Text(en="compare the clocks of both machines", zh="请核对双方计算机的系统时间"),
        )


def check_agreement(
    predicate: Predicate, policy: Policy, now: datetime, warnings: list[Text]
) -> Grant | None:
    if not policy.agreements:
        warnings.append(
            Text(
                en="no agreement at hand: not checked which fields may be here",
                zh="未提供协议文件：未核对所含字段是否在授权范围内",
            )
        )
        return None
    named = predicate.agreement
    agreement = next(
        (a for a in policy.agreements if (a.id, a.version) == (named.id, named.version)), None
    )
    if agreement is None or agreement.digest() != named.digest:
        found = f"{named.id} version {named.version} digest {named.digest}"
        known = "; ".join(
            f"{a.id} version {a.version} digest {a.digest()}" for a in policy.agreements
        )
        raise refusal(
            "agreement",
            Text(
                en="the bundle is under another agreement than ours",
                zh="数据包所依据的协议与本方不一致",
            ),
            expected=known,
            found=found,
            hint=_NOT_HERE if agreement is None else _OTHER_TEXT,
        )
    _check_running(agreement, predicate.created_time)
    # What was made under a version in its time may be taken in under the next one: a chain can't
    # leave it out.
    if not succeeded_by(policy.agreements, agreement, now):
        try:
            agreement.check_running(now)
        except ConfigError as error:
            if not policy.standalone:
                _check_running(agreement, now)
            warnings.append(error.message)
    return _check_grant(agreement, predicate)


_NOT_HERE = Text(
    en="if it was agreed, put the file of that version into agreements/ beside the others; its "
    "digest must be the one found (hefu agreement digest FILE). If not, tell the sender",
    zh="如已就该版本达成一致，请将其协议文件放入 agreements/ 与其他版本并存，其摘要须与“实为”一致"
    "（hefu agreement digest 文件）；如未达成一致，请告知发送方",
)
_OTHER_TEXT = Text(
    en="both agencies must hold the same agreement file: compare the digests "
    "(hefu agreement digest FILE); whoever has another text than was signed puts the signed one "
    "in its place",
    zh="双方须持有相同的协议文件：请核对协议摘要（hefu agreement digest 文件），"
    "与所签文本不一致的一方应换回所签文本",
)


def _check_running(agreement: Agreement, when: datetime) -> None:
    if not agreement.is_running(when):
        raise refusal(
            "agreement",
            Text(en="the agreement does not run", zh="协议不在有效期内"),
            expected=f"{agreement.valid_from} to {agreement.valid_until}",
            found=format_time(when),
            hint=Text(en="agree on a new version with the partner", zh="请与合作单位续签协议"),
        )


def _check_grant(agreement: Agreement, predicate: Predicate) -> Grant:
    recipients = [r.code for r in predicate.recipients]
    for grant in agreement.grants:
        if agreement.stream_id(grant) == predicate.stream:
            expected = (grant.from_org, [grant.to_org], grant.purpose, grant.legal_basis)
            found = (
                predicate.publisher.code, recipients, predicate.purpose, predicate.legal_basis,
            )  # fmt: skip
            if expected == found:
                return grant
            raise refusal("agreement", _NO_GRANT, expected=expected, found=found)
    raise refusal(
        "agreement",
        _NO_GRANT,
        expected=", ".join(agreement.stream_id(g) for g in agreement.grants),
        found=predicate.stream,
    )


def check_stream(
    predicate: Predicate, digest: str, head: ChainHead | None, warnings: list[Text]
) -> None:
    if head is None:
        warnings.append(
            Text(
                en=f"not checked that nothing is missing before: this is number "
                f"{predicate.sequence} of its stream",
                zh=f"未核对前序数据包是否齐全：本数据包为该数据流第 {predicate.sequence} 号",
            )
        )
        return
    if predicate.sequence != head.sequence + 1:
        is_old = predicate.sequence <= head.sequence
        is_same = predicate.sequence == head.sequence and digest == head.statement_sha256
        raise refusal(
            "stream",
            _REPEATED if is_old else _GAP,
            expected=f"sequence {head.sequence + 1}",
            found=f"sequence {predicate.sequence}"
            + (", the bundle that was taken in last" if is_same else ""),
            hint=_REPEATED_HINT if is_old else _GAP_HINT,
        )
    if predicate.previous_statement_sha256 != head.statement_sha256:
        raise refusal(
            "stream",
            Text(
                en="the bundle continues another history than the one we have",
                zh="数据包所接续的历史与本方记录不一致",
            ),
            expected=head.statement_sha256,
            found=predicate.previous_statement_sha256,
            hint=Text(
                en="keep both bundles: one of them is not what the other agency was given; "
                "call the sender",
                zh="请保留前后两个数据包并联系发送方：双方收到的内容可能不同",
            ),
        )


_NO_GRANT = Text(
    en="the agreement holds no grant for this stream", zh="协议中没有与该数据流相符的授权"
)
_REPEATED = Text(en="this bundle's number was taken in before", zh="该序号的数据包此前已接收")
_REPEATED_HINT = Text(
    en="nothing to do if it is the same file; otherwise call the sender",
    zh="若为同一文件则无需处理；否则请联系发送方",
)
_GAP = Text(en="a bundle before this one is missing", zh="缺少该数据包之前的数据包")
_GAP_HINT = Text(en="take in the missing bundles first, in order", zh="请先按顺序接收缺少的数据包")
