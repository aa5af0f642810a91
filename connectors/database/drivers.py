"""What the sessions over Python drivers (MySQL, Oracle, SQL Server) share.

Rows come as tuples of texts, bytes or numbers and become record batches of text, of a size that
does not grow with the result. Nothing of a driver's own error gets out: its text may quote a row
or the password, so it is neither shown nor chained (``__context__`` included).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from connectors.database.faults import ConnectionLostError, missing_driver
from connectors.database.settings import DatabaseReader
from connectors.delivery import Secrets
from schemas.errors import ConfigError, HefuError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

BATCH_ROWS = 20_000
BATCH_BYTES = 16 << 20

SOCKET_MARGIN_SECONDS = 30.0
"""So much longer than the server's own time-out our socket waits for a server that hangs."""


def snapshot_lost(address: str, code: str) -> ConnectionLostError:
    """The server can't go on showing the moment at which the read began."""
    return ConnectionLostError(
        Text(
            en=f"the database could not keep the moment at which the read began ({code})",
            zh=f"数据库未能保持读取开始时刻的数据快照（{code}）",
        ),
        where=Where(address),
        hint=Text(
            en="the table was altered, or so much was written that old versions are gone; "
            "nothing of this read is used, and it is tried again",
            zh="数据表结构被修改，或写入过多导致旧版本已被清除；本次读取不采用，系统会重试",
        ),
    )


def driver_of(kind: str, module: str) -> Any:
    """The driver's module. Raises :class:`ConfigError` if it is not installed."""
    with suppress(ImportError):  # raised outside of it, ours is chained to nothing
        return import_module(module)
    raise missing_driver(kind, module)


def guarded(action: Callable[[], T], fault: Callable[[Exception], HefuError]) -> T:
    """``action()``; what a driver raises is raised as ``fault`` says, chained to nothing."""
    try:
        return action()
    except HefuError:
        raise
    except Exception as error:  # noqa: BLE001 - drivers raise IndexError, struct.error and worse
        found = fault(error)
    raise found


def host_and_password(reader: DatabaseReader, secrets: Secrets) -> tuple[str, str]:
    host = secrets(reader.host) if reader.host.startswith("env:") else reader.host
    return host.strip(), secrets(reader.password) if reader.password else ""


def tls_context(reader: DatabaseReader, folder: Path, address: str) -> ssl.SSLContext | None:
    """None for ``disable``; ``require`` encrypts, and also checks the authority if there is a
    ``ca_file``; ``verify-full`` checks the host's name, too (the system's authorities by default).

    Raises :class:`ConfigError` for a ``ca_file`` that can't be read.
    """
    if reader.tls == "disable":
        return None
    context = guarded(
        lambda: ssl.create_default_context(
            cafile=str(folder / reader.ca_file) if reader.ca_file else None
        ),
        lambda _: unread_ca_file(address),
    )
    if reader.tls != "verify-full":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if reader.ca_file else ssl.CERT_NONE
    return context


def unread_ca_file(address: str) -> ConfigError:
    return ConfigError(
        Text(en="ca_file can't be read", zh="无法读取 ca_file"),
        where=Where(address, field="reader.ca_file"),
        hint=Text(
            en="it is a PEM file, named relative to the source's folder",
            zh="应为 PEM 文件，路径相对于该来源的文件夹",
        ),
    )


def moment(value: str) -> datetime:
    """An ISO 8601 time with an offset. Raises :class:`ValueError` without one."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("a moment needs an offset")
    return found.astimezone(UTC)


def local_time(value: str) -> datetime:
    """An ISO 8601 time without an offset. Raises :class:`ValueError` with one."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is not None:
        raise ValueError("a time of day without a zone has no offset")
    return found


def text_batches(
    fetch: Callable[[int], Sequence[Sequence[Any]]],
    names: Sequence[str],
    binary: Iterable[int] = (),
) -> Iterator[pa.RecordBatch]:
    """Rows that ``fetch(n)`` gives (at most n; none: the end) as batches of ``pa.string()``.

    ``binary``: places of columns in which bytes are shown in hexadecimal. Elsewhere they are
    text in UTF-8, taken over as they are: what is none is refused row by row when it is read.
    """
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in names])
    as_hex = frozenset(binary)
    held: list[Sequence[Any]] = []
    size, step = 0, 64
    while rows := fetch(step):
        held.extend(rows)
        got = sum(_size(value) for row in rows for value in row)
        size += got
        # Few rows at a time where they are wide, many where they are narrow.
        step = max(1, min(1000, len(rows) * (1 << 20) // max(got, 1)))
        if len(held) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield _batch(held, schema, as_hex)
            held, size = [], 0
    if held:
        yield _batch(held, schema, as_hex)


def shortest_floats(batch: pa.RecordBatch, names: frozenset[str]) -> pa.RecordBatch:
    """Columns of 32-bit floats that came as 64-bit ones: the shortest text of the same value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, name in enumerate(batch.schema.names):
        if name in names:
            wide = pc.cast(batch.column(place), pa.float64())
            short = pc.cast(pc.cast(wide, pa.float32(), safe=False), pa.string())
            batch = batch.set_column(place, name, short)
    return batch


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes) else 8


def _batch(rows: list[Sequence[Any]], schema: pa.Schema, as_hex: frozenset[int]) -> pa.RecordBatch:
    import pyarrow as pa

    columns = zip(*rows, strict=True)
    arrays = [_array(i, values, as_hex) for i, values in enumerate(columns)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(place: int, values: Sequence[Any], as_hex: frozenset[int]) -> Any:
    import pyarrow as pa

    kinds = {type(v) for v in values} - {type(None)}
    if kinds <= {bytes} and place not in as_hex:
        return pa.array(values, pa.binary()).view(pa.string())
    if kinds <= {str}:
        return pa.array(values, pa.string())
    return pa.array([text_of(v) for v in values], pa.string())


def text_of(value: Any) -> str | None:
    """The exact text of one value of a driver."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return repr(value) if isinstance(value, float) else str(value)
