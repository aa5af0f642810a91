"""A door with TLS before a PostgreSQL server that was built without it.

It speaks the protocol's own way into TLS (a request for it is answered by ``S``, then the
handshake begins) and passes everything on as it is.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from servers.cable import certificate

_REQUEST_BYTES = 8
_TLS = bytes.fromhex("0000000804d2162f")


@dataclass(frozen=True)
class TlsDoor:
    """``ca_file``: the authority of its certificate for 127.0.0.1 (PEM)."""

    port: int
    ca_file: Path


@contextmanager
def tls_door(folder: Path, behind: int) -> Iterator[TlsDoor]:
    """Listen on 127.0.0.1 and lead to port ``behind``, until the end."""
    own, key, authority = certificate(folder, datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        guests: list[threading.Thread] = []

        def welcome() -> None:
            while True:
                try:
                    outside, _ = listening.accept()
                except OSError:
                    return
                guest = threading.Thread(target=_serve, args=(outside, context, behind))
                guest.start()
                guests.append(guest)

        porter = threading.Thread(target=welcome)
        porter.start()
        try:
            yield TlsDoor(listening.getsockname()[1], authority)
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            porter.join()
            for guest in guests:
                guest.join()


def _serve(outside: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with outside, suppress(OSError):
        asked = outside.recv(_REQUEST_BYTES)
        while asked != _TLS:  # GSS encryption is asked for first by some
            if len(asked) < _REQUEST_BYTES:
                return
            outside.sendall(b"N")
            asked = outside.recv(_REQUEST_BYTES)
        outside.sendall(b"S")
        with (
            context.wrap_socket(outside, server_side=True) as safe,
            socket.create_connection(("127.0.0.1", behind)) as inside,
        ):
            back = threading.Thread(target=_pass_on, args=(inside, safe))
            back.start()
            _pass_on(safe, inside)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
