"""The stored shape of a row, and how incoming batches are brought into it."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from lake.runs import RunRecord
from schemas.contract import Contract
from schemas.errors import AccountingError, ConfigError, HefuError, Where
from schemas.text import Text

# Computed from the history when it is read (ADR 0003), so it is not stored.
VERSION_FIELD = "record_version"

EXTRA = "_extra"

# Where a row stood in its source's log of changes, as a text that sorts like the log; NULL for
# rows of sources without one (ADR 0020).
LOG_SEQUENCE = "_log_sequence"

TECHNICAL = pa.schema(
    [
        pa.field("_run_id", pa.string()),
        pa.field("_object_digest", pa.string()),
        pa.field("_row", pa.int64()),
        pa.field("_flags", pa.list_(pa.string())),
        pa.field("_bundle_id", pa.string()),
        # What a partner's newer contract has and ours doesn't: a JSON object (ADR 0013).
        pa.field(EXTRA, pa.string()),
        pa.field(LOG_SEQUENCE, pa.string()),
    ]
)


def stored_schema(contract: Contract) -> pa.Schema:
    """Contract fields in contract order, then the technical columns; everything nullable.

    Nullable because a received row holds only the fields that its agreement shares; what is
    required of an own row is a rule, checked before the append.
    """
    own = [pa.field(f.name, f.arrow_type) for f in contract.fields if f.name != VERSION_FIELD]
    return pa.schema([*own, *TECHNICAL])


class Shaper:
    """Brings batches of one run into the stored shape, lazily, and counts their rows.

    ``failure`` is the error that stopped the reader, as the library that drives the reader
    hands on no more than its text.
    """

    def __init__(self, contract: Contract, run: RunRecord, present: pa.Schema):
        self.schema = stored_schema(contract)
        self.run = run
        self.failure: HefuError | None = None
        for wanted in self.schema:
            index = present.get_field_index(wanted.name)
            if index >= 0 and not _same_type(present.field(index).type, wanted.type):
                raise _misfit(wanted.name, str(present.field(index).type), str(wanted.type))

    def reader(self, rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
        # `record_version` may be handed in; it is computed on reading.
        taken = {*self.schema.names, "_object", VERSION_FIELD}
        for name in rows.schema.names:
            if name not in taken:
                raise _misfit(name, str(rows.schema.field(name).type), "no such field")
        return pa.RecordBatchReader.from_batches(self.schema, self._batches(rows))

    def _batches(self, rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        try:
            count = 0
            for batch in rows:
                count += batch.num_rows
                yield self._shape(batch)
            if count != self.run.appended:
                # Raised inside the write, so nothing is committed.
                raise AccountingError(
                    Text(
                        en=f"{count} rows came to the lake, {self.run.appended} were accepted",
                        zh=f"应入湖 {self.run.appended} 行，实际 {count} 行",
                    ),
                    where=Where(file=self.run.stream_id),
                )
        except HefuError as error:
            self.failure = error
            raise

    def _shape(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.num_rows
        constants = {"_run_id": self.run.run_id, "_bundle_id": self.run.bundle_id}
        names = batch.schema.names
        columns: list[pa.Array] = []
        for field in self.schema:
            if field.name in constants:
                columns.append(pa.repeat(pa.scalar(constants[field.name], field.type), rows))
            elif field.name == "_object_digest" and "_object" in names:
                landed = pa.array(self.run.landed, pa.string())
                columns.append(landed.take(batch.column("_object")))
            elif field.name in names:
                columns.append(_cast(batch.column(field.name), field))
            else:
                columns.append(pa.nulls(rows, field.type))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _cast(column: pa.Array, field: pa.Field) -> pa.Array:
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _misfit(field.name, str(column.type), str(field.type)) from error


def _same_type(one: pa.DataType, other: pa.DataType) -> bool:
    if pa.types.is_list(one) and pa.types.is_list(other):
        return bool(one.value_type == other.value_type)  # the name of the item field is free
    return bool(one == other)


def _misfit(name: str, found: str, expected: str) -> ConfigError:
    return ConfigError(
        Text(
            en=f"column {name} does not fit the lake: {found}, expected {expected}",
            zh=f"字段 {name} 与数据湖不符：现为 {found}，应为 {expected}",
        ),
        where=Where(field=name),
        hint=Text(
            en="a field's type never changes within a record type; give a new field a new name",
            zh="同一记录类型中字段类型不得变更，请以新字段名新增",
        ),
    )
