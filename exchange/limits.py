"""Every limit that a reader of a bundle obeys, in one place, passed in and never global.

A limit is what a receiver is willing to spend before it knows whom a bundle is from. The
defaults allow a bundle of some ten million rows; a partner's policy may lower them.
"""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap
from typing import TypeAlias

Readable: TypeAlias = bytes | bytearray | memoryview | mmap
"""What a reader reads: anything whose bytes a ``memoryview`` can show without a copy."""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Greatest allowed values, inclusive. Sizes are bytes unless the name says otherwise."""

    bundle_size: int = 4 * GIB - 1
    """The ZIP is never a ZIP64, so nothing in it may need more than 32 bits."""
    entry_count: int = 1024
    entry_size: int = 4 * GIB - 1
    entry_name_length: int = 200

    encrypted_header_size: int = 64 * KIB
    """What stands before the encrypted bytes of an age file: some 200 bytes per recipient."""

    root_size: int = 256 * KIB
    """Signed lists of a publisher's repository, in the order in which they are fetched."""
    root_count: int = 32
    """Changes of trust that are followed in one go; the next goes on from there."""
    timestamp_size: int = 16 * KIB
    metadata_size: int = 8 * MIB
    """Any other list, whatever length a list above it declares."""

    envelope_size: int = 2 * MIB
    statement_size: int = 1 * MIB
    signature_count: int = 16
    json_depth: int = 16
    json_text_length: int = 64 * KIB
    document_size: int = 4 * MIB
    """The readme, the verdict, one contract."""
    attachment_size: int = 64 * MIB

    row_count: int = 50_000_000
    """Rows of one table."""
    column_count: int = 400
    row_group_count: int = 4096
    row_group_rows: int = 131_072
    """Rows of one row group: so many may share out the elements of their lists unevenly."""
    row_group_size: int = 1 * GIB
    """All columns of one row group, uncompressed: so much may stand in a handful of rows."""
    footer_size: int = 8 * MIB
    """A Parquet footer: some 100 bytes per column and row group, a hundred times that in memory."""
    page_count: int = 1_000_000
    """Pages of one table: each is looked at by itself."""
    page_size: int = 16 * MIB
    """One Parquet page, uncompressed, whatever its header declares."""
    dictionary_size: int = 1 * MIB
    """One dictionary page, uncompressed: a row costs two bits to repeat what stands there."""
    column_chunk_size: int = 512 * MIB
    """One column of one row group, uncompressed."""
    list_length: int = 64
    """Mean number of elements of a list column's rows, per row group."""
    cell_length: int = 1 * MIB
    """One text cell in UTF-8."""
    batch_size: int = 512 * MIB
    """Memory for rows that are decoded at the same time, however far dictionaries unfold."""
    table_size: int = 16 * GIB
    """One table's cells, uncompressed and without dictionaries."""

    clock_skew_seconds: int = 3600
    """How far ahead of the receiver's clock a created time may lie."""


DEFAULT_LIMITS = Limits()
