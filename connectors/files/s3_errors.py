"""What an S3 store's answers mean, in words, and whether asking again may help.

The library tells errors as text; the store's own ``<Code>`` in it is what is looked at. The text
itself is never shown: it quotes addresses, keys and requests.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from connectors.files.place import LostError
from connectors.files.settings import S3Place
from schemas.errors import OutsideError, RefusedError, Where
from schemas.text import Text

_CODE = re.compile(r"<Code>([A-Za-z]+)</Code>")
_QUOTED = re.compile(r'ath "([^"]*)"')
_STATUS = re.compile(r"status code: (\d{3})")
_BUSY = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"})

_REFUSALS: dict[str, tuple[Text, Text]] = {
    "NoSuchBucket": (
        Text(en="there is no such bucket", zh="存储桶不存在"),
        Text(en="check bucket and endpoint", zh="请检查 bucket 和 endpoint"),
    ),
    "AccessDenied": (
        Text(
            en="access denied: this access key may not list or read here",
            zh="访问被拒绝：该访问密钥无权在此列出或读取对象",
        ),
        Text(
            en="ask for the rights s3:ListBucket and s3:GetObject on this bucket and prefix",
            zh="请向运维方申请该存储桶及前缀的 s3:ListBucket 和 s3:GetObject 权限",
        ),
    ),
    "SignatureDoesNotMatch": (
        Text(
            en="the signature does not match: the secret key is wrong",
            zh="签名不匹配：secret_key 有误",
        ),
        Text(
            en="check what secret_key names, and region if the store is strict about it",
            zh="请检查 secret_key 所指的密钥；部分存储还会核对 region",
        ),
    ),
    "InvalidAccessKeyId": (
        Text(en="the store does not know this access key", zh="存储服务中没有此访问密钥"),
        Text(
            en="check what access_key names, or whether the key was withdrawn",
            zh="请检查 access_key 所指的密钥，或确认其是否已被停用",
        ),
    ),
    "RequestTimeTooSkewed": (
        Text(
            en="this machine's clock differs too much from the store's",
            zh="本机时钟与存储服务相差过大",
        ),
        Text(en="set the clock by NTP", zh="请用 NTP 校准时钟"),
    ),
    "AuthorizationHeaderMalformed": (
        Text(en="the store does not accept this region", zh="存储服务不接受此 region"),
        Text(en="set region to the one of the bucket", zh="请将 region 设为存储桶所在区域"),
    ),
    "PermanentRedirect": (
        Text(en="the bucket is at another endpoint", zh="存储桶位于其他 endpoint"),
        Text(en="correct endpoint and region", zh="请更正 endpoint 和 region"),
    ),
}


def refusal(told: str, subject: str, settings: S3Place) -> OutsideError:
    """The error for ``told``, what the library said of ``subject``."""
    code, status = _first(_CODE, told), _first(_STATUS, told)
    if code in _REFUSALS:
        message, hint = _REFUSALS[code]
        return RefusedError(message, where=Where(subject), hint=hint)
    if status == "403":
        message, hint = _REFUSALS["AccessDenied"]
        return RefusedError(message, where=Where(subject), hint=hint)
    if code in _BUSY or status.startswith("5") or status == "429":
        return LostError(
            Text(en=f"the store still answers {status}", zh=f"存储服务仍返回 {status}"),
            where=Where(subject),
            hint=Text(
                en="ask the store's operator if it persists",
                zh="如持续出现，请联系存储服务运维人员",
            ),
        )
    if status:
        return RefusedError(
            Text(
                en=f"the store answers {status} {code}".rstrip(),
                zh=f"存储服务返回 {status} {code}".rstrip(),
            ),
            where=Where(subject),
            hint=Text(
                en="ask the store's operator what this means", zh="请向存储服务运维人员确认其含义"
            ),
        )
    return _no_answer(told, subject, settings)


def _first(pattern: re.Pattern[str], told: str) -> str:
    found = pattern.search(told)
    return found[1] if found else ""


def _no_answer(told: str, subject: str, settings: S3Place) -> OutsideError:
    if "invalid path" in told:
        return _odd_key(told, subject)
    lower = told.lower().replace("retry_timeout", "")
    if "certificate" in lower:
        return RefusedError(
            Text(en="the server's certificate is not trusted", zh="服务器证书不受信任"),
            where=Where(subject),
            hint=Text(
                en="name the authority's certificates with ca_file, or check the host",
                zh="请用 ca_file 指定签发机构证书，或核对主机",
            ),
        )
    if "timed out" in lower or "timeout" in lower or "timedout" in lower:
        return LostError(
            Text(
                en=f"the store is silent for more than {settings.timeout_seconds:g} seconds",
                zh=f"存储服务超过 {settings.timeout_seconds:g} 秒无应答",
            ),
            where=Where(subject),
            hint=Text(
                en="it is tried again; raise timeout_seconds if the store is that slow",
                zh="系统会重试；若存储服务确实很慢，请调大 timeout_seconds",
            ),
        )
    host = urlsplit(settings.endpoint or "").netloc if settings.endpoint else "AWS"
    return LostError(
        Text(
            en="the store can't be reached, or the connection broke off",
            zh="无法连接存储服务，或连接中断",
        ),
        where=Where(subject),
        hint=Text(
            en=f"check endpoint ({host}), port and firewall; it is tried again",
            zh=f"请检查 endpoint（{host}）、端口和防火墙；系统会重试",
        ),
    )


def _odd_key(told: str, subject: str) -> RefusedError:
    key = _first(_QUOTED, told)
    return RefusedError(
        Text(
            en="an object's key is no path: it has an empty part, '.' or '..'",
            zh="对象键不是合法路径：含有空段、“.”或“..”",
        ),
        where=Where(key or subject),
        hint=Text(
            en="rename that object, or set path to a prefix without it",
            zh="请重命名该对象，或把 path 设为不含该对象的前缀",
        ),
    )
