"""What ``hefu check`` says of one source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hefu.terminal import say, say_data, say_table, say_warning, show_count, tr

if TYPE_CHECKING:
    from hefu.node import Node
    from hefu.trial import FieldTrial, Trial


def show_trial(node: Node, trial: Trial, *, streams: bool) -> None:
    """One source's trial: how it was reached, each field, what is unused, what is wrong.

    ``streams``: also what else the source has.
    """
    for step in trial.looked.reached:
        say(tr(f"{trial.stream_id}: {step}", f"{trial.stream_id}：{step}"))
    if streams:
        _say_streams(trial)
    if trial.drafted is not None:
        _say_columns(trial)
    say_data(
        tr(
            f"{trial.stream_id} → {trial.record_type}: sample of {trial.rows} rows",
            f"{trial.stream_id} → {trial.record_type}：样本 {trial.rows} 行",
        )
    )
    if trial.fields:
        _say_fields(trial)
        _say_unused(trial)
    _say_problems(node, trial)
    say_data("")
    _warn(trial)


def _say_fields(trial: Trial) -> None:
    say_table(
        [
            tr("field", "字段"),
            tr("label", "名称"),
            tr("made of", "来源列"),
            tr("source value", "原值"),
            tr("becomes", "规范值"),
            tr("filled", "有值"),
            tr("refused", "不合格"),
        ],
        [_row(field) for field in trial.fields],
        numbers=(5, 6),
    )


def _say_streams(trial: Trial) -> None:
    """What the source has besides the stream that source.toml names, which stands first."""
    say_table(
        [
            tr("it has", "来源中有"),
            tr("what it says of it", "来源的说明"),
            tr("rows, about", "约有行数"),
        ],
        [
            (seen.name, seen.label or "", "" if seen.rows is None else show_count(seen.rows))
            for seen in trial.looked.streams
        ],
        numbers=(2,),
    )


def _say_columns(trial: Trial) -> None:
    """The source's columns beside the fields that they seem to be, while nobody has mapped them."""
    of = {column: field.name for field in trial.fields for column in field.columns}
    labels = {field.name: field.label_zh for field in trial.fields}
    seen = {c.name.lower(): c for s in trial.looked.streams[:1] for c in s.columns}
    rows = []
    for name in (*of, *trial.unused):
        column = seen.get(name.lower())
        kind, says = (column.type, column.label or "") if column else ("", "")
        rows.append((name, kind, says, of.get(name, ""), labels.get(of.get(name, ""), "")))
    say_data(
        tr(
            f"{trial.stream_id}: no mapping.sql yet; by their names, the columns seem to be:",
            f"{trial.stream_id}：尚无 mapping.sql；按名称看，各列似乎是：",
        )
    )
    say_table(
        [
            tr("column", "列"),
            tr("type", "类型"),
            tr("what it says of it", "来源的说明"),
            tr("field", "字段"),
            tr("label", "名称"),
        ],
        rows,
    )


def _say_unused(trial: Trial) -> None:
    """Explained columns with their reasons; :func:`_warn` is loud about the others."""
    names = tr(", ", "、").join(trial.unused) or tr("none", "无")
    say_data(
        tr(f"source columns that the mapping does not use: {names}", f"映射未使用的来源列：{names}")
    )
    if trial.explained:
        say_data(tr("left out on purpose:", "按说明不使用的列："))
    for name, reason in trial.explained.items():
        say_data(tr(f"  {name}: {reason}", f"  {name}：{reason}"))


def _row(field: FieldTrial) -> tuple[str, ...]:
    return (
        field.name + (" *" if field.required else ""),
        field.label_zh,
        ", ".join(field.columns),
        field.raw if field.raw is not None else "",
        field.value if field.value is not None else "",
        str(field.filled),
        str(field.failed_rows) if field.failed_rows else "",
    )


def _say_problems(node: Node, trial: Trial) -> None:
    """Each broken rule once, with what it says and what to do."""
    from hefu.row_reasons import OF_READING
    from schemas.contract import load_contract

    rules = {rule.rule_id: rule for rule in node.rules(load_contract(trial.record_type))}
    refused, flagged = tr("refused", "不合格"), tr("flagged", "存疑")
    for word, broken in ((refused, trial.reasons), (flagged, trial.soft)):
        for rule_id, count in broken.items():
            rule = rules.get(rule_id) or OF_READING.get(rule_id)
            said = tr(f": {rule.message}", f"：{rule.message}") if rule else ""
            say_data(f"{word} {count} × {rule_id}{said}")
            if rule_id in trial.details:
                detail = trial.details[rule_id]
                say_data(tr(f"  the first one: {detail}", f"  第一处：{detail}"))


def _warn(trial: Trial) -> None:
    total = trial.rows + trial.unreadable
    if trial.drafted is not None:
        say_warning(
            tr(
                f"{trial.stream_id}: what is shown is a suggestion; nothing is mapped yet",
                f"{trial.stream_id}：以上只是建议，尚未建立映射",
            ),
            tr(
                f"hefu draft {trial.stream_id} writes it to mapping.sql for you to complete",
                f"运行 hefu draft {trial.stream_id} 写出 mapping.sql，再由您补全",
            ),
        )
    if not total:
        say_warning(
            tr(
                f"{trial.stream_id}: the source gave no row",
                f"{trial.stream_id}：来源没有返回任何数据行",
            ),
            tr(
                "check path, pattern and window in source.toml; files that wait for their mark are "
                "told above",
                "请检查 source.toml 中的路径、文件名模式与时间窗口；等待完成标志的文件见上文",
            ),
        )
    if trial.unused and trial.drafted is None:
        say_warning(
            tr(
                f"{trial.stream_id}: nobody says why these columns are not used: "
                + ", ".join(trial.unused),
                f"{trial.stream_id}：下列来源列未使用，也没有说明理由：" + "、".join(trial.unused),
            ),
            tr(
                "use them in mapping.sql, or say why not under [unused_columns] in source.toml",
                "请在 mapping.sql 中使用，或在 source.toml 的 [unused_columns] 中写明理由",
            ),
        )
    if trial.suggested and trial.drafted is None:
        pairs = ", ".join(f"{column} → {name}" for column, name in trial.suggested.items())
        say(
            tr(
                f"{trial.stream_id}: by their names: {pairs}",
                f"{trial.stream_id}：按名称看：{pairs}",
            )
        )
    if trial.contradicted:
        names = ", ".join(trial.contradicted)
        say_warning(
            tr(
                f"{trial.stream_id}: named under [unused_columns], but the mapping uses: {names}",
                f"{trial.stream_id}：[unused_columns] 中列出、映射却使用了的列：{names}",
            ),
            tr("take them out of [unused_columns]", "请从 [unused_columns] 中删去"),
        )
    if trial.quarantined and total:
        unread = trial.unreadable == trial.quarantined
        say_warning(
            tr(
                f"{trial.stream_id}: {trial.quarantined} of {total} rows of the sample would be "
                "quarantined",
                f"{trial.stream_id}：样本 {total} 行中有 {trial.quarantined} 行将被隔离",
            ),
            tr(
                "compare [reader] in source.toml with what came; if the file is damaged, have it "
                "sent again",
                "请核对 source.toml 的 [reader] 与实际收到的内容；文件损坏则请来源单位重新报送",
            )
            if unread
            else tr(
                "if the rows are right, correct mapping.sql; if they are wrong, the source must",
                "数据无误则修改 mapping.sql；数据有误则请来源单位更正",
            ),
        )
