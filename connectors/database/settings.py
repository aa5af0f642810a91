"""``[reader]`` of a database: ``kind = "postgresql"``, ``"mysql"``, ``"oracle"``, ``"sqlserver"``.

Domestic databases speak one of these protocols: Kingbase, openGauss and GaussDB that of
PostgreSQL; OceanBase, TiDB and GoldenDB that of MySQL.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from connectors.reader_base import DEFAULT_RECORD_BYTES, MIB, secret_reference
from schemas.toml import StrictModel

DatabaseKind = Literal["postgresql", "mysql", "oracle", "sqlserver"]


class DatabaseReader(StrictModel):
    """One table, view or query, read with an account that can only read."""

    kind: DatabaseKind
    host: str
    """A name or address, or ``env:NAME``."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Unset: the protocol's own (5432, 3306, 1521, 1433)."""
    database: str
    """The database; for Oracle the service name."""
    user: str
    password: str | None = None
    tls: Literal["disable", "prefer", "require", "verify-full"] = "require"
    ca_file: str | None = None
    """Certificates of a private authority (PEM), relative to the source's folder."""
    table: str | None = None
    """``schema.table`` or ``table``; a view will do."""
    query: str | None = None
    """One SELECT instead of a table. The cursor's bounds are put around it."""
    columns: tuple[str, ...] = ()
    """Columns of the table that are read; empty: all."""
    key: tuple[str, ...] = ()
    """Columns that tell one row from another; unset: the table's primary key, if it has one."""
    partition_column: str | None = None
    """A whole-number column by whose ranges the read is cut into ``partitions`` parts."""
    partitions: int = Field(default=1, ge=1, le=64)
    rows_per_object: int = Field(default=200_000, ge=1000)
    """Rows that are landed together; bounds what is held in memory."""
    count: bool = True
    """Ask the source how many rows it has, and compare after the run."""
    connect_seconds: float = Field(default=15, gt=0)
    statement_seconds: float = Field(default=600, gt=0)
    """Longest time for one statement; the server stops it then."""
    lock_seconds: float = Field(default=30, gt=0)
    """Longest wait for a table that somebody has locked."""
    retries: int = Field(default=3, ge=0, le=20)
    backoff_seconds: float = Field(default=1.0, ge=0)
    backoff_max_seconds: float = Field(default=60, ge=0)
    optional_columns: tuple[str, ...] = ()
    """Columns that the source may leave out altogether; they are NULL then, not unknown."""
    max_record_bytes: int = Field(default=DEFAULT_RECORD_BYTES, ge=1024, le=64 * MIB)

    @field_validator("password")
    @classmethod
    def _names_a_secret(cls, value: str | None) -> str | None:
        return None if value is None else secret_reference(value)

    @model_validator(mode="after")
    def _one_thing_to_read(self) -> DatabaseReader:
        if (self.table is None) == (self.query is None):
            raise ValueError("name either a table or a query")
        if self.query is not None and self.columns:
            raise ValueError("`columns` chooses columns of a table; a query names its own")
        if self.partitions > 1 and self.partition_column is None:
            raise ValueError("partitions need a partition_column to be cut by")
        return self
