"""How ``hefu publish --dry-run`` shows a few rows of what would leave. They come masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hefu.terminal import say_table, tr

if TYPE_CHECKING:
    from flows.outgoing import Published
    from flows.sampling import Sampled


def say_samples(published: Published) -> None:
    """A table for each record type: a line for each field, a column for each row."""
    from exchange.agreement.explain import CLASSES

    for record_type, columns in published.samples.items():
        rows = max((len(c.values) for c in columns), default=0)
        say_table(
            [
                tr("field", "字段"),
                tr("meaning", "含义"),
                tr("class", "敏感级别"),
                *(tr(f"row {n}", f"第 {n} 行") for n in range(1, rows + 1)),
            ],
            [
                (c.name, str(c.label), str(CLASSES[c.classification]), *map(_shown, c.values))
                for c in columns
            ],
            title=tr(
                f"{published.partner_name}: the first {rows} of "
                f"{published.counts[record_type]} rows of {record_type} as they would leave; "
                "personal values masked",
                f"{published.partner_name}：{record_type} 拟发送 "
                f"{published.counts[record_type]} 行中的前 {rows} 行，个人信息已遮蔽",
            ),
        )


def _shown(value: str | None) -> str:
    return "–" if value is None else value


def samples_as_json(samples: dict[str, tuple[Sampled, ...]]) -> dict[str, Any]:
    return {record_type: _columns(columns) for record_type, columns in samples.items()}


def _columns(columns: Sequence[Sampled]) -> list[dict[str, Any]]:
    return [
        {"field": c.name, "classification": c.classification, "values": list(c.values)}
        for c in columns
    ]
