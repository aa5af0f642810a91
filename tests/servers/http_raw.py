"""A server that speaks HTTP byte by byte, so that it can misbehave below HTTP, and behind TLS.

``raw_server(answer, context)`` gives its port; ``answer(connection, request, count)`` gets each
request's bytes and writes whatever it likes. A connection serves one request.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket, bytes, int], None]


@contextmanager
def raw_server(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[int]:
    count = iter(range(1_000_000))

    def talk(connection: socket.socket) -> None:
        spoken = connection
        if context is not None:
            spoken = context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        try:
            if isinstance(spoken, ssl.SSLSocket):
                _shake_hands(spoken)
            if request := _request(spoken):
                answer(spoken, request, next(count))
        finally:
            spoken.close()

    with _listening(talk) as port:
        yield port


def _shake_hands(connection: ssl.SSLSocket) -> None:
    try:
        connection.do_handshake()
    except ssl.SSLError:
        # What is still unread would turn the close into a reset, and the client would never
        # read why.
        while socket.socket.recv(connection, 65536):
            pass
        raise


@contextmanager
def deaf_server(data: bytes) -> Iterator[int]:
    """Answers any bytes at all, such as a greeting of TLS, with ``data``."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    with _listening(talk) as port:
        yield port


@contextmanager
def _listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):  # ssl.SSLError is one too
                connection.settimeout(10)
                talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    return data


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN: what a crashed gateway does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reply(body: bytes, *headers: str, length: int | None = None) -> bytes:
    """An answer of status 200; ``length`` is a false Content-Length."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", *headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
