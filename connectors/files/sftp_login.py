"""Reaching an SFTP server: its key is held against the pinned one before anything is told it."""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from paramiko.auth_handler import AuthOnlyHandler

from connectors.delivery import Secrets
from connectors.files.place import LostError
from connectors.files.place_settings import SftpPlace, fingerprint, pinned_key
from connectors.files.sftp_client import Client
from schemas.errors import ConfigError, HefuError, RefusedError, RetryableError, Where
from schemas.text import Text

_LOG = "hefu.sftp"
_NAMES_OF_RSA = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True, slots=True)
class Session:
    """A connection with somebody logged in."""

    transport: Any
    client: Client
    reached: tuple[Text, ...]

    def close(self) -> None:
        self.transport.close()


class _Login(AuthOnlyHandler):  # type: ignore[misc]  # paramiko has no types
    """Notices an answer that comes at once.

    paramiko sends the request and only then makes the event that its answer sets. An answer in
    between wakes nobody, and the login would wait until its time is up.
    """

    def wait_for_response(self, event: threading.Event) -> Any:
        if self.authenticated or self.username is None:
            event.set()
        return super().wait_for_response(event)


class Transport(paramiko.ServiceRequestingTransport):  # type: ignore[misc]
    """The one that asks for the service of logging in once: a second try is an error to some."""

    def get_auth_handler(self) -> _Login:
        return _Login(self)


def log_in(settings: SftpPlace, secrets: Secrets) -> Session:
    """Connect and log in.

    Raises :class:`RefusedError` for another host key and a refused login,
    :class:`ConfigError` for a secret that can't be used, :class:`LostError` when the server
    can't be reached.
    """
    host = secrets(settings.host) if settings.host.startswith("env:") else settings.host
    user = secrets(settings.user) if settings.user.startswith("env:") else settings.user
    where = Where(f"sftp://{host}:{settings.port}")
    key = _private_key(settings, secrets)
    password = secrets(settings.password) if settings.password else None
    seconds = settings.timeout_seconds
    transport = None
    try:
        transport = _connect(host, settings)
        with _hanging_up(transport, seconds):
            transport.start_client()
            shown = _checked_key(transport, settings, where)
        with _hanging_up(transport, seconds):
            _authenticate(transport, user, key, password, where)
        with _hanging_up(transport, seconds):
            client = _open_client(transport, seconds)
    except BaseException as error:
        if transport is not None:
            transport.close()
        if isinstance(error, paramiko.SSHException | OSError | EOFError):
            raise failure(error, where, seconds) from error
        raise
    reached = (
        Text(
            en=f"the server's key is the pinned one: {shown}",
            zh=f"服务器密钥与 host_key 一致：{shown}",
        ),
        Text(en=f"logged in at {where} as {user}", zh=f"已以 {user} 登录 {where}"),
    )
    return Session(transport, client, reached)


def failure(error: BaseException, where: Where, timeout_seconds: float) -> HefuError:
    """A connection that can't be made or broke off."""
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return RefusedError(
            Text(
                en="the server offers only algorithms that are no longer safe",
                zh="服务器只支持已不安全的算法",
            ),
            where=where,
            hint=Text(
                en="ask its operator to update it, or to offer ssh-ed25519 or rsa-sha2 keys",
                zh="请其运维方升级服务器，或启用 ssh-ed25519、rsa-sha2 密钥",
            ),
        )
    if isinstance(error, TimeoutError):
        return LostError(
            Text(
                en=f"the server is silent for more than {timeout_seconds:g} seconds",
                zh=f"服务器超过 {timeout_seconds:g} 秒无应答",
            ),
            where=where,
            hint=Text(
                en="it is tried again; raise timeout_seconds if the server is that slow",
                zh="系统会重试；若服务器确实很慢，请调大 timeout_seconds",
            ),
        )
    return LostError(
        Text(
            en="the server can't be reached, or the connection broke off",
            zh="无法连接服务器，或连接中断",
        ),
        where=where,
        hint=Text(
            en="check host, port and firewall; it is tried again",
            zh="请检查主机、端口和防火墙；系统会重试",
        ),
    )


def _connect(host: str, settings: SftpPlace) -> Any:
    seconds = settings.timeout_seconds
    connection = socket.create_connection((host, settings.port), seconds)
    transport = Transport(connection)
    # What goes wrong is raised here; its thread would tell it once more, with a traceback.
    logging.getLogger(_LOG).setLevel(logging.CRITICAL + 1)
    transport.set_log_channel(_LOG)
    transport.daemon = True
    # Longer than ours, which hangs up first and so can say what it was.
    transport.banner_timeout = transport.handshake_timeout = 2 * seconds
    transport.auth_timeout = transport.channel_timeout = 2 * seconds
    _prefer(transport, pinned_key(settings.host_key)[0])
    return transport


@contextmanager
def _hanging_up(transport: Any, seconds: float) -> Iterator[None]:
    """Hang up if what is inside takes longer, since paramiko waits without end in places and
    tells a silent server in many ways. Raises :class:`TimeoutError` then."""
    hung_up = threading.Event()

    def hang_up() -> None:
        hung_up.set()
        transport.close()

    watch = threading.Timer(seconds, hang_up)
    watch.start()
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError, RetryableError) as error:
        if hung_up.is_set():
            raise TimeoutError from error
        raise
    finally:
        watch.cancel()


def _prefer(transport: Any, key_type: str | None) -> None:
    """Ask for the pinned key first; other types stay, so that another key can be shown."""
    options = transport.get_security_options()
    wanted = _NAMES_OF_RSA if key_type == "ssh-rsa" else (key_type,)
    rest = [name for name in options.key_types if name not in wanted]
    options.key_types = [name for name in wanted if name in options.key_types] + rest


def _checked_key(transport: Any, settings: SftpPlace, where: Where) -> str:
    key = transport.get_remote_server_key()
    key_type, pinned = pinned_key(settings.host_key)
    shown = fingerprint(key.asbytes())
    if shown == pinned:
        return f"{key.get_name()} {shown}"
    raise RefusedError(
        Text(
            en="the server shows another key than the pinned one: "
            f"{key.get_name()} {shown}, pinned {key_type or 'as'} {pinned}",
            zh="服务器出示的密钥与 host_key 不一致："
            f"出示 {key.get_name()} {shown}，应为{f' {key_type}' if key_type else ''} {pinned}",
        ),
        where=where,
        hint=Text(
            en="nothing was sent to it; ask its operator by telephone what "
            "ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub shows there, "
            "and change host_key only if it is the new one",
            zh="尚未向其发送任何信息；请电话联系运维方核对该服务器上 "
            "ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub 的结果，确认无误后再修改 host_key",
        ),
    )


def _authenticate(transport: Any, user: str, key: Any, password: str | None, where: Where) -> None:
    try:
        if key is not None:
            try:
                if not transport.auth_publickey(user, key):
                    return
            except paramiko.AuthenticationException:
                if password is None or not transport.is_active():
                    raise
        if password is not None and not transport.auth_password(user, password):
            return
    except paramiko.AuthenticationException as error:
        if "EOF" in str(error):
            raise _hung_up(where) from error
        raise _login_refused(user, where) from error
    raise _login_refused(user, where)


def _hung_up(where: Where) -> RetryableError:
    """Not tried again at once: some servers say no in this way, and count."""
    return RetryableError(
        Text(en="the server hung up during the login", zh="登录过程中服务器断开连接"),
        where=where,
        hint=Text(
            en="it is tried again in the next run; if it persists, check user and password",
            zh="下次运行会重试；如持续出现，请检查用户和密码",
        ),
    )


def _open_client(transport: Any, seconds: float) -> Client:
    channel = transport.open_session()
    channel.settimeout(seconds)
    channel.invoke_subsystem("sftp")
    return Client(channel)


def _login_refused(user: str, where: Where) -> RefusedError:
    return RefusedError(
        Text(en=f"the server does not let {user} in", zh=f"服务器拒绝 {user} 登录"),
        where=where,
        hint=Text(
            en="check user and the password or private key, and that the account is not locked",
            zh="请检查 user 以及密码或私钥，并确认账户未被锁定",
        ),
    )


def _private_key(settings: SftpPlace, secrets: Secrets) -> Any:
    if settings.private_key is None:
        return None
    text = secrets(settings.private_key)
    phrase = secrets(settings.passphrase).encode() if settings.passphrase else None
    load = (
        serialization.load_ssh_private_key
        if "BEGIN OPENSSH" in text
        else serialization.load_pem_private_key
    )
    try:
        plain = load(text.encode(), phrase).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        return paramiko_key(plain.decode())
    except (ValueError, TypeError, UnsupportedAlgorithm, paramiko.SSHException) as error:
        # Not its text: it may quote the key.
        raise _bad_key(settings.private_key, text) from error


def paramiko_key(openssh: str) -> Any:
    """A private key without a passphrase, in OpenSSH's form."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(openssh))
        except (paramiko.SSHException, ValueError):
            continue
    raise paramiko.SSHException("no key of a known type")


def _bad_key(reference: str, text: str) -> ConfigError:
    if "-----END" not in text:
        return ConfigError(
            Text(
                en="the private key is cut off: its last line is missing",
                zh="私钥不完整：缺少最后一行",
            ),
            where=Where(reference),
            hint=Text(
                en="give the whole key, with all its lines and their breaks",
                zh="请提供完整的私钥，须包含所有行并保留换行",
            ),
        )
    return ConfigError(
        Text(en="the private key can't be read", zh="无法读取私钥"),
        where=Where(reference),
        hint=Text(
            en="give an Ed25519, ECDSA or RSA key in OpenSSH or PEM form, and its passphrase",
            zh="请提供 OpenSSH 或 PEM 格式的 Ed25519、ECDSA 或 RSA 私钥及其口令",
        ),
    )
