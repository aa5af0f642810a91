"""Archives made byte by byte, also those that no tool would make."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

import pyzipper

CSV = "案号,party\n".encode()


def table(*numbers: int) -> bytes:
    return CSV + b"".join(b"A%d,p%d\n" % (n, n) for n in numbers)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def encrypted(members: dict[str, bytes], password: str) -> bytes:
    """By AES-256, as 7-Zip and WinZip do."""
    out = io.BytesIO()
    with pyzipper.AESZipFile(
        out, "w", compression=zipfile.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(password.encode())
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


@dataclass
class Member:
    """One member as it is to be written. ``own``: its name in its own header, if another;
    ``at``: the offset that the directory tells, if another; ``size``, ``crc``: likewise."""

    name: bytes
    data: bytes
    method: int = 8
    flags: int = 0
    own: bytes | None = None
    at: int | None = None
    size: int | None = None
    crc: int | None = None
    attributes: int = 0
    system: int = 3


def crafted(members: list[Member], comment: bytes = b"", count: int | None = None) -> bytes:
    out, entries = b"", b""
    for m in members:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(m.data) + packer.flush() if m.method == 8 else m.data
        at = len(out) if m.at is None else m.at
        crc = zlib.crc32(m.data) if m.crc is None else m.crc
        size = len(m.data) if m.size is None else m.size
        facts = (m.flags, m.method, 0, 0x5A21, crc, len(packed), size)
        own = m.name if m.own is None else m.own
        out += struct.pack("<4s5H3L2H", b"PK\3\4", 20, *facts, len(own), 0) + own + packed
        entries += (
            struct.pack("<4s2B5H3L", b"PK\1\2", 20, m.system, 20, *facts)
            + struct.pack("<5H2L", len(m.name), 0, 0, 0, 0, m.attributes, at)
            + m.name
        )
    total = len(members) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, total, total, len(entries), len(out), 0)
    return out + entries + end[:-2] + struct.pack("<H", len(comment)) + comment


def zip_crypto(name: str, data: bytes, password: bytes) -> bytes:
    """By the old method of PKZIP 2.0, as Windows knows it (APPNOTE 6.1)."""
    table32 = [_crc_row(n) for n in range(256)]
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = (keys[0] >> 8) ^ table32[(keys[0] ^ byte) & 0xFF]
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = (keys[2] >> 8) ^ table32[(keys[2] ^ (keys[1] >> 24)) & 0xFF]

    for byte in password:
        update(byte)
    crc = zlib.crc32(data)
    plain = b"\0" * 11 + bytes([crc >> 24]) + data
    cipher = bytearray()
    for byte in plain:
        mask = (keys[2] | 2) & 0xFFFF
        cipher.append(byte ^ (((mask * (mask ^ 1)) >> 8) & 0xFF))
        update(byte)
    return crafted(
        [Member(name.encode(), bytes(cipher), method=0, flags=1, size=len(data), crc=crc)]
    )


def _crc_row(n: int) -> int:
    for _ in range(8):
        n = (n >> 1) ^ (0xEDB88320 if n & 1 else 0)
    return n
