"""Reading the contract that came with a partner's bundle, which may be newer than ours.

A newer contract may name a code list, a rule pack or a form of rule that this version does
not know. None of that is needed to read its rows: they are judged by our own rules, and our
own code lists. Types and classifications are needed, so those must be known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from schemas.codes import all_codes
from schemas.contract import Contract, parse_contract
from schemas.errors import ConfigError

_CODE_PROPERTIES = {"codeList", "codeListOpen", "codeListClosed"}


def parse_foreign(yaml_bytes: bytes) -> Contract:
    """The contract out of a bundle, whole if it can be read whole.

    Else without its rules and without the code lists that are not known here, so that a field
    of such a list is a plain text. ``yaml_bytes`` are kept as they came.

    Raises ``ConfigError`` if its fields can't be read, see :func:`parse_contract`.
    """
    try:
        return parse_contract(yaml_bytes)
    except ConfigError as error:
        reduced = _reduced(yaml_bytes)
        if reduced is None:
            raise
        try:
            return replace(parse_contract(reduced), yaml_bytes=yaml_bytes)
        except ConfigError:
            raise error from None


def _reduced(yaml_bytes: bytes) -> bytes | None:
    """The document without what a later version may have brought; None if it is no document."""
    import yaml

    from schemas.odcs import yaml_document

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    try:
        document = yaml_document(yaml_bytes)
        _drop(document, "customProperties", {"rulePack"})
        for table in document["schema"]:
            table.pop("quality", None)
            for field in table["properties"]:
                if _names_unknown_list(field):
                    _drop(field, "customProperties", _CODE_PROPERTIES)
        text: str = yaml.dump(document, Dumper=dumper, allow_unicode=True)
    except (ConfigError, yaml.YAMLError):
        return None
    except (AttributeError, KeyError, TypeError):
        return None  # not of the standard's shape
    return text.encode()


def _names_unknown_list(field: dict[str, Any]) -> bool:
    named = [p.get("value") for p in field.get("customProperties") or []
             if p.get("property") == "codeList"]  # fmt: skip
    return any(name not in all_codes() for name in named)


def _drop(holder: dict[str, Any], key: str, names: set[str]) -> None:
    if holder.get(key):
        holder[key] = [pair for pair in holder[key] if pair.get("property") not in names]
