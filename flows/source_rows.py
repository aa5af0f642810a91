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

    from connectors.delivery import Delivery


def read_mapping(source: Source) -> str:
    """The text of the source's ``mapping.sql``. Raises ``ConfigError``."""
    try:
        return source.mapping_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Text(en="the mapping can't be read", zh="无法读取映射文件"),
            where=Where(str(source.mapping_path)),
            hint=Text(
                en="write one SELECT over raw into it, in UTF-8; docs/mapping.md shows how",
                zh="请写入一条针对 raw 的 SELECT（UTF-8 编码），写法见 docs/mapping.zh-CN.md",
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


def create_objects(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Table ``objects``: the fetch time of each object, for sources that have no clock."""
    con.execute("CREATE TABLE objects (_object INTEGER, fetched_at TIMESTAMPTZ)")
    if delivery.objects:
        con.executemany(
            "INSERT INTO objects VALUES (?, ?)",
            [[i, landed.fetched_at] for i, landed in enumerate(delivery.objects)],
        )
