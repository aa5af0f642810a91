"""What can go wrong with a server, in words: whether it may heal, and the next step."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit, urlunsplit

import requests
from urllib3.exceptions import NameResolutionError

from schemas.errors import ConfigError, HefuError, OutsideError, RefusedError, RetryableError, Where
from schemas.text import Text


class HttpRefusedError(RefusedError):
    """The server answered with ``status`` and will answer so again."""

    status: int = 0


def public(url: str) -> str:
    """An address without query, fragment, user: fit for messages and the landing index."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    netloc = f"{host}:{parts.port}" if parts.port else host
    return urlunsplit(SplitResult(parts.scheme, netloc, parts.path, "", ""))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and all that lies under it: requests and urllib3 wrap, each in its own way."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]


def unreachable(url: str, error: Exception) -> OutsideError:
    """A request that got no answer. TLS is refused, all else may work later."""
    causes = list(_causes(error))
    certificate = next((c for c in causes if isinstance(c, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return _untrusted(url, certificate)
    tls = next((c for c in causes if isinstance(c, ssl.SSLError)), None)
    if tls is not None and not isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _tls(url, tls)
    where = Where(public(url))
    if any(isinstance(c, NameResolutionError | socket.gaierror) for c in causes):
        host = urlsplit(url).hostname or "?"
        return RetryableError(
            Text(en=f"no address is known for host {host}", zh=f"无法解析主机名 {host}"),
            where=where,
            hint=Text(
                en="check the host's name and this machine's DNS; it is tried again next time",
                zh="请检查主机名和本机 DNS 设置；下次运行会重试",
            ),
        )
    if any(isinstance(c, ConnectionRefusedError) for c in causes):
        message = Text(
            en="the server can't be reached: it refuses the connection",
            zh="无法连接服务器：连接被拒绝",
        )
    elif any(isinstance(c, ConnectionResetError | BrokenPipeError) for c in causes):
        message = Text(en="the server cut the connection", zh="服务器中断了连接")
    elif isinstance(error, requests.exceptions.Timeout):
        message = Text(en="the server does not answer in time", zh="服务器未在时限内应答")
    else:
        message = Text(en="the server can't be reached", zh="无法连接服务器")
    return RetryableError(
        message,
        where=where,
        hint=Text(
            en="check host, port and firewall; it is tried again in the next run",
            zh="请检查主机、端口和防火墙；下次运行会重试",
        ),
    )


# OpenSSL's X509_V_ERR_…, of which Python names none.
_EXPIRED, _NOT_YET = 10, 9
_WRONG_HOST = frozenset({62, 64})


def _untrusted(url: str, error: ssl.SSLCertVerificationError) -> RefusedError:
    code = error.verify_code
    if code in (_EXPIRED, _NOT_YET):
        reason = Text(en="it has expired or is not valid yet", zh="证书已过期或尚未生效")
        hint = Text(
            en="the operator must renew it; check this machine's clock too",
            zh="请运维人员更换证书；同时检查本机时钟",
        )
    elif code in _WRONG_HOST:
        reason = Text(en="it was made for another host", zh="证书不是签发给该主机的")
        hint = Text(
            en="use in base_url the name that the certificate was made for",
            zh="请在 base_url 中使用证书所载的主机名",
        )
    else:
        reason = Text(en="nobody known here has signed it", zh="签发机构未知")
        hint = Text(
            en="name the authority's certificates with ca_file, or check the host",
            zh="请用 ca_file 指定签发机构证书，或核对主机",
        )
    return RefusedError(
        Text(
            en=f"the server's certificate is not trusted: {reason.en}",
            zh=f"服务器证书不受信任：{reason.zh}",
        ),
        where=Where(public(url)),
        hint=hint,
    )


def _tls(url: str, error: ssl.SSLError) -> RefusedError:
    reason = getattr(error, "reason", None) or "TLS"  # Python sets it when OpenSSL told one
    name = reason.upper()
    if "CERTIFICATE_REQUIRED" in name or "HANDSHAKE_FAILURE" in name or "UNKNOWN_CA" in name:
        return RefusedError(
            Text(
                en="the server wants another client certificate than this one, or any at all",
                zh="服务器要求客户端证书，未提供或不被接受",
            ),
            where=Where(public(url)),
            hint=Text(
                en="name client_certificate and client_key under [reader]; "
                "the operator must know the authority that signed it",
                zh="请在 [reader] 下配置 client_certificate 和 client_key；对方须信任其签发机构",
            ),
        )
    return RefusedError(
        Text(
            en=f"no secure connection comes about ({reason})",
            zh=f"无法建立安全连接（{reason}）",
        ),
        where=Where(public(url)),
        hint=Text(
            en="check that the port speaks https; the server may also be too old for TLS 1.2",
            zh="请确认该端口提供 https；也可能是服务器过旧，不支持 TLS 1.2",
        ),
    )


def cant_be_sent(url: str, error: Exception) -> ConfigError:
    """Neither the header's value nor the address may be shown: either can hold the token."""
    return ConfigError(
        Text(
            en=f"this request can't be sent ({type(error).__name__})",
            zh=f"无法发送此请求（{type(error).__name__}）",
        ),
        where=Where(public(url)),
        hint=Text(
            en="check base_url, headers and the token for line breaks or odd characters",
            zh="请检查 base_url、headers 和令牌中是否有换行或异常字符",
        ),
    )


def elsewhere(url: str, target: str) -> RefusedError:
    """A redirect or a next page on another host: following it would hand over the token."""
    try:
        host = urlsplit(target).netloc.rpartition("@")[2] or "?"
    except ValueError:
        host = "?"
    return RefusedError(
        Text(en=f"the server points to another host, {host}", zh=f"服务器指向另一主机 {host}"),
        where=Where(public(url)),
        hint=Text(
            en="often a page for signing in; if that host is right, make it the base_url; "
            "it would be given the token",
            zh="常见于跳转到登录页；如该主机无误，请改写 base_url；跟随跳转会把令牌交给对方",
        ),
    )


def circle(url: str) -> RefusedError:
    return RefusedError(
        Text(en="the server redirects in a circle", zh="服务器循环重定向"),
        where=Where(public(url)),
        hint=Text(
            en="often it wants a browser's session: ask its operator for the interface's address",
            zh="常见于要求浏览器登录会话：请向运维人员索取接口地址",
        ),
    )


def busy(url: str, status: int) -> RetryableError:
    return RetryableError(
        Text(
            en=f"the server still answers {status} after all retries",
            zh=f"多次重试后服务器仍返回 {status}",
        ),
        where=Where(public(url)),
        hint=Text(
            en="lower requests_per_second, or ask the system's operator",
            zh="请调低 requests_per_second，或联系该系统运维人员",
        )
        if status == 429
        else Text(
            en="ask the system's operator if it persists", zh="如持续出现，请联系该系统运维人员"
        ),
    )


_REFUSALS = {
    401: Text(en="the token is wrong or has run out", zh="令牌错误或已过期"),
    403: Text(en="the token has no right to this list", zh="该令牌无权访问此列表"),
    404: Text(en="check base_url and path", zh="请检查 base_url 和 path"),
    400: Text(en="check the names and formats of the parameters", zh="请检查参数名称和格式"),
    405: Text(en="check method: GET or POST", zh="请检查 method：GET 或 POST"),
}
_OTHER = Text(
    en="ask the system's operator what this status means", zh="请向该系统运维人员确认此状态码含义"
)


def refused(url: str, status: int, hint: Text | None = None) -> HttpRefusedError:
    error = HttpRefusedError(
        Text(en=f"the server answers {status}", zh=f"服务器返回 {status}"),
        where=Where(public(url)),
        hint=hint or _REFUSALS.get(status, _OTHER),
    )
    error.status = status
    return error


def too_large(url: str, limit: int) -> HefuError:
    return RefusedError(
        Text(en=f"a page is larger than {limit} bytes", zh=f"单页超过 {limit} 字节"),
        where=Where(public(url)),
        hint=Text(
            en="ask for fewer rows a page, or raise max_page_bytes",
            zh="请减少每页行数，或调大 max_page_bytes",
        ),
    )


def too_slow(url: str, seconds: float) -> RetryableError:
    return RetryableError(
        Text(
            en=f"a page took longer than {seconds:g} seconds",
            zh=f"单页传输超过 {seconds:g} 秒",
        ),
        where=Where(public(url)),
        hint=Text(
            en="ask for fewer rows a page, or raise page_seconds",
            zh="请减少每页行数，或调大 page_seconds",
        ),
    )


def broken_off(url: str) -> RetryableError:
    return RetryableError(
        Text(en="the answer broke off before its end", zh="应答未传完即中断"),
        where=Where(public(url)),
        hint=Text(
            en="nothing of it was taken; it is tried again in the next run",
            zh="不完整的内容未被采用；下次运行会重试",
        ),
    )


def broken_compression(url: str) -> RefusedError:
    return RefusedError(
        Text(en="the answer's compression is broken", zh="应答的压缩数据已损坏"),
        where=Where(public(url)),
        hint=Text(
            en="a gateway on the way may change answers: ask its operator",
            zh="可能是途中网关改写了应答：请联系网关运维人员",
        ),
    )


def unknown_compression(url: str) -> RefusedError:
    return RefusedError(
        Text(
            en="the answer is compressed in a way that was not asked for",
            zh="应答采用了未约定的压缩方式",
        ),
        where=Where(public(url)),
        hint=Text(
            en="ask the operator for gzip or no compression",
            zh="请运维人员改用 gzip 或不压缩",
        ),
    )


def empty_answer(url: str) -> RetryableError:
    return RetryableError(
        Text(en="the server answers 200 with nothing in it", zh="服务器返回 200，但应答为空"),
        where=Where(public(url)),
        hint=Text(
            en="an empty list would be [] or 204; it is tried again in the next run",
            zh="空列表应为 [] 或 204；下次运行会重试",
        ),
    )


def html_page(url: str, *, redirected: bool) -> RefusedError:
    return RefusedError(
        Text(
            en="the server sends on to an HTML page, not to the list"
            if redirected
            else "the server answers an HTML page, not the list",
            zh="服务器跳转到了 HTML 网页，而不是列表数据"
            if redirected
            else "服务器返回的是 HTML 网页，而不是列表数据",
        ),
        where=Where(public(url)),
        hint=Text(
            en="often a login or error page: check the address and the token",
            zh="通常是登录页或错误页：请检查地址和令牌",
        ),
    )


def endless(url: str, reason_en: str, reason_zh: str) -> RefusedError:
    return RefusedError(
        Text(en=f"the list never ends: {reason_en}", zh=f"分页没有终点：{reason_zh}"),
        where=Where(public(url)),
        hint=Text(
            en="check [reader.pagination]; raise max_pages if the list really is that long",
            zh="请检查 [reader.pagination]；若列表确实很长，请调大 max_pages",
        ),
    )


_UNSTABLE = Text(
    en="nothing was taken, it is tried again; if it stays, ask for a list in a stable "
    "order, for larger pages, or pull when the system is quiet",
    zh="未采用任何内容，系统会重试；如持续出现，请要求对方按固定顺序返回列表、"
    "加大每页行数，或改在业务空闲时拉取",
)


def moved(url: str, page: int) -> RetryableError:
    return RetryableError(
        Text(
            en=f"the list changes while it is read: page {page} does not go on "
            "where the page before ended",
            zh=f"列表在拉取期间不断变化：第 {page} 页未能与上一页衔接",
        ),
        where=Where(public(url)),
        hint=_UNSTABLE,
    )


def fewer(url: str, before: int, now: int) -> RetryableError:
    return RetryableError(
        Text(
            en=f"the list changes while it is read: it had {before} records, then {now}",
            zh=f"列表在拉取期间不断变化：先为 {before} 条，后为 {now} 条",
        ),
        where=Where(public(url)),
        hint=_UNSTABLE,
    )


def unsteady(url: str) -> RetryableError:
    return RetryableError(
        Text(
            en="the list changes while it is read: no two readings agree",
            zh="列表在拉取期间不断变化：没有两次读取结果一致",
        ),
        where=Where(public(url)),
        hint=_UNSTABLE,
    )


def too_few(url: str, announced: int, got: int) -> RetryableError:
    return RetryableError(
        Text(
            en=f"the source announced {announced} records and gave {got}",
            zh=f"来源声明共 {announced} 条，实际给出 {got} 条",
        ),
        where=Where(public(url)),
        hint=_UNSTABLE,
    )


def failed_inside(where: Where, path: str, value: str | None) -> RefusedError:
    """``value`` None: the answer has nothing at ``path``."""
    shown = path if value is None else f"{path} = {value[:40]}"
    return RefusedError(
        Text(
            en=f"no {shown} in the answer"
            if value is None
            else f"the answer says that it failed: {shown}",
            zh=f"应答中没有 {shown}" if value is None else f"应答表明调用失败：{shown}",
        ),
        where=where,
        hint=Text(
            en="look the code up in the system's manual", zh="请查阅该系统接口文档中的代码含义"
        ),
    )
