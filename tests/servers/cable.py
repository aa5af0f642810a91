"""A cable to a real server that can be cut, go silent, or be wrapped in TLS."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import selectors
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK = 65536


@dataclass
class Cable:
    """``port`` is what to connect to. Faults count bytes from the server of one connection."""

    port: int = 0
    cut_at: list[int] = field(default_factory=list)
    """Each entry ends one connection, abruptly, once so many bytes have passed."""
    silent_at: int | None = None
    """From here on nothing passes, and the connection stays."""
    connections: int = 0


@contextmanager
def cable_to(port: int, tls: tuple[Path, Path] | None = None) -> Iterator[Cable]:
    """A cable to 127.0.0.1:``port``; ``tls``: certificate and key that it shows."""
    cable, stop = Cable(), threading.Event()
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            cable.connections += 1
            with contextlib.suppress(OSError):
                near = context.wrap_socket(self.request, True) if context else self.request
                with near, socket.create_connection(("127.0.0.1", port)) as far:
                    _pass_on(near, far, cable, stop)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        cable.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield cable
        finally:
            stop.set()
            server.shutdown()
            thread.join()


def _pass_on(near: socket.socket, far: socket.socket, cable: Cable, stop: threading.Event) -> None:
    passed = 0
    with selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        while not stop.is_set():
            for key, _ in selector.select(0.05):
                source: socket.socket = key.fileobj  # type: ignore[assignment]
                data = source.recv(_BLOCK)
                while isinstance(source, ssl.SSLSocket) and source.pending():
                    data += source.recv(_BLOCK)
                if not data:
                    return
                if source is far:
                    passed += len(data)
                    if cable.silent_at is not None and passed > cable.silent_at:
                        stop.wait()
                        return
                    if cable.cut_at and passed > cable.cut_at[0]:
                        del cable.cut_at[0]
                        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        return
                key.data.sendall(data)


def certificate(folder: Path, now: datetime.datetime) -> tuple[Path, Path, Path]:
    """Certificate and key for 127.0.0.1, and the certificate of the authority that signed it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def signed(subject: str, key: Any, by: str, by_key: Any, *, authority: bool) -> bytes:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, by)]))
            .public_key(key.public_key())
            .serial_number(1 + authority)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .sign(by_key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    paths = folder / "tls.pem", folder / "tls.key", folder / "authority.pem"
    paths[0].write_bytes(signed("server", key, "authority", authority_key, authority=False))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    paths[2].write_bytes(
        signed("authority", authority_key, "authority", authority_key, authority=True)
    )
    return paths
