"""A node's own rule packs: ``<node>/rules/<pack>.toml`` beside those of this package.

A node may write down what its city or county has decided: discretion tiers, lists of offences
that are let off, amounts. It may not take the name of an installed pack, nor speak for the whole
country. Where its pack is for the same division as an installed one, its rows go first.

What would be silently without effect is refused: a cause that no list knows, a number that no
rule asks for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.codes import canonical
from schemas.errors import ConfigError, Where
from schemas.rule_entries import (
    ENTRY_KINDS,
    Choice,
    CriminalSign,
    DiscretionTier,
    Entry,
    Exemption,
    ExemptionItem,
    HearingCondition,
    Parameter,
    PenaltyRange,
    SizeFine,
)
from schemas.rulepack import (
    NATIONAL,
    SUFFIX,
    RulePack,
    line_of_row,
    parse_rule_pack,
    rule_packs,
)
from schemas.text import Text

_VERSION = re.compile(r"[0-9A-Za-z._-]+")
#: Units that are counted one by one.
_WHOLE = re.compile(r"((natural|working) )?days|hours|kg|persons|times|years")


def load_rule_packs(folder: Path | str) -> tuple[RulePack, ...]:
    """The installed packs, then those of the TOML files in ``folder`` in order of name.

    Without the folder, or with an empty one, the very tuple of :func:`rule_packs`.

    Raises :class:`ConfigError` that names file and line: what :func:`parse_rule_pack` raises; a
    name that an installed pack has; no divisions; a division that another own pack has; a
    version that does not begin with the pack's name; a row with a code that is not in its list,
    with a number that no rule asks for, or with a number in another unit.
    """
    own: list[_Own] = []
    for path in sorted(Path(folder).glob(f"*{SUFFIX}")):
        text = _read(path)
        one = _Own(parse_rule_pack(text, path), text, path)
        _check_head(one)
        _check_divisions(one, own)
        problem = next(_problems_of_rows(one), None)
        if problem is not None:
            raise problem
        own.append(one)
    return (*rule_packs(), *(one.pack for one in own)) if own else rule_packs()


def own_packs(packs: Iterable[RulePack]) -> tuple[RulePack, ...]:
    """Those of ``packs`` that are not installed."""
    installed = {pack.name for pack in rule_packs()}
    return tuple(pack for pack in packs if pack.name not in installed)


@dataclass(frozen=True, slots=True)
class _Own:
    pack: RulePack
    text: str
    path: Path

    def line_of(self, key: str) -> int | None:
        """The line of a key at the top of the file."""
        lines = enumerate(self.text.splitlines(), 1)
        return next((n for n, line in lines if re.match(rf"\s*{key}\s*=", line)), None)

    def wrong_head(self, key: str, message: Text, hint: Text) -> ConfigError:
        where = Where(str(self.path), self.line_of(key), key)
        return ConfigError(message, where=where, hint=hint)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Text(en="the rule pack can't be read", zh="无法读取规则包"),
            where=Where(str(path)),
            hint=Text(en="save it as TOML in UTF-8", zh="请另存为 UTF-8 编码的 TOML"),
        ) from error


def _check_head(one: _Own) -> None:
    pack = one.pack
    if pack.name in {installed.name for installed in rule_packs()}:
        raise one.wrong_head(
            "name",
            Text(
                en=f"there is an installed rule pack {pack.name}",
                zh=f"已有名为 {pack.name} 的自带规则包",
            ),
            Text(
                en="give yours a name of its own; for the same divisions its rows go first",
                zh="请另起名称；行政区划相同的，以本单位规则包中的同类规定为准",
            ),
        )
    if not pack.divisions:
        raise one.wrong_head(
            "divisions",
            Text(
                en=f"rule pack {pack.name} has no divisions: only {NATIONAL} is for the "
                "whole country",
                zh=f"规则包 {pack.name} 没有写 divisions：只有 {NATIONAL} 适用于全国",
            ),
            Text(
                en='write the prefixes of its division codes, as divisions = ["9901"]',
                zh='请写明行政区划代码的前缀，例如 divisions = ["9901"]',
            ),
        )
    if not (pack.version.startswith(f"{pack.name}-") and _VERSION.fullmatch(pack.version)):
        raise one.wrong_head(
            "version",
            Text(
                en=f"the version of rule pack {pack.name} is to begin with {pack.name}- and to "
                "hold only letters, digits, dots and hyphens",
                zh=f"规则包 {pack.name} 的 version 应以 {pack.name}- 开头，"
                "只含字母、数字、点和连字符",
            ),
            Text(
                en=f"for instance {pack.name}-2026.11; records carry it beside those of "
                "the other packs",
                zh=f"例如 {pack.name}-2026.11；记录中与其他规则包的版本并列",
            ),
        )


def _check_divisions(one: _Own, others: Iterable[_Own]) -> None:
    for other in others:
        for division in one.pack.divisions:
            if division in other.pack.divisions:
                raise one.wrong_head(
                    "divisions",
                    Text(
                        en=f"{division} is a division of {other.path.name}, too: which of the "
                        "two goes first is not said",
                        zh=f"{other.path.name} 也写有行政区划 {division}，无法确定以哪一个为准",
                    ),
                    Text(
                        en="put the rows for one division into one pack",
                        zh="同一行政区划的规定请写在一个规则包中",
                    ),
                )


def _problems_of_rows(one: _Own) -> Iterator[ConfigError]:
    for kind in ENTRY_KINDS:
        for at, row in enumerate(one.pack.entries(kind)):
            place = _Place(one, kind, at)
            for key, written, known in _words(row):
                yield from _unknown(place, key, written, known)
            if isinstance(row, PenaltyRange | SizeFine | DiscretionTier):
                yield from _upside_down(place, row)
            if isinstance(row, Parameter):
                yield from _wrong_number(place, row)


def _words(row: Entry) -> Iterator[tuple[str, Iterable[str], Collection[str]]]:
    """Key, what the row writes there, and what may be written there."""
    match row:
        case PenaltyRange() | ExemptionItem() | CriminalSign():
            yield "causes", row.causes, _codes("case_cause")
        case DiscretionTier():
            yield "cause", (row.cause,), _codes("case_cause")
        case HearingCondition():
            yield "kinds", row.kinds, _codes("penalty_category")
        case Exemption():
            yield "ground", (row.ground,), _codes("non_penalty_basis")
            yield "decision_type", (row.decision_type,), _codes("decision_type")
        case Choice():
            readings = {choice.name: choice for pack in rule_packs() for choice in pack.choices}
            yield "name", (row.name,), readings
            yield "value", (row.value,), readings[row.name].options
        case Parameter():
            yield "name", (row.name,), _asked()


def _asked() -> dict[str, Parameter]:
    """The numbers that rules ask for, as some installed pack has them."""
    return {number.name: number for pack in rule_packs() for number in pack.parameters}


def _codes(name: str) -> frozenset[str]:
    return frozenset(row.code for row in canonical(name))


@dataclass(frozen=True, slots=True)
class _Place:
    """The ``at``-th row of a kind in a pack."""

    one: _Own
    kind: type[Entry]
    at: int

    def wrong(self, key: str, message: Text, hint: Text) -> ConfigError:
        line = line_of_row(self.kind, self.at, self.one.text)
        where = Where(str(self.one.path), line, f"{self.kind.TABLE}.{key}")
        return ConfigError(message, where=where, hint=hint)


def _unknown(
    place: _Place, key: str, written: Iterable[str], known: Collection[str]
) -> Iterator[ConfigError]:
    from schemas.contract import did_you_mean

    for value in written:
        if value not in known:
            yield place.wrong(
                key,
                Text(
                    en=f"nothing knows {value!r} as {key} of a {place.kind.TABLE}: the row "
                    "would have no effect",
                    zh=f"{place.kind.TABLE} 的 {key} 不能为 {value!r}，这样的行不会起作用",
                ),
                did_you_mean(value, known)
                or Text(
                    en="hefu rules list shows the names of rules, the data dictionary the codes",
                    zh="规则名称见 hefu rules list，代码见数据字典",
                ),
            )


def _upside_down(
    place: _Place, row: PenaltyRange | SizeFine | DiscretionTier
) -> Iterator[ConfigError]:
    if row.min_cny > row.max_cny:
        yield place.wrong(
            "min_cny",
            Text(en="min_cny is greater than max_cny", zh="min_cny 大于 max_cny"),
            Text(en="exchange the two", zh="请核对上下限"),
        )


def _wrong_number(place: _Place, number: Parameter) -> Iterator[ConfigError]:
    installed = _asked()[number.name]
    if number.unit != installed.unit:
        yield place.wrong(
            "unit",
            Text(
                en=f"{number.name} is in {installed.unit}, not {number.unit}",
                zh=f"{number.name} 的单位（unit）应为 {installed.unit}，不是 {number.unit}",
            ),
            Text(
                en=f'write unit = "{installed.unit}", unit_zh = "{installed.unit_zh}"',
                zh=f'请写 unit = "{installed.unit}"、unit_zh = "{installed.unit_zh}"，并换算数值',
            ),
        )
    whole = _WHOLE.match(installed.unit) is not None
    if number.value < 0 or (whole and number.value != number.value.to_integral_value()):
        yield place.wrong(
            "value",
            Text(
                en=f"{number.name} can't be {number.value} {number.unit}",
                zh=f"{number.name} 的数值不能为 {number.value}",
            ),
            Text(
                en=f"write a {'whole ' if whole else ''}number that is not negative",
                zh=f"请写不小于零的{'整数' if whole else '数'}",
            ),
        )
