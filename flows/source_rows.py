"""What a source's rows are mapped with; one definition for the run and for its preview.

``hefu check`` shows on a sample what ``flows.ingest`` will do. It may not differ from it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from hefu.node import Node, Source
from schemas.errors import ConfigError, Where
from schemas.mapping import Origin
from schemas.rulepack import rule_set_version
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

    from connectors.config import SourceConfig
    from connectors.delivery import Delivery
    from schemas.mapping import Mapping


def read_mapping(source: Source) -> str:
    """The text of the source's ``mapping.sql``. Raises ``ConfigError``."""
    try:
        return source.mapping_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Text(en="the mapping can't be read", zh="无法读取映射文件"),
            where=Where(str(source.mapping_path)),
            hint=Text(
                en=f"hefu draft {source.stream_id} suggests one; it is one SELECT over raw, in "
                "UTF-8, and docs/mapping.md shows how",
                zh=f"hefu draft {source.stream_id} 可给出建议；内容为一条针对 raw 的 SELECT"
                "（UTF-8 编码），写法见 docs/mapping.zh-CN.md",
            ),
        ) from error


def origin_of(node: Node, source: Source, now: datetime) -> Origin:
    """What the run knows of every row of the source: it goes into the envelope."""
    agency, config = node.agency, source.config
    division_code = config.defaults.division_code or agency.division_code
    return Origin(
        org_code=agency.code,
        org_name=agency.name,
        system=config.system,
        division_code=division_code,
        business_domain=config.defaults.business_domain or agency.business_domain,
        received_time=now,
        rule_pack_version=rule_set_version(division_code, node.rule_packs()),
    )


def codes_digest(con: duckdb.DuckDBPyConnection) -> str:
    """SHA-256 in hex of all rows of code lists that ``con`` translates by, the node's own too."""
    (text,) = con.execute(
        "SELECT string_agg(to_json(c)::VARCHAR, chr(10) ORDER BY c) FROM hefu_code AS c"
    ).fetchone() or ("",)
    return hashlib.sha256(str(text).encode()).hexdigest()


def check_order(config: SourceConfig, mapping: Mapping) -> None:
    """Raises ``ConfigError`` if the mapping gives a clock where the order is that of the reads."""
    if config.mode == "cursor" or "source_updated_time" not in mapping.outputs:
        return
    raise ConfigError(
        Text(
            en=f"a stream of mode {config.mode} is ordered by its reads, so its mapping may not "
            "give source_updated_time",
            zh=f"读取方式为 {config.mode} 的数据流以读取先后为序，"
            "映射不得给出 source_updated_time（更新时间）",
        ),
        where=Where(mapping.path, field="source_updated_time"),
        hint=Text(
            en="remove it from mapping.sql: a clock that goes backwards would hide a change; "
            "docs/reading-modes.md",
            zh="请从 mapping.sql 中去掉该字段：来源时间倒退会掩盖变化，"
            "详见 docs/reading-modes.zh-CN.md",
        ),
    )


def create_objects(
    con: duckdb.DuckDBPyConnection, delivery: Delivery, read_at: datetime | None = None
) -> None:
    """Table ``objects``: the fetch time of each object, for sources that have no clock.

    ``read_at``: when all of it counts as read, if that is later: a file that did not change
    since it was fetched still says, in tonight's full copy, what is true tonight.
    """
    con.execute("CREATE TABLE objects (_object INTEGER, fetched_at TIMESTAMPTZ)")
    if delivery.objects:
        con.executemany(
            "INSERT INTO objects VALUES (?, ?)",
            [
                [i, max(landed.fetched_at, read_at or landed.fetched_at)]
                for i, landed in enumerate(delivery.objects)
            ],
        )
