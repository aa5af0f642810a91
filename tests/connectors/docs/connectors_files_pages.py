"""The example of a page, taken as it stands, in a node of its own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.pull import PullRequest
from examples.region.check_digits import credit_code
from flows.ingest import ingest
from hefu import scaffold
from hefu.node import Agency, Node, load_node
from lake.runs import RunRecord
from lake.store import Lake
from schemas.sql import connect

DOCS = Path(__file__).parents[3] / "docs" / "connectors"
NOW = datetime(2026, 10, 20, 17, 30, tzinfo=UTC)
AGENCY = Agency(
    code=credit_code("11999900HEFUD0CH4"),
    name="示例县交通运输局（虚构）",
    division_code="999900",
    business_domain="01",
)


@dataclass(frozen=True)
class Page:
    """The one example of a page."""

    toml: str
    sql: str
    csv: str

    @classmethod
    def read(cls, kind: str, chinese: bool) -> Page:
        text = (DOCS / f"{kind}{'.zh-CN' if chinese else ''}.md").read_text(encoding="utf-8")

        def only(language: str) -> str:
            (block,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)
            return str(block)

        return cls(only("toml"), only("sql"), only("csv"))

    def data(self) -> bytes:
        return self.csv.encode(tomllib.loads(self.toml)["reader"].get("encoding", "utf-8"))

    def node(self, root: Path, **instead: str) -> Node:
        """A node with the example as its only source; ``instead``: what stands in the page and
        what this test has in its place."""
        scaffold.create_node(root, AGENCY, "passphrase in tests")
        toml = self.toml
        for placed, (found, mine) in {k: v.split(" => ") for k, v in instead.items()}.items():
            assert found in toml, placed
            toml = toml.replace(found, mine)
        names = tomllib.loads(toml)
        folder = root / "sources" / names["system"] / names["stream"]
        folder.mkdir(parents=True)
        (folder / "source.toml").write_text(toml, encoding="utf-8")
        (folder / "mapping.sql").write_text(self.sql, encoding="utf-8")
        return load_node(root)


def sync(node: Node, now: datetime = NOW) -> RunRecord:
    """One ordinary run of the only source."""
    (source,) = node.sources()
    return ingest(node, source, PullRequest("cursor", None, None, None, now), now)


def records(node: Node, fields: str) -> list[tuple[object, ...]]:
    """``fields`` of the current records, by number."""
    with connect() as con:
        Lake(node.place("lake")).attach(con, "case_result")
        return con.execute(
            f"SELECT {fields} FROM case_result_current ORDER BY source_record_id"
        ).fetchall()
