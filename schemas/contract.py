"""What a record is: one data contract per record type, in the Open Data Contract Standard.

The YAML files in ``schemas/contracts`` are the source of truth. From them come the Arrow
schema, the casts, the checks, the data dictionary and the field lists of agreements, and
their exact bytes travel in bundles. Beyond the standard's own keys we use:

- tags of a property: ``envelope``, ``technical`` (always in a bundle), ``filled-by-node`` (a
  mapping may not give it), ``node-default`` (the node fills it where the mapping does not),
  ``derived`` (made from what the source gave, so it is content, but no mapping may give it),
- custom properties of a property: ``labelEn``, ``noteZh`` (what the Chinese label leaves open),
  ``source`` (law or standard), ``codeList``
  (a file of ``schemas/codes``), ``codeListOpen`` (we hold a standard's own list in part, so a
  value outside it stays), ``codeListClosed`` (the node decides by it, so a value outside it is
  refused),
- quality rules of type ``sql`` whose query is ``SELECT COUNT(*) FROM {object} WHERE …``; what
  follows WHERE is true for a row that breaks the rule. It may call the macros of
  ``schemas/macros.sql`` and name ``{parameters}`` of the rule pack; ``datedBy`` says which
  field's date decides which value of a parameter holds.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

    from schemas.law.calendar import Calendar
    from schemas.rulepack import RulePack

Classification = Literal["public", "internal", "personal", "sensitive"]
CLASSIFICATIONS: tuple[Classification, ...] = ("public", "internal", "personal", "sensitive")
CodeMode = Literal["translated", "open", "closed"]
RuleKind = Literal["type", "required", "code", "pattern", "range", "length", "sql"]
Severity = Literal["hard", "soft"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record: a column of its table.

    ``code_mode`` says what becomes of a value outside the code list: it becomes ``unmapped``
    and its text is kept in ``raw_values`` (translated), it stays (open), or the row goes into
    quarantine (closed). Without a code list it means nothing.
    """

    name: str
    label_zh: str
    label_en: str
    description: str
    note_zh: str
    logical_type: str
    duckdb_type: str
    required: bool
    classification: Classification
    code_list: str | None
    code_mode: CodeMode
    examples: tuple[str, ...]
    source: str
    envelope: bool
    technical: bool
    filled_by_node: bool
    node_default: bool
    derived: bool
    limits: Mapping[str, Any]

    @property
    def arrow_type(self) -> pa.DataType:
        """The column's type in Arrow, Parquet and Delta."""
        from schemas.types import arrow_type

        return arrow_type(self.duckdb_type)


@dataclass(frozen=True, slots=True)
class Rule:
    """One check of one row. ``violation_sql`` is TRUE for a row that breaks it; NULL is not."""

    rule_id: str
    kind: RuleKind
    severity: Severity
    fields: tuple[str, ...]
    violation_sql: str
    params: Mapping[str, Any]
    message: Text
    hint: Text
    source: str


@dataclass(frozen=True)
class Contract:
    """A record type: its fields in order, and what its rows must satisfy."""

    record_type: str
    version: str
    label: Text
    description: str
    fields: tuple[Field, ...]
    declared: tuple[Rule, ...]
    yaml_bytes: bytes
    note_zh: str = ""

    def field(self, name: str) -> Field:
        """The field of that name. Raises :class:`ConfigError` that names the nearest one."""
        try:
            return self._by_name[name]
        except KeyError:
            raise ConfigError(
                Text(
                    en=f"{self.record_type} has no field {name}",
                    zh=f"{self.label.zh}没有字段 {name}",
                ),
                hint=did_you_mean(name, self._by_name),
            ) from None

    def names(self) -> tuple[str, ...]:
        """Names of all fields, in order."""
        return tuple(self._by_name)

    def content_fields(self) -> tuple[Field, ...]:
        """The fields that the source answers for, derived ones too: all that is hashed."""
        return tuple(f for f in self.fields if not f.filled_by_node)

    def givable_fields(self) -> tuple[Field, ...]:
        """The fields that a mapping may give: content that is not derived."""
        return tuple(f for f in self.content_fields() if not f.derived)

    def arrow_schema(self, names: Sequence[str] | None = None) -> pa.Schema:
        """Arrow schema of all fields, or of ``names``, always in the contract's order."""
        import pyarrow as pa

        wanted = set(self._by_name if names is None else [self.field(n).name for n in names])
        return pa.schema([pa.field(f.name, f.arrow_type) for f in self.fields if f.name in wanted])

    def rules(
        self,
        names: Collection[str] | None = None,
        packs: Iterable[RulePack] | None = None,
        calendar: Calendar | None = None,
    ) -> tuple[Rule, ...]:
        """Generated rules, then declared ones, then those of the law; ids are unique.

        Without ``names``: the rules for a candidate row, which has ``_uncast``. With ``names``:
        those that a row projected to these fields can be checked by, for a receiver's re-check.
        ``packs``, ``calendar``: the law and the working days to judge by, as a node has them
        (``Node.rules``); without them what is installed.
        """
        from schemas.generated_rules import generated_rules
        from schemas.law.record_rules import law_rules

        judged = (*self.declared, *law_rules(self, packs, calendar))
        if names is None:
            return (*generated_rules(self, projected=False), *judged)
        known = set(names)
        return tuple(
            rule
            for rule in (*generated_rules(self, projected=True, names=known), *judged)
            if known.issuperset(rule.fields)
        )

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {f.name: f for f in self.fields}


def did_you_mean(name: str, among: Collection[str]) -> Text | None:
    """A hint with the nearest of the names that exist, or None if none is near."""
    near = difflib.get_close_matches(name, list(among), n=1, cutoff=0.6)
    if not near:
        return None
    return Text(en=f"did you mean {near[0]}?", zh=f"是否要写 {near[0]}？")


def record_types() -> tuple[str, ...]:
    """The record types there are contracts for."""
    names = (entry.name for entry in files("schemas").joinpath("contracts").iterdir())
    return tuple(sorted(n.removesuffix(SUFFIX) for n in names if n.endswith(SUFFIX)))


SUFFIX = ".odcs.yaml"


@cache
def load_contract(record_type: str) -> Contract:
    """The contract of a record type. Raises :class:`ConfigError` if there is none."""
    if record_type not in record_types():
        raise ConfigError(
            Text(
                en=f"there is no contract for record type {record_type}",
                zh=f"没有记录类型 {record_type} 的数据标准",
            ),
            hint=did_you_mean(record_type, record_types())
            or Text(
                en=f"record types: {', '.join(record_types())}",
                zh=f"可用的记录类型：{'、'.join(record_types())}",
            ),
        )
    path = files("schemas").joinpath("contracts", record_type + SUFFIX)
    return parse_contract(path.read_bytes())


def parse_contract(yaml_bytes: bytes) -> Contract:
    """A contract from the bytes of its file, for instance out of a bundle.

    Raises :class:`ConfigError` if they are not YAML, not of the standard, or use something
    that this version does not know (a type, a code list, a parameter of the rule pack).

    The declared rules of a contract out of a bundle are its sender's SQL: show them, compare
    them, but check the rows with the receiver's own contract.
    """
    from schemas.odcs import read_contract

    return read_contract(yaml_bytes)


def unreadable(problem: Text) -> ConfigError:
    """The error of a contract that can't be used."""
    return ConfigError(problem, where=Where(file="contract"))
