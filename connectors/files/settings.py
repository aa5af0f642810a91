"""``[reader]`` with ``kind = "files"``: files that another system drops somewhere."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from connectors.reader_base import MIB, Rows, secret_reference
from schemas.toml import StrictModel

FileFormat = Literal["csv", "json", "jsonl", "parquet", "spreadsheet", "xml"]


class LocalPlace(StrictModel):
    """A folder of this machine, or one that is mounted on it."""

    kind: Literal["local"] = "local"


class SftpPlace(StrictModel):
    """A folder of an SFTP server. The server is known by its host key, never by its address."""

    kind: Literal["sftp"]
    host: str
    """A name or address, or ``env:NAME``."""
    port: int = Field(default=22, ge=1, le=65535)
    user: str
    host_key: str
    """``ssh-ed25519 AAAA…`` as in a known_hosts line, or its fingerprint ``SHA256:…``."""
    password: str | None = None
    private_key: str | None = None
    """The key in OpenSSH or PEM form, named as ``file:PATH`` or ``block:NAME``."""
    passphrase: str | None = None
    timeout_seconds: float = Field(default=30, gt=0)

    @field_validator("password", "private_key", "passphrase")
    @classmethod
    def _names_a_secret(cls, value: str | None) -> str | None:
        return None if value is None else secret_reference(value)

    @model_validator(mode="after")
    def _some_way_in(self) -> SftpPlace:
        if self.password is None and self.private_key is None:
            raise ValueError("sftp needs a password or a private_key")
        return self


class S3Place(StrictModel):
    """A bucket of any S3-compatible store; ``reader.path`` is the prefix."""

    kind: Literal["s3"]
    bucket: str
    endpoint: str | None = None
    """``https://host[:port]``; unset: that of AWS."""
    region: str = "us-east-1"
    access_key: str | None = None
    secret_key: str | None = None
    """Both unset: a bucket that anybody may read."""
    virtual_hosted: bool = False
    ca_file: str | None = None
    timeout_seconds: float = Field(default=30, gt=0)

    @field_validator("access_key", "secret_key")
    @classmethod
    def _names_a_secret(cls, value: str | None) -> str | None:
        return None if value is None else secret_reference(value)

    @model_validator(mode="after")
    def _both_or_none(self) -> S3Place:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key come together")
        return self


Place = Annotated[LocalPlace | SftpPlace | S3Place, Field(discriminator="kind")]


class FilesReader(Rows):
    """A folder in which files appear."""

    kind: Literal["files"]
    path: str
    """Local: relative to the source's folder, absolute, or ``env:NAME``. SFTP: the folder there.
    S3: the prefix."""
    place: Place = Field(default_factory=LocalPlace)
    pattern: str = "*"
    format: FileFormat
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    """Empty: the source quotes nothing, and a quote is text."""
    header: bool = True
    header_row: int | None = Field(default=None, ge=1)
    """Row of the header, counted from 1, where titles stand above it. Spreadsheets: unset means
    the first row that looks like one; CSV: unset means the first."""
    columns: tuple[str, ...] = ()
    """Column names of a CSV or spreadsheet that has no header."""
    sheet: str | int | None = None
    """Spreadsheets: a sheet's name, or its number from 1; unset: the only one that has rows."""
    namespaces: dict[str, str] = Field(default_factory=dict)
    """XML: prefix → namespace for ``records``, the path to the record elements (``list/item``)."""
    compression: Literal["auto", "none"] = "auto"
    """auto: ZIP and gzip are told by their first bytes and opened; none: bytes are taken as they
    are."""
    member: str = "*"
    """Which files of a ZIP are read; ``**/*.csv`` looks below folders too."""
    archive_password: str | None = None
    max_unpacked_bytes: int = Field(default=2048 * MIB, ge=1024)
    """Bound of all that one archive unpacks to."""
    quiet_seconds: int = Field(default=0, ge=0)
    """A file changed so recently may still be growing: it waits for the next run."""
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
        if self.delimiter == self.quote or {self.delimiter, self.quote} & {"\n", "\r", "\0"}:
            raise ValueError("delimiter and quote must differ and be no line break")
        if self.encoding == "utf-16" and self.format == "parquet":
            raise ValueError("Parquet has no encoding to choose")
        return self
