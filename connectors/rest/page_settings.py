"""``[reader.pagination]``: how a list is cut into pages, and what proves that none is missing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.toml import StrictModel


class NoPages(StrictModel):
    kind: Literal["none"] = "none"


class ManyPages(StrictModel):
    """What all kinds with several pages share."""

    size: int | None = Field(default=None, ge=1)
    size_parameter: str | None = None
    total: str | None = None
    """Path to the number of all records of this list in the answer, if it tells."""
    key: tuple[str, ...] = ()
    """Paths in a record to what tells one record from another; unset: its whole content."""
    read_twice: bool | None = None
    """Read again until a second reading finds nothing that the first left out. Unset: where
    nothing else would notice that a row slipped through between two pages."""
    max_passes: int = Field(default=4, ge=2, le=20)
    """How often a list that changes while it is read is begun anew before the pull gives up."""


class CountedPages(ManyPages):
    size: int = Field(default=500, ge=1)


class NumberedPages(CountedPages):
    kind: Literal["page"]
    page_parameter: str = "page"
    first_page: int = Field(default=1, ge=0)
    total_pages: str | None = None
    """Path to the number of pages in the answer, if it tells."""


class OffsetPages(CountedPages):
    kind: Literal["offset"]
    offset_parameter: str = "offset"


class TokenPages(ManyPages):
    kind: Literal["cursor"]
    parameter: str = "cursor"
    token: str
    """Path to the next page's token in the answer; absent, null, false or empty: last page."""


class LinkPages(ManyPages):
    """``Link: <…>; rel="next"`` (RFC 8288)."""

    kind: Literal["link"]


class NextUrlPages(ManyPages):
    kind: Literal["next_url"]
    url: str
    """Path to the next page's address in the answer; absent, null or empty: last page."""


Pages = Annotated[
    NoPages | NumberedPages | OffsetPages | TokenPages | LinkPages | NextUrlPages,
    Field(discriminator="kind"),
]
