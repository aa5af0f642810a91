"""The ``[reader]`` table of ``source.toml``: one model per kind of source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from connectors.database.settings import DatabaseReader
from connectors.files.settings import FilesReader
from connectors.rest.settings import RestReader

__all__ = ["DatabaseReader", "FilesReader", "Reader", "RestReader"]

Reader = Annotated[FilesReader | RestReader | DatabaseReader, Field(discriminator="kind")]
