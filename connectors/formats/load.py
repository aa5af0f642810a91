"""Which loader reads an object, by the source's reader and format."""

from __future__ import annotations

from pathlib import Path

from connectors.delivery import Secrets
from connectors.formats.csv import load_csv
from connectors.formats.json_rows import load_json, load_json_lines
from connectors.formats.parquet import load_parquet
from connectors.formats.raw_table import RawTable
from connectors.formats.spreadsheet import load_spreadsheet
from connectors.formats.xml import load_xml
from connectors.landing import Landed
from connectors.reader_config import DatabaseReader, FilesReader, Reader


def load_object(
    table: RawTable,
    reader: Reader,
    landed: Landed,
    index: int,
    temp: Path,
    secrets: Secrets | None = None,
) -> set[str]:
    """Add one object's rows; the lower-case names of its columns if it is a table, else none.

    ``secrets`` are asked for the password of a workbook.

    Raises :class:`schemas.errors.DataError` for an object that can't be read as a whole.
    """
    if isinstance(reader, DatabaseReader):
        return {c.lower() for c in load_parquet(table, landed, index, reader.max_record_bytes)}
    if reader.format == "xml":
        load_xml(table, landed, index, reader)
        return set()
    if not isinstance(reader, FilesReader) or reader.format == "json":
        load_json(table, landed, index, reader)
        return set()
    if reader.format == "jsonl":
        load_json_lines(table, landed, index, reader)
        return set()
    if reader.format == "spreadsheet":
        return {c.lower() for c in load_spreadsheet(table, landed, index, reader, temp, secrets)}
    if reader.format == "parquet":
        return {c.lower() for c in load_parquet(table, landed, index)}
    return {c.lower() for c in load_csv(table, landed, index, reader, temp)}
