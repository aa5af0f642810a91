"""What reading a list costs its server, told before the first night."""

from __future__ import annotations

from math import ceil

from connectors.config import SourceConfig
from connectors.rest.page_settings import ManyPages, NumberedPages, OffsetPages
from connectors.rest.settings import RestReader
from schemas.text import Text


def readings(pages: ManyPages, *, exact: bool) -> int:
    """How often a list of several pages that stays as it is will be read. ``exact``: it is a
    full copy (``mode = "snapshot"``)."""
    if pages.read_twice is not None:
        return 2 if pages.read_twice else 1
    if isinstance(pages, OffsetPages):
        return 1
    if isinstance(pages, NumberedPages):
        return 1 if pages.total and pages.key else 2
    return 2 if exact and not pages.total else 1


def told_cost(
    source: SourceConfig, reader: RestReader, first: int, total: int | None
) -> list[Text]:
    """``first``: records on the first page. ``total``: in the whole list, if that is known."""
    pages = reader.pagination
    if not isinstance(pages, ManyPages) or first == 0 or (total is not None and total <= first):
        return []
    times = readings(pages, exact=source.mode == "snapshot")
    told = [_requests(times, first, total)] if total is not None else []
    if times > 1:
        told.append(_twice(pages))
    if told and source.cursor is not None:
        told.append(
            Text(
                en="that is the first pull; later ones ask only for what changed since",
                zh="以上为首次拉取的情况；之后每次只请求此后有变动的部分",
            )
        )
    return told


def _requests(times: int, first: int, total: int) -> Text:
    each = ceil(total / first)
    all_en = f", {each * times:,} in all" if times > 1 else ""
    all_zh = f"，合计 {each * times:,} 次" if times > 1 else ""
    return Text(
        en=f"with pages of {first:,} a reading of the whole list takes about {each:,} requests"
        + all_en,
        zh=f"每页 {first:,} 条，完整读取一遍约需 {each:,} 次请求{all_zh}",
    )


def _twice(pages: ManyPages) -> Text:
    if pages.read_twice:
        return Text(
            en="the list is read twice, as read_twice says",
            zh="按 read_twice 的设置，列表每次读取两遍",
        )
    missing = [name for name in ("total", "key") if not getattr(pages, name)]
    wanted = missing if isinstance(pages, NumberedPages) else ["total"]
    return Text(
        en="the list is read twice each time, because nothing else would show a row that slips "
        f"through between two pages; {' and '.join(wanted)} under [reader.pagination] saves half",
        zh="每次都要把列表读两遍，否则无从发现翻页之间漏掉的行；在 [reader.pagination] 下设置 "
        f"{' 和 '.join(wanted)} 可省去一半请求",
    )
