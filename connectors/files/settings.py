"""``[reader]`` with ``kind = "files"``: files that another system drops somewhere."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field, field_validator, model_validator

from connectors.files.place_settings import LocalPlace, Place, S3Place, SftpPlace
from connectors.reader_base import MIB, Rows, secret_reference

__all__ = ["FileFormat", "FilesReader", "LocalPlace", "Place", "S3Place", "SftpPlace"]

FileFormat = Literal["csv", "json", "jsonl", "parquet", "spreadsheet", "xml"]


class FilesReader(Rows):
    """A folder in which files appear."""

    kind: Literal["files"]
    path: str
    """Local: relative to the source's folder, absolute, or ``env:NAME``. SFTP: the folder there.
    S3: the prefix."""
    place: Place = Field(default_factory=LocalPlace)
    pattern: str = "*"
    format: FileFormat
    delimiter: str = Field(default=",", min_length=1, max_length=4)
    """Between the fields of a CSV. Several characters (``||``) are read record by record."""
    quote: str = Field(default='"', max_length=1)
    """Empty: the source quotes nothing, and a quote is text."""
    escape: Literal["", "\\"] = ""
    """A backslash before a character that is meant as text, as MySQL and PostgreSQL write dumps:
    ``\\t``, ``\\n``, ``\\\\``, and ``\\N`` for NULL."""
    null_text: tuple[str, ...] = ()
    """CSV: texts that mean that there is no value: ``["NULL"]``."""
    footer: tuple[str, ...] = ()
    """CSV and spreadsheets: what the lines below the last record begin with:
    ``["合计", "制表人"]``."""
    header: bool = True
    header_row: int | None = Field(default=None, ge=1)
    """Row of the header, counted from 1, where titles stand above it. Spreadsheets: unset means
    the first row that looks like one; CSV: unset means the first."""
    columns: tuple[str, ...] = ()
    """Column names of a CSV or spreadsheet that has no header."""
    sheet: str | int | None = None
    """Spreadsheets: a sheet's name, or its number from 1; unset: the only one that has rows."""
    header_rows: int | None = Field(default=None, ge=1, le=10)
    """Spreadsheets: how many rows the header takes; unset: as far as its merged cells reach."""
    merged_cells: Literal["reject", "fill", "empty"] = "reject"
    """Spreadsheets: rows that a merged cell of another row or column covers. ``fill``: its value
    is theirs. ``empty``: they have none. ``reject``: they are quarantined."""
    cell_errors: Literal["reject", "null"] = "reject"
    """Spreadsheets: rows with ``#N/A``, ``#REF!`` and the like. ``null``: there is no value."""
    compression: Literal["auto", "none"] = "auto"
    """auto: ZIP and gzip are told by their first bytes and opened; none: bytes are taken as they
    are."""
    member: str = "**/*"
    """Which files of a ZIP are read; unset: all, in all its folders."""
    archive_password: str | None = None
    max_unpacked_bytes: int = Field(default=2048 * MIB, ge=1024)
    """Bound of all that one archive unpacks to."""
    quiet_seconds: int = Field(default=0, ge=0)
    """A file changed so recently may still be growing: it waits for the next run."""
    done_suffix: str = Field(default="", pattern=r"^[^/*?\[\]\s]*$", max_length=32)
    """``.ok``: a file is read when a file of its name and this ending lies beside it, no older
    than it. Empty: no such marks."""
    max_document_bytes: int = Field(default=256 * MIB, ge=1024)
    """A JSON document is parsed as a whole; more than this must come as JSON lines."""

    @field_validator("pattern")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        parts = PurePosixPath(value).parts
        if not parts or ".." in parts or parts[0] == "/":
            raise ValueError("a pattern stays inside the folder: no '..', no leading '/'")
        return value

    @field_validator("archive_password")
    @classmethod
    def _names_a_secret(cls, value: str | None) -> str | None:
        return None if value is None else secret_reference(value)

    @model_validator(mode="after")
    def _one_way_to_name_columns(self) -> FilesReader:
        table = self.format in ("csv", "spreadsheet")
        if table and not self.header and not self.columns:
            raise ValueError("a table without a header needs its column names in `columns`")
        if self.columns and (self.header or not table):
            raise ValueError("`columns` is for a CSV or spreadsheet with header = false")
        if self.header_row and not (self.header and table):
            raise ValueError("`header_row` is for a CSV or spreadsheet with a header")
        if self.sheet is not None and self.format != "spreadsheet":
            raise ValueError("`sheet` is for a spreadsheet")
        if self.format != "csv" and (self.escape or self.null_text):
            raise ValueError("`escape` and `null_text` are for a CSV")
        if self.footer and not table:
            raise ValueError("`footer` is for a CSV or spreadsheet")
        if self.header_rows and not (self.header and self.format == "spreadsheet"):
            raise ValueError("`header_rows` is for a spreadsheet with a header")
        marks = self.delimiter + self.quote + self.escape
        if len(set(marks)) < len(set(self.delimiter)) + len(self.quote + self.escape):
            raise ValueError("delimiter, quote and escape must differ")
        if set(marks) & {"\n", "\r", "\0"}:
            raise ValueError("delimiter and quote can't be a line break")
        if self.encoding == "utf-16" and self.format == "parquet":
            raise ValueError("Parquet has no encoding to choose")
        return self
